"""`craftsync verify`: what the platform shows now against what the store holds."""

import re
import shlex
from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import chain

import click
from sqlalchemy import Connection

from craftsync import times
from craftsync.app import App
from craftsync.cli import formats, options, say
from craftsync.cli.formats import How
from craftsync.errors import CraftsyncError, Partial, worst
from craftsync.query import runs as query
from craftsync.settings import Environment
from craftsync.store import read
from craftsync.store.chosen import Candidate
from craftsync.sync.sampling import Sample
from craftsync.sync.verify import Cause, Verification

_COLUMNS = {"environment": "text", "execution_id": "text", "part": "text", "drift": "text"}
_DEFAULT = Fraction(2, 100)
_NAMED = 3  # executions that a hint names; of more it says how to find them all


def _read_share(_: click.Context, __: click.Parameter, value: str | None) -> Fraction | None:
    """Read `0.5%`: more than nothing, and no more than all."""
    if value is None:
        return None
    found = re.fullmatch(r"(\d{1,3}(?:\.\d{1,9})?) ?%", value.strip(), re.ASCII)
    share = Fraction(found[1]) / 100 if found else Fraction(0)
    if not 0 < share <= 1:
        raise click.BadParameter(f"{value!r} is no share, as 2%, 0.5% or 100% are.")
    return share


@click.command()
@options.app
@options.environment
@click.option(
    "--sample",
    "share",
    metavar="SHARE",
    callback=_read_share,
    help="Compare so much of what is settled, drawn at random, as 0.5%."
    " Default: 2%, and one execution at least.",
)
@click.option(
    "--execution",
    "ids",
    multiple=True,
    metavar="ID",
    help="Compare this execution, settled or not; repeat for more. Default: a sample.",
)
@click.option(
    "--repair",
    is_flag=True,
    help="Save what differs as upstream shows it now, and compare that once more."
    " Default: nothing is written.",
)
@options.printing
@click.pass_context
def verify(
    ctx: click.Context,
    /,
    app: App,
    *,
    environment: str | None,
    share: Fraction | None,
    ids: tuple[str, ...],
    repair: bool,
    how: How,
) -> None:
    """Fetch executions again and compare them with the store.

    Example: craftsync verify --sample 2%

    What differs is a row a part; what the store does not hold is not compared. Nothing is written,
    but with --repair, which fetches executions that differ once more, saves them whole as a sync
    does, and compares them again; one that is gone upstream is left to a sync. An environment that
    cannot be asked is named, and the others are compared.

    What differs is said with the line that mends it: a sync --full takes over what changed
    upstream, --repair writes anew what is damaged here.

    Ends with 0 when nothing differs, or all of it is repaired; 3 when something does or could not
    be read; 2 for an unknown id (the nearest are named), 4 when the environment is another one
    than was mirrored, 6 for settings and credentials, 7 when the platform cannot be reached, 8
    when the store cannot be used, 75 when another craftsync is at work and --repair has to wait.
    """
    if ids and share is not None:
        raise click.UsageError("--sample and --execution exclude each other.")
    chosen: Sample | Sequence[int] = Sample(share or _DEFAULT, times.epoch_ms(app.now()))
    with app.reading() as conn:
        if ids:
            executions = _named(conn, ids, environment)
            chosen = [one.key for one in executions]
            names = {one.row["environment"] for one in executions}
            environments = [app.settings.environment(name) for name in sorted(names)]
        else:
            environments = _environments(app, conn, environment)
    with app.verification(environments, chosen) as found:
        rows = found.rows(lambda done, of: say.progress(f"{done:,} of {of:,} compared"))
        first = next(rows, None)
        named = _name(found)
        if len(found.unable) == len(environments):
            ctx.exit(named)
        if first is not None or not _is_silent(how):
            how["wrap"] = True
            formats.rows(_COLUMNS, chain([first] if first else [], rows), **how)
    _tell(found, repair=repair)
    drifted = found.drifted
    if repair and drifted:
        able = [one for one in environments if one.name not in found.unable]
        drifted = _repair(app, able, found)
    ctx.exit(worst([named, Partial.exit_code if drifted else 0]))


def _name(found: Verification) -> int:
    """Name the environments that could not be compared; return the code that they end with."""
    for name, flaw in found.unable.items():
        say.failure(CraftsyncError(f"{name}: {flaw}", hint=flaw.hint))
    return worst(flaw.exit_code for flaw in found.unable.values())


