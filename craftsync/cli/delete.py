"""`craftsync delete`: the two deletes of the platform by name, with the same proof and audit."""

import shlex
from collections.abc import Mapping, Sequence

import click
from sqlalchemy import Connection

from craftsync.app import App
from craftsync.cli import choice, consent, counts, formats, options, outcomes, say, streams
from craftsync.cli.formats import How
from craftsync.errors import Partial, Refused, Usage, worst
from craftsync.purge.job import Outcome
from craftsync.purge.planning import facts
from craftsync.purge.policy import Facts, Reason, hindrance
from craftsync.query import runs as query
from craftsync.records import Key
from craftsync.store import audit, erasable, read
from craftsync.store.environments import EnvironmentRow

_EXECUTIONS = {"execution_id": "text", "outcome": "text"}
_DEPLOYMENT = {"name": "text", "execution_rule": "text", "executions_deleted": "bigint"}
_SHOWN = 5


@click.group()
def delete() -> None:
    """Delete executions or a deployment upstream, proved to be here."""


@delete.command()
@options.app
@click.argument("ids", nargs=-1, required=True, metavar="ID…")
@options.environment
@consent.yes_environment
@options.printing
@click.pass_context
def execution(
    ctx: click.Context,
    /,
    app: App,
    *,
    ids: tuple[str, ...],
    environment: str | None,
    yes_environment: str | None,
    how: How,
) -> None:
    """Delete executions upstream, also the newest and the only one of a pipeline.

    Example: craftsync delete execution churn-score-8f2c --yes-environment prod

    What is running, not held whole, unsettled or protected is named and kept. Here they stay. Ends
    with 0 when all are deleted, 2 for an unknown id, 3 when some were kept, failed or are in
    doubt, 4 when refused before the first call; else as `purge apply` does.
    """
    app.require_purge()
    ids = tuple(dict.fromkeys(ids))
    with app.reading() as conn:
        where = _where(app, conn, environment, ids)
        outcomes.warn_of_unknown_protection(conn, app.protection(), where)
        born = {name: _key_of(conn, name, where) for name in ids}
        live = erasable.named_executions(conn, where.key, set(born.values()))
        protection = app.protection()
        kept: dict[str, Reason] = {}
        chosen: list[Facts] = []
        for one in facts(live.values()):
            reason = hindrance(one, protection=protection)
            if reason is None:
                chosen.append(one)
            else:
                kept[one.key.execution_id] = reason
        made = app.planning(conn, where).of_executions(sorted(chosen, key=lambda one: one.key))
        in_doubt = bool(audit.open_tries(conn, where.key))
        outcomes.warn_of_a_broken_chain(conn, where)
    for name, reason in kept.items():
        say.problem(f"execution {name}: kept: {reason}")
    if kept and not chosen:
        raise Refused(
            f"{_named(list(kept))} may not be deleted ({', '.join(sorted(set(kept.values())))}):"
            " nothing was deleted.",
            hint=f"craftsync sync --env {where.name}",
        )
    told = dict.fromkeys(born, "already_gone") | {name: str(why) for name, why in kept.items()}
    code = Partial.exit_code if kept else 0
    if chosen or in_doubt:
        if chosen:
            consent.require(
                where.name,
                f"{len(chosen):,} executions of {where.name}",
                consent=yes_environment,
                line=_line("execution", *ids, environment=environment),
            )
        report = app.erase(made, listener=outcomes.listener())
        outcomes.tell(report)
        told |= {
            one.item.key.execution_id: str(one.outcome or "not tried") for one in report.results
        }
        code = worst([code, report.exit_code])
    _print(_EXECUTIONS, [(name, told[name]) for name in ids], how)
    ctx.exit(code)


