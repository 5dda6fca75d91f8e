"""The platform's JSON as records: today's shapes, older ones, and what is no record at all."""

import hashlib
import json
import random
import string
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rules.wire import (
    GONE,
    USER,
    a_deployment,
    a_listed_deployment,
    a_listed_execution,
    a_listed_pipeline,
    a_pipeline,
    a_secret_input,
    a_step,
    an_execution,
    an_input,
    an_output,
)

from craftsync.errors import BadPayload, UpstreamFault
from craftsync.records import (
    Execution,
    Key,
    ListedExecution,
    LogLine,
    Metric,
    PartState,
    Side,
    Step,
    Value,
)
from craftsync.times import instant
from craftsync.upstream import exact, payloads
from craftsync.upstream.redact import Redactor

REDACTOR = Redactor(bytes(range(32)))
ABSENT, OK, PENDING, REDACTED = (
    PartState.ABSENT,
    PartState.OK,
    PartState.PENDING,
    PartState.REDACTED,
)


def over_the_wire(payload):
    return exact.loads(json.dumps(payload))


def read(payload, scope="scope-pip"):
    return payloads.execution(REDACTOR.execution(over_the_wire(payload)), scope_pipeline=scope)


def the_output(payload, **changes):
    """The only output of an execution that has this one."""
    return read(an_execution(outputs=[payload], **changes)).outputs[0]


def the_input(payload, **changes):
    return read(an_execution(inputs=[payload], **changes)).inputs[0]


def the_value(literal):
    """An output whose value is this JSON text."""
    body = json.dumps(an_execution(inputs=[], outputs=[an_output(value="HERE")]))
    redacted = REDACTOR.execution(exact.loads(body.replace('"HERE"', literal)))
    return payloads.execution(redacted, scope_pipeline="p").outputs[0]


# An execution.


def test_an_execution_is_read_field_by_field():
    execution = read(an_execution())
    assert execution.key == Key("iris-pip-22rn5", instant("2025-03-02T08:20:00.101Z"))
    assert execution.pipeline_name == "iris-pip"
    assert execution.deployment_name == "iris-predict"
    assert execution.status == "Succeeded"
    assert execution.is_over
    assert execution.created_by == USER
    assert execution.end_date == instant("2025-03-02T08:20:41.930Z")
    assert execution.steps == (
        Step(
            position=0,
            step_name="iris-pip",
            status="Succeeded",
            start_date=instant("2025-03-02T08:20:09Z"),
            end_date=instant("2025-03-02T08:20:41Z"),
            commit_id="a65ffe23c0d7b0c2a2f5b9d2f7c9a1b3d4e5f607",
            repository_url="git@example.org:team/iris.git",
            repository_branch="main",
            requirements_path="requirements.txt",
            origin="git_repository",
        ),
    )
    assert execution.exact is None


def value(side, position, name, data_type, via, **changes):
    """A value of which all columns but these are empty."""
    columns = {
        "endpoint_name": None,
        "environment_variable_name": None,
        "datastore_path": None,
        "constant_value": None,
        "is_null": None,
        "value": None,
        "value_text": None,
        "value_number": None,
        "state": OK,
    }
    return Value(
        side=side,
        position=position,
        name=name,
        data_type=data_type,
        via=via,
        **{**columns, **changes},
    )


def test_inputs_and_outputs_are_read_in_the_platforms_order():
    execution = read(an_execution())
    hidden = REDACTOR.fingerprint("s3-prod")
    assert execution.inputs == (
        value(
            Side.INPUT,
            0,
            "petal",
            "number",
            "endpoint",
            endpoint_name="petal",
            value="1.4",
            value_text="1.4",
            value_number=1.4,
        ),
        value(
            Side.INPUT,
            1,
            "bucket",
            "string",
            "environment_variable",
            environment_variable_name="IRIS_BUCKET",
            value=f'"{hidden}"',
            value_text=hidden,
            state=REDACTED,
        ),
        value(
            Side.INPUT,
            2,
            "seed",
            "number",
            "constant",
            constant_value="42",
            value="42",
            value_text="42",
            value_number=42.0,
        ),
        value(
            Side.INPUT,
            3,
            "photo",
            "file",
            "endpoint",
            endpoint_name="photo",
            state=PENDING,
            wants_file=True,
        ),
        value(
            Side.INPUT,
            4,
            "model",
            "file",
            "datastore",
            datastore_path="models/iris.joblib",
            state=ABSENT,
        ),
        value(Side.INPUT, 5, "note", "string", "is_null", is_null=True, value="null"),
    )
    assert execution.outputs == (
        value(
            Side.OUTPUT,
            0,
            "label",
            "string",
            "endpoint",
            endpoint_name="label",
            value='"setosa"',
            value_text="setosa",
        ),
        value(
            Side.OUTPUT,
            1,
            "report",
            "file",
            "datastore",
            datastore_path="reports/iris-pip-22rn5.html",
            state=PENDING,
            wants_file=True,
        ),
    )


def test_the_raw_answer_is_kept_redacted_exact_and_with_its_hash():
    execution = read(an_execution(gpu_type={"name": "é", "memory": 1.5}))
    assert json.loads(execution.raw.body)["gpu_type"] == {"name": "é", "memory": 1.5}
    assert b"s3-prod" not in execution.raw.body
    assert execution.raw.body.isascii()
    assert b", " not in execution.raw.body
    assert execution.raw.sha256 == hashlib.sha256(execution.raw.body).hexdigest()


@pytest.mark.parametrize(
    "changes",
    [
        {"execution_id": GONE},
        {"execution_id": None},
        {"execution_id": ""},
        {"execution_id": 7},
        {"execution_id": "a\0b"},
        {"execution_id": "a\ud83d"},
        {"created_at": GONE},
        {"created_at": None},
        {"created_at": ""},
        {"created_at": "yesterday"},
        {"created_at": {}},
        {"pipeline_name": "a\0b"},
        {"deployment_name": "a\ud83d"},
        {"steps": {}},
        {"steps": [None]},
        {"inputs": {}},
        {"inputs": ["x"]},
        {"outputs": "x"},
        {"outputs": [an_output(pipeline_output_name=GONE)]},
        {"outputs": [an_output(pipeline_output_name="a\0b")]},
        {"inputs": [an_input(pipeline_input_name=["a"])]},
    ],
)
def test_what_cannot_be_told_from_its_namesakes_is_refused_and_named(changes):
    with pytest.raises(BadPayload, match=r"^execution .+: cannot read .") as flaw:
        read(an_execution(**changes))
    assert isinstance(flaw.value, UpstreamFault)
    assert flaw.value.exit_code == 3
    assert flaw.value.payload == REDACTOR.execution(over_the_wire(an_execution(**changes))).payload
    assert len(str(flaw.value)) < 500


