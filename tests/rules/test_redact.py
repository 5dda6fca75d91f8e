"""What must not leave the upstream wing, and what stands in its place."""

import copy
import hashlib
import hmac
import itertools
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rules.wire import (
    a_deployment,
    a_listed_deployment,
    a_pipeline,
    a_secret_input,
    a_step,
    an_execution,
    an_input,
    an_output,
)

from craftsync.upstream import exact
from craftsync.upstream.redact import Redactor

KEY = bytes(range(32))
REDACTOR = Redactor(KEY)
SECRET = "hush-hush-4711"
FINGERPRINT = re.compile(r"redacted:[0-9a-f]{16}")


def fingerprint(text, key=KEY):
    return "redacted:" + hmac.new(key, text.encode(), hashlib.sha256).hexdigest()[:16]


def with_secret(value=SECRET, *, outputs=(), **changes):
    """An execution that was fed `value` from an environment variable."""
    return an_execution(inputs=[a_secret_input(value)], outputs=list(outputs), **changes)


def output_values(redacted):
    return [output["value"] for output in redacted.payload["outputs"]]


# Fingerprints.


def test_a_fingerprint_is_16_hex_digits_of_a_keyed_hash():
    assert REDACTOR.fingerprint("s3-prod") == fingerprint("s3-prod")
    assert FINGERPRINT.fullmatch(REDACTOR.fingerprint(""))
    assert Redactor(b"another key").fingerprint("s3-prod") != fingerprint("s3-prod")


def test_a_text_that_utf8_cannot_hold_has_a_fingerprint_too():
    assert REDACTOR.fingerprint("\ud83d") != REDACTOR.fingerprint("\ud83e")


# Values of environment variables.


def test_the_value_of_an_environment_variable_is_replaced():
    redacted = REDACTOR.execution(an_execution())
    assert redacted.payload["inputs"][1]["value"] == fingerprint("s3-prod")
    assert redacted.payload["inputs"][1]["mapping_value"] == {
        "environment_variable_name": "IRIS_BUCKET"
    }
    assert redacted.inputs == {1}
    assert redacted.outputs == set()
    assert redacted.secrets == {"s3-prod": fingerprint("s3-prod")}
    assert "s3-prod" not in redacted.body


def test_nothing_else_of_an_execution_is_touched():
    before, after = an_execution(), REDACTOR.execution(an_execution()).payload
    before["inputs"][1]["value"] = after["inputs"][1]["value"]
    assert after == before


def test_the_answer_that_was_given_stays_as_it_is():
    payload = with_secret(outputs=[an_output(value=SECRET)], steps=[a_step(inputs=[])])
    before = copy.deepcopy(payload)
    REDACTOR.execution(payload)
    assert payload == before


def test_the_body_is_the_payload_as_exact_json_in_ascii():
    payload = exact.loads(
        b'{"execution_id":"e","inputs":[],"outputs":[{"value":[1.50,"\xc3\xa9"]}]}'
    )
    redacted = REDACTOR.execution(payload)
    assert redacted.body == (
        '{"execution_id":"e","inputs":[],"outputs":[{"value":[1.50,"\\u00e9"]}]}'
    )
    assert exact.loads(redacted.body) == redacted.payload


@pytest.mark.parametrize(
    ("value", "hashed"),
    [
        ("", ""),
        ("a", "a"),
        (True, "true"),
        (False, "false"),
        (0, "0"),
        (4711, "4711"),
        (1.5, "1.5"),
        (exact.Number("1.50"), "1.50"),
        ([], "[]"),
        ([1, "a"], '[1,"a"]'),
        ({"user": "anna", "pin": 4711}, '{"user":"anna","pin":4711}'),
    ],
)
def test_a_short_an_empty_and_a_nested_value_is_a_secret_as_well(value, hashed):
    redacted = REDACTOR.execution(with_secret(value))
    assert redacted.payload["inputs"][0]["value"] == fingerprint(hashed)
    assert redacted.inputs == {0}


def test_null_is_no_secret():
    redacted = REDACTOR.execution(with_secret(None))
    assert redacted.payload["inputs"][0]["value"] is None
    assert redacted.inputs == set()


