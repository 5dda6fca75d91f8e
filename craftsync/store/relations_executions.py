"""The public relations of what ran: executions, and what each of them consists of."""

from collections.abc import Mapping

from craftsync.store.relation import (
    Column,
    Relation,
    Source,
    bigint,
    boolean,
    double,
    instant,
    integer,
    json,
    text,
)
from craftsync.store.relations_estate import SEEN

_EXECUTION = "execution e join environment n on n.key = e.environment_key"
_KEY: Mapping[str, Column] = {
    "environment": text("n.name", "The environment's name."),
    "execution_id": text("e.execution_id", "The execution."),
    "execution_created_at": instant("e.created_at", "Which incarnation of its id."),
}
_DEPLOYMENT_CREATED_AT = (
    "(select max(d.created_at) from deployment d where d.environment_key = e.environment_key"
    " and d.name = e.deployment_name and d.created_at <= e.created_at)"
)
_VALUE_TAIL: Mapping[str, Column] = {
    "is_null": boolean("v.is_null", "Whether the platform says that it is null."),
    "value": json("v.value", "The value as JSON, every digit kept; NULL where not held."),
    "value_text": text("v.value_text", "The value to read and compare: strings unquoted."),
    "value_number": double("v.value_number", "Numbers only: the nearest double."),
    "value_state": text("v.state", "What is held of it."),
    "file_sha256": text(
        "v.file_sha256", "Of a file's bytes, in hex; kept when upstream has them no more."
    ),
    "size_bytes": bigint("v.size_bytes", "Of a file, if known."),
}


def _of_execution(
    name: str, about: str, child: str, own: Mapping[str, Column], order: str, on: str = ""
) -> Relation:
    """Declare a relation of rows that hang on an execution."""
    table, alias = child.split()
    return Relation(
        name=name,
        about=about,
        fields={**_KEY, **own},
        sources=(
            Source(f"{_EXECUTION} join {table} {alias} on {alias}.execution_key = e.key{on}"),
        ),
        order=(*_KEY, *order.split()),
        carrier="e",
    )


EXECUTIONS = Relation(
    name="executions",
    about="Runs of pipelines. Key: environment, execution_id, created_at.",
    fields={
        "environment": text("n.name", "The environment's name."),
        "execution_id": text("e.execution_id", "The platform's id; it may come back."),
        "created_at": instant("e.created_at", "When it was asked for."),
        "pipeline_name": text("e.pipeline_name", "What ran."),
        "deployment_name": text("e.deployment_name", "What started it; NULL for a direct run."),
        "deployment_created_at": instant(
            _DEPLOYMENT_CREATED_AT, "Which incarnation of the deployment."
        ),
        "status": text("e.status", "The platform's word, verbatim."),
        "created_by": text("e.created_by", "Who asked for it."),
        "started_at": instant("e.started_at", "The start of its first step."),
        "end_date": instant("e.end_date", "When it ended."),
        "queue_s": double("@seconds(e.created_at, e.started_at)", "Seconds until it started."),
        "run_s": double("@seconds(e.started_at, e.end_date)", "Seconds from start to end."),
        "commit_id": text("e.commit_id", "The code of its first step that tells."),
        "fetched_at": instant("e.fetched_at", "When what is held of it was read."),
        "settled": boolean("e.settled", "Whether it is expected never to change again."),
        "detail_state": text("e.detail_state", "What is held of its detail."),
        "logs_state": text("e.logs_state", "What is held of its log."),
        "first_seen_at": instant("e.first_seen_at", "Start of the run that first saw it."),
        "last_seen_at": instant(SEEN.format("e"), "Start of the last listing that had it."),
        "gone_at": instant("e.gone_at", "When its absence was confirmed; NULL while there."),
        "gone_cause": text("e.gone_cause", "Why it is gone."),
    },
    sources=(
        Source(
            f"{_EXECUTION} left join scope s on s.environment_key = e.environment_key"
            " and s.kind = 'pipeline' and s.name = e.pipeline_name"
        ),
    ),
    order=("created_at", "execution_id", "environment"),
    carrier="e",
)

STATUS_CHANGES = _of_execution(
    "status_changes",
    "The statuses an execution was seen in, one row a change.",
    "status_change c",
    {
        "status": text("c.status", "The platform's word, verbatim."),
        "observed_at": instant("c.observed_at", "Start of the run that saw it first."),
    },
    "observed_at",
)

