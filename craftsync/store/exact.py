"""What the platform sent where a database cannot hold it: the literals kept beside the columns.

`exact` of a row is one JSON object in ASCII, the record's field -> its exact value.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from craftsync.store.relation import ColumnKind, Relation

# Numbers stay text: a literal is cut out of the object, never read and written again.
_DECODER = json.JSONDecoder(parse_int=str, parse_float=str)


def literals(exact: str) -> dict[str, str]:
    """Cut the JSON literal of each field out of `exact`, every digit and escape as it is."""
    found: dict[str, str] = {}
    at = 1
    while exact[at] != "}":
        name, end = _DECODER.raw_decode(exact, at)
        start = end + 1  # after the colon
        _, end = _DECODER.raw_decode(exact, start)
        found[name] = exact[start:end]
        at = end + 1 if exact[end] == "," else end
    return found


def put_back(row: dict[str, Any], relation: Relation, exact: str | None) -> dict[str, Any]:
    """Replace what the store shows of a row by what the platform sent.

    Text becomes the exact string, which may hold NUL and lone surrogates; JSON stays JSON text.
    """
    if exact is None:
        return row
    names = _columns_of_fields(relation.fields.items())
    for field, literal in literals(exact).items():
        column = names.get(field)
        if column is not None:
            is_json = relation.columns[column] is ColumnKind.JSON
            row[column] = literal if is_json else json.loads(literal)
    return row


def _columns_of_fields(fields: Iterable[tuple[str, Any]]) -> Mapping[str, str]:
    """Return the public column of each physical one: `via` is `source`, or `destination`."""
    return {column.sql.partition(".")[2]: name for name, column in fields}
