"""One condition, three judges: in memory, over the store's SQL, and over DuckDB's relations."""

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store.made import DAY, NOON, Mirror, a_file, a_step, a_value, a_whole

from craftsync.query.conditions import to_duckdb, to_store
from craftsync.query.grammar import RUNS, evaluate, parse
from craftsync.records import PartState, Side
from craftsync.store import read, relations
from craftsync.upstream import exact
from craftsync.upstream.fields import Columns

SIDES = {"in": Side.INPUT, "out": Side.OUTPUT}
BIG = 9007199254740993


def value_of(text, side, name, *, position=0, state=PartState.OK):
    """Make a value of JSON text, as what comes from the platform is read."""
    value, value_text, number = Columns().value(exact.loads(text))
    return a_value(
        name,
        side=side,
        position=position,
        value=value,
        value_text=value_text,
        value_number=number,
        state=state,
    )


def whole_of(run, number):
    """Make an execution of a run of the model."""
    created_at = NOON + number * timedelta(minutes=1)
    values = [
        value_of(text, SIDES[side], name, position=position)
        for side in SIDES
        for position, (name, text) in enumerate(run[side])
    ]
    run_s = run["run_s"]
    step = a_step(
        start_date=created_at + timedelta(seconds=30),
        end_date=None,
        commit_id=run["commit_id"],
    )
    whole = a_whole(
        f"e{number}", created_at=created_at, status=run["status"], values=values, steps=[step]
    )
    end = None if run_s is None else created_at + timedelta(seconds=30 + run_s)
    return with_end(whole, end)


def with_end(whole, end):
    return replace(whole, execution=replace(whole.execution, end_date=end))


def read_json(text):
    return json.loads(text, parse_float=Decimal)


def figures_of(run, number):
    """Give a run as `evaluate` knows it."""
    held = {
        side: {
            name: [
                json.loads(text, parse_float=Decimal) for known, text in run[side] if known == name
            ]
            for name, _ in run[side]
        }
        for side in SIDES
    }
    return {
        **held,
        "status": run["status"],
        "run_s": run["run_s"],
        "commit_id": run["commit_id"],
        "execution_id": f"e{number}",
        "created_at": NOON + number * timedelta(minutes=1),
        "settled": True,
        "pipeline_name": "train",
        "environment": "prod",
    }


def in_store(connection, expression):
    where = to_store(expression, connection.dialect.name)
    return {row["execution_id"] for row in read.executions(connection, where=where)}


def in_duckdb(duck, expression):
    sql, bound = to_duckdb(expression)
    found = duck.execute(f"select e.execution_id from executions e where {sql}", bound).fetchall()
    return {execution_id for (execution_id,) in found}


def poured(duck, connection):
    """Pour the store's relations into DuckDB."""
    for name in ("executions", "inputs", "outputs"):
        relation = relations.BY_NAME[name]
        duck.execute(f"drop table if exists {name}")
        duck.execute(relation.create_table("duckdb"))
        marks = ", ".join("?" * len(relation.columns))
        rows = connection.exec_driver_sql(f"select * from {name}").all()
        if rows:
            duck.executemany(f"insert into {name} values ({marks})", [tuple(row) for row in rows])
    return duck


# Random histories

JSON = st.sampled_from(
    [
        *("1", "0", "-1.5", "1.50", "2e3", "0.1", "null", "true", "false", '"1"', '"abc"'),
        *('"true"', '""', '"it\'s"', '"é\U0001f600"', '"null"', "[]", "{}", '[1,"a"]', '{"k":3}'),
        *(str(BIG), str(BIG - 1), "9007199254740992.0", f"-{BIG}", "1" + "0" * 400),
        *('{"k":"abc","a b":[1,{"k":null}]}', '{"k":true,"0":1.5}', f'[{BIG},"abc"]', '{"k":{}}'),
    ]
) | st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 62), 1 << 62)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["k", "0", "a b"]), inner)
    ),
    max_leaves=4,
).map(lambda value: json.dumps(value, ensure_ascii=False))
NAMED = st.tuples(st.sampled_from(["x", "a key"]), JSON)
RUN = st.fixed_dictionaries(
    {
        "in": st.lists(NAMED, max_size=3),
        "out": st.lists(NAMED, max_size=2),
        "status": st.sampled_from(["Failed", "succeeded", "FAILED", None]),
        "run_s": st.sampled_from([None, 0, 0.5, 60, -3]),
        "commit_id": st.sampled_from([None, "c1", "C1", "c2"]),
    }
)
HISTORY = st.lists(RUN, min_size=1, max_size=4)

