"""A small history made by hand: rows of the public relations, and questions asked over them."""

import json
from datetime import UTC, datetime, timedelta

import duckdb
import pytest

from craftsync.query import catalog
from craftsync.query.macros import MACROS
from craftsync.store import relations

NOW = datetime(2026, 4, 1, tzinfo=UTC)
"""When the questions are asked: the default window is from 2 March, midnight, until then."""


def moment(text):
    """Read `2026-03-10` or `2026-03-10 12:00`, a naive time that means UTC; None stays None."""
    return datetime.fromisoformat(text) if isinstance(text, str) else text


class History:
    """Public relations in DuckDB, filled when it is asked; what is not said is calm."""

    def __init__(self, duck):
        self._duck = duck
        self._count = 0
        self._environments = set()
        self._waiting = {}
        self.listed = {}  # when a pipeline's executions were last listed to their end
        for relation in relations.PUBLIC:
            duck.execute(relation.create_table("duckdb"))
        for macro in MACROS:
            duck.execute(macro)

    @property
    def duck(self):
        """The connection, with every row that was added."""
        for relation, rows in self._waiting.items():
            with self._duck.appender(relation) as appender:
                appender.append_rows(rows)
        self._waiting.clear()
        keys = ["\x01".join((place, "pipeline", name)) for place, name in self.listed]
        moments = [at.astimezone(UTC).replace(tzinfo=None) for at in self.listed.values()]
        seen = "set variable seen = (select map($1::varchar[], $2::timestamp[]))"
        self._duck.execute(seen, [keys, moments])
        return self._duck

    def add(self, relation, **columns):
        """Add a row to a relation; columns that are not named are NULL."""
        environment = columns.setdefault("environment", "prod")
        if relation != "environments" and environment not in self._environments:
            self._environments.add(environment)
            self.add("environments", environment=environment)
        if relation == "deployments" and columns.get("pipeline_name"):
            self.listed.setdefault((environment, columns["pipeline_name"]), NOW)
        kinds = relations.BY_NAME[relation].columns
        row = [
            moment(columns.pop(name, None)) if kind == "instant" else columns.pop(name, None)
            for name, kind in kinds.items()
        ]
        assert not columns, f"{relation} has no {columns}"
        self._waiting.setdefault(relation, []).append(row)

    def run(
        self, execution_id=None, at="2026-03-10", status="Succeeded", *, environment="prod",
        pipeline="train", deployment="nightly", queue_s=5.0, run_s=60.0, commit="c1", branch="main",
        inputs=(), outputs=(), logs=(), **more,
    ):  # fmt: skip
        """Add an execution with its step, values and log; returns its id.

        `inputs` and `outputs` are mappings of names to Python values, or pairs of both; `logs` are
        messages, or pairs of a stream and a message. `more` are further columns of `executions`.
        """
        self._count += 1
        execution_id = execution_id or f"e{self._count}"
        born = moment(at)
        seen = born if more.get("gone_at") else NOW.replace(tzinfo=None)
        started = born + timedelta(seconds=queue_s) if queue_s is not None else None
        ended = started + timedelta(seconds=run_s) if started and run_s is not None else None
        row = {
            "environment": environment, "execution_id": execution_id, "created_at": born,
            "pipeline_name": pipeline, "deployment_name": deployment, "status": status,
            "started_at": started, "end_date": ended, "queue_s": queue_s,
            "run_s": run_s if started else None, "commit_id": commit, "settled": True,
            "detail_state": "ok", "logs_state": "ok", "first_seen_at": born, "last_seen_at": seen,
            "fetched_at": born,
        }  # fmt: skip
        self.add("executions", **{**row, **more})
        key = {
            "environment": environment,
            "execution_id": execution_id,
            "execution_created_at": born,
        }
        if commit or branch:
            self.add(
                "steps", **key, position=0, step_name="step", status=status, start_date=started,
                end_date=ended, run_s=run_s, commit_id=commit, repository_branch=branch,
            )  # fmt: skip
        for side, values in (("inputs", inputs), ("outputs", outputs)):
            pairs = values.items() if isinstance(values, dict) else values
            for position, (name, value) in enumerate(pairs):
                self.add(side, **key, position=position, name=name, **as_value(value))
        for number, line in enumerate(logs, 1):
            stream, message = line if isinstance(line, tuple) else (None, line)
            self.add(
                "logs", **key, line_number=number, source=0, stream=stream, message=message,
                timestamp=born + timedelta(seconds=number),
            )  # fmt: skip
        return execution_id

    def answer(self, question, /, **parameters):
        """Ask a question; returns the answer itself."""
        return catalog.ask(self.duck, catalog.find(question), parameters, NOW)

    def ask(self, question, /, **parameters):
        """Ask a question; returns its rows as dictionaries, in their order."""
        answer = self.answer(question, **parameters)
        names = [column for column, _ in answer.columns]
        return [dict(zip(names, row, strict=True)) for row in answer.rows]

    def column(self, question, column, /, **parameters):
        """Ask a question; returns one column of it."""
        return [row[column] for row in self.ask(question, **parameters)]


def as_value(value):
    """Return the columns of a value as the store writes them; a mapping is taken as they are."""
    if isinstance(value, dict) and "value_state" in value:
        return value
    text = value if isinstance(value, str) else None if value is None else json.dumps(value)
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else None
    return {
        "data_type": {str: "string", bool: "boolean"}.get(
            type(value), "json" if number is None else "number"
        ),
        "is_null": value is None,
        "value": json.dumps(value),
        "value_text": text,
        "value_number": number,
        "value_state": "ok",
    }


@pytest.fixture
def history():
    """An empty history."""
    with duckdb.connect() as duck:
        duck.execute("set TimeZone = 'UTC'")
        yield History(duck)
