"""The named questions: ours, those in a folder of the user, and how one is asked.

A question in the user's folder takes the place of ours of the same name.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from craftsync import resources
from craftsync.errors import Usage, nearest
from craftsync.query import answers, found_columns, interruptible, known, sandbox
from craftsync.query import questions as files
from craftsync.query.answers import Answer
from craftsync.query.parameters import bind
from craftsync.query.preparations import PREPARATIONS, Fragment
from craftsync.query.questions import Parameter, Question

if TYPE_CHECKING:
    import duckdb

__all__ = ["Parameter", "Question", "ask", "bind", "find", "names", "questions"]

_PLACE = re.compile(r"\{(\w+)\}")


def questions(own: Path | None = None) -> list[Question]:
    """Return all questions by name, those of the folder `own` among them.

    Raises `Usage` for a file there that is no question.
    """
    return [files.read(file) for _, file in sorted(_files(own).items())]


def names(own: Path | None = None) -> list[str]:
    """Return the names of all questions, without a look into their files."""
    return sorted(_files(own))


def find(name: str, own: Path | None = None) -> Question:
    """Return the question of that name; raises `Usage` with the nearest names."""
    there = _files(own)
    if name not in there:
        raise Usage(
            f"There is no question {name!r}.", hint=nearest(name, there) or "craftsync query"
        )
    return files.read(there[name])


@sandbox.held_to_memory()
def ask(
    session: "duckdb.DuckDBPyConnection",
    question: Question,
    parameters: Mapping[str, str],
    now: datetime,
) -> Answer:
    """Answer a question over the public relations; `session` has them, and our macros.

    Raises `Usage` for parameters that do not fit, and for SQL of a user's question that does not;
    `Refused` where that does more than read, and where memory does not do.
    """
    values: Mapping[str, Any] = bind(question, parameters, now)
    known.environment(session, values.get("environment"))
    prepare = PREPARATIONS.get(question.name)
    if prepare is not None and prepare.takes <= values.keys():
        values = prepare.step(session, values)
    sql = _filled(question.sql, values)
    if question.found is not None:
        first = _filled(question.found.sql, values)
        found = _run(session, question, first, values).rows
        columns, more = found_columns.columns(found, question.found.each)
        sql, values = sql.replace("{columns}", columns), {**values, **more}
    return _run(session, question, sql, values)


def _files(own: Path | None) -> dict[str, Path]:
    folders = [resources.queries_dir(), *([own] if own else [])]
    return {file.stem: file for folder in folders for file in folder.glob("*.sql")}


def _filled(sql: str, values: Mapping[str, Any]) -> str:
    def place(found: re.Match[str]) -> str:
        value = values.get(found[1])
        return value.sql if isinstance(value, Fragment) else found[0]

    return _PLACE.sub(place, sql)


def _run(
    session: "duckdb.DuckDBPyConnection", question: Question, sql: str, values: Mapping[str, Any]
) -> Answer:
    import duckdb  # noqa: PLC0415 - heavy

    sandbox.admit(session, sql)
    (statement,) = session.extract_statements(sql)
    # DuckDB refuses a value that the SQL does not mention.
    named = statement.named_parameters
    if missing := sorted(named - values.keys()):
        raise Usage(f"{question.name} mentions ${missing[0]}, which its header does not.")
    try:
        bound = {name: values[name] for name in named}
        found = interruptible.done(session, lambda: session.execute(statement, bound))
        return answers.of(found)
    except duckdb.Error as flaw:
        raise sandbox.explained(flaw) from flaw
