"""What no environment may be called: where a question takes a name, `all` means every one."""

from collections.abc import Collection

from sqlalchemy import Connection

from craftsync.errors import BadSettings
from craftsync.store import environments

EVERY = "all"


def require_names(conn: Connection | None, names: Collection[str]) -> None:
    """Refuse to begin a mirror called `all`, of which alone nothing could be asked.

    One that the store holds already goes on. Raises `BadSettings`.
    """
    if EVERY in names and (conn is None or environments.find(conn, EVERY) is None):
        raise BadSettings(
            f"No environment can be called {EVERY!r}: in a question it means every environment."
            " Nothing was mirrored.",
            hint="Give it another name in the settings, as [environments.prod].",
        )
