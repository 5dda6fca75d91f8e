"""`craftsync sql`: one SELECT over everything, and nothing else in reach."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest
from lab import DAY, lab
from query.words import craftsync

from craftsync.query import sandbox
from craftsync.simulator import Port, World

LONG = "7" * 4000


def output(name, data_type, value):
    return {
        "step_output_name": name, "data_type": data_type, "mapping_type": "void",
        "is_null": False, "value": value,
    }  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    world = World(seed=2, executions=40, settled=True)
    born = world.now - DAY
    world.add_pipeline("odd", created_at=born, outputs=[Port("n", "number"), Port("t", "string")])
    for number, value in enumerate([18446744073709551615, 9007199254740993, int(LONG), 0.1]):
        outputs = [output("n", "number", value), output("t", "string", "=1+1")]
        world.add_execution("odd", execution_id=f"odd-{number}", created_at=born, outputs=outputs)
    with lab(tmp_path_factory.mktemp("sql"), world) as one:
        one.sync()
        craftsync(one, "sql", "select 1")  # the replica is there
        yield one


def told(made, *words, **how):
    done = craftsync(made, "sql", *words, **how)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


def refused(made, sql, code):
    done = craftsync(made, "sql", sql)
    assert (done.returncode, done.stdout) == (code, ""), (sql, done.stderr)
    assert done.stderr.startswith("error: ")
    return done.stderr


# What is asked


def test_rows_come_in_every_format(made):
    asked = "select status, count(*) as n from executions where pipeline_name = 'odd' group by 1"
    assert json.loads(told(made, asked, "--json")) == [{"status": "Succeeded", "n": 4}]
    assert told(made, asked, "--format", "csv") == "status,n\nSucceeded,4\n"
    assert told(made, asked, "--format", "jsonl") == '{"status": "Succeeded", "n": 4}\n'
    assert told(made, asked).split() == ["status", "n", "Succeeded", "4"]
    file = made.folder / "rows.parquet"
    assert told(made, asked, "--format", "parquet", "-o", str(file)) == ""
    assert file.stat().st_mode & 0o777 == 0o600


def test_columns_that_differ_by_case_alone_are_kept_in_parquet(made):
    file = made.folder / "cases.parquet"
    told(made, 'select 1 as a, 2 as "A"', "--format", "parquet", "-o", str(file))
    assert told(made, 'select 1 as a, 2 as "A"', "--format", "csv") == "a,A\n1,2\n"
    with duckdb.connect() as duck:
        assert duck.execute(f"select a, A_1 from '{file}'").fetchall() == [(1, 2)]


def test_the_sql_comes_as_an_argument_from_a_file_or_through_a_pipe(made):
    file = made.folder / "asked.sql"
    file.write_text("-- how many\nselect 3 as n;\n")
    expected = "n\n3\n"
    assert told(made, "-f", str(file), "--format", "csv") == expected
    assert told(made, "--format", "csv", stdin="select 3 as n") == expected
    assert told(made, "-", "--format", "csv", stdin="select 3 as n") == expected
    assert told(made, "-f", "-", "--format", "csv", stdin="select 3 as n") == expected


def test_a_limit_takes_the_first_rows(made):
    asked = "select execution_id from executions order by 1"
    assert len(told(made, asked, "--limit", "3", "--format", "csv").splitlines()) == 4
    assert json.loads(told(made, asked, "--limit", "0", "--json")) == []


def test_numbers_are_exact_at_any_length(made):
    asked = "select value, value_text from outputs where name = 'n' order by execution_id"
    rows = told(made, asked, "--format", "jsonl").splitlines()
    for row, digits in zip(
        rows, ("18446744073709551615", "9007199254740993", LONG, "0.1"), strict=True
    ):
        assert row == f'{{"value": {digits}, "value_text": "{digits}"}}'
    file = made.folder / "numbers.parquet"
    told(made, asked, "--format", "parquet", "-o", str(file))
    read = duckdb.execute(f"select value_text from '{file}'").fetchall()
    assert (LONG,) in read


def test_a_cell_that_a_spreadsheet_would_run_is_disarmed(made):
    asked = "select value_text, -5 as n from outputs where name = 't' limit 1"
    assert told(made, asked, "--format", "csv") == "value_text,n\n'=1+1,-5\n"
    assert told(made, asked, "--format", "csv", "--raw") == "value_text,n\n=1+1,-5\n"


def test_every_type_of_duckdb_can_be_printed(made):
    asked = (
        "select 1::decimal(5,2) d, [1, 2] l, {'a': 1} s, map {'k': 2} m,"
        " 170141183460469231731::hugeint h,"
        " timestamp '2026-01-01 10:00:00' t, timestamptz '2026-01-01 10:00:00+02' z,"
        " date '2026-01-01' d2, true b, null x, uuid '00000000-0000-0000-0000-000000000001' u"
    )
    (row,) = json.loads(told(made, asked, "--json"))
    assert row["l"] == [1, 2]
    assert row["s"] == {"a": 1}
    assert row["h"] == 170141183460469231731
    assert row["t"] == "2026-01-01T10:00:00.000000Z"
    assert row["z"] == "2026-01-01T08:00:00.000000Z"
    assert (row["d2"], row["b"], row["x"]) == ("2026-01-01", True, None)
    for format_ in ("csv", "table", "markdown"):
        assert "2026-01-01" in told(made, asked, "--format", format_)


def test_a_list_of_instants_or_decimals_is_a_list_in_every_format(made):
    asked = "select [timestamp '2026-01-01 10:00:00'] as t, [1.5, 2.5] as d"
    t, d = '["2026-01-01T10:00:00.000000Z"]', "[1.5, 2.5]"
    assert told(made, asked, "--format", "jsonl") == f'{{"t": {t}, "d": {d}}}\n'
    (_, row) = told(made, asked).splitlines()
    assert row.split("  ") == [t, d]
    file = made.folder / "lists.parquet"
    told(made, asked, "--format", "parquet", "-o", str(file))
    assert duckdb.execute(f"select * from '{file}'").fetchall() == [(t, d)]


def test_explain_shows_the_plan(made):
    plan = told(made, "explain select status from executions")
    assert "╭" in plan
    assert "\\n" not in plan
    assert "executions" in told(made, "explain analyze select status from executions")


@pytest.mark.parametrize(
    "asked",
    ["with a as (select 1 n) select * from a", "from executions", "values (1)", "show tables"],
)
def test_what_only_reads_may_run(made, asked):
    told(made, asked)


def test_it_works_without_a_home_and_without_network(made, tmp_path):
    environ = {
        **made.environ,
        "HOME": str(tmp_path / "none"),
        "CRAFT_AI_ENVIRONMENT_URL": "http://127.0.0.1:9",
    }
    done = subprocess.run(
        [sys.executable, "-m", "craftsync", "sql", "select count(*) from executions", "--json"],
        env={"PATH": os.environ["PATH"], **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, json.loads(done.stdout)) == (0, [{"count_star()": 44}])
    assert not (tmp_path / "none").exists()


# What is refused


@pytest.mark.parametrize(
    "sql",
    [
        "copy (select 1) to '/tmp/x'",
        "attach '/tmp/x.db'",
        "detach replica",
        "install httpfs",
        "load httpfs",
        "set enable_external_access = true",
        "set threads = 1",
        "reset threads",
        "select 1; select 2",
        "checkpoint",
        "pragma database_list",
        "call pragma_version()",
        "insert into sync_runs select * from sync_runs",
        "delete from executions",
        "update executions set status = 'x'",
        "create table t (a int)",
        "create view v as select 1",
        "create macro f() as 1",
        "drop view executions",
        "alter table executions rename to x",
        "export database '/tmp/x'",
        "import database '/tmp/x'",
        "use replica",
        "begin",
        "vacuum",
        "set variable seen = 1",
        "prepare q as select 1",
        "explain analyze insert into sync_runs select * from sync_runs",
        "explain copy (select 1) to '/tmp/x'",
        "explain analyze create table t as select 1",
        "explain(/*) select 1 --*/analyze) drop view executions",
        "explain (analyze 'a) select 1 --') delete from t",
        "select * from read_text('/etc/passwd')",
        "select * from read_blob('/etc/passwd')",
        "select * from read_csv('/etc/passwd')",
        "select * from read_parquet('/etc/passwd')",
        "select * from read_json('/etc/passwd')",
        "select * from glob('/etc/*')",
        "select * from sniff_csv('/etc/passwd')",
        "from query('select * from read_text(''/etc/passwd'')')",
        "select * from 'https://example.com/x.csv'",
    ],
)
def test_what_could_do_harm_is_refused(made, sql):
    before = sorted(made.folder.rglob("*"))
    done = craftsync(made, "sql", sql)
    assert (done.returncode, done.stdout) in ((4, ""), (2, "")), done.stderr
    if "http" not in sql or "install" in sql or "load" in sql:
        assert done.returncode == 4, done.stderr
    assert sorted(made.folder.rglob("*")) == before


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("selec 1", 'syntax error at or near "selec"'),
        ("select nope from executions", '"nope"'),
        ("select * from nowhere", "nowhere"),
        ("select cast('x' as integer)", "'x'"),
        ("", "no SQL"),
        ("/* nothing */", "no SQL"),
    ],
)
def test_sql_that_does_not_fit_is_a_usage_error_with_the_words_of_duckdb(made, sql, said):
    assert said in refused(made, sql, 2)


def test_the_place_of_a_mistake_is_pointed_at(made):
    assert "^" in refused(made, "select status,, from executions", 2)


@pytest.mark.parametrize("none", ["0s", "0d"])
def test_no_time_at_all_is_no_limit_that_can_be_kept(made, none):
    done = craftsync(made, "sql", "--timeout", none, "select 1")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Without --timeout there is no limit." in done.stderr


def test_a_question_may_take_as_long_as_anybody_can_say(made):
    done = craftsync(made, "sql", "--timeout", "366000d", "--format", "csv", "select 1 as n")
    assert (done.returncode, done.stdout, done.stderr) == (0, "n\n1\n", "")


def test_a_question_ends_at_its_time_limit(made):
    done = craftsync(
        made, "sql", "--timeout", "1s", "select count(*) from range(9000000) a, range(9000000) b"
    )
    assert (done.returncode, done.stdout) == (4, "")
    assert "longer than it may" in done.stderr


def test_a_question_that_is_interrupted_ends_at_once_with_130_and_no_traceback(made):
    asked = "select count(*) from range(9000000) a, range(9000000) b where a.range * b.range = 3"
    with subprocess.Popen(
        [sys.executable, "-m", "craftsync", "sql", asked],
        env={"PATH": os.environ["PATH"], **made.environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        try:
            ends = time.monotonic() + 20
            while cpu_seconds(running.pid) < 1.5 and time.monotonic() < ends:  # it is at work
                time.sleep(0.05)
            running.send_signal(signal.SIGINT)
            out, said = running.communicate(timeout=20)
        finally:
            running.kill()
    assert (running.returncode, out) == (130, ""), said
    assert "Traceback" not in said


def cpu_seconds(pid):
    """How long a process has been at work."""
    figures = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(figures[11]) + int(figures[12])) / os.sysconf("SC_CLK_TCK")


def test_a_question_is_held_to_its_memory(made):
    sql = "select list(a.range || 'x' || b.range) from range(3000) a, range(3000) b"
    done = craftsync(made, "sql", sql, CRAFTSYNC_QUERY_MEMORY="64MB")
    assert (done.returncode, done.stdout) == (4, "")
    assert "CRAFTSYNC_QUERY_MEMORY" in done.stderr


def test_two_sources_of_sql_exclude_each_other(made):
    done = craftsync(made, "sql", "select 1", "-f", "x.sql")
    assert done.returncode == 2


def test_no_bar_is_drawn_on_stdout(made):
    asked = "select count(*) as n from range(16000000) a where md5(a.range::varchar) > '1'"
    assert json.loads(told(made, asked, "--json"))[0]["n"] > 0


def test_no_room_for_what_does_not_fit_into_memory_is_told_as_that(tmp_path):
    little = {"memory_limit": "60MB", "temp_directory": str(tmp_path), "threads": "1"}
    with duckdb.connect(config={**little, "max_temp_directory_size": "1MB"}) as duck:
        with pytest.raises(duckdb.OutOfMemoryException) as flaw:
            duck.execute("select count(distinct hash(range) || range) from range(4_000_000)")
        told = sandbox.explained(flaw.value)
    assert told.exit_code == 4
    assert "no room on the disk" in str(told)
    assert "MEMORY" not in told.hint