@pytest.mark.parametrize("nothing", ["", None])
def test_a_value_whose_name_is_said_to_be_nothing_keeps_its_place(nothing):
    first, second = an_output(), an_output(pipeline_output_name=nothing, value=7)
    whole = read(an_execution(outputs=[first, second]))
    assert [one.position for one in whole.outputs] == [0, 1]
    assert (whole.outputs[1].name, whole.outputs[1].value) == ("", "7")
    file = an_input(pipeline_input_name=nothing, data_type="file")
    (unnamed,) = read(an_execution(inputs=[file])).inputs
    assert (unnamed.wants_file, unnamed.state) == (False, "capped")  # nothing to ask for it by


@pytest.mark.parametrize("payload", [None, [], "OK", 7])
def test_what_is_no_object_is_no_execution(payload):
    with pytest.raises(BadPayload, match=r"^execution \?: cannot read what is no JSON object"):
        read(payload)
    with pytest.raises(BadPayload):
        payloads.listed_execution(payload, scope_pipeline="p")


def test_a_refusal_names_the_flaw():
    with pytest.raises(BadPayload, match="execution iris-pip-22rn5: cannot read 'created_at'"):
        read(an_execution(created_at=GONE))
    with pytest.raises(BadPayload, match="cannot read 'yesterday' is no instant"):
        read(an_execution(created_at="yesterday"))


@pytest.mark.parametrize(
    "name", ["a b", "a/b", "../../etc", "é😀", "\x1b[31m", "a\nb", "=cmd", "x" * 300]
)
def test_a_name_is_kept_as_it_is(name):
    execution = read(an_execution(execution_id=name, pipeline_name=name, deployment_name=name))
    assert (execution.key.execution_id, execution.pipeline_name) == (name, name)
    assert execution.deployment_name == name


@pytest.mark.parametrize("stated", [GONE, None, "", 7, {}])
def test_without_a_pipeline_name_the_listing_tells_it(stated):
    assert read(an_execution(pipeline_name=stated), scope="iris").pipeline_name == "iris"


@pytest.mark.parametrize("stated", [GONE, None, "", {}])
def test_a_direct_run_has_no_deployment_unless_the_platform_sends_text(stated):
    assert read(an_execution(deployment_name=stated)).deployment_name is None
    assert read(an_execution(deployment_name="run-iris")).deployment_name == "run-iris"


@pytest.mark.parametrize(
    ("created_at", "text"),
    [
        ("2026-11-24T10:00:00+02:00", "2026-11-24T08:00:00Z"),
        ("2025-03-02 08:20:00", "2025-03-02T08:20:00Z"),
        ("2025-03-02T08:20:00.123456789Z", "2025-03-02T08:20:00.123456Z"),
        (1740903600, "2025-03-02T08:20:00Z"),
        (1740903600123, "2025-03-02T08:20:00.123Z"),
    ],
)
def test_dates_of_every_shape_are_read(created_at, text):
    execution = read(an_execution(created_at=created_at, end_date=created_at))
    assert execution.key.created_at == execution.end_date == instant(text)


def test_an_epoch_number_is_read_digit_by_digit():
    body = json.dumps(an_execution(created_at="HERE")).replace('"HERE"', "1740903600.1234560")
    redacted = REDACTOR.execution(exact.loads(body))
    execution = payloads.execution(redacted, scope_pipeline="p")
    assert execution.key.created_at == instant("2025-03-02T08:20:00.123456Z")


@pytest.mark.parametrize(
    "literal",
    [
        "1e-99999999999999999999",
        "1e-999999999",
        "1e300",
        "-0",
        pytest.param("9" * 5000, id="5000 digits"),
        pytest.param("9" * 1_000_001, id="a million digits"),
    ],
)
def test_a_monstrous_number_is_no_date_or_a_strange_one_but_no_crash(literal):
    body = json.dumps(an_execution(end_date="HERE")).replace('"HERE"', literal)
    redacted = REDACTOR.execution(exact.loads(body))
    end_date = payloads.execution(redacted, scope_pipeline="p").end_date
    assert end_date in (None, datetime(1970, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize("stated", [GONE, None, "", "soon", [], True])
def test_other_dates_that_cannot_be_read_are_none_and_stay_in_the_raw_answer(stated):
    execution = read(
        an_execution(end_date=stated, steps=[a_step(start_date=stated, end_date=stated)])
    )
    assert execution.end_date is None
    assert execution.steps[0].start_date is None
    assert execution.started_at is None
    if stated == "soon":
        assert b'"end_date":"soon"' in execution.raw.body


@pytest.mark.parametrize("status", ["Succeeded", "RUNNING", "Cancelled?", " failed ", "\x1b[0m"])
def test_a_status_is_kept_verbatim(status):
    execution = read(an_execution(status=status, steps=[a_step(status=status)]))
    assert (execution.status, execution.steps[0].status) == (status, status)
    assert execution.is_over == (status == "Succeeded")


@pytest.mark.parametrize("stated", [GONE, None, "", 7, {"phase": "done"}])
def test_a_text_that_is_none_is_none(stated):
    execution = read(an_execution(status=stated, created_by=stated, steps=[a_step(name=stated)]))
    assert (execution.status, execution.created_by) == (None, None)
    assert execution.steps[0].step_name is None
    assert not execution.is_over


@pytest.mark.parametrize("steps", [GONE, None, []])
def test_an_execution_may_have_no_steps(steps):
    assert read(an_execution(steps=steps)).steps == ()


def test_an_execution_may_have_several_steps_and_they_are_counted_from_zero():
    steps = [a_step(name="a", start_date=None), a_step(name="b"), {}]
    execution = read(an_execution(steps=steps))
    assert [(step.position, step.step_name) for step in execution.steps] == [
        (0, "a"),
        (1, "b"),
        (2, None),
    ]
    assert execution.started_at == instant("2025-03-02T08:20:09Z")


@pytest.mark.parametrize("stated", [GONE, None, []])
def test_an_execution_may_have_no_inputs_and_outputs(stated):
    execution = read(an_execution(inputs=stated, outputs=stated))
    assert (execution.inputs, execution.outputs) == ((), ())


# Values.


@pytest.mark.parametrize(
    ("literal", "shown", "text", "number"),
    [
        ("null", "null", None, None),
        ('"null"', '"null"', "null", None),
        ('""', '""', "", None),
        ("0", "0", "0", 0.0),
        ("false", "false", "false", None),
        ("true", "true", "true", None),
        ("[]", "[]", "[]", None),
        ('{"b":1.50,"a":[null]}', '{"b":1.50,"a":[null]}', '{"b":1.50,"a":[null]}', None),
        ('"é\\n\\"😀"', '"é\\n\\"😀"', 'é\n"😀', None),
        ("1.50", "1.50", "1.50", 1.5),
        ("1e5", "1e5", "1e5", 100000.0),
        ("18446744073709551615", "18446744073709551615", "18446744073709551615", 2.0**64),
        ("9007199254740993", "9007199254740993", "9007199254740993", 9007199254740992.0),
        (
            "0.12345678901234567890",
            "0.12345678901234567890",
            "0.12345678901234567890",
            0.12345678901234568,
        ),
        pytest.param("9" * 5000, "9" * 5000, "9" * 5000, None, id="5000 digits"),
        ("NaN", '"NaN"', "NaN", None),
        ("Infinity", '"Infinity"', "Infinity", None),
        ("-Infinity", '"-Infinity"', "-Infinity", None),
        ("1e999", '"1e999"', "1e999", None),
    ],
)
def test_a_value_is_kept_as_json_as_text_and_as_a_number(literal, shown, text, number):
    output = the_value(literal)
    assert (output.value, output.value_text, output.value_number) == (shown, text, number)
    assert output.state is OK
    assert output.exact is None


@pytest.mark.parametrize("status", ["Succeeded", "Running", "Failed"])
def test_a_value_that_is_not_sent_is_absent(status):
    output = the_output(an_output(value=GONE), status=status)
    assert (output.value, output.value_text, output.value_number) == (None, None, None)
    assert output.state is ABSENT


def test_a_redacted_value_says_so():
    hidden = REDACTOR.fingerprint("secret-4711")
    execution = read(
        an_execution(
            inputs=[a_secret_input("secret-4711"), a_secret_input(None)],
            outputs=[an_output(value=["it is secret-4711"]), an_output()],
        )
    )
    assert [held.state for held in execution.inputs] == [REDACTED, OK]
    assert [held.state for held in execution.outputs] == [REDACTED, OK]
    assert execution.outputs[0].value == f'["it is {hidden}"]'
    assert execution.inputs[1].value == "null"


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"mapping_type": "endpoint"}, PENDING),
        ({"mapping_type": "run"}, PENDING),
        ({"mapping_type": "something new"}, PENDING),
        ({"mapping_type": "is_null", "mapping_value": {"is_null": True}}, ABSENT),
        ({"mapping_type": "IS_NULL", "mapping_value": {}}, ABSENT),
        ({"mapping_type": GONE, "mapping_value": {"is_null": True}}, ABSENT),
        ({"mapping_type": "endpoint", "mapping_value": {"is_null": False}}, PENDING),
    ],
)
@pytest.mark.parametrize("data_type", ["file", "File"])
@pytest.mark.parametrize("content", [GONE, None, "inlined?"])
def test_the_bytes_of_a_file_are_wanted_where_the_official_client_fetches_them(
    changes, state, data_type, content
):
    changes = {**changes, "data_type": data_type, "value": content}
    for file in (the_input(an_input(**changes)), the_output(an_output(**changes))):
        assert (file.state, file.wants_file) == (state, state is PENDING)
        assert (file.value, file.value_text, file.value_number) == (None, None, None)


