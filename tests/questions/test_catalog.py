"""What every question keeps to, and how the words of a user become values."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from questions.conftest import NOW

from craftsync import resources
from craftsync.errors import Refused, Usage
from craftsync.query import catalog
from craftsync.query.preparations import PREPARATIONS
from craftsync.query.questions import Question

EXAMPLES = {
    "io_table": {"pipeline_name": "train"},
    "log_search": {"text": "boom"},
    "run_diff": {"a": "e2"},
    "runs_by_io": {"where": "in.x = 1"},
    "since_commit": {"commit_id": "c1"},
}
"""What the questions are asked that cannot be asked without."""

QUESTIONS = catalog.questions()
COMMON = ["environment", "since", "until", "pipeline_name"]


def by_name(question):
    return question.name


@pytest.fixture
def lived(history):
    """A history with two runs that have a bit of everything."""
    history.add(
        "deployments", deployment_name="nightly", created_at="2026-02-01", pipeline_name="train",
        first_seen_at="2026-02-01", last_seen_at="2026-03-31", schedule="0 6 * * *",
    )  # fmt: skip
    more = {"inputs": {"x": 1}, "outputs": {"y": 0.5}, "deployment_created_at": "2026-02-01"}
    history.run("e1", "2026-03-10", **more)
    history.run("e2", "2026-03-11", "Failed", logs=["boom"], **more)
    return history


# What the headers promise


@pytest.mark.parametrize("question", QUESTIONS, ids=by_name)
def test_every_question_gives_the_columns_it_promises(question, lived):
    answer = lived.answer(question.name, **EXAMPLES.get(question.name, {}))
    assert question.promises(answer.columns), answer.columns
    list(answer.rows)


@pytest.mark.parametrize("question", QUESTIONS, ids=by_name)
def test_every_question_has_an_answer_where_nothing_happened(question, history):
    example = EXAMPLES.get(question.name, {})
    if question.name in ("run_diff", "since_commit"):
        with pytest.raises(Usage):
            history.ask(question.name, **example)
        return
    answer = history.answer(question.name, **example)
    assert question.promises(answer.columns), answer.columns
    assert list(answer.rows) == []


@pytest.mark.parametrize("question", QUESTIONS, ids=by_name)
def test_every_question_has_a_title_asks_something_and_takes_what_all_take(question):
    assert question.title
    assert question.asks.endswith("?")
    assert [parameter.name for parameter in question.parameters[:4]] == COMMON
    assert [parameter.type for parameter in question.parameters[:3]] == [
        "text", "instant", "instant",
    ]  # fmt: skip


@pytest.mark.parametrize("question", QUESTIONS, ids=by_name)
def test_every_question_is_written_in_our_manner(question):
    text = question.text
    assert all(len(line) <= 100 for line in text.splitlines())
    sql = question.sql if question.found is None else question.found.sql + question.sql
    code = "\n".join(line.partition("--")[0] for line in sql.splitlines())
    words = {word for word in code.replace("(", " ").split() if word.isalpha()}
    assert not words & {"SELECT", "FROM", "WHERE", "JOIN", "GROUP", "ORDER", "WITH"}
    assert not re.search(r"\b(now|today|current_\w+|get_current_\w+)\s*\(", code)  # no clock
    assert "order by" in code.rpartition("\nfrom ")[2]


def test_all_twenty_five_are_there():
    assert len(QUESTIONS) == 25
    assert [question.name for question in QUESTIONS] == sorted(map(by_name, QUESTIONS))
    assert {file.stem for file in resources.queries_dir().glob("*.sql")} == set(
        map(by_name, QUESTIONS)
    )


@pytest.mark.parametrize(
    ("gives", "columns", "kept"),
    [
        ("a, b", "a, b", True),
        ("a, b", "b, a", False),
        ("a, b", "a", False),
        ("a", "a, b", False),
        ("a, in_*, out_*", "a", True),
        ("a, in_*, out_*", "a, in_x, in_y, out_z", True),
        ("a, in_*, out_*", "a, out_z, in_x", False),
        ("a, in_*, out_*", "a, in_x, other", False),
    ],
)
def test_a_promise_is_kept_name_by_name_and_in_order(gives, columns, kept):
    question = Question("q", "", "", (), tuple(gives.split(", ")), "")
    assert question.promises([(name, "text") for name in columns.split(", ")]) is kept


# Names and parameters


def test_an_unknown_question_is_refused_with_the_nearest_names():
    with pytest.raises(Usage, match="There is no question 'failure_rat'") as refused:
        catalog.find("failure_rat")
    assert "failure_rate" in refused.value.hint
    with pytest.raises(Usage) as refused:
        catalog.find("../catalog")
    assert refused.value.hint == "craftsync query"


def bound(name, **given):
    return catalog.bind(catalog.find(name), given, NOW)


def test_an_unknown_parameter_is_refused_with_the_nearest_or_with_all():
    with pytest.raises(Usage, match="takes no parameter 'pipeline'") as refused:
        bound("failure_rate", pipeline="x")
    assert refused.value.hint == "Did you mean pipeline_name?"
    with pytest.raises(Usage) as refused:
        bound("failure_rate", qqq="x")
    assert refused.value.hint == ("It takes environment, since, until, pipeline_name, by, group.")


def test_a_parameter_that_must_be_given_is_missed():
    with pytest.raises(Usage, match="log_search needs the parameter 'text'") as refused:
        bound("log_search")
    assert refused.value.hint == "craftsync query log_search -p text=…"


def test_defaults_are_read_like_what_is_typed():
    assert bound("stuck_runs") == {
        "environment": None, "since": datetime(2026, 3, 2), "until": datetime(2026, 4, 1),
        "pipeline_name": "*", "factor": 3.0, "min_age": timedelta(minutes=30),
    }  # fmt: skip
    assert bound("failure_rate")["by"] == "day"
    assert bound("log_search", text="x")["regex"] is False


def test_durations_count_from_now_and_the_default_from_the_end():
    values = bound("failure_rate", since="7d", until="1d")
    assert (values["since"], values["until"]) == (datetime(2026, 3, 25), datetime(2026, 3, 31))
    values = bound("failure_rate", until="2025-12-31")
    assert (values["since"], values["until"]) == (datetime(2025, 12, 1), datetime(2025, 12, 31))


def test_instants_of_any_zone_are_bound_in_utc():
    values = bound("failure_rate", since="2026-03-10T02:00:00+02:00")
    assert values["since"] == datetime(2026, 3, 10)
    local = datetime(2026, 4, 1, 2, tzinfo=UTC) - timedelta(hours=2)
    assert catalog.bind(catalog.find("failure_rate"), {}, local)["until"] == datetime(2026, 4, 1)


def test_a_window_that_ends_before_it_begins_is_refused():
    with pytest.raises(Usage, match="until=2026-03-01 lies before since=2026-03-02"):
        bound("failure_rate", since="2026-03-02", until="2026-03-01")


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("failure_rate", "since=yesterday"),
        ("failure_rate", "by=hour"),
        ("failure_rate", "environment="),
        ("stuck_runs", "factor=three"),
        ("stuck_runs", "factor=nan"),
        ("stuck_runs", "factor=inf"),
        ("stuck_runs", "min_age=30"),
        ("top_errors", "limit=2.5"),
        ("top_errors", "limit=99999999999999999999"),
        ("flaky", "same_inputs=perhaps"),
        ("log_search", "text="),
    ],
)
def test_a_text_that_does_not_fit_is_refused_and_named(question, text):
    key, _, value = text.partition("=")
    with pytest.raises(Usage) as refused:
        bound(question, **{key: value})
    assert str(refused.value).startswith(f"{text}:")


def test_words_of_choices_and_truths_are_read_in_any_case():
    assert bound("failure_rate", by="WEEK")["by"] == "week"
    assert bound("flaky", same_inputs="No")["same_inputs"] is False


def test_a_limit_below_nothing_is_refused(history):
    with pytest.raises(Usage):
        history.ask("top_errors", limit="-1")


def test_an_environment_that_is_not_held_is_refused(lived):
    with pytest.raises(Usage, match="no environment 'prdo'") as refused:
        lived.ask("failure_rate", environment="prdo")
    assert refused.value.hint == "It holds: prod."


def test_what_a_user_types_is_a_value_and_no_sql(lived):
    assert lived.ask("failure_rate", pipeline_name="' or 1=1 --") == []
    assert lived.ask("log_search", text="'; drop table logs; --") == []


# Questions of the user


def ask_own(history, folder, name, text, **parameters):
    (folder / f"{name}.sql").write_text(text)
    answer = catalog.ask(history.duck, catalog.find(name, folder), parameters, NOW)
    return list(answer.rows)


def test_a_file_in_the_users_folder_is_a_question(lived, tmp_path):
    text = """-- title: Mine