@pytest.mark.parametrize(
    "item",
    [
        {"pipeline_input_name": "b", "mapping_type": "environment_variable", "value": "abc"},
        {"pipeline_input_name": "b", "mapping_type": "Environment_Variable", "value": "abc"},
        {"pipeline_input_name": "b", "mapping_type": "environmentVariable", "value": "abc"},
        {"pipeline_input_name": "b", "source": "environment_variable", "value": "abc"},
        {"pipeline_input_name": "b", "environment_variable_name": "V", "value": "abc"},
        {
            "step_input_name": "b",
            "mapping_value": {"environment_variable_name": "V"},
            "value": "abc",
        },
        {
            "pipeline_input_name": "b",
            "mapping_type": 7,
            "mapping_value": {"environment_variable_name": "V"},
            "value": "abc",
        },
        {
            "pipeline_input_name": "b",
            "mapping_type": "environment_variable",
            "mapping_value": None,
            "value": "abc",
        },
        {
            "pipeline_input_name": "b",
            "mapping_type": "environment_variable",
            "mapping_value": {
                "environment_variable_name": "V",
                "value": "abc",
                "default_value": "abcd",
                "resolved": "abc",
            },
            "default_value": "abcd",
            "resolved_value": "abc",
            "copy": "abc",
            "value": "abc",
        },
        {
            "pipeline_input_name": "b",
            "mapping_type": "environment_variable",
            "mapping_value": "abc",
            "value": "abc",
        },
    ],
)
def test_a_short_secret_is_found_wherever_its_input_keeps_it(item):
    redacted = REDACTOR.execution(an_execution(inputs=[item], outputs=[]))
    assert "abc" not in redacted.body
    assert redacted.inputs == {0}


def test_what_names_the_input_stays_even_where_it_equals_the_secret():
    item = a_secret_input("bucket", pipeline_input_name="bucket")
    redacted = REDACTOR.execution(an_execution(inputs=[item]))
    assert redacted.payload["inputs"][0]["pipeline_input_name"] == "bucket"
    assert redacted.payload["inputs"][0]["value"] == fingerprint("bucket")


def test_what_describes_the_input_stays():
    item = a_secret_input("abc", description="what it is for", datastore_path="a/b", retries=3)
    redacted = REDACTOR.execution(an_execution(inputs=[item]))
    assert redacted.payload["inputs"][0] == {**item, "value": fingerprint("abc")}


def test_inputs_within_steps_are_redacted_too():
    steps = [a_step(inputs=[a_secret_input(SECRET)]), a_step(), None]
    redacted = REDACTOR.execution(an_execution(inputs=[], steps=steps))
    assert SECRET not in redacted.body
    assert SECRET in redacted.secrets


def test_values_of_environment_variables_stay_when_the_user_says_so():
    redacted = Redactor(KEY, environment_values=False).execution(an_execution())
    assert redacted.payload == an_execution()
    assert redacted.inputs == set()
    assert redacted.secrets == {}


# Echoes.


@pytest.mark.parametrize(
    ("secret", "value", "left"),
    [
        (SECRET, SECRET, fingerprint(SECRET)),
        (SECRET, f"<{SECRET}>", f"<{fingerprint(SECRET)}>"),
        (SECRET, {"deep": [{"er": f"{SECRET}!"}]}, {"deep": [{"er": f"{fingerprint(SECRET)}!"}]}),
        (SECRET, {SECRET: 1}, {fingerprint(SECRET): 1}),
        (SECRET, [SECRET, None, True, 4711], [fingerprint(SECRET), None, True, 4711]),
        ("123456", 123456, fingerprint("123456")),
        (123456, 123456, fingerprint("123456")),
        (123456, "no. 123456", f"no. {fingerprint('123456')}"),
        (123456, [1234567, 123456.5], [1234567, 123456.5]),
        (1234.5, 1234.5, fingerprint("1234.5")),
        (exact.Number("1.23450"), exact.Number("1.23450"), fingerprint("1.23450")),
        ('say "hush"', 'say "hush"', fingerprint('say "hush"')),
        ('say "hush"', '{"x":"say \\"hush\\""}', '{"x":"' + fingerprint('say "hush"') + '"}'),
        ("päss-wörd", '"p\\u00e4ss-w\\u00f6rd"', f'"{fingerprint("päss-wörd")}"'),
        ("päss-wörd", "päss-wörd", fingerprint("päss-wörd")),
        ("secret\n", "secret", fingerprint("secret\n")),
        (
            "first line\nsecond line",
            "it says: second line",
            f"it says: {fingerprint('first line' + chr(10) + 'second line')}",
        ),
        (["geheim", "kurz", 123456], "geheim kurz 123456", f"{fingerprint('geheim')} kurz 123456"),
        (
            {"password": "geheim", "n": {"m": ["streng geheim"]}},
            "streng geheim, geheim",
            f"{fingerprint('streng geheim')}, {fingerprint('geheim')}",
        ),
        ({"user": "anna"}, '{"user":"anna"}', fingerprint('{"user":"anna"}')),
        ("abcdef", "abcdefgh abcdef", f"{fingerprint('abcdef')}gh {fingerprint('abcdef')}"),
        (["abcdef", "abcdefgh"], "abcdefgh", fingerprint("abcdefgh")),
        ("abcdef", "ABCDEF", "ABCDEF"),
        ("abcde", "abcde", "abcde"),
        (True, "true", "true"),
        ("", "", ""),
    ],
)
def test_an_echo_of_six_characters_and_more_is_replaced_in_outputs(secret, value, left):
    redacted = REDACTOR.execution(with_secret(secret, outputs=[an_output(value=value)]))
    assert output_values(redacted) == [left]
    assert redacted.outputs == ({0} if left != value else set())
    assert exact.dumps(redacted.payload, ascii=True) == redacted.body