@pytest.mark.parametrize(
    "changes",
    [
        {"mapping_type": "environment_variable", "mapping_value": {}},
        {"mapping_type": "Env", "mapping_value": {}},
        {"mapping_type": GONE, "source": "environment_variable", "mapping_value": None},
        {"mapping_type": "new", "mapping_value": {"environment_variable_name": "KEY"}},
        {"mapping_type": GONE, "mapping_value": GONE, "environment_variable_name": "KEY"},
    ],
)
def test_the_bytes_of_what_an_environment_variable_feeds_are_not_asked_for(changes):
    file = the_input(an_input(data_type="file", value=GONE, **changes))
    assert (file.state, file.wants_file) == (REDACTED, False)


@pytest.mark.parametrize("via", ["datastore", "Datastore"])
def test_a_file_of_the_data_store_is_fetched_as_an_output_only(via):
    changes = {"data_type": "file", "mapping_type": via, "mapping_value": {"datastore_path": "a"}}
    assert not the_input(an_input(**changes)).wants_file
    assert the_output(an_output(**changes)).wants_file


@pytest.mark.parametrize(
    ("status", "end_date", "wanted"),
    [
        ("Pending", None, False),
        ("Running", None, False),
        (None, None, False),
        ("Cancelled", None, False),
        ("Cancelled", "2025-03-02T08:20:41.930Z", True),
        ("FAILED", None, True),
        ("Skipped", None, True),
    ],
)
def test_output_files_are_fetched_once_the_execution_is_over_input_files_always(
    status, end_date, wanted
):
    file = {"data_type": "file", "value": GONE}
    execution = read(
        an_execution(
            status=status,
            end_date=end_date,
            inputs=[an_input(**file)],
            outputs=[an_output(**file)],
        )
    )
    assert execution.inputs[0].wants_file
    assert execution.outputs[0].wants_file is wanted
    assert execution.outputs[0].state is (PENDING if wanted else ABSENT)


def test_older_names_and_the_official_clients_flat_shape_are_read_alike():
    older = {
        "step_output_name": "label",
        "data_type": "string",
        "mapping_value": {"endpoint_output_name": "label"},
        "value": "setosa",
    }
    flat = {
        "pipeline_output_name": "label",
        "data_type": "string",
        "destination": "endpoint",
        "endpoint_output_name": "label",
        "value": "setosa",
    }
    assert the_output(older) == the_output(flat) == the_output(an_output())
    older = {
        "step_input_name": "petal",
        "data_type": "number",
        "mapping_value": {"endpoint_input_name": "petal", "is_required": True},
        "value": 1.4,
    }
    flat = {
        "pipeline_input_name": "petal",
        "data_type": "number",
        "source": "endpoint",
        "endpoint_input_name": "petal",
        "value": 1.4,
    }
    assert the_input(older) == the_input(flat) == the_input(an_input())


def test_what_the_official_client_calls_the_mapping_is_kept_verbatim():
    assert the_input(an_input(mapping_type=GONE, source="Something new")).via == "Something new"
    item = an_output(mapping_type=GONE, destination="Something new")
    assert the_output(item).via == "Something new"


@pytest.mark.parametrize(
    ("mapping", "via"),
    [
        ({"environment_variable_name": "V"}, "environment_variable"),
        ({"datastore_path": "a/b"}, "datastore"),
        ({"endpoint_input_name": "x"}, "endpoint"),
        ({"run_input_name": "x"}, "run"),
        ({"is_null": True}, "is_null"),
        ({"constant_value": None}, "constant"),
        ({"constant_value": 0}, "constant"),
        ({"is_null": False}, None),
        ({}, None),
        (None, None),
        ("odd", None),
    ],
)
def test_without_a_mapping_type_the_key_that_is_there_tells_it(mapping, via):
    item = an_input(mapping_type=GONE, mapping_value=mapping)
    assert the_input(item).via == via


