"""Columns whose names are found in the data: their names in the answer, and the SQL of each."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

_PLACE = re.compile(r"\{(prefix|name|type)\}")
_UNFIT = re.compile(r"[^0-9A-Za-z_]")
_TYPE = re.compile(r"[a-z ]+")


def columns(found: Iterable[tuple[Any, ...]], each: str) -> tuple[str, Mapping[str, Any]]:
    """Return a column for each of `found`, every one after a comma, and the values they mention.

    Rows of `found` are (prefix, name), or (prefix, name, type) with a type of DuckDB.
    """
    written: list[str] = []
    values: dict[str, Any] = {}
    taken: set[str] = set()
    for number, (prefix, name, *kind) in enumerate(found):
        values[f"prefix_{number}"], values[f"name_{number}"] = prefix, name

        def place(word: re.Match[str], number: int = number, kind: list[str] = kind) -> str:
            return _typed(kind[0]) if word[1] == "type" else f"${word[1]}_{number}"

        written.append(f',\n    {_PLACE.sub(place, each)} as "{_fresh(prefix, name, taken)}"')
    return "".join(written), values


def _fresh(prefix: str, name: str, taken: set[str]) -> str:
    """Reduce a name to letters, digits and `_`; one that is taken gets a number.

    DuckDB tells no two columns apart by case alone.
    """
    reduced = prefix + _UNFIT.sub("_", name)
    fresh, number = reduced, 1
    while fresh.lower() in taken:
        number += 1
        fresh = f"{reduced}_{number}"
    taken.add(fresh.lower())
    return fresh


def _typed(kind: str) -> str:
    if not _TYPE.fullmatch(kind):
        raise ValueError(f"{kind!r} is no type")
    return kind