def test_an_echo_in_another_input_counts_as_redacted_there():
    inputs = [an_input(value=f"see {SECRET}"), a_secret_input(SECRET), an_input(value="calm")]
    redacted = REDACTOR.execution(an_execution(inputs=inputs))
    assert redacted.inputs == {0, 1}


def test_an_echo_is_replaced_in_keys_that_nobody_knows():
    redacted = REDACTOR.execution(
        with_secret(
            notes={"name": SECRET, "status": [SECRET]},
            steps=[a_step(repository_branch=SECRET, hints={SECRET: SECRET})],
        )
    )
    assert SECRET not in redacted.body


def test_an_echo_is_replaced_where_it_is_a_key_but_a_key_of_the_platform_stays():
    redacted = REDACTOR.execution(
        with_secret(
            "inputs", repository_inputs=1, steps=[a_step(inputs_of=["inputs"])], outputs_inputs={}
        )
    )
    hidden = fingerprint("inputs")
    assert {"inputs", f"repository_{hidden}", f"outputs_{hidden}"} <= redacted.payload.keys()
    assert redacted.payload["steps"][0][f"{hidden}_of"] == [hidden]
    assert REDACTOR.execution(with_secret("repository")).payload["steps"] == [a_step()]


def test_what_says_which_object_this_is_stays_even_where_it_equals_a_secret():
    payload = with_secret("iris-pip", outputs=[an_output(value="iris-pip")])
    redacted = REDACTOR.execution(payload)
    assert redacted.payload["pipeline_name"] == "iris-pip"
    assert redacted.payload["execution_id"] == "iris-pip-22rn5"
    assert redacted.payload["steps"][0]["name"] == "iris-pip"
    assert output_values(redacted) == [fingerprint("iris-pip")]


def test_a_secret_that_is_a_word_of_the_platform_leaves_the_platforms_words():
    redacted = REDACTOR.execution(with_secret("string", outputs=[an_output(value="a string")]))
    assert redacted.payload["inputs"][0]["data_type"] == "string"
    assert output_values(redacted) == [f"a {fingerprint('string')}"]


def test_secrets_are_not_shown_where_an_answer_is_printed():
    assert SECRET not in repr(REDACTOR.execution(with_secret()))


# Log lines and errors.


def test_echoes_are_replaced_in_log_lines_and_errors():
    secrets = REDACTOR.execution(with_secret(["geheim", SECRET])).secrets
    assert REDACTOR.text(f"{SECRET}, geheim, {SECRET}", secrets) == (
        f"{fingerprint(SECRET)}, {fingerprint('geheim')}, {fingerprint(SECRET)}"
    )
    assert REDACTOR.text("a calm line", secrets) == "a calm line"
    assert REDACTOR.text(SECRET, {}) == SECRET


def test_our_own_tokens_are_found_wherever_they_are_said():
    redactor = Redactor(KEY, tokens=[SECRET, "short"])
    said, printed = f"Bearer {SECRET} short", f"Bearer {fingerprint(SECRET)} short"
    assert redactor.text(said, {}) == printed
    assert redactor.cleaner({})(said) == printed
    assert b"".join(redactor.stream([said.encode()], {})) == printed.encode()
    outputs = [{"pipeline_output_name": "told", "value": said}]
    redacted = redactor.execution({"execution_id": "e1", "outputs": outputs})
    assert redacted.payload["outputs"][0]["value"] == printed
    assert redacted.outputs == {0}
    assert SECRET not in redactor.deployment({"name": "d", "description": said}).body
    assert SECRET not in redactor.pipeline({"pipeline_name": "p", "description": said}).body