STEPS = _of_execution(
    "steps",
    "The steps of executions.",
    "step t",
    {
        "position": integer("t.position", "From 0, in the platform's order."),
        "step_name": text("t.step_name", "The step's name."),
        "status": text("t.status", "The platform's word, verbatim."),
        "start_date": instant("t.start_date", "When it started."),
        "end_date": instant("t.end_date", "When it ended."),
        "run_s": double("@seconds(t.start_date, t.end_date)", "Seconds from start to end."),
        "commit_id": text("t.commit_id", "The code it ran."),
        "repository_url": text("t.repository_url", "Where the code is."),
        "repository_branch": text("t.repository_branch", "Its branch."),
        "requirements_path": text("t.requirements_path", "Its requirements file."),
        "origin": text("t.origin", "Where the step came from."),
    },
    "position",
)

INPUTS = _of_execution(
    "inputs",
    "What went into executions.",
    "io_value v",
    {
        "position": integer("v.position", "From 0, in the platform's order."),
        "name": text("nullif(v.name, '')", "The input's name."),
        "data_type": text("v.data_type", "The platform's word for its type."),
        "source": text("v.via", "Where the value came from."),
        "endpoint_input_name": text("v.endpoint_name", "The endpoint's name for it."),
        "environment_variable_name": text("v.environment_variable_name", "The variable."),
        "datastore_path": text("v.datastore_path", "The path in the data store."),
        "constant_value": json("v.constant_value", "The constant."),
        **_VALUE_TAIL,
    },
    "position",
    " and v.side = 'input'",
)

OUTPUTS = _of_execution(
    "outputs",
    "What came out of executions.",
    "io_value v",
    {
        "position": integer("v.position", "From 0, in the platform's order."),
        "name": text("nullif(v.name, '')", "The output's name."),
        "data_type": text("v.data_type", "The platform's word for its type."),
        "destination": text("v.via", "Where the value went."),
        "endpoint_output_name": text("v.endpoint_name", "The endpoint's name for it."),
        "datastore_path": text("v.datastore_path", "The path in the data store."),
        **_VALUE_TAIL,
    },
    "position",
    " and v.side = 'output'",
)

LOGS = _of_execution(
    "logs",
    "The log lines of executions, in the platform's order.",
    "log_line l",
    {
        "line_number": integer("l.line_number", "From 1."),
        "source": integer("l.source", "From 0: which of the platform's lists it stood in."),
        "timestamp": instant("@moment(l.timestamp_ns)", "Cut to microseconds."),
        "timestamp_ns": bigint("l.timestamp_ns", "Nanoseconds since 1970."),
        "stream": text("l.stream", "stdout or stderr, where the platform tells."),
        "message": text("l.message", "The line."),
    },
    "line_number",
)

METRICS = _of_execution(
    "metrics",
    "Recorded metrics; a list metric has one row a value.",
    "metric m",
    {
        "pipeline_name": text("e.pipeline_name", "The execution's pipeline."),
        "deployment_name": text("e.deployment_name", "The execution's deployment."),
        "name": text("m.name", "The metric's name."),
        "position": integer("m.position", "From 0, in a list."),
        "value": double("m.value", "The number; NULL where it is none."),
        "value_text": text("m.value_text", "The number as the platform wrote it."),
        "created_at": instant("m.created_at", "When it was recorded."),
    },
    "name position",
)

_ROW = "left join part r on r.execution_key = e.key and r.part = {0} and r.name = {1}"


def _whole_part(name: str) -> Source:
    state = f"e.{name}_state"
    return Source(
        f"{_EXECUTION} {_ROW.format(repr(name), repr(''))}",
        where=f"{state} is not null" if name == "metrics" else "",
        sql={"part": f"'{name}'", "name": "''", "state": state, "size_bytes": "r.size_bytes"},
    )


PARTS = Relation(
    name="parts",
    about="The parts an execution is fetched in, and what is held of each.",
    fields={
        **_KEY,
        "part": text("v.side", "detail, input, output, logs or metrics."),
        "name": text("v.name", "Of the input or output; '' where there is none."),
        "state": text("v.state", "What is held of it."),
        "size_bytes": bigint("coalesce(r.size_bytes, v.size_bytes)", "Of a file, if known."),
        "fetched_at": instant(
            "case when r.execution_key is null then e.fetched_at else r.fetched_at end",
            "When it was read; NULL where it could not be.",
        ),
        "error": text("r.error", "Why it could not be read."),
    },
    sources=(
        _whole_part("detail"),
        _whole_part("logs"),
        _whole_part("metrics"),
        Source(
            f"{_EXECUTION} join io_value v on v.execution_key = e.key"
            f" {_ROW.format('v.side', 'v.name')}"
        ),
    ),
    order=(*_KEY, "part", "name"),
    carrier="e",
)