LITERAL = st.sampled_from(
    [
        *("1", "0", "-1.5", "1.5", "2000", "0.1", "3", str(BIG), str(BIG - 1), f"-{BIG}"),
        *("9e15", "1.0", "1" + "0" * 300),
        *("'1'", "'abc'", "abc", "'true'", "'it''s'", "''", "'é\U0001f600'"),
    ]
)
BOTH = st.sampled_from(["=", "!="])
SIGN = st.sampled_from(["=", "!=", "<", "<=", ">", ">="])
NAME = st.tuples(
    st.sampled_from(["in", "out"]),
    st.sampled_from(["x", '"a key"', "gone"]),
    st.sampled_from(["", "", "", ".k", ".'a b'", "[0]", "[1]", ".'a b'[1].k", ".0", "[0][0]"]),
).map(lambda parts: f"{parts[0]}.{parts[1]}{parts[2]}")
SIMPLE = (
    st.tuples(NAME, SIGN, LITERAL)
    | st.tuples(NAME, BOTH, st.sampled_from(["true", "false", "null"]))
    | st.tuples(NAME, st.just("contains"), st.sampled_from(["a", "''", "é", "1"]))
    | st.tuples(NAME, st.sampled_from(["is null", "is not null", "in (1, 'abc')"]), st.just(""))
    | st.tuples(st.just("run_s"), SIGN, st.sampled_from(["0", "0.5", "60", "-3"]))
    | st.tuples(st.just("status"), SIGN, st.sampled_from(["failed", "SUCCEEDED", "'x'"]))
    | st.tuples(st.just("commit_id"), SIGN, st.sampled_from(["c1", "C1", "'c'"]))
    | st.tuples(
        st.sampled_from(["run_s", "status", "commit_id"]),
        st.sampled_from(["is null", "is not null"]),
        st.just(""),
    )
    | st.tuples(
        st.just("created_at"), SIGN, st.sampled_from(["2026-03-01T12:01:00Z", "2026-03-02"])
    )
    | st.tuples(
        st.sampled_from(["environment", "pipeline_name", "execution_id"]),
        st.sampled_from(["=", "!=", "contains", "<"]),
        st.sampled_from(["prod", "train", "e1"]),
    )
    | st.tuples(
        st.just("settled"), st.sampled_from(["=", "!="]), st.sampled_from(["true", "false"])
    )
).map(" ".join)
CONDITION = st.recursive(
    SIMPLE,
    lambda inner: (
        inner.map(lambda one: f"not ({one})")
        | st.tuples(inner, st.sampled_from([" and ", " or "]), inner).map(
            lambda parts: f"({parts[0]}{parts[1]}{parts[2]})"
        )
    ),
    max_leaves=5,
)


@pytest.fixture(scope="module")
def duck():
    with duckdb.connect() as opened:
        yield opened


CALM = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
any_history = given(history=HISTORY, conditions=st.lists(CONDITION, min_size=5, max_size=12))


@settings(CALM, max_examples=25)
@any_history
def test_memory_store_and_duckdb_agree(writer, duck, history, conditions):
    agree(writer, duck, history, conditions)


@pytest.mark.long
@settings(CALM, max_examples=300)
@any_history
def test_memory_store_and_duckdb_agree_on_many(writer, duck, history, conditions):
    agree(writer, duck, history, conditions)


def agree(writer, duck, history, conditions):
    figures = {f"e{number}": figures_of(run, number) for number, run in enumerate(history)}
    with writer.connect() as connection:
        Mirror(connection).save(*(whole_of(run, number) for number, run in enumerate(history)))
        poured(duck, connection)
        for text in conditions:
            expression = parse(text, RUNS)
            expected = {name for name, run in figures.items() if evaluate(expression, run)}
            assert in_store(connection, expression) == expected, text
            assert in_duckdb(duck, expression) == expected, text
        connection.rollback()


# Single promises


@pytest.fixture
def asked(prod, duck):
    """Save runs; what gives the ids that a condition finds, the same in both."""

    def save(*wholes):
        prod.save(*wholes)
        poured(duck, prod.connection)

        def ask(text):
            expression = parse(text, RUNS)
            found = in_store(prod.connection, expression)
            assert in_duckdb(duck, expression) == found
            return sorted(found)

        return ask

    return save