def test_an_output_has_its_own_mapping_keys():
    for key, via in (("endpoint_output_name", "endpoint"), ("run_output_name", "run")):
        assert the_output(an_output(mapping_type=GONE, mapping_value={key: "x"})).via == via


def test_a_constant_that_is_null_is_not_a_constant_that_is_missing():
    assert the_input(an_input(mapping_value={"constant_value": None})).constant_value == "null"
    assert the_input(an_input(mapping_value={})).constant_value is None
    assert the_input(an_input(mapping_value={"constant_value": [1.0]})).constant_value == "[1.0]"


@pytest.mark.parametrize(
    ("stated", "read_as"), [(True, True), (False, False), ("true", None), (1, None)]
)
def test_only_a_boolean_is_a_boolean(stated, read_as):
    assert the_input(an_input(mapping_value={"is_null": stated})).is_null is read_as


# What a database cannot hold.


def test_nul_and_lone_surrogates_are_shown_by_a_sign_and_kept_exactly():
    output = the_output(an_output(value="a\0b\ud83d"))
    assert output.value == '"a␀b\ufffd"'
    assert output.value_text == "a␀b\ufffd"
    assert output.exact == '{"value":"a\\u0000b\\ud83d","value_text":"a\\u0000b\\ud83d"}'


def test_they_are_kept_exactly_within_json_too():
    output = the_output(an_output(value={"k\0": ["\ud83d", "\\u0000"]}))
    assert output.value == output.value_text == '{"k␀":["\ufffd","\\\\u0000"]}'
    kept = json.loads(output.exact)
    assert kept["value"] == {"k\0": ["\ud83d", "\\u0000"]}
    assert json.loads(kept["value_text"]) == kept["value"]
    assert output.exact.isascii()


def test_every_text_column_is_fit_for_a_database():
    odd = "a\0\ud83d"
    shown = "a␀\ufffd"
    execution = read(
        an_execution(
            status=odd,
            created_by=odd,
            steps=[
                dict.fromkeys(
                    (
                        *("name", "status", "commit_id", "repository_url"),
                        *("repository_branch", "requirements_path", "origin"),
                    ),
                    odd,
                )
            ],
            inputs=[
                {
                    "pipeline_input_name": "x",
                    "data_type": odd,
                    "mapping_type": odd,
                    "mapping_value": {
                        "endpoint_input_name": odd,
                        "datastore_path": odd,
                        "constant_value": odd,
                    },
                }
            ],
        )
    )
    assert json.loads(execution.exact) == {"status": odd, "created_by": odd}
    step, held = execution.steps[0], execution.inputs[0]
    kept = json.loads(step.exact)
    assert len(kept) == 7
    assert all(getattr(step, column) == shown for column in kept)
    kept = json.loads(held.exact)
    assert set(kept) == {"data_type", "via", "endpoint_name", "datastore_path", "constant_value"}
    assert held.constant_value == f'"{shown}"'
    assert held.via == held.data_type == held.endpoint_name == held.datastore_path == shown
    assert b"\\u0000" in execution.raw.body


def test_the_name_of_an_environment_variable_is_fit_for_a_database_too():
    held = the_input(a_secret_input("x", mapping_value={"environment_variable_name": "a\0"}))
    assert held.environment_variable_name == "a␀"
    assert json.loads(held.exact) == {"environment_variable_name": "a\0"}


# A listing's entry.


def test_a_listed_execution_is_read():
    assert payloads.listed_execution(a_listed_execution(), scope_pipeline="p") == ListedExecution(
        key=Key("iris-pip-22rn5", instant("2025-03-02T08:20:00.101Z")),
        pipeline_name="iris-pip",
        deployment_name="iris-predict",
        status="Succeeded",
        end_date=instant("2025-03-02T08:20:41.930Z"),
    )


def test_a_listed_execution_without_its_optional_keys_is_read():
    entry = {"execution_id": "e", "created_at": "2025-03-02T08:20:00Z", "status": "a\0"}
    listed = payloads.listed_execution(entry, scope_pipeline="p")
    assert (listed.pipeline_name, listed.deployment_name, listed.end_date) == ("p", None, None)
    assert listed.status == "a␀"


def test_a_listed_execution_without_a_readable_key_is_refused():
    for changes in ({"created_at": "soon"}, {"execution_id": "a\0"}, {"execution_id": GONE}):
        with pytest.raises(BadPayload) as flaw:
            payloads.listed_execution(a_listed_execution(**changes), scope_pipeline="p")
        assert flaw.value.payload == a_listed_execution(**changes)


@pytest.mark.parametrize(
    ("entry", "shown"),
    [
        ({"execution_id": "a\0b"}, "a␀b"),
        ({"execution_id": "x" * 1000}, "x" * 200),
        ({"execution_id": ""}, "?"),
        ({"execution_id": 7}, "?"),
        ({}, "?"),
        (None, "?"),
    ],
)
def test_what_cannot_be_read_has_a_name_to_be_shown_by(entry, shown):
    assert payloads.shown_id(entry) == shown


# A deployment.


def deployment(listed, detail=None):
    read_detail = REDACTOR.deployment(over_the_wire(detail)) if detail is not None else None
    return payloads.deployment(REDACTOR.deployment(over_the_wire(listed)), read_detail)


def test_a_deployment_is_read_out_of_its_entry_and_its_own_answer():
    read_one = deployment(a_listed_deployment(), a_deployment())
    hidden = REDACTOR.fingerprint("REDACT-ME")
    assert read_one.name == "iris-predict"
    assert read_one.created_at == instant("2025-03-02T08:11:07.204Z")
    assert read_one.pipeline_name == "iris-pip"
    assert read_one.execution_rule == "endpoint"
    assert read_one.mode == "low_latency"
    assert read_one.is_enabled is True
    assert read_one.status == "up"
    assert (read_one.schedule, read_one.human_readable_schedule) == (None, None)
    assert read_one.endpoint_url_path == "iris-predict"
    assert read_one.endpoint_token_fingerprint == hidden
    assert read_one.description == "demo"
    assert (read_one.created_by, read_one.updated_by) == (USER, USER)
    assert read_one.updated_at == instant("2025-03-09T10:00:00Z")
    assert json.loads(read_one.inputs_mapping) == a_deployment()["inputs_mapping"]
    assert json.loads(read_one.outputs_mapping) == a_deployment()["outputs_mapping"]
    assert read_one.pods == '[{"pod_id":"iris-predict-7c9d-x2","status":"Running"}]'
    assert read_one.exact is None
    assert json.loads(read_one.raw.body) == {
        "listed": a_listed_deployment(),
        "detail": a_deployment(endpoint_token=hidden),
    }
    assert "REDACT-ME" not in repr(read_one)


