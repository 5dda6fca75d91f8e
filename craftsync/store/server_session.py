"""What a session on a server is told, and what a URL may ask of it.

Whatever its role, its database or the variables of PostgreSQL's client are set to, a session reads
and writes in one form.
"""

import re
from typing import Any

from sqlalchemy import URL

from craftsync.errors import BadSettings, nearest
from craftsync.store import faults

_IN_ONE_FORM = {
    "TimeZone": "UTC",
    "DateStyle": "ISO,MDY",
    "IntervalStyle": "postgres",
    "extra_float_digits": "3",  # every digit of a double
    "bytea_output": "hex",
    "standard_conforming_strings": "on",
}
_ENCODING = {"client_encoding": "UTF8"}
_LET_GO = {  # a client whose machine is gone is let go of in two minutes, and its lock with it
    "tcp_keepalives_idle": "60",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "6",
}
_READ_ONLY = {"default_transaction_read_only": "on"}
_NOT_OURS = {"replication"}  # such a session answers no SQL
_OFTEN = {"host", "port", "options"}
_NO_TEXT = re.compile("[\0\ud800-\udfff]")


def arguments(url: URL, who: str, *, read_only: bool) -> dict[str, str]:
    """Return what a session is opened with; of two options the later wins, so ours come last."""
    told = _IN_ONE_FORM | _LET_GO | (_READ_ONLY if read_only else {})
    options = [*_asked_for(url), *(f"-c {name}={value}" for name, value in told.items())]
    return {"options": " ".join(options), "application_name": who, **_ENCODING}


def bring_into_form(connection: Any, _: object = None) -> None:
    """Set anew what a variable of PostgreSQL's client (PGDATESTYLE, PGTZ) set over our options.

    The server tells of each that a variable can set, so that this asks it nothing where none did.
    """
    told = {name: connection.info.parameter_status(name) for name in _IN_ONE_FORM}
    strays = [
        name
        for name, value in told.items()
        if value is not None and value.replace(" ", "") != _IN_ONE_FORM[name]
    ]
    for name in strays:
        connection.execute("select set_config(%s, %s, false)", (name, _IN_ONE_FORM[name]))
    if strays:
        connection.commit()


def refuse_what_cannot_be(url: URL) -> None:
    """Raise `BadSettings` for a URL that the driver would not hand to PostgreSQL as it is."""
    words = [url.username, url.password, url.host, url.database]
    words += [word for values in url.normalized_query.values() for word in values]
    if any(_NO_TEXT.search(str(word)) for word in words):
        raise BadSettings("The URL of the store is no text that a server takes.", hint=faults.WHERE)
    from psycopg import pq  # noqa: PLC0415 - not installed where all stores are files

    known = {option.keyword.decode() for option in pq.Conninfo.get_defaults()} - _NOT_OURS
    for name in sorted(url.query.keys() - known):
        # What is no option may be a part of a password: only what looks like one is shown.
        close = nearest(name, known)
        shown = f"{name}, an option" if close else "an option"
        raise BadSettings(
            f"The URL of the store has {shown} that PostgreSQL does not know.",
            hint=close or faults.WHERE,
        )
    for name, value in url.query.items():
        if not isinstance(value, str) and name not in _OFTEN:
            raise BadSettings(f"The URL of the store has {name} more than once.", hint=faults.WHERE)


def _asked_for(url: URL) -> list[str]:
    """Return the options of a session that the URL itself asks for, a search path for one."""
    asked = url.query.get("options", ())
    return [asked] if isinstance(asked, str) else list(asked)
