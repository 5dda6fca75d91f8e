"""`craftsync query` as one types it, over a store that was synced."""

import json

import pytest
from lab import lab
from query.words import craftsync

from craftsync.simulator import World

ALL = ("-p", "since=2000-01-01", "-p", "until=2100-01-01")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    with lab(tmp_path_factory.mktemp("query"), World(seed=2, executions=60, settled=True)) as one:
        one.sync()
        craftsync(one, "sql", "select 1")  # the replica is there
        yield one


def told(made, *words, **how):
    done = craftsync(made, "query", *words, **how)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


def refused(made, *words):
    done = craftsync(made, "query", *words)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    return done.stderr


def test_without_a_name_the_questions_are_listed_with_their_parameters(made):
    lines = [json.loads(line) for line in told(made, "--format", "jsonl").splitlines()]
    assert [list(line) for line in lines] == [["name", "title", "asks", "parameters"]] * 25
    assert [line["name"] for line in lines] == sorted(line["name"] for line in lines)
    (search,) = (line for line in lines if line["name"] == "log_search")
    assert search["parameters"][0] == {
        "name": "environment", "type": "text", "default": "all", "required": False,
    }  # fmt: skip
    assert search["parameters"][4] == {
        "name": "text", "type": "text", "default": None, "required": True,
    }  # fmt: skip
    assert json.loads(told(made, "--json")) == lines


def test_to_the_eye_parameters_are_words_and_in_csv_they_are_json(made):
    (line,) = (line for line in told(made).splitlines() if line.startswith("log_search"))
    assert "text=… regex=false ignore_case=false context=2" in line
    _, first, *_ = told(made, "--format", "csv").splitlines()
    assert '""default"": ""all""' in first


def test_a_question_is_answered_over_what_was_synced(made):
    count = "select count(*) n from executions where lower(status) in ('failed', 'error')"
    (failures,) = json.loads(craftsync(made, "sql", count, "--json").stdout)
    rows = json.loads(told(made, "failure_rate", *ALL, "-p", "by=month", "--json"))
    assert sum(row["failed"] + row["error"] for row in rows) == failures["n"] > 0
    assert rows[0]["period"].endswith("-01T00:00:00.000000Z")


def test_an_answer_goes_to_a_file_in_any_format(made, tmp_path):
    file = tmp_path / "answer.csv"
    assert told(made, "top_errors", *ALL, "--format", "csv", "-o", str(file)) == ""
    assert file.read_text().startswith("signature,sample_message,n,pipelines,")


def test_the_sql_is_shown_as_it_is_written(made):
    shown = told(made, "durations", "--show")
    assert shown.startswith("-- title:  Durations\n-- asks:   How long")
    assert "quantile_cont" in shown


def test_what_is_unknown_is_refused_with_the_nearest_names(made):
    assert "hint: Did you mean failure_rate" in refused(made, "failure_rat")
    assert "hint: Did you mean by?" in refused(made, "failure_rate", "-p", "bi=day")
    assert "hint: Did you mean day?" in refused(made, "failure_rate", "-p", "by=dya")
    assert "hint: craftsync query log_search -p text=…" in refused(made, "log_search")
    assert "no environment 'prdo'" in refused(made, "failure_rate", "-p", "environment=prdo")


def test_a_parameter_is_a_key_and_a_value_and_comes_once(made):
    assert "key=value" in refused(made, "failure_rate", "-p", "week")
    assert "given twice" in refused(made, "failure_rate", "-p", "by=day", "-p", "by=week")
    assert "need the NAME" in refused(made, "-p", "by=day")
    assert told(made, "log_search", *ALL, "-p", "text=a=b=c", "--format", "jsonl") == ""


def test_questions_of_the_user_lie_beside_the_settings(made, tmp_path):
    folder = tmp_path / "craftsync" / "queries"
    folder.mkdir(parents=True)
    (folder / "mine.sql").write_text("-- title: Mine\nselect count(*) as n from executions")
    config = {"XDG_CONFIG_HOME": str(tmp_path)}
    (count,) = json.loads(told(made, "mine", "--json", **config))
    assert count["n"] >= 60
    assert '"mine"' in told(made, "--json", **config)


def test_without_a_store_there_is_no_answer(made, tmp_path):
    done = craftsync(made, "query", "durations", CRAFTSYNC_STORE=str(tmp_path / "none.db"))
    assert done.returncode == 8
    # Words that do not fit are told first.
    done = craftsync(made, "query", "nothing", CRAFTSYNC_STORE=str(tmp_path / "none.db"))
    assert done.returncode == 2


def test_run_diff_tells_what_diff_tells(made):
    sql = (
        "select a.execution_id as a, b.execution_id as b from executions a, executions b"
        " where a.pipeline_name = b.pipeline_name and a.created_at > b.created_at"
        " and a.status <> b.status order by all limit 1"
    )
    (pair,) = json.loads(craftsync(made, "sql", sql, "--json").stdout)
    asked = told(made, "run_diff", "-p", f"a={pair['a']}", "-p", f"b={pair['b']}", "--json")
    done = craftsync(made, "diff", pair["a"], pair["b"], "--json")
    assert json.loads(asked) == json.loads(done.stdout) != []
