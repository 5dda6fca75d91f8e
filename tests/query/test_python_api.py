"""`import craftsync`: the history in a notebook."""

import subprocess
import sys
from datetime import UTC, datetime

import pytest
from lab import HOUR

import craftsync
from craftsync.errors import Refused, StoreUnusable, Usage

ASKED = "select execution_id, created_at, run_s, settled from executions order by 2, 1"


@pytest.fixture
def history(calm):
    calm.sync()
    return craftsync.open(calm.store)


def test_rows_are_dicts_with_aware_instants(history):
    rows = history.sql(ASKED).rows()
    assert len(rows) == 60
    assert list(rows[0]) == ["execution_id", "created_at", "run_s", "settled"]
    assert rows[0]["created_at"].tzinfo is UTC
    assert isinstance(rows[0]["created_at"], datetime)


def test_data_frames_and_arrow_hold_the_same(history):
    result = history.sql(ASKED)
    ids = [row["execution_id"] for row in result.rows()]
    assert list(result.to_pandas()["execution_id"]) == ids
    assert result.to_polars()["execution_id"].to_list() == ids
    assert result.to_arrow().column("execution_id").to_pylist() == ids
    assert [row["execution_id"] for row in result] == ids


def test_a_result_stays_what_it_was_and_the_next_question_sees_what_came_in(history, calm):
    counted = "select count(*) as n from executions"
    before = history.sql(counted)
    calm.world.add_execution("fraud-detect")
    calm.world.advance(HOUR)
    calm.sync()
    assert history.sql(counted).rows() == [{"n": 61}]
    assert before.rows() == [{"n": 60}]
    assert before.to_pandas()["n"].tolist() == [60]
    assert craftsync.open(calm.store, refresh=False).sql(counted).rows() == [{"n": 61}]


def test_what_is_wrong_is_said_when_it_is_asked(history, calm, tmp_path):
    with pytest.raises(Usage, match="nope"):
        history.sql("select nope from executions")
    with pytest.raises(Refused):
        history.sql("delete from executions")
    with pytest.raises(StoreUnusable):
        craftsync.open(tmp_path / "none.db").sql("select 1")


def test_a_table_of_a_pipeline_that_is_not_held_is_refused_and_the_nearest_named(history):
    assert history.io("fraud-detect", since="365d").columns[1] == "execution_id"
    with pytest.raises(Usage, match="'fraud-detct'") as refused:
        history.io("fraud-detct")
    assert "fraud-detect" in refused.value.hint
    with pytest.raises(Usage, match="'defalt'"):
        history.io("fraud-detect", environment="defalt")


@pytest.mark.parametrize(
    "missing",
    ["pandas", *(pytest.param(name, marks=pytest.mark.long) for name in ("polars", "pyarrow"))],
)
def test_without_the_extra_it_says_what_to_type(history, calm, missing):
    program = (
        "import importlib.util, sys\n"
        "class Blocked:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name.partition('.')[0] == {missing!r}: raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Blocked())\n"
        "import craftsync\n"
        f"result = craftsync.open({str(calm.store)!r}).sql('select 1 as n')\n"
        "assert result.rows() == [{'n': 1}]\n"
        f"result.to_{'arrow' if missing == 'pyarrow' else missing}()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert f"{missing} must be installed" in done.stderr
    assert "craftsync[frames]" in done.stderr
