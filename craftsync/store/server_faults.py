"""What an error of PostgreSQL, or of its driver, means to its user.

The driver itself is not imported: it may not be installed.
"""

import re

from craftsync.errors import BadSettings, StoreUnusable

WHERE = "See where the store is set: craftsync config show"
_SET = "See what is set: craftsync config show; env | grep -o '^PG[A-Z]*'"
_PATIENT = 'psql -c "alter role current_user set {} = 0"'
_RESTORE = "Restore a backup: pg_restore"

_SQLSTATES = {  # PostgreSQL: the class of the error, or its whole code
    "08": ("cannot be reached", "Is the server up? pg_isready"),
    "28": ("does not let this user in", WHERE),
    "3D": ("is no database on that server", "createdb, then craftsync sync"),
    "42501": ("may not be used by this user", WHERE),
    "25006": ("cannot be written: it is read-only", WHERE),
    "25P03": (
        "ended a transaction that waited too long",
        _PATIENT.format("idle_in_transaction_session_timeout"),
    ),
    "25P04": ("ended a transaction that took too long", _PATIENT.format("transaction_timeout")),
    "40": ("was wanted by another program at the same moment", "Run again."),
    "53": ("has no room or no connection left", "Make room on the server, then run again."),
    "2BP01": (
        "has views of others that hang on its relations, and cannot be upgraded",
        "Drop them, or make them again after: craftsync db upgrade",
    ),
    "55P03": ("is locked by another program", "psql -c 'select * from pg_stat_activity'"),
    "57014": (
        "stopped a statement that took too long, or that somebody cancelled",
        _PATIENT.format("statement_timeout"),
    ),
    "57P": ("was shut down by its administrator", "Run again when it is back."),
    "58": ("could not read or write its disk", "See the server's log, then run again."),
    "XX001": ("is damaged on its server", _RESTORE),
    "XX002": ("is damaged on its server", _RESTORE),
}


_REFUSALS = {  # a server that speaks another language than English "cannot be reached"
    "3D": r'database ".*" does not exist',
    "28": r'role ".*" does not exist|authentication failed|no password supplied|no pg_hba',
    "42501": r"permission denied for database",
    "53": r"too many clients|remaining connection slots|too many connections",
    "57P": r"terminating connection|the database system is (starting up|shutting down)",
}


_OF_CONNECTING = ("OperationalError", "ProgrammingError")
_ASKED_FOR = re.compile(  # of a URL or a variable; the value may be what was meant for a password
    r"bad value for (?P<of_the_driver>connect_timeout)"
    r'|invalid integer value ".*" for connection option "(?P<number>\w+)"'
    r'|invalid "?(?P<word>\w+)"? value'
    r'|invalid value for parameter "(?P<parameter>\w+)"'
    r"|invalid (?P<port>port number)|could not match \d+ (?P<ports>port numbers)"
    r"|(?P<root>root certificate) file .* does not exist|(?P<client>certificate) present, but not"
    r"|invalid connection option|invalid command-line argument|unrecognized configuration"
    r'|could not parse network address|definition of service|syntax error in service|missing "="'
    r"|may not be used with|unterminated quoted string|could not get home directory to locate",
    re.DOTALL,
)
_NOT_THERE = ("42703", "42P01")  # PostgreSQL: no such column, no such relation
_NAMED = re.compile(r'"(\w+)"|\b(\w+\.\w+)')


def explain(error: BaseException, place: str) -> StoreUnusable | BadSettings | None:
    """Say what an error means for the store at `place`; None where it is a bug, or another's."""
    if isinstance(error, UnicodeError) and "idna" in _said(error):
        return BadSettings("The host of the store is no name of a host.", hint=_SET)
    state = getattr(error, "sqlstate", None)
    if state in _NOT_THERE and (name := _lacked(str(error))):
        return StoreUnusable(f"The store {place} is damaged: it has no {name}.", hint=_RESTORE)
    if isinstance(state, str):
        for start, (what, hint) in _SQLSTATES.items():
            if state.startswith(start):
                return StoreUnusable(f"The store {place} {what}.", hint=hint)
    kind = type(error).__name__ if type(error).__module__.startswith("psycopg") else ""
    if state is None and kind in _OF_CONNECTING and (asked := _ASKED_FOR.search(str(error))):
        return _of_options(asked, place)
    return _of_connecting(str(error), place) if kind == "OperationalError" else None


def _said(error: BaseException) -> str:
    """Return the words of an error; those of a host's name are a note to it from Python 3.12 on."""
    return "\n".join([str(error), *getattr(error, "__notes__", ())])


def _of_connecting(said: str, place: str) -> StoreUnusable:
    """Say why no session came to be, or was lost: the driver has no code for it, only words."""
    for state, words in _REFUSALS.items():
        if re.search(words, said):
            what, hint = _SQLSTATES[state]
            return StoreUnusable(f"The store {place} {what}.", hint=hint)
    what, hint = _SQLSTATES["08"]
    return StoreUnusable(f"The store {place} {what}.", hint=hint)


def _of_options(asked: re.Match[str], place: str) -> BadSettings:
    named = next((name for name in asked.groups() if name), None)
    what = f"the {named} that is" if named else "an option that is"
    return BadSettings(f"The store {place} cannot be opened with {what} set for it.", hint=_SET)


def _lacked(said: str) -> str | None:
    """Return which name of ours a server does not know; None for one that is none, by a bug."""
    from craftsync.store import models, relations  # noqa: PLC0415 - they load SQLAlchemy

    tables = models.Base.metadata.tables
    ours = {*tables, *(relation.name for relation in relations.PUBLIC)}
    ours |= {f"{table}.{column}" for table in tables for column in tables[table].columns.keys()}  # noqa: SIM118 - columns, not a mapping
    found = (one for quoted in _NAMED.findall(said) for one in quoted)
    return next((one for one in found if one in ours), None)
