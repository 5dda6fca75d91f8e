"""What is wrong, and what to type: every check of `doctor`, in the order in which to mend things.

It never changes anything, and it goes on where a command would end: what a check raises is a
finding. A check that needs what an earlier one missed is left out.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from craftsync.errors import BadSettings
from craftsync.health import machine, reach, setup, stored
from craftsync.health.findings import Finding, State, problem, warning
from craftsync.health.reach import Clock, Open
from craftsync.health.stored import Reading
from craftsync.purge.policy import Protection
from craftsync.settings import Settings
from craftsync.store import engine

__all__ = ["Finding", "State", "examine"]


def examine(
    settings: Settings,
    flaws: Sequence[BadSettings],
    environ: Mapping[str, str],
    *,
    now: Clock,
    platform: Open,
    reading: Reading,
) -> Iterator[Finding]:
    """Look at settings, credentials, platform, store and disk, one finding after the other.

    `flaws` are what was wrong with settings that were read as far as they could be. `platform`
    opens an environment with a token, `reading` the store.
    """
    yield from setup.settings_in_force(settings, flaws)
    yield from setup.redaction(settings)
    ids: dict[str, str | None] = {}
    for environment in settings.environments.values():
        token = yield from setup.token(environment, environ)
        ids[environment.name] = yield from reach.visit(environment, token, platform, now=now)
    if flaws and settings.sources["store"].source == "default":
        yield warning(
            "store",
            "Not looked at: the settings that cannot be read may say where it is.",
            "Mend them, then: craftsync doctor",
        )
        return
    yield from _store(settings, ids, now=now(), reading=reading)


def _store(
    settings: Settings, ids: Mapping[str, str | None], *, now: datetime, reading: Reading
) -> Iterator[Finding]:
    try:
        url = engine.address(settings.store)
    except BadSettings as flaw:
        yield problem("store", str(flaw), flaw.hint or setup.MEND)
        return
    path = engine.path_of(url)
    busy = True  # on a server nobody can tell
    usable = yield from stored.revision(url)
    if path is not None:
        path = os.path.realpath(path)  # its log and its lock lie beside the file itself
        yield from machine.files(path)
        yield from machine.disk(path)
        yield from machine.write_ahead_log(path)
        busy = yield from machine.lock(path)
    if usable:
        yield from stored.books(
            url,
            settings.environments,
            ids,
            reading,
            protection=Protection(
                settings.purge.protect_pipelines, settings.purge.protect_deployments
            ),
            busy=busy,
            now=now,
        )