def test_the_settings_are_the_answer_without_what_changes_by_itself_in_the_order_of_keys():
    settings = deployment(
        a_listed_deployment(), a_deployment(last_execution_id="e1", odd={"b": 1.0, "a": "é"})
    ).settings
    expected = a_deployment(
        endpoint_token=REDACTOR.fingerprint("REDACT-ME"), odd={"a": "é", "b": 1.0}
    )
    for key in ("status", "pods", "updated_at", "updated_by"):
        del expected[key]
    assert settings == json.dumps(
        expected, sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )


def test_a_deployment_that_is_only_listed_has_no_settings():
    read_one = deployment(a_listed_deployment())
    assert read_one.mode == "elastic"
    assert (read_one.settings, read_one.inputs_mapping, read_one.pods) == (None, None, None)
    assert json.loads(read_one.raw.body) == {"listed": a_listed_deployment()}


def test_the_entry_may_be_given_as_it_is():
    assert payloads.deployment(a_listed_deployment()) == deployment(a_listed_deployment())


@pytest.mark.parametrize("stated", [GONE, None, "", "soon"])
def test_the_birth_of_a_deployment_may_be_told_by_its_own_answer(stated):
    read_one = deployment(a_listed_deployment(created_at=stated), a_deployment())
    assert read_one.created_at == instant("2025-03-02T08:11:07.204Z")
    with pytest.raises(BadPayload, match="deployment iris-predict: cannot read"):
        deployment(a_listed_deployment(created_at=stated), a_deployment(created_at=stated))
    with pytest.raises(BadPayload):
        deployment(a_listed_deployment(created_at=stated))


def test_the_entrys_birth_comes_first_since_the_listing_is_compared():
    read_one = deployment(a_listed_deployment(), a_deployment(created_at="2020-01-01"))
    assert read_one.created_at == instant("2025-03-02T08:11:07.204Z")


def test_older_keys_of_a_deployment_are_read():
    read_one = deployment(
        {"name": "d", "pipeline_name": "p", "type": "periodic", "created_at": "2024-01-01"},
        {
            "name": "d",
            "pipeline": {"name": "p"},
            "type": "periodic",
            "active": False,
            "update_status": "success",
            "schedule": "0 3 * * *",
            "human_readable_schedule": "At 03:00",
            "inputs": [{"step_input_name": "a", "constant_value": 1.50}],
            "outputs": [],
        },
    )
    assert (read_one.execution_rule, read_one.is_enabled, read_one.status) == (
        "periodic",
        False,
        "success",
    )
    assert (read_one.schedule, read_one.human_readable_schedule) == ("0 3 * * *", "At 03:00")
    assert read_one.inputs_mapping == '[{"step_input_name":"a","constant_value":1.5}]'
    assert read_one.outputs_mapping == "[]"
    assert read_one.endpoint_token_fingerprint is None


@pytest.mark.parametrize(
    ("entry", "name"),
    [
        ({"pipeline_name": "a"}, "a"),
        ({"pipeline": {"name": "b"}}, "b"),
        ({"pipeline_name": "", "pipeline": {"id": "1", "name": "b"}}, "b"),
        ({"pipeline": "b"}, None),
        ({"pipeline_name": 7}, None),
        ({"pipeline_name": "a\0"}, None),
        ({}, None),
    ],
)
def test_the_pipeline_of_a_deployment_is_told_in_two_ways(entry, name):
    assert payloads.pipeline_of(entry) == name


@pytest.mark.parametrize(
    ("listed", "detail"),
    [
        ({"name": GONE}, {}),
        ({"name": "a\0b"}, {}),
        ({"name": 7}, {}),
        ({"pipeline_name": "a\0"}, {}),
    ],
)
def test_a_deployment_without_a_proper_name_is_refused(listed, detail):
    with pytest.raises(BadPayload, match=r"^deployment "):
        deployment(a_listed_deployment(**listed), a_deployment(**detail))


def test_a_deployment_of_another_shape_is_refused():
    with pytest.raises(BadPayload):
        deployment([])
    with pytest.raises(BadPayload):
        deployment(a_listed_deployment(), [])


def test_a_token_that_nobody_redacted_is_not_taken_for_its_fingerprint():
    bare = a_listed_deployment(endpoint_token="REDACT-ME")
    assert payloads.deployment(bare).endpoint_token_fingerprint is None


def test_every_text_column_of_a_deployment_is_fit_for_a_database():
    columns = (
        *("execution_rule", "mode", "status", "schedule", "human_readable_schedule"),
        *("endpoint_url_path", "description", "created_by", "updated_by"),
    )
    read_one = deployment(a_listed_deployment(), a_deployment(**dict.fromkeys(columns, "a\0")))
    kept = json.loads(read_one.exact)
    assert kept.keys() == {*columns, "settings"}
    assert [getattr(read_one, column) for column in columns] == ["a␀"] * len(columns)


def test_odd_texts_of_a_deployment_are_shown_by_a_sign_and_kept():
    read_one = deployment(a_listed_deployment(), a_deployment(description="a\0", pods=["\ud83d"]))
    assert (read_one.description, read_one.pods) == ("a␀", '["\ufffd"]')
    kept = json.loads(read_one.exact)
    assert (kept["description"], kept["pods"]) == ("a\0", ["\ud83d"])
    assert kept["settings"]["description"] == "a\0"
    assert '"description":"a␀"' in read_one.settings


# A pipeline.


def pipeline(listed, detail=None):
    read_detail = REDACTOR.pipeline(over_the_wire(detail)) if detail is not None else None
    return payloads.pipeline(REDACTOR.pipeline(over_the_wire(listed)), read_detail)


def test_a_pipeline_is_read_with_and_without_its_own_answer():
    listed = pipeline(a_listed_pipeline())
    assert listed.name == "iris-pip"
    assert listed.created_at == instant("2025-03-02T08:00:00Z")
    assert listed.status == "ready"
    assert json.loads(listed.listed.body) == a_listed_pipeline()
    assert listed.detail is None
    whole = pipeline(a_listed_pipeline(status="Ready"), a_pipeline())
    assert whole.status == "Ready"
    assert json.loads(whole.detail.body) == a_pipeline()
    assert whole.detail.sha256 == hashlib.sha256(whole.detail.body).hexdigest()


