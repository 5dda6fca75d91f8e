"""What the user has set, and where: flag > variable > ./craftsync.toml > the user's file > default.

The order holds for each key by itself. Nothing here is read twice, nothing is kept in a global,
and no message repeats a value that may be a secret.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from craftsync.errors import BadSettings
from craftsync.settings import environments, files, levels
from craftsync.settings.environments import Environment
from craftsync.settings.files import FILE_NAME
from craftsync.settings.folders import cache_folder, config_folder
from craftsync.settings.model import (
    PurgeSettings,
    QuerySettings,
    RedactSettings,
    Settings,
    SyncSettings,
)
from craftsync.settings.schema import KEYS, fingerprint_key, passwords_of, shown
from craftsync.settings.words import Forgive, Note, Sourced

__all__ = [
    "FILE_NAME",
    "Environment",
    "Note",
    "PurgeSettings",
    "QuerySettings",
    "RedactSettings",
    "Settings",
    "Sourced",
    "SyncSettings",
    "cache_folder",
    "config_folder",
    "load",
]

FINGERPRINT_KEY = "CRAFTSYNC_FINGERPRINT_KEY"


def _forget(_: str) -> None:
    """Remember nothing."""


def _insist(flaw: BadSettings) -> None:
    raise flaw


def load(
    *,
    flags: Mapping[str, object] = MappingProxyType({}),
    environ: Mapping[str, str],
    cwd: Path,
    remember: Callable[[str], None] = _forget,
    forgive: Forgive = _insist,
) -> Settings:
    """Gather the settings in force.

    `flags` are those of the command line by their dotted key (`sync.workers`), None for one not
    given. `remember` is told each secret as soon as it is known, so that it can be kept out of
    messages. Raises `BadSettings`, with the file and line or the variable; a caller that would
    rather hear of all flaws is told each by `forgive`, and that setting has its default then: a
    store without a place is `""`.
    """
    notes: list[Note] = []
    of_files = [
        levels.of_file(file, environ, forgive) for file in files.read(environ, cwd, notes, forgive)
    ]
    known = [
        levels.of_flags(flags, environ, cwd),
        levels.of_variables(environ, cwd, of_files, forgive),
        *of_files,
    ]
    values: dict[tuple[str, ...], Any] = {}
    sourced: dict[str, Sourced] = {}
    for key in KEYS:
        found = levels.first(key.path, known)
        try:
            value = key.default_for(environ) if found is None else found.read_by(key)
        except BadSettings as flaw:
            forgive(flaw)
            found, value = None, key.default_for(environ)
        values[key.path] = value
        sourced[key.name] = Sourced(shown(key, value), found.origin if found else "default")

    configured = environments.gather(known, environ, cwd, notes, remember, forgive)
    for environment in configured.values():
        sourced.update(environment.sourced)
    fingerprint = None
    try:
        fingerprint = fingerprint_key(environ.get(FINGERPRINT_KEY, ""), FINGERPRINT_KEY)
    except BadSettings as flaw:
        forgive(flaw)
    if fingerprint is not None:
        remember(environ[FINGERPRINT_KEY].strip())
        sourced["fingerprint_key"] = Sourced("****", FINGERPRINT_KEY)
    store = values[("store",)]
    if store is None:
        store = ""
        forgive(
            BadSettings(
                "There is no place for the store: neither XDG_DATA_HOME nor HOME is set.",
                hint="export CRAFTSYNC_STORE=/path/to/history.db",
            )
        )
    for password in passwords_of(store):
        remember(password)
    return Settings(
        store=store,
        environments=MappingProxyType(configured),
        sync=SyncSettings(**_section("sync", values)),
        redact=RedactSettings(**_section("redact", values)),
        query=QuerySettings(**_section("query", values)),
        purge=PurgeSettings(**_section("purge", values)),
        fingerprint_key=fingerprint,
        notes=tuple(notes),
        sources=MappingProxyType(sourced),
    )


def _section(name: str, values: Mapping[tuple[str, ...], Any]) -> dict[str, Any]:
    return {path[1]: value for path, value in values.items() if path[0] == name}