ENDPOINT_TOKEN = "ept-41c2.0f~9+e/7d5A=="


def test_a_token_of_an_endpoint_is_found_wherever_it_is_printed_once_it_was_met():
    redactor = Redactor(KEY)
    printed = f"EndpointToken {ENDPOINT_TOKEN}, again '{ENDPOINT_TOKEN}'"
    assert redactor.text(printed, {}) == printed
    redactor.deployment({"name": "api", "endpoint_token": ENDPOINT_TOKEN})
    stands_in = fingerprint(ENDPOINT_TOKEN)
    assert redactor.text(printed, {}) == f"EndpointToken {stands_in}, again '{stands_in}'"
    assert redactor.cleaner({})(printed) == redactor.text(printed, {})
    outputs = [{"pipeline_output_name": "told", "value": ENDPOINT_TOKEN}]
    redacted = redactor.execution({"execution_id": "e1", "outputs": outputs})
    assert redacted.payload["outputs"][0]["value"] == stands_in
    assert redacted.outputs == {0}


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("The token is {}.", "The token is {}."),
        ("https://acme.example/endpoints/{}/now", "https://acme.example/endpoints/{}/now"),
        ("?token={}&n=1", "?token={}&n=1"),
        ("{}", "{}"),
    ],
)
def test_a_token_of_an_endpoint_is_known_by_its_fingerprint_alone(said, shown):
    token = "ept-0123456789abcdef"
    redactor = Redactor(KEY, endpoint_tokens=[fingerprint(token)])
    found = redactor.text(said.format(token), {})
    assert found == shown.format(fingerprint(token))
    assert redactor.text(found, {}) == found
    assert redactor.text("a word that is no token: ept-0123456789abcdee", {}).endswith("dee")


@pytest.mark.parametrize("payload", [[], {"endpoint_token": None}, {"endpoint_token": {}}])
def test_where_no_token_of_an_endpoint_stands_none_is_learnt(payload):
    redactor = Redactor(KEY)
    redactor.deployment(payload)
    assert redactor.cleaner({}) is None


def test_what_was_looked_for_of_one_object_is_not_of_the_next():
    redactor = Redactor(KEY, tokens=["a-token-of-ours"])
    redactor.execution(with_secret(SECRET))
    assert redactor.execution({"execution_id": "e1"}).secrets.keys() == {"a-token-of-ours"}


def test_there_is_a_cleaner_only_where_there_is_something_to_replace():
    secrets = REDACTOR.secrets([SECRET])
    assert REDACTOR.cleaner({}) is None
    assert REDACTOR.cleaner(secrets)(SECRET) == fingerprint(SECRET)
    assert Redactor(KEY, patterns=["b+"]).cleaner({})("abba") == f"a{fingerprint('bb')}a"


def test_a_fingerprint_is_no_secret():
    assert REDACTOR.secrets([fingerprint(SECRET)]) == {}
    assert REDACTOR.text(fingerprint(SECRET), REDACTOR.secrets([SECRET])) == fingerprint(SECRET)


def test_a_fingerprint_is_no_echo_even_where_its_digits_spell_a_secret():
    printed = fingerprint(SECRET)
    secrets = REDACTOR.secrets([printed[9:17]])
    assert REDACTOR.text(f"{printed} {printed[9:17]}", secrets) == (
        f"{printed} {fingerprint(printed[9:17])}"
    )


# The user's patterns.


def test_patterns_are_replaced_in_values_and_log_lines():
    redactor = Redactor(KEY, patterns=[r"sk-\w+", r"(?i)iban:\s*(\d+)"])
    payload = an_execution(
        inputs=[an_input(value={"a": ["my sk-abc"], "IBAN: 12": 3})],
        outputs=[an_output(value="Iban: 77"), an_output(value="calm")],
    )
    redacted = redactor.execution(payload)
    assert redacted.payload["inputs"][0]["value"] == {
        "a": [f"my {fingerprint('sk-abc')}"],
        fingerprint("IBAN: 12"): 3,
    }
    assert output_values(redacted) == [fingerprint("Iban: 77"), "calm"]
    assert (redacted.inputs, redacted.outputs) == ({0}, {0})
    assert redactor.text("key sk-1 and sk-1", {}) == (
        f"key {fingerprint('sk-1')} and {fingerprint('sk-1')}"
    )