def _repair(app: App, environments: Sequence[Environment], found: Verification) -> int:
    """Repair what can be; return how many executions still differ, after naming them."""
    left = found.drifted - len(found.mendable)
    mended = {one.execution_key for one in found.mendable}
    causes = {
        cause: [one for one in ones if one.execution_key not in mended]
        for cause, ones in found.causes.items()
    }
    if found.mendable:
        app.repair(environments, found.mendable)
        keys = [one.execution_key for one in found.mendable]
        with app.verification(environments, keys) as again:
            for drift in again.rows():
                what = f"{drift.execution_id} {drift.part}".rstrip()
                say.problem(f"Not repaired: {what}: {drift.drift}")
        _name(again)
        left += again.drifted + len(keys) - again.compared
        for cause, ones in again.causes.items():
            causes[cause] = [*causes.get(cause, ()), *ones]
    repaired = found.drifted - left
    if left:
        say.warning(f"{repaired:,} repaired, {left:,} not.", hint=_hint(causes))
    else:
        say.note(f"{repaired:,} repaired: nothing differs any more.")
    return left


def _hint(causes: Mapping[Cause, Sequence[Candidate]]) -> str:
    """Say what to type: a sync takes over a change, and leaves alone what is damaged here."""
    damaged = [one for one in causes.get(Cause.DAMAGED, ()) if not one.gone]
    said = []
    if damaged:
        said.append(f"To write anew what is damaged here: {_repairing(damaged)}")
    if len(damaged) < len(causes.get(Cause.DAMAGED, ())):
        said.append("What is damaged here and gone upstream is whole in a backup alone")
    if causes.get(Cause.CHANGED):
        named = _env_of(causes[Cause.CHANGED])
        said.append(f"To take over what upstream shows: craftsync sync --full{named}")
    elif causes.get(Cause.GONE):
        named = _env_of(causes[Cause.GONE])
        said.append(f"To note what is gone upstream: craftsync sync{named}")
    if causes.get(Cause.UNREAD):
        said.append("What could not be read can be compared later")
    return "; ".join(said)


def _env_of(ones: Sequence[Candidate]) -> str:
    return "".join(f" --env {name}" for name in sorted({one.environment for one in ones}))


def _repairing(ones: Sequence[Candidate]) -> str:
    """Return the command that repairs these; a sample of them all where they are too many."""
    words = ["craftsync", "verify", "--repair"]
    if len({one.environment for one in ones}) == 1:
        words += ["--env", ones[0].environment]
    if len(ones) > _NAMED:
        return shlex.join([*words, "--sample", "100%"])
    return shlex.join([*words, *(w for one in ones for w in ("--execution", one.key.execution_id))])


def _is_silent(how: How) -> bool:
    """Whether a table without rows is left out: for cron, which mails what is printed."""
    return say.manner.quiet and how["format"] == "table" and how["output"] is None


def _named(conn: Connection, ids: Sequence[str], environment: str | None) -> list[query.Chosen]:
    """Find the executions of these ids, in order of time; say what is odd about them."""
    found: dict[int, query.Chosen] = {}
    for name in ids:
        one = query.execution(conn, name, query.Pick(environment))
        if one.others:
            born = times.utc_text(one.row["created_at"])
            say.note(f"{name} was there before; this is the newest, created at {born}.")
        if one.row["gone_at"] is not None:
            say.warning(f"{name} is gone upstream: only its stored bytes are looked at.")
        found[one.key] = one
    return sorted(found.values(), key=lambda one: (one.row["created_at"], one.row["execution_id"]))


def _environments(app: App, conn: Connection, name: str | None) -> list[Environment]:
    """Return the environment of that name; without one, all that are configured and mirrored."""
    asked = [name] if name is not None else []
    configured = app.settings.environments_to_use(asked, all_envs=not asked)
    held = set(read.environment_names(conn))
    mirrored = [one for one in configured if one.name in held]
    if not mirrored:
        query.known_environment(conn, configured[0].name)  # tells which ones there are
    return mirrored


def _tell(found: Verification, *, repair: bool) -> None:
    """Say on stderr how much was compared, and what to type where something differs."""
    compared = f"{found.compared:,} {'execution' if found.compared == 1 else 'executions'}"
    if found.drifted:
        said = f"{compared} compared, {found.drifted:,} with a difference."
        say.note(said) if repair else say.warning(said, hint=_hint(found.causes))
    elif found.compared:
        say.note(f"{compared} compared: nothing differs.")
    else:
        say.note("The store holds no settled execution: nothing was compared.")