@delete.command()
@options.app
@click.argument("name")
@options.environment
@click.option(
    "--expect-executions",
    type=counts.Within(min=0),
    metavar="N",
    help="How many executions go with it. Needed where there is no terminal.",
)
@consent.yes_environment
@options.printing
@click.pass_context
def deployment(
    ctx: click.Context,
    /,
    app: App,
    *,
    name: str,
    environment: str | None,
    expect_executions: int | None,
    yes_environment: str | None,
    how: How,
) -> None:
    """Delete a deployment upstream, and with it all its executions.

    Example: craftsync delete deployment churn-hourly --expect-executions 214

    Refused unless every one of them is proved to be here. Here they all stay. Ends with 0 when it
    is deleted, 2 for an unknown name, 3 when it failed or is in doubt, 4 when refused; else as
    `purge apply` does.
    """
    app.require_purge()
    with app.reading() as conn:
        where = app.environment_held(conn, environment)
        outcomes.warn_of_unknown_protection(conn, app.protection(), where)
        row = query.deployment(conn, name, query.Pick(where.name)).row
        found = erasable.live_deployment(conn, where.key, name)
        if found is None:
            say.note(f"The deployment {name} is gone upstream already.")
            _print(_DEPLOYMENT, [(name, row["execution_rule"], 0)], how)
            return
        its = facts(erasable.executions_of(conn, where.key, found.incarnation))
        _require_all(app, name, found.pipeline_name, its, where)
        made = app.planning(conn, where).of_deployment(found, its)
        outcomes.warn_of_a_broken_chain(conn, where)
    number = ("--expect-executions", str(len(its)))
    line = _line("deployment", name, *number, environment=environment)
    if expect_executions is None and not consent.is_attended():
        raise Refused(
            f"The deployment {name} has {len(its):,} executions, which go with it: nothing was"
            " deleted.",
            hint=f"{line} --yes-environment {where.name}",
        )
    if expect_executions not in (None, len(its)):
        raise Refused(
            f"The deployment {name} has {len(its):,} executions, not {expect_executions:,}:"
            " nothing was deleted.",
            hint=line if yes_environment is None else f"{line} --yes-environment {where.name}",
        )
    consent.require(
        where.name,
        f"the deployment {name} with its {len(its):,} executions",
        consent=yes_environment,
        line=line,
    )
    report = app.erase(made, listener=outcomes.listener())
    outcomes.tell(report)
    is_ours = any(one.outcome is Outcome.DELETED for one in report.results)
    gone = len(its) if is_ours else 0
    _print(_DEPLOYMENT, [(name, found.execution_rule, gone)], how)
    ctx.exit(report.exit_code)


def _where(
    app: App, conn: Connection, environment: str | None, ids: Sequence[str]
) -> EnvironmentRow:
    """Return the environment that all of these executions are in."""
    names = [environment] if environment else read.environment_names(conn)
    if len(names) > 1:
        those = {query.execution(conn, name, query.Pick()).row["environment"] for name in ids}
        names = sorted(those)
    if len(names) > 1:
        raise Usage(
            f"These executions are in several environments: {', '.join(names)}.",
            hint=f"Add --env {names[0]}",
        )
    return app.environment_held(conn, names[0] if names else None)


def _key_of(conn: Connection, execution_id: str, where: EnvironmentRow) -> Key:
    """Return the newest execution of that id; where nothing is held, nothing may be deleted."""
    if not erasable.live_counts(conn, where.key):
        raise Refused(
            f"The store holds no execution of {where.name} that is there upstream, and nothing"
            " that is not held may be deleted.",
            hint=f"craftsync sync --env {where.name}",
        )
    chosen = query.execution(conn, execution_id, query.Pick(where.name))
    choice.tell("execution", execution_id, chosen)
    return Key(chosen.row["execution_id"], chosen.row["created_at"])


def _require_all(
    app: App, name: str, pipeline_name: str | None, its: Sequence[Facts], where: EnvironmentRow
) -> None:
    """Refuse a deployment that is protected, or of which an execution may not go; name these."""
    protection = app.protection()
    if protection.covers(pipeline_name, name):
        raise Refused(
            f"The deployment {name} is protected: nothing was deleted.",
            hint="Take it out of protect_deployments or protect_pipelines under [purge].",
        )
    kept = {
        one.key.execution_id: reason
        for one in sorted(its, key=lambda one: one.key)
        if (reason := hindrance(one, protection=protection))
    }
    for execution_id, reason in kept.items():
        say.problem(f"execution {execution_id}: kept: {reason}")
    if kept:
        raise Refused(
            f"The deployment {name} would take {_named(list(kept))} along, which may not be"
            f" deleted ({', '.join(sorted(set(kept.values())))}): nothing was deleted.",
            hint=f"craftsync sync --env {where.name}",
        )


def _line(kind: str, *words: str, environment: str | None) -> str:
    """Return the command as it can be typed again."""
    where = [] if environment is None else ["--env", environment]
    return shlex.join(["craftsync", "delete", kind, *words, *where])


def _named(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more:,} more" if more > 0 else "")


def _print(columns: Mapping[str, str], told: Sequence[tuple[object, ...]], how: How) -> None:
    with streams.after_work():
        formats.rows(columns, told, **how)