def test_a_number_in_which_a_pattern_is_found_is_replaced_as_a_whole():
    redactor = Redactor(KEY, patterns=["4111"])
    payload = an_execution(inputs=[an_input(value=[941110, 7, 4.5])], outputs=[])
    redacted = redactor.execution(payload)
    assert redacted.payload["inputs"][0]["value"] == [fingerprint("941110"), 7, 4.5]


def test_what_is_neither_text_nor_number_has_no_pattern():
    payload = an_execution(inputs=[], outputs=[an_output(value=[None, True, False])])
    redacted = Redactor(KEY, patterns=["."]).execution(payload)
    assert output_values(redacted) == [[None, True, False]]


def test_patterns_leave_the_platforms_words():
    redacted = Redactor(KEY, patterns=[r"[\w.-]+"]).execution(an_execution(inputs=[], outputs=[]))
    before = an_execution()
    for key in ("execution_id", "status", "created_at", "pipeline_name"):
        assert redacted.payload[key] == before[key]


@pytest.mark.parametrize(
    "pattern",
    ["", "x*", "^a", "a$", r"\b", "[0-9a-f]+", "redacted", ":", ".", "a.{3}", "X|^a", "(a)|b"],
)
@pytest.mark.parametrize("text", ["", "abba", "XabcY", "key=ab12cd", "aXa redacted:ab", "a:b:c"])
def test_any_pattern_comes_to_an_end_and_finds_nothing_the_second_time(pattern, text):
    redactor = Redactor(KEY, patterns=[pattern, "c+"])
    once = redactor.text(text, {})
    assert redactor.text(once, {}) == once
    assert "c" not in FINGERPRINT.sub("", once)


# Constants.


def test_constants_stay_unless_the_user_wants_them_away():
    assert REDACTOR.execution(an_execution()).payload["inputs"][2]["value"] == 42
    redacted = Redactor(KEY, constants=True).execution(an_execution())
    assert redacted.payload["inputs"][2]["value"] == fingerprint("42")
    assert redacted.payload["inputs"][2]["mapping_value"] == {"constant_value": fingerprint("42")}
    assert redacted.inputs == {1, 2}


@pytest.mark.parametrize(
    "item",
    [
        {"pipeline_input_name": "b", "mapping_type": "Constant", "value": SECRET},
        {"pipeline_input_name": "b", "constant_value": SECRET},
        {"pipeline_input_name": "b", "mapping_value": {"constant_value": SECRET}},
        {"pipeline_input_name": "b", "mapping_type": "endpoint", "default_value": SECRET},
        {"pipeline_input_name": "b", "mapping_value": {"default_value": SECRET}},
    ],
)
def test_constants_and_defaults_are_found_and_looked_for(item):
    redactor = Redactor(KEY, constants=True, environment_values=False)
    payload = an_execution(inputs=[item], outputs=[an_output(value=f"it was {SECRET}")])
    redacted = redactor.execution(payload)
    assert SECRET not in redacted.body
    assert redacted.payload["inputs"][0]["pipeline_input_name"] == "b"


def test_a_default_is_kept_away_without_the_value_beside_it():
    item = an_input(mapping_value={"endpoint_input_name": "petal", "default_value": 2})
    redacted = Redactor(KEY, constants=True).execution(an_execution(inputs=[item]))
    assert redacted.payload["inputs"][0]["value"] == 1.4
    assert redacted.payload["inputs"][0]["mapping_value"]["default_value"] == fingerprint("2")


# Credentials by name, and URLs.


@pytest.mark.parametrize(
    "key",
    [
        "endpoint_token",
        "access_token",
        "refresh_token",
        "repository_deploy_key",
        "signed_url",
        "apiKey",
        "X-API-KEY",
        "vector_database_token",
        "client_secret",
        "db_password",
        "Authorization",
        "token",
        "pass-word",
        "SECRET_",
    ],
)
def test_what_stands_under_the_name_of_a_credential_is_replaced(key):
    payload = an_execution(
        inputs=[],
        outputs=[an_output(value=f"it is {SECRET}")],
        more=[{"deep": {key: SECRET}}],
        **{key: "abc"},
    )
    redacted = REDACTOR.execution(payload)
    assert redacted.payload[key] == fingerprint("abc")
    assert redacted.payload["more"] == [{"deep": {key: fingerprint(SECRET)}}]
    assert output_values(redacted) == [f"it is {fingerprint(SECRET)}"]
    assert redacted.outputs == {0}
    assert redacted.secrets[SECRET] == fingerprint(SECRET)