-- asks: How many?
-- param: least integer 1
-- gives: n
select count(*) as n from executions where is_failure(status) having n >= $least
"""
    assert ask_own(lived, tmp_path, "mine", text) == [(1,)]
    assert ask_own(lived, tmp_path, "mine", text, least="2") == []
    names = [question.name for question in catalog.questions(tmp_path)]
    assert len(names) == 26
    assert "mine" in names


def test_a_question_of_the_user_takes_the_place_of_ours(lived, tmp_path):
    assert ask_own(lived, tmp_path, "durations", "select 'mine' as it") == [("mine",)]
    assert len(catalog.questions(tmp_path)) == 25
    assert catalog.find("durations").title == "Durations"


def test_a_folder_that_is_not_there_adds_nothing(tmp_path):
    assert len(catalog.questions(tmp_path / "none")) == 25


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("-- title: x\n-- params: y\nselect 1", r"mine.sql, line 2: there is no 'params'"),
        ("-- param: a integer\nselect 1", r"line 1: a parameter is a name, a type and a default"),
        ("-- param: a int 1\nselect 1", r"line 1: 'int' is no type"),
        ("select $x", r"mine mentions \$x, which its header does not"),
        ("selekt 1", r"syntax error"),
        ("select nothing from nowhere", r"nowhere does not exist"),
        ("", r"no SQL"),
    ],
)
def test_a_file_that_is_no_question_says_what_is_wrong(history, tmp_path, text, words):
    with pytest.raises(Usage, match=words):
        ask_own(history, tmp_path, "mine", text)


def test_a_question_of_the_user_only_reads(lived, tmp_path):
    with pytest.raises(Refused):
        ask_own(lived, tmp_path, "mine", "delete from executions")
    with pytest.raises(Refused):
        ask_own(lived, tmp_path, "mine", "select 1; select 2")


@pytest.mark.parametrize("name", sorted(PREPARATIONS))
def test_one_that_needs_work_before_it_may_be_replaced_by_one_that_does_not(lived, tmp_path, name):
    assert ask_own(lived, tmp_path, name, "select 'mine' as it") == [("mine",)]


def test_a_question_of_the_user_may_find_its_columns(lived, tmp_path):
    text = """-- gives: n, of_*
