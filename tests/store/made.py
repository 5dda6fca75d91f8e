"""Builders of what flows into the store: each names what matters to a test, the rest is calm."""

import hashlib
import io
import json
from datetime import UTC, datetime, timedelta

import pytest
from lab import as_sqlite_has_it

from craftsync import times
from craftsync.records import (
    Deployment,
    Execution,
    FileBytes,
    Key,
    LogLine,
    Metric,
    Part,
    PartKind,
    PartState,
    Pipeline,
    Raw,
    Side,
    Step,
    Value,
    Whole,
)
from craftsync.store import environments, mirror, relations

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def raw(**said):
    body = json.dumps(said, sort_keys=True).encode()
    return Raw(body, hashlib.sha256(body).hexdigest())


def a_value(name="score", *, side=Side.OUTPUT, position=0, value="0.5", **more):
    shown = {
        "data_type": "number",
        "via": None,
        "endpoint_name": None,
        "environment_variable_name": None,
        "datastore_path": None,
        "constant_value": None,
        "is_null": False,
        "value_text": value,
        "value_number": 0.5 if value == "0.5" else None,
        "state": PartState.OK,
    }
    return Value(side=side, position=position, name=name, value=value, **(shown | more))


def a_file(content=b"report", name="report", *, state=PartState.OK, **more):
    sha256 = hashlib.sha256(content).hexdigest() if state is PartState.OK else None
    return a_value(
        name,
        value=None,
        value_text=None,
        value_number=None,
        data_type="file",
        state=state,
        wants_file=True,
        file_sha256=sha256,
        size_bytes=len(content) if sha256 else None,
        **more,
    )


def bytes_of(content=b"report"):
    return FileBytes(hashlib.sha256(content).hexdigest(), len(content), io.BytesIO(content))


def a_step(position=0, **more):
    shown = {
        "step_name": f"step-{position}",
        "status": "Succeeded",
        "start_date": NOON + timedelta(seconds=30),
        "end_date": NOON + timedelta(seconds=90),
        "commit_id": "c1",
        "repository_url": "https://git.example/model",
        "repository_branch": "main",
        "requirements_path": "requirements.txt",
        "origin": "git_repository",
    }
    return Step(position=position, **(shown | more))


def a_line(number=1, message=None, *, at=NOON, **more):
    counted = times.nanoseconds(times.utc_text(at)) + number
    shown = {
        "source": 0,
        "timestamp": times.nanoseconds_text(counted),
        "timestamp_ns": counted,
        "stream": "stdout",
        "message": message or f"line {number}",
    }
    return LogLine(line_number=number, **(shown | more))


def a_metric(name="loss", position=0, value=0.25):
    return Metric(name, position, value, str(value), NOON)


def a_whole(
    execution_id="e1",
    *,
    created_at=NOON,
    status="Succeeded",
    deployment="nightly",
    pipeline="train",
    steps=None,
    values=None,
    lines=2,
    metrics=None,
    parts=(),
    files=(),
    over=True,
    said=None,
):
    """A whole execution; `lines` is a number of them, or the lines, or None."""
    shown = (a_value("alpha", side=Side.INPUT), a_value()) if values is None else tuple(values)
    execution = Execution(
        key=Key(execution_id, created_at),
        pipeline_name=pipeline,
        deployment_name=deployment,
        status=status,
        created_by="mia",
        end_date=created_at + timedelta(seconds=90) if over else None,
        steps=(a_step(0), a_step(1)) if steps is None else tuple(steps),
        inputs=tuple(value for value in shown if value.side is Side.INPUT),
        outputs=tuple(value for value in shown if value.side is Side.OUTPUT),
        raw=raw(execution_id=execution_id, status=status, said=said),
    )
    if isinstance(lines, int):
        lines = tuple(a_line(number) for number in range(1, lines + 1))
    return Whole(execution, lines, metrics, tuple(parts), tuple(files))


def a_part(kind=PartKind.LOGS, state=PartState.ERROR, name="", **more):
    return Part(kind, name, state, **more)


def a_pipeline(name="train", *, created_at=NOON - DAY, status="Ready", detail=None):
    return Pipeline(name, created_at, status, raw(name=name, status=status), detail)


def a_deployment(name="nightly", *, created_at=NOON - DAY, settings=None, **more):
    shown = {
        "pipeline_name": "train",
        "execution_rule": "periodic",
        "mode": "elastic",
        "is_enabled": True,
        "status": "up",
        "schedule": "0 4 * * *",
        "human_readable_schedule": "at four",
        "endpoint_url_path": None,
        "endpoint_token_fingerprint": None,
        "description": None,
        "created_by": "mia",
        "updated_at": None,
        "updated_by": None,
        "inputs_mapping": "[]",
        "outputs_mapping": "[]",
        "pods": None,
    }
    shown |= more
    said = {key: str(value) for key, value in shown.items()}
    return Deployment(
        name=name,
        created_at=created_at,
        settings=settings or json.dumps({"schedule": shown["schedule"]}),
        raw=raw(name=name, settings=settings, **said),
        **shown,
    )


def place_of(url):
    """Return what a user would write in the settings for a store."""
    return url.database if url.drivername == "sqlite" else url.render_as_string()


on_a_file = pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
"""What only a store in a file knows."""


class Mirror:
    """A store's environment under a test's hands: save, mark, look."""

    def __init__(self, connection):
        self.connection = connection
        self.environment = environments.enter(
            connection, "prod", url="https://prod.example", upstream_id="env-1", seen_at=NOON
        )

    @property
    def key(self):
        return self.environment.key

    def rev(self):
        return environments.Rev(self.connection, self.key)

    def save(self, *wholes, at=NOON, settled=True, rev=None):
        prepared = [
            mirror.prepare(
                whole,
                dialect=self.connection.dialect.name,
                fetched_at=at,
                settled=settled,
            )
            for whole in wholes
        ]
        return mirror.save_executions(
            self.connection, self.key, prepared, seen_at=at, rev=rev or self.rev()
        )

    def changes(self):
        """Count the rows that were written on this connection so far."""
        if self.connection.dialect.name == "sqlite":
            return self.connection.connection.driver_connection.total_changes
        return self.connection.exec_driver_sql(
            "select sum(n_tup_ins + n_tup_upd + n_tup_del) from pg_stat_xact_user_tables"
        ).scalar()

    def held(self, pipeline="train"):
        return {
            held.key.execution_id: held
            for held in mirror.held_executions(self.connection, self.key, pipeline)
        }

    def rows(self, relation, where="1 = 1"):
        sql = f"select * from {relation} where {where}"
        if public := relations.BY_NAME.get(relation):
            sql += f" order by {', '.join(public.order)}"
        found = self.connection.exec_driver_sql(sql)
        return [
            {name: as_sqlite_has_it(value) for name, value in row.items()}
            for row in found.mappings()
        ]

    def row(self, relation, where="1 = 1"):
        (row,) = self.rows(relation, where)
        return row