def test_a_credential_within_a_value_is_replaced_but_words_are_not_called_tokens():
    value = {"api_key": SECRET, "token": "setosa", "n_tokens": 7, "keys": ["a"]}
    redacted = REDACTOR.execution(an_execution(inputs=[], outputs=[an_output(value=value)]))
    assert output_values(redacted) == [{**value, "api_key": fingerprint(SECRET)}]
    assert redacted.outputs == {0}


@pytest.mark.parametrize("held", [None, "", True, False, [], {}])
def test_a_credential_that_says_nothing_stays(held):
    redacted = REDACTOR.execution(an_execution(inputs=[], secret=held))
    assert redacted.payload["secret"] == held


def test_below_a_key_that_nobody_knows_a_token_is_a_credential_wherever_it_lies():
    more = {"value": {"token": SECRET}, "inputs": [{"value": {"token": "abc"}}]}
    redacted = Redactor(KEY, patterns=["a"]).execution(an_execution(inputs=[], more=more))
    assert SECRET not in redacted.body
    assert "abc" not in redacted.body


def test_a_list_of_credentials_is_replaced_one_by_one():
    payload = an_execution(inputs=[], password=[SECRET, 4711, {"hint": "blue"}])
    assert REDACTOR.execution(payload).payload["password"] == [
        fingerprint(SECRET),
        fingerprint("4711"),
        {"hint": fingerprint("blue")},
    ]


def test_a_credential_of_several_texts_is_replaced_whole_but_not_what_users_call_one():
    parts = {"kind": "basic", "both": ["ada", SECRET], "more": {"pin": 4711, "is_set": True}}
    payload = an_execution(
        inputs=[], authorization=parts, outputs=[an_output(value={"secret": {"length": "four"}})]
    )
    redacted = REDACTOR.execution(payload)
    assert redacted.payload["authorization"] == {
        "kind": fingerprint("basic"),
        "both": [fingerprint("ada"), fingerprint(SECRET)],
        "more": {"pin": fingerprint("4711"), "is_set": True},
    }
    assert output_values(redacted) == [{"secret": {"length": "four"}}]


@pytest.mark.parametrize(
    ("url", "left"),
    [
        ("https://user:pass@example.org/team/iris.git", "https://example.org/team/iris.git"),
        ("https://token@example.org/iris.git", "https://example.org/iris.git"),
        ("https://u:p@ss@example.org/iris.git", "https://example.org/iris.git"),
        ("https://@example.org", "https://example.org"),
        ("ssh://git@example.org/iris.git", "ssh://git@example.org/iris.git"),
        ("ssh://git:pw@example.org/iris.git", "ssh://example.org/iris.git"),
        ("git@example.org:team/iris.git", "git@example.org:team/iris.git"),
        ("https://example.org/a@b", "https://example.org/a@b"),
        ("https://example.org?mail=a@b", "https://example.org?mail=a@b"),
        (None, None),
    ],
)
def test_a_repository_url_loses_its_user_info(url, left):
    payload = an_execution(inputs=[], steps=[a_step(repository_url=url)])
    assert REDACTOR.execution(payload).payload["steps"][0]["repository_url"] == left


def test_the_password_of_a_repository_is_looked_for_elsewhere():
    payload = an_execution(
        inputs=[],
        outputs=[an_output(value="cloned with p%40ss-word or p@ss-word by builder")],
        steps=[a_step(repository_url="https://builder:p%40ss-word@example.org/iris.git")],
    )
    redacted = REDACTOR.execution(payload)
    assert output_values(redacted) == [
        f"cloned with {fingerprint('p%40ss-word')} or {fingerprint('p@ss-word')} by builder"
    ]


def test_a_url_in_a_value_is_the_users_own():
    value = "postgres://user:pass@example.org/db"
    redacted = REDACTOR.execution(an_execution(inputs=[], outputs=[an_output(value=value)]))
    assert output_values(redacted) == [value]


# Deployments and pipelines.