def test_older_shapes_of_a_pipeline_are_read():
    flat = {"pipeline_name": "p", "created_at": "2024-01-01", "steps": [], "status": "Ready"}
    assert pipeline({"name": "p"}, flat).created_at == instant("2024-01-01")
    assert pipeline({"name": "p"}, flat).status == "Ready"
    bare = {"pipeline_name": "p"}
    assert pipeline(bare, a_pipeline()).created_at == instant("2025-03-02T08:00:00Z")
    assert pipeline(bare, a_pipeline()).status == "ready"


@pytest.mark.parametrize(
    "entry",
    [
        {},
        [],
        {"pipeline_name": "p"},
        {"pipeline_name": "p", "created_at": "soon"},
        {"pipeline_name": "a\0", "created_at": "2024-01-01"},
    ],
)
def test_a_pipeline_without_name_or_birth_is_refused(entry):
    with pytest.raises(BadPayload, match=r"^pipeline "):
        pipeline(entry)


def test_a_pipeline_keeps_an_odd_status_exactly():
    odd = pipeline(a_listed_pipeline(status="a\0"))
    assert (odd.status, odd.exact) == ("a␀", '{"status":"a\\u0000"}')


# Whether an object still is what it was.


@pytest.mark.parametrize(
    ("payload", "archived"),
    [
        (a_deployment(), False),
        (a_deployment(is_archived=True), True),
        (a_deployment(is_archived="true"), False),
        (a_pipeline(), False),
        (a_pipeline(creation_info={"is_archived": True}), True),
        ({"creation_info": None}, False),
    ],
)
def test_an_archived_object_counts_as_deleted(payload, archived):
    assert payloads.is_archived(payload) is archived
    assert payloads.is_another(payload, instant("2024-01-01")) or not archived


BIRTH = instant("2025-03-02T08:11:07.204Z")


@pytest.mark.parametrize(
    ("born", "another"),
    [
        ("2025-03-02T08:11:07.204Z", False),
        ("2025-03-02T09:11:07.204+01:00", False),
        ("2025-03-02T08:11:07.204999Z", False),
        ("2025-03-02T08:11:07.205Z", True),
        ("soon", False),
        (None, False),
    ],
)
def test_an_object_born_at_another_time_is_another_one_and_a_doubt_says_no(born, another):
    assert payloads.is_another(a_deployment(created_at=born), BIRTH) is another
    assert payloads.is_another(a_pipeline(creation_info={"created_at": born}), BIRTH) is another


@pytest.mark.parametrize(
    ("payload", "told"),
    [
        ({"execution_id": "x", "pipeline_name": "y"}, True),
        ({"name": "x", "pipeline_name": "y"}, True),
        ({"parameters": {"pipeline_name": "x"}, "creation_info": {}}, True),
        ({"pipeline_name": "x", "parameters": None}, True),
        ({"name": "y", "parameters": {"pipeline_name": "x"}}, False),
        ({"message": "Service is being updated"}, False),
        ({"name": None}, False),
        ({}, False),
    ],
)
def test_an_object_is_what_it_calls_itself(payload, told):
    assert payloads.is_about(payload, "x") is told


@pytest.mark.parametrize(
    ("payload", "told"),
    [
        ({"created_at": "2024-01-01T00:00:00.000456Z"}, True),
        ({"name": None, "creation_info": {"created_at": "2024-01-01T00:00:00Z"}}, True),
        ({"created_at": "2024-01-01T00:00:00.001Z"}, False),
        ({"created_at": "some day"}, False),
        ({"name": "y", "created_at": "2024-01-01T00:00:00Z"}, False),
    ],
)
def test_an_object_that_tells_no_name_is_known_by_its_birth(payload, told):
    assert payloads.is_about(payload, "x", born=instant("2024-01-01")) is told
    assert not payloads.is_about(payload, "x")


# Logs.


BIRTH_NS = "2025-03-02T08:20:11.259324457Z"


def entry(message="loading model", **changes):
    return {"timestamp": BIRTH_NS, "message": message, **changes}


def seen(answer, **options):
    """Source, number and message of each line."""
    return [
        (line.source, line.line_number, line.message)
        for line in payloads.log_lines(answer, **options)
    ]


def test_a_log_line_is_read_field_by_field():
    assert payloads.log_lines([[entry(stream="stderr")]]) == (
        LogLine(
            line_number=1,
            source=0,
            timestamp="2025-03-02T08:20:11.259324457Z",
            timestamp_ns=1740903611_259324457,
            stream="stderr",
            message="loading model",
            exact=None,
        ),
    )


@pytest.mark.parametrize(
    ("answer", "lines"),
    [
        (None, []),
        ([], []),
        ([[]], []),
        ([[], []], []),
        ([None, [entry("a")]], [(1, 1, "a")]),
        ([[entry("a"), entry("b")]], [(0, 1, "a"), (0, 2, "b")]),
        ([[entry("a")], [], [entry("b")]], [(0, 1, "a"), (2, 2, "b")]),
        ([entry("a"), entry("b")], [(0, 1, "a"), (0, 2, "b")]),
        ([["a", "b"]], [(0, 1, "a"), (0, 2, "b")]),
        ([[entry("same"), entry("same")]], [(0, 1, "same"), (0, 2, "same")]),
        ([[{}]], [(0, 1, "")]),
        ([[entry(None)]], [(0, 1, "")]),
        ([[entry("")]], [(0, 1, "")]),
        ([[entry(["a", 1.5])]], [(0, 1, '["a",1.5]')]),
        ([[entry(7)]], [(0, 1, "7")]),
        ("timestamp,message\n2025-03-02,hello\n", [(0, 1, "hello")]),
        (["timestamp,message\r\n2025-03-02,hello\r\n"], [(0, 1, "hello")]),
        (['message,timestamp\n"a, ""b""",2025-03-02\n'], [(0, 1, 'a, "b"')]),
        (["2025-03-02,hello"], [(0, 1, "hello")]),
        (['2025-03-02,"a\nb"\n2025-03-02'], [(0, 1, "a\nb"), (0, 2, "2025-03-02")]),
        (["2025-03-02,a,stdout,4711"], [(0, 1, "a,stdout,4711")]),
        (['2025-03-02,{"a":1,"b":"c"}'], [(0, 1, '{"a":1,"b":"c"}')]),
        (['2025-03-02,"a": "b"'], [(0, 1, '"a": "b"')]),
        (['"a": "b"', '"a ""b"""'], [(0, 1, '"a": "b"'), (1, 2, 'a "b"')]),
        ("timestamp,message,stream\n2025-03-02,a, b,stdout", [(0, 1, "a, b")]),
        ("message,timestamp\na, b, c,2025-03-02", [(0, 1, "a, b, c")]),
        ("timestamp,message\n,hello", [(0, 1, "hello")]),
        ("timestamp,stream,message\n2025-03-02,stdout", [(0, 1, "")]),
        (["connected, as admin, twice"], [(0, 1, "connected, as admin, twice")]),
        (['connected, "as admin"'], [(0, 1, 'connected, "as admin"')]),
        ('timestamp,message\nsoon,"a, ""b"""', [(0, 1, 'soon,"a, ""b"""')]),
        ([",hello"], [(0, 1, ",hello")]),
        (["message\nerror,message"], [(0, 1, "message"), (0, 2, "error,message")]),
        (["hello\n\nworld"], [(0, 1, "hello"), (0, 2, "world")]),
        ("timestamp,message\n2025-03-02,message", [(0, 1, "message")]),
        (["2025-03-02,a", "2025-03-02,b"], [(0, 1, "a"), (1, 2, "b")]),
        ("", []),
    ],
)
def test_logs_of_every_shape_are_read_and_numbered_through(answer, lines):
    assert seen(answer) == lines