select distinct 'of_' as prefix, status as name, 'bigint' as type from executions order by name
-- each: cast(count(*) filter ({prefix} = 'of_' and status = {name}) as {type})
select count(*) as n{columns} from executions
"""
    (tmp_path / "mine.sql").write_text(text)
    question = catalog.find("mine", tmp_path)
    answer = catalog.ask(lived.duck, question, {}, NOW)
    assert answer.columns == [("n", "bigint"), ("of_Failed", "bigint"), ("of_Succeeded", "bigint")]
    assert question.promises(answer.columns)
    assert list(answer.rows) == [(2, 1, 1)]


def test_the_example_of_how_one_is_written_is_a_question(lived, tmp_path):
    manual = (resources.queries_dir() / "README.md").read_text()
    (example,) = re.findall(r"^```sql\n(.+?)^```$", manual, flags=re.MULTILINE | re.DOTALL)
    assert ask_own(lived, tmp_path, "mine", example, least="1") == [(0, 1)]
    with pytest.raises(Usage):
        ask_own(lived, tmp_path, "mine", example)


COUNTS = [
    (question.name, parameter.name)
    for question in catalog.questions()
    for parameter in question.parameters
    if parameter.type in ("count", "integer")
]


@pytest.mark.parametrize(("name", "parameter"), COUNTS)
def test_a_number_of_things_is_never_negative(history, name, parameter):
    given = {"text": "x"} if name == "log_search" else {}
    with pytest.raises(Usage, match=f"{parameter}=-1: it is a number of things, 0 or more"):
        history.ask(name, **given, **{parameter: "-1"})
    with pytest.raises(Usage, match="it is beyond what can be counted"):
        history.ask(name, **given, **{parameter: "9223372036854775808"})
    history.ask(name, **given, **{parameter: "9223372036854775807"})