def test_the_token_of_a_deployment_is_nowhere_in_what_is_kept():
    payload = a_deployment(
        endpoint={"token": "REDACT-ME", "curl": "curl -H 'EndpointToken REDACT-ME'"},
        endpoint_url="https://example.org/endpoints/iris?token=REDACT-ME",
    )
    redacted = REDACTOR.deployment(payload)
    assert "REDACT-ME" not in redacted.body
    assert redacted.payload["endpoint_token"] == fingerprint("REDACT-ME")
    assert redacted.payload["inputs_mapping"] == payload["inputs_mapping"]


def test_a_listed_deployment_has_nothing_to_hide():
    assert REDACTOR.deployment(a_listed_deployment()).payload == a_listed_deployment()


@pytest.mark.parametrize("key", ["inputs_mapping", "inputs"])
def test_constants_and_defaults_of_a_deployment_go_on_demand(key):
    items = [
        {"pipeline_input_name": "a", "constant_value": SECRET},
        {"pipeline_input_name": "b", "endpoint_input_name": "b", "default_value": 7},
    ]
    payload = a_deployment(**{key: items})
    assert REDACTOR.deployment(payload).payload[key] == items
    assert Redactor(KEY, constants=True).deployment(payload).payload[key] == [
        {"pipeline_input_name": "a", "constant_value": fingerprint(SECRET)},
        {
            "pipeline_input_name": "b",
            "endpoint_input_name": "b",
            "default_value": fingerprint("7"),
        },
    ]


def test_a_pipeline_loses_its_deploy_key_and_user_info():
    payload = a_pipeline()
    config = payload["parameters"]["container_config"]
    config["repository_deploy_key"] = "-----BEGIN KEY-----\nabcdefgh\n-----END KEY-----"
    config["repository_url"] = "https://bot:hunter22@example.org/iris.git"
    payload["log"] = "abcdefgh hunter22"
    redacted = REDACTOR.pipeline(payload)
    assert not re.search("abcdefgh|hunter22|bot", redacted.body)
    assert redacted.payload["creation_info"] == payload["creation_info"]


@pytest.mark.parametrize("older", [False, True])
def test_defaults_of_a_pipeline_go_on_demand(older):
    items = [{"name": "a", "data_type": "string", "default_value": SECRET}]
    payload = {"open_inputs": items} if older else {"parameters": {"inputs": items}}
    assert REDACTOR.pipeline(payload).payload == payload
    assert SECRET not in Redactor(KEY, constants=True).pipeline(payload).body


# Whatever comes.


@pytest.mark.parametrize(
    "payload", [None, [], "x", 7, [fingerprint("x")], {}, {"inputs": None}, {"inputs": {}}]
)
def test_an_answer_of_another_shape_comes_through(payload):
    for redact in (REDACTOR.execution, REDACTOR.deployment, REDACTOR.pipeline):
        assert redact(payload).payload == payload


def test_items_that_are_no_objects_come_through():
    payload = {"inputs": [None, 1, "x", []], "outputs": [None, 1], "steps": [None, 1, "inputs"]}
    payload["parameters"] = [1]
    redacted = Redactor(KEY, patterns=["y"], constants=True).execution(payload)
    assert redacted.payload == payload
    assert REDACTOR.pipeline(payload).payload == payload
    payload["outputs"] = {"value": fingerprint("x")}
    assert REDACTOR.execution(payload).outputs == set()


