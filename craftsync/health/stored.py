"""What is in the store: its schema, whether it is whole, what its books tell of the last runs."""

import shlex
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any, TypeAlias

import humanize
from sqlalchemy import URL, Connection

from craftsync.errors import BadSettings, StoreUnusable
from craftsync.health.findings import Finding, ok, or_ok, problem, warning
from craftsync.purge import protected
from craftsync.purge.policy import Protection
from craftsync.settings import Environment
from craftsync.store import checkup, engine, faults, revisions, schema
from craftsync.store.checkup import Books

Reading: TypeAlias = Callable[[], AbstractContextManager[Connection]]

STALE = timedelta(days=1)
_SHOWN = 3  # of many: the relation has them all


def revision(url: URL) -> Generator[Finding, None, bool]:
    """Find the store and its schema; return whether it can be read."""
    place = engine.place(url)
    try:
        found = schema.current(url)
    except (StoreUnusable, BadSettings) as fault:
        yield _unusable("store", fault)
        return False
    if found is None:
        yield warning("store", f"There is no store at {place} yet.", faults.CREATE)
        return False
    yield ok("store", f"There is one: {place}.")
    try:
        revisions.require(found, place)
    except StoreUnusable as fault:
        is_newer = found not in revisions.known()
        tell = problem if is_newer else warning
        yield tell("schema", str(fault), fault.hint or faults.WHERE)
        return False
    yield ok("schema", f"It is at revision {found}, the newest.")
    return True


def books(
    url: URL,
    configured: Mapping[str, Environment],
    ids: Mapping[str, str | None],
    reading: Reading,
    *,
    protection: Protection,
    busy: bool,
    now: datetime,
) -> Iterator[Finding]:
    """Read the store through, and judge what stands in its books.

    `ids` are what the environments say they are; `protection` has the names of which nothing is to
    be deleted; `busy` is whether a craftsync may be at work now.
    """
    place = engine.place(url)
    try:
        with reading() as connection:
            damage = checkup.damage(connection)
            found = checkup.books(connection)
            unknown = list(protected.unknown(connection, protection)) if found else []
    except StoreUnusable as fault:
        yield _unusable("integrity", fault)
        return
    told = (_unusable("integrity", faults.damaged(place, flaw)) for flaw in damage)
    yield from or_ok(told, "integrity", "Every page and every reference is whole.")
    for name in configured:
        yield from judge(
            found.get(name) or Books(name, None, None), ids.get(name), busy=busy, now=now
        )
    for name in sorted(found.keys() - configured.keys()):
        if configured:
            yield ok("run", f"{name}: in the store, but not configured: it stays as it is.")
        yield from _deletes(found[name], busy=busy)
    if found and (protection.pipelines or protection.deployments):
        # The settings are those of all environments: a name need not be in each of them.
        told = (warning("protection", one.sentence, one.hint) for one in unknown)
        yield from or_ok(told, "protection", "Every protected name is one that was held.")


def judge(held: Books, upstream_id: str | None, *, busy: bool, now: datetime) -> Iterator[Finding]:
    """Judge one environment by its books; `upstream_id` is what it says it is, if it said so."""
    yield from _identity(held, upstream_id)
    yield _last_run(held, busy=busy, now=now)
    yield from _failures(held)
    yield from _deletes(held, busy=busy)


def _identity(held: Books, upstream_id: str | None) -> Iterator[Finding]:
    name, known = held.environment, held.upstream_id
    if not known or not upstream_id:
        return
    if known == upstream_id:
        yield ok("identity", f"{name}: it is the environment that was mirrored.")
        return
    yield problem(
        "identity",
        f"{name}: upstream says {upstream_id}, the store knows {known}: another environment.",
        f"Check its url, or if it is meant to be: craftsync sync --env {name}"
        f" --accept-environment {shlex.quote(upstream_id)}",
    )


def _last_run(held: Books, *, busy: bool, now: datetime) -> Finding:
    name, run = held.environment, held.last_run
    again = f"craftsync sync --env {name}"
    if run is None:
        return warning("run", f"{name}: never mirrored.", again)
    told = f"{name}: the last run, {_ago(run['started_at'], now)}, "
    why = f": {run['error']}" if run["error"] else ""
    if run["outcome"] == "running":
        if busy:
            return ok("run", f"{told}is at work.")
        return warning("run", f"{told}ended without a word: its process is gone.", again)
    if run["outcome"] == "failed":
        return problem("run", f"{told}failed{why}", again)
    if run["outcome"] != "complete":
        return warning("run", f"{told}was {run['outcome']}{why}.", again)
    if held.last_complete_at is None or now - held.last_complete_at > STALE:
        since = "never" if held.last_complete_at is None else _ago(held.last_complete_at, now)
        return warning(
            "run", f"{name}: mirrored completely {since}.", f"craftsync schedule cron --env {name}"
        )
    return ok("run", f"{told}was complete.")


def _failures(held: Books) -> Iterator[Finding]:
    if not held.failures:
        yield ok("failures", f"{held.environment}: everything seen could be read.")
        return
    yield warning(
        "failures",
        f"{held.environment}: {_some(held.failures, _failure)}",
        f"craftsync sync --env {held.environment}",
    )


def _deletes(held: Books, *, busy: bool) -> Iterator[Finding]:
    name = held.environment
    for flaw in held.audit_flaws:
        yield problem(
            "audit",
            f"{name}: the chain of what was deleted is broken: {flaw}.",
            f"Compare with a backup: craftsync purge history --env {name}",
        )
    in_doubt = [row for row in held.open_deletes if row["outcome"] is not None or not busy]
    if in_doubt:
        yield problem(
            "deletes",
            f"{name}: nobody knows how these deletes ended: {_some(in_doubt, _delete)}",
            f"To look, and to delete what is there still: craftsync delete {in_doubt[0]['kind']}"
            f" {shlex.quote(in_doubt[0]['object_id'])} --env {name}",
        )
    else:
        yield ok("deletes", f"{name}: the end of every delete is known.")


def _some(rows: list[dict[str, Any]], tell: Callable[[dict[str, Any]], str]) -> str:
    shown = "; ".join(tell(row) for row in rows[:_SHOWN])
    more = len(rows) - _SHOWN
    return f"{shown}; and {more:,} more" if more > 0 else shown


def _failure(row: dict[str, Any]) -> str:
    words = [row["object_kind"], row["object_id"], row["part"]]
    return f"{' '.join(word for word in words if word)}: {row['error']}"


def _delete(row: dict[str, Any]) -> str:
    return f"{row['kind']} {row['object_id']}"


def _ago(moment: datetime, now: datetime) -> str:
    return f"{humanize.naturaldelta(now - moment)} ago"


def _unusable(check: str, fault: StoreUnusable | BadSettings) -> Finding:
    return problem(check, str(fault), fault.hint or faults.WHERE)