@pytest.mark.parametrize("state", [state for state in PartState if state is not PartState.OK])
def test_a_value_that_is_not_held_matches_nothing(asked, state):
    ask = asked(
        a_whole("e1", values=[value_of("42", Side.INPUT, "x", state=state)]),
        a_whole("e2", values=[value_of("42", Side.INPUT, "x")]),
    )
    assert (
        ask("in.x = 42") == ask("in.x != 1") == ask("in.x > 1") == ask("in.x is not null") == ["e2"]
    )
    assert ask("not in.x = 42") == ["e1"]


def test_a_file_has_no_value_to_compare(asked):
    ask = asked(a_whole("e1", values=[a_file(name="report")]))
    assert ask("out.report = null") == ask("out.report is not null") == ask("out.report != 1") == []


def test_whole_numbers_are_compared_to_the_last_digit(asked):
    digits = "7" * 5000
    numbers = {"e1": str(BIG), "e2": str(BIG - 1), "e3": digits, "e4": "18446744073709551615"}
    ask = asked(
        *(a_whole(name, values=[value_of(text, Side.INPUT, "x")]) for name, text in numbers.items())
    )
    for name, text in numbers.items():
        assert ask(f"in.x = {text}") == [name]
        assert name not in ask(f"in.x != {text}")
    assert ask(f"in.x = {digits[:-1]}8") == []
    assert ask("in.x = 18446744073709551616") == []


def test_what_stands_in_a_condition_is_never_run(asked, prod):
    evil = "x'); drop table execution; --"
    ask = asked(a_whole("e1", values=[value_of(json.dumps(evil), Side.INPUT, evil)], status=evil))
    quoted = f'"{evil}"'
    assert ask(f"in.{quoted} = {quoted}") == ["e1"]
    assert ask(f"status = {quoted}") == ["e1"]
    assert ask(f"in.{quoted}.{quoted} = 1") == []
    assert ask(f"commit_id contains {quoted}") == []
    assert prod.row("executions")["execution_id"] == "e1"


def test_keys_that_look_like_patterns_are_only_keys(asked):
    value = json.dumps({"*": 1, "k": 2, "$": 3, "a.b": 4, "[0]": 5, "#": 6, "%": 7, "it's": 8})
    ask = asked(a_whole("e1", values=[value_of(value, Side.OUTPUT, "x")]))
    for key, number in json.loads(value).items():
        assert ask(f'out.x."{key}" = {number}') == ["e1"]
        assert ask(f'out.x."{key}" != {number}') == []
    assert ask('out.x."*" = 2') == []


def test_another_incarnation_of_an_id_is_another_execution(asked):
    ask = asked(
        a_whole("e1", values=[value_of("1", Side.INPUT, "x")]),
        a_whole("e1", created_at=NOON + DAY, values=[value_of("2", Side.INPUT, "x")]),
    )
    assert ask("in.x = 1 and in.x = 2") == []
    assert ask("created_at >= 2026-03-02 and in.x = 2") == ["e1"]
    assert ask("created_at >= 2026-03-02 and in.x = 1") == []


def test_the_condition_joins_all_other_filters(prod):
    prod.save(
        *(
            a_whole(
                f"e{number}",
                created_at=NOON + number * DAY,
                pipeline="train" if number % 2 else "score",
                status="Failed" if number % 3 else "Succeeded",
                values=[value_of(str(number), Side.INPUT, "x")],
            )
            for number in range(12)
        )
    )
    where = to_store(parse("in.x > 2", RUNS), prod.connection.dialect.name)
    found = read.executions(
        prod.connection,
        environment="prod",
        pipeline="train",
        statuses=["failed"],
        since=NOON,
        until=NOON + 11 * DAY,
        limit=2,
        where=where,
    )
    assert [row["execution_id"] for row in found] == ["e7", "e5"]


@pytest.mark.parametrize(
    "text",
    [
        " or ".join(f"in.x.k[{number}] = {number}" for number in range(99)) + " or in.x = 1",
        " and ".join(["in.x = 1"] * 100),
        "not (" * 24 + "in.x = 1" + ")" * 24,
        "in.x in (" + ", ".join(str(number) for number in range(200)) + ")",
        "in.x = 1 or in.x" + ".k" * 50 + " = 1",
    ],
    ids=["or", "and", "not", "in", "path"],
)
def test_the_largest_condition_that_is_read_can_be_asked(asked, text):
    ask = asked(
        a_whole("e1", values=[value_of("1", Side.INPUT, "x")]),
        a_whole("e2", values=[value_of("1000", Side.INPUT, "x")]),
    )
    assert ask(text) == ["e1"]
