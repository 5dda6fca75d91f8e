"""Protected names that protect nothing, since nothing was ever called so."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection

from craftsync.errors import nearest
from craftsync.purge.policy import Protection, without_case
from craftsync.store import read
from craftsync.store.environments import EnvironmentRow

_LISTED_BY = {"pipeline": "craftsync runs", "deployment": "craftsync deployments --all"}


@dataclass(frozen=True, slots=True)
class Unknown:
    """A protected name that nothing ever had; `hint` tells the nearest, or what lists them."""

    sentence: str
    hint: str

    def __str__(self) -> str:
        return self.sentence


def unknown(
    connection: Connection, protection: Protection, environment: EnvironmentRow | None = None
) -> Iterator[Unknown]:
    """Yield the names that nothing in the store ever had, gone or not: of one environment or all.

    Names are compared without case, as they protect.
    """
    of = f" of {environment.name}" if environment else ""
    for kind, names in (
        ("pipeline", protection.pipelines),
        ("deployment", protection.deployments),
    ):
        if not names:
            continue
        held = read.names_ever_held(connection, kind, environment.key if environment else None)
        known = without_case(held)
        for name in names:
            if name.casefold() not in known:
                yield Unknown(
                    f"protect_{kind}s names {name}, and no {kind}{of} that the store ever held is"
                    " called so: it protects nothing.",
                    nearest(name, sorted(held))
                    or _LISTED_BY[kind] + (f" --env {environment.name}" if environment else ""),
                )