MESSAGES = st.text() | st.sampled_from(("secret", "a secret", "", "a\0", "\ud800"))
TODAYS = {"message": MESSAGES, "timestamp": st.just(BIRTH_NS), "stream": st.just("stdout")}
ODDLY = {
    "message": st.sampled_from((None, 7, ["secret"])),
    "timestamp": st.sampled_from(("soon", "a secret", "", "a\0", None, 7, [], ["secret"])),
    "stream": st.sampled_from(("", "secret", "\ud800", None, 7, ["secret"])),
}
ENTRIES = st.one_of(
    *[st.fixed_dictionaries(TODAYS | {key: odd}) for key, odd in ODDLY.items()],
    *[st.fixed_dictionaries(TODAYS | {key: st.text()}) for key in TODAYS],
    *[
        st.fixed_dictionaries({other: TODAYS[other] for other in TODAYS.keys() - {key}})
        for key in TODAYS
    ],
)


@given(
    st.lists(st.fixed_dictionaries(TODAYS) | ENTRIES, min_size=1, max_size=3),
    st.booleans(),
)
@example(entries=[entry("a secret", stream="stdout")], hides=True)
def test_lines_are_read_alike_whatever_stands_beside_them(entries, hides):
    clean = (lambda text: text.replace("secret", "****")) if hides else None
    alone = payloads.log_lines([entries], clean=clean)
    assert payloads.log_lines([[*entries, {}]], clean=clean)[:-1] == alone
    assert payloads.log_lines([[], entries], clean=clean) == tuple(
        line._replace(source=1) for line in alone
    )
    assert all(type(line) is LogLine for line in alone)
    assert not hides or "secret" not in repr(alone)


def test_csv_text_has_its_timestamps():
    (line,) = payloads.log_lines("timestamp,message,stream\n2025-03-02T08:20:11Z,hello,stdout\n")
    assert line.timestamp_ns == 1740903611_000000000
    assert (line.timestamp, line.stream) == ("2025-03-02T08:20:11Z", "stdout")
    (line,) = payloads.log_lines("2025-03-02T08:20:11Z,hello\n")
    assert (line.timestamp, line.message) == ("2025-03-02T08:20:11Z", "hello")


def test_text_that_is_no_csv_is_read_line_by_line():
    monstrous = "x" * 200_000
    assert seen(f"a\n{monstrous}") == [(0, 1, "a"), (0, 2, monstrous)]


@pytest.mark.parametrize(
    ("stated", "kept", "counted"),
    [
        ("2025-03-02T08:20:11Z", "2025-03-02T08:20:11Z", 1740903611_000000000),
        ("soon", "soon", None),
        ("a\0", "a␀", None),
        ("", None, None),
        (None, None, None),
        (1740903611259, "1740903611259", 1740903611_259000000),
        (exact.Number("1740903611.250"), "1740903611.250", 1740903611_250000000),
        ([], "[]", None),
    ],
)
def test_a_timestamp_is_kept_as_text_and_counted_where_it_is_one(stated, kept, counted):
    (line,) = payloads.log_lines([[entry(timestamp=stated)]])
    assert (line.timestamp, line.timestamp_ns) == (kept, counted)


@pytest.mark.parametrize(
    ("message", "shown", "kept"),
    [
        ("a\nb\x1b[31m", "a\nb\x1b[31m", None),
        ("a\0b", "a␀b", '"a\\u0000b"'),
        ("\ud83d", "\ufffd", '"\\ud83d"'),
        ("é😀", "é😀", None),
    ],
)
def test_a_message_is_fit_for_a_database_and_kept_exactly(message, shown, kept):
    (line,) = payloads.log_lines([[entry(message)]])
    assert (line.message, line.exact) == (shown, kept)


def test_messages_are_cleaned_before_anything_else():
    lines = payloads.log_lines(
        [[entry("my secret\0"), entry(["secret"])], "secret"],
        clean=lambda text: text.replace("secret", "-"),
    )
    assert [line.message for line in lines] == ["my -␀", '["-"]', "-"]
    assert "secret" not in repr(lines)


def test_timestamps_and_streams_are_cleaned_too_but_not_what_they_are_there_for():
    (words, time) = payloads.log_lines(
        [[entry(timestamp="secret soon", stream="a secret"), entry(stream="stderr")]],
        clean=lambda text: "-",
    )
    assert (words.timestamp, words.timestamp_ns, words.stream) == ("-", None, "-")
    assert (time.timestamp, time.stream) == (BIRTH_NS, "stderr")


@pytest.mark.parametrize("head", ["", "timestamp,message\n", "timestamp,stream,message\n"])
@pytest.mark.parametrize("secret", ["open sesame", "open, sesame", ', "open", sesame'])
def test_no_comma_hides_a_secret_from_those_who_look_for_it(head, secret):
    (line,) = payloads.log_lines(
        f"{head}connected with {secret}, as admin, twice",
        clean=lambda text: text.replace(secret, "****"),
    )
    assert (line.timestamp, line.stream) == (None, None)
    assert line.message == "connected with ****, as admin, twice"


@pytest.mark.parametrize("answer", [{}, {"message": "x"}, 7, True, [7], [[7]], [[None]], [[[]]]])
def test_what_is_no_log_is_refused(answer):
    with pytest.raises(BadPayload, match=r"^log: cannot read .") as flaw:
        payloads.log_lines(answer)
    assert flaw.value.payload is None


# Metrics.

RECORDED = {"created_at": "2025-03-02T08:20:39.000Z", "execution_id": "e"}