SECRETS = st.sampled_from([SECRET, "abcdef", "s3-prod", "päss-wörd", 'a"b\\c\n', "redact", ""])
JSON = st.recursive(
    SECRETS
    | st.text(max_size=8)
    | st.integers()
    | st.none()
    | st.booleans()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            SECRETS | st.sampled_from(["value", "password", "inputs", "token"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)


@st.composite
def executions(draw):
    return an_execution(
        inputs=[a_secret_input(draw(JSON), default_value=draw(JSON)), an_input(value=draw(JSON))],
        outputs=[an_output(value=draw(JSON)) for _ in range(draw(st.integers(0, 2)))],
        steps=draw(st.just([a_step()]) | JSON),
        more=draw(JSON),
    )


REDACTORS = st.builds(
    Redactor,
    st.just(KEY),
    environment_values=st.booleans(),
    constants=st.booleans(),
    patterns=st.lists(st.sampled_from(["a+", "[0-9]{2}", "^h", "x|y", "e.{4}"]), max_size=2),
)


@given(executions(), REDACTORS)
def test_redacting_what_is_redacted_changes_nothing(payload, redactor):
    once = redactor.execution(payload)
    again = redactor.execution(once.payload)
    assert again.body == once.body
    assert again.payload == once.payload
    assert (again.inputs, again.outputs) == (once.inputs, once.outputs)


@given(executions(), st.sampled_from([SECRET, "päss-wörd", 'a"b\\c\n']))
def test_no_secret_of_six_characters_is_left_anywhere(payload, secret):
    payload["inputs"].append(a_secret_input({"x": [secret]}))
    redacted = REDACTOR.execution(payload)
    assert exact.loads(redacted.body) == redacted.payload
    for said in (secret, secret.strip(), json.dumps(secret)[1:-1]):
        if len(said) >= 6:
            assert json.dumps(said)[1:-1] not in redacted.body


# The bytes of files.


def streamed(chunks, secrets):
    stream = REDACTOR.stream(chunks, secrets)
    return b"".join(stream), stream.changed


@pytest.mark.parametrize("size", [1, 2, 7, 13, 14, 15, 30, 1000])
def test_an_echo_in_a_file_is_replaced_wherever_the_chunks_are_cut(size):
    secrets = REDACTOR.secrets([SECRET, SECRET + "-and-more-and-so-on", "päss-wörd"])
    content = f"\0{SECRET}|päss-wörd|{SECRET}-and-more-and-so-on|{SECRET}-and-mor{SECRET}".encode()
    chunks = [content[at : at + size] for at in range(0, len(content), size)]
    expected = "\0{}|{}|{}|{}-and-mor{}".format(
        *map(fingerprint, [SECRET, "päss-wörd", SECRET + "-and-more-and-so-on", SECRET, SECRET])
    )
    assert streamed(chunks, secrets) == (expected.encode(), True)


def test_a_file_without_echoes_comes_through_unchanged():
    content = bytes(range(256)) * 100
    for secrets in ({}, REDACTOR.secrets([SECRET])):
        assert streamed([content[:9000], b"", content[9000:]], secrets) == (content, False)
    assert streamed([], REDACTOR.secrets([SECRET])) == (b"", False)


def test_that_something_was_replaced_is_not_forgotten_over_what_was_not():
    content = f"{SECRET} {fingerprint(SECRET)} calm".encode()
    secrets = REDACTOR.secrets([SECRET, fingerprint(SECRET)])
    assert streamed([content], secrets)[1] is True
    assert streamed([content[len(SECRET) :]], secrets)[1] is False


def test_a_secret_that_utf8_cannot_hold_is_looked_for_as_well_as_can_be():
    secrets = REDACTOR.secrets(["secret \ud83d"])
    content = "secret \ud83d".encode("utf-8", "surrogatepass")
    assert streamed([content], secrets) == (REDACTOR.fingerprint("secret \ud83d").encode(), True)


def test_a_fingerprint_in_a_file_is_no_echo():
    printed = fingerprint(SECRET)
    secrets = REDACTOR.secrets([printed[9:17]])
    for size in (1, 5, 100):
        content = printed.encode()
        chunks = [content[at : at + size] for at in range(0, len(content), size)]
        assert streamed(chunks, secrets) == (content, False)


@given(
    st.lists(st.sampled_from([b"abcdef", b"abcdefgh", b"efghij", b"a", b"bcdefg", b"xyz"])),
    st.lists(st.integers(0, 60)),
)
def test_how_a_file_is_cut_makes_no_difference(pieces, cuts):
    secrets = REDACTOR.secrets(["abcdef", "abcdefgh", "efghij", "fabcde"])
    content = b"".join(pieces)
    edges = [0, *sorted(min(cut, len(content)) for cut in cuts), len(content)]
    chunks = [content[one:other] for one, other in itertools.pairwise(edges)]
    whole = REDACTOR.text(content.decode(), secrets)
    assert streamed(chunks, secrets) == (whole.encode(), whole != content.decode())


@pytest.mark.parametrize("password", ["", "x-oauth-basic"])
def test_a_token_in_the_place_of_a_user_is_looked_for_elsewhere(password):
    payload = an_execution(
        inputs=[],
        outputs=[an_output(value="cloned with ghp-0123456789")],
        steps=[a_step(repository_url=f"https://ghp-0123456789:{password}@example.org/iris.git")],
    )
    redacted = REDACTOR.execution(payload)
    assert output_values(redacted) == [f"cloned with {fingerprint('ghp-0123456789')}"]