def test_metrics_are_read_value_by_value():
    born = instant("2025-03-02T08:20:39Z")
    assert payloads.metrics(
        [{"name": "f1", "value": 0.93, **RECORDED}],
        [{"name": "loss", "values": [0.5, exact.Number("0.250")], **RECORDED}],
    ) == (
        Metric("f1", 0, 0.93, "0.93", born),
        Metric("loss", 0, 0.5, "0.5", born),
        Metric("loss", 1, 0.25, "0.250", born),
    )


@pytest.mark.parametrize(
    ("value", "number", "text"),
    [
        ("NaN", None, "NaN"),
        ("1e999", None, "1e999"),
        (None, None, None),
        (7, 7.0, "7"),
        ("a\0", None, "a␀"),
    ],
)
def test_a_metric_that_is_no_number_keeps_its_token(value, number, text):
    (metric,) = payloads.metrics([{"name": "f1", "value": value}], [])
    assert (metric.value, metric.value_text, metric.created_at) == (number, text, None)


def test_rows_that_pages_repeat_count_once():
    single, listed = {"name": "f1", "value": 1}, {"name": "loss", "values": [1, 2], **RECORDED}
    found = payloads.metrics(
        [single, {"name": "f1", "value": 2}, single | {"value": 3}], [listed, dict(listed)]
    )
    assert [(metric.name, metric.position, metric.value) for metric in found] == [
        ("f1", 0, 3.0),
        ("loss", 0, 1.0),
        ("loss", 1, 2.0),
    ]


def test_two_batches_of_equal_values_are_two_batches():
    rows = [{"name": "loss", "values": [0], "created_at": f"2025-03-02T0{n}:00Z"} for n in (8, 9)]
    assert [metric.position for metric in payloads.metrics([], rows)] == [0, 1]


def test_batches_of_a_list_are_counted_through():
    later = {"name": "loss", "values": [1], "created_at": "2025-03-02T09:00:00Z"}
    undated = {"name": "loss", "values": [2]}
    found = payloads.metrics(
        [{"name": "loss", "value": 9}],
        [{"name": "loss", "values": [1, 1], **RECORDED}, later, undated, undated],
    )
    assert [(metric.position, metric.value) for metric in found] == [
        (0, 9.0),
        (1, 1.0),
        (2, 1.0),
        (3, 1.0),
        (4, 2.0),
        (5, 2.0),
    ]


@pytest.mark.parametrize(
    "rows",
    [
        ([{"value": 1}], []),
        ([{"name": "a\0", "value": 1}], []),
        ([7], []),
        ([], [{"name": "a"}]),
        ([], [{"name": "a", "values": None}]),
        ([], [{"name": "a", "values": "12"}]),
        ([], [{"name": "a", "values": {"1": 2}}]),
        ([], [{"name": "", "values": [1]}]),
        ([], [7]),
    ],
)
def test_what_is_no_metric_is_refused(rows):
    with pytest.raises(BadPayload, match=r"^metrics: cannot read"):
        payloads.metrics(*rows)


# Whatever comes.


def damaged(body, seed):
    """Bend a body as broken hands would: keys lost and swapped, values swapped, bytes gone."""
    chance = random.Random(seed)
    payload = json.loads(body)
    spots = []

    def walk(node):
        for key in list(node) if isinstance(node, dict) else range(len(node)):
            spots.append((node, key))
            if isinstance(node[key], dict | list):
                walk(node[key])

    walk(payload)
    odd = [
        None, True, 0, -1, 1.5, 10**30, "", "a\0", "\ud83d", "NaN", [], {}, [None], [[]],
        {"value": 1}, "2025-03-02", "x" * 50, string.printable,
    ]  # fmt: skip
    for _ in range(chance.randint(1, 4)):
        node, key = chance.choice(spots)
        try:
            if isinstance(node, dict) and chance.random() < 0.3:
                node[chance.choice(["value", "name", "status"])] = node.pop(key)
            else:
                node[key] = chance.choice(odd)
        except (KeyError, IndexError):
            continue
    text = json.dumps(payload)
    if chance.random() < 0.2:
        cut = chance.randrange(len(text))
        text = text[:cut] + chance.choice(["", "\\", '"', "NaN", "1e999", "\x00"]) + text[cut + 1 :]
    return text.encode()


KINDS = {
    "execution": (
        an_execution(),
        lambda payload: payloads.execution(REDACTOR.execution(payload), scope_pipeline="p"),
    ),
    "listed execution": (
        a_listed_execution(),
        lambda payload: payloads.listed_execution(payload, scope_pipeline="p"),
    ),
    "deployment": (
        a_deployment(),
        lambda payload: payloads.deployment(
            REDACTOR.deployment(payload), REDACTOR.deployment(payload)
        ),
    ),
    "pipeline": (
        {**a_listed_pipeline(), **a_pipeline()},
        lambda payload: payloads.pipeline(REDACTOR.pipeline(payload), REDACTOR.pipeline(payload)),
    ),
    "log": ([[entry("a"), entry("b")], [entry("c")]], payloads.log_lines),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("chunk", range(5))
def test_a_damaged_answer_is_a_record_or_a_refusal_and_nothing_else(kind, chunk):
    payload, reader = KINDS[kind]
    read_whole = 0
    for seed in range(chunk * 100, chunk * 100 + 100):
        try:
            record = reader(exact.loads(damaged(json.dumps(payload), seed)))
        except (BadPayload, ValueError):
            continue
        read_whole += 1
        assert_fit_for_a_database(record)
    assert read_whole > 10


def assert_fit_for_a_database(record):
    for line in record if isinstance(record, tuple) else [record]:
        shown = repr(line)
        assert "\\x00" not in shown
        assert "\\ud83d" not in shown.replace("\\\\ud83d", "")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["execution_id", "created_at", "inputs", "steps", "value", "name", "message"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)


@given(JSON)
def test_any_json_is_a_record_or_a_refusal_and_nothing_else(payload):
    payload = over_the_wire(payload)
    for reader in (
        *(reader for _, reader in KINDS.values()),
        lambda rows: payloads.metrics([rows], [rows]),
    ):
        try:
            reader(payload)
        except BadPayload as flaw:
            assert len(str(flaw)) < 600  # noqa: PT017 - whether it is raised is not the question


@given(st.datetimes(), st.sampled_from(["Succeeded", "Running", "odd"]), st.text(min_size=1))
def test_what_an_execution_says_of_itself_is_what_is_read(born, status, created_by):
    payload = an_execution(
        created_at=born.isoformat(timespec="microseconds") + "Z",
        status=status,
        created_by=created_by.replace("\0", "0"),
    )
    execution = read(payload)
    assert execution.key.created_at - timedelta(0) == born.replace(tzinfo=UTC)
    assert execution.status == status
    assert execution.created_by == payload["created_by"]
    assert isinstance(execution, Execution)
