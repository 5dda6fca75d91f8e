"""The replica shows what the store shows, however it came there."""

import json
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from datetime import UTC, timedelta

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from lab import DAY, HOUR, lab
from query.words import PATHS, craftsync

from craftsync import times
from craftsync.errors import StoreUnusable
from craftsync.simulator import Line, World
from craftsync.store import relations
from craftsync.store.relation import ColumnKind

EACH = pytest.mark.parametrize("relation", relations.PUBLIC, ids=lambda relation: relation.name)


def shown(value, kind):
    """A cell of DuckDB as the store writes it."""
    if value is None:
        return None
    if kind is ColumnKind.INSTANT:
        return times.utc_text(value.replace(tzinfo=UTC))
    return int(value) if kind is ColumnKind.BOOLEAN else value


def of_store(made, relation):
    rows = made.rows(f'select * from "{relation.name}"')
    return Counter(tuple(row.values()) for row in rows)


def of_replica(made, relation, **how):
    with made.app.asking(**how) as session:
        return of_session(session, relation)


def of_session(session, relation):
    kinds = list(relation.columns.values())
    answer = session.ask(f'select * from "{relation.name}"')
    assert [name for name, _ in answer.columns] == list(relation.columns)
    return Counter(
        tuple(shown(cell, kind) for cell, kind in zip(row, kinds, strict=True))
        for row in answer.rows
    )


def agrees(made):
    with made.app.asking() as session:
        for relation in relations.PUBLIC:
            assert of_session(session, relation) == of_store(made, relation), relation.name


def file_of(made):
    return made.app.replica().pointer().file


@pytest.fixture(scope="module")
def grown(tmp_path_factory):
    """A store that was synced three times while its world lived on, and a replica that followed."""
    with lab(tmp_path_factory.mktemp("grown")) as made:
        made.sync()
        agrees(made)
        made.world.advance(3 * HOUR)
        made.sync()
        agrees(made)
        name = made.column("select deployment_name from deployments order by 1")[0]
        made.world.recreate_deployment(name)
        made.world.advance(2 * HOUR)
        made.sync()
        yield made


@EACH
def test_a_relation_is_the_same_in_the_replica_as_in_the_store(grown, relation):
    found = of_replica(grown, relation)
    assert found == of_store(grown, relation)
    if relation.name not in ("sync_failures", "deletions"):
        assert found


def test_a_run_that_changed_nothing_leaves_the_replica_as_it_is_and_moves_last_seen(calm):
    calm.sync()
    with calm.app.asking():
        before = file_of(calm), file_of(calm).stat().st_mtime_ns
    calm.world.advance(DAY)
    calm.sync()
    with calm.app.asking() as session:
        ((last,),) = session.ask("select max(last_seen_at) from executions").rows
        ((runs,),) = session.ask("select count(*) from sync_runs").rows
    assert (file_of(calm), file_of(calm).stat().st_mtime_ns) == before
    assert last.replace(tzinfo=UTC) == calm.world.now
    assert runs == 2


def test_a_sync_that_wrote_leaves_a_replica_that_answers_at_once(calm):
    craftsync(calm, "sync")
    done = craftsync(calm, "sql", "--no-refresh", "select count(*) n from executions", "--json")
    assert json.loads(done.stdout) == [{"n": 60}]


def long(*values):
    """A case that is tried with the long gates alone."""
    return pytest.param(*values, marks=pytest.mark.long)


CHANGES = ("advance", "new", "finish", "delete", "recreate", "deployment", "gone", "value", "lines")


@settings(
    max_examples=2,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # to shrink one takes minutes
)
@given(
    steps=st.lists(st.tuples(st.sampled_from(CHANGES), st.integers(0, 50)), max_size=5),
    asked=st.sets(st.integers(0, 5)),
)
def test_a_refresh_equals_a_rebuild_whatever_happened(tmp_path_factory, steps, asked):
    with lab(tmp_path_factory.mktemp("random"), World(seed=3, executions=20)) as made:
        made.sync()
        for number, (change, chosen) in enumerate(steps):
            happen(made, change, chosen)
            made.world.advance(timedelta(minutes=20))
            made.sync(accept_vanished=1000)
            if number in asked:
                agrees(made)
        agrees(made)
        followed = {one.name: of_replica(made, one) for one in relations.PUBLIC}
        shutil.rmtree(made.app.replica().folder)
        assert {one.name: of_replica(made, one) for one in relations.PUBLIC} == followed


def happen(made, change, chosen):
    """Change the world in one way, at a place that `chosen` picks."""
    world = made.world
    runs = made.column("select execution_id from executions where gone_at is null order by 1")
    names = made.column("select deployment_name from deployments where gone_at is null order by 1")
    execution = runs[chosen % len(runs)] if runs else None
    deployment = names[chosen % len(names)] if names else None
    match change:
        case "advance":
            world.advance(HOUR)
        case "new":
            world.add_execution("fraud-detect")
        case "finish" if execution:
            world.mutate_execution(execution, status="Failed")
        case "delete" if execution:
            world.delete_execution(execution)
        case "recreate" if execution:
            world.recreate_execution(execution)
        case "deployment" if deployment:
            world.recreate_deployment(deployment)
        case "gone" if deployment:
            world.delete_deployment(deployment)
        case "value" if execution:
            world.mutate_execution(execution, where="detail", created_by=f"author-{chosen}")
        case "lines" if execution:
            world.append_lines(execution, [Line(int(world.now.timestamp()) * 10**9, "one more")])
        case _:
            world.advance(HOUR)


# What makes it start anew


def test_a_restored_store_makes_a_rebuild(calm):
    calm.sync()
    kept = calm.folder / "kept.db"
    with closing(sqlite3.connect(calm.store)) as source, closing(sqlite3.connect(kept)) as target:
        source.backup(target)
    calm.world.add_execution("fraud-detect")
    calm.sync()
    assert len(of_replica(calm, relations.EXECUTIONS)) == 61
    for leftover in calm.folder.glob("history.db-*"):
        leftover.unlink()
    shutil.copyfile(kept, calm.store)
    assert len(of_replica(calm, relations.EXECUTIONS)) == 60
    agrees(calm)
    calm.world.add_execution("fraud-detect")
    calm.world.advance(HOUR)
    calm.sync()
    agrees(calm)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda made: file_of(made).write_bytes(b"no database at all" * 1000),
        long(lambda made: file_of(made).write_bytes(b"")),
        lambda made: os.truncate(file_of(made), 20_000),
        lambda made: file_of(made).unlink(),
        lambda made: (file_of(made).parent / "current.json").write_text("{"),
        long(lambda made: (file_of(made).parent / "current.json").write_text("[]")),
        long(lambda made: (file_of(made).parent / "current.json").unlink()),
        long(lambda made: foreign(made, "format")),
        lambda made: foreign(made, "store_id"),
    ],
    ids=[
        "garbage",
        "empty",
        "cut",
        "removed",
        "pointer-cut",
        "pointer-odd",
        "pointer-gone",
        "format",
        "store",
    ],
)
def test_a_replica_that_cannot_be_used_is_built_anew(calm, spoil):
    calm.sync()
    agrees(calm)
    spoil(calm)
    agrees(calm)


def test_what_a_killed_question_spilled_is_taken_away_a_day_later(calm):
    calm.sync()
    agrees(calm)
    left, in_use = (file_of(calm).parent / f"spill-{name}" for name in ("left", "in-use"))
    for spill in (left, in_use):
        spill.mkdir()
        (spill / "duckdb_temp_block-0.block").write_bytes(b"much")
        os.utime(spill, (0, 0))
    os.utime(left / "duckdb_temp_block-0.block", (0, 0))
    agrees(calm)
    assert (left.exists(), in_use.exists()) == (False, True)


def test_one_that_took_the_place_of_what_cannot_be_read_is_kept(calm):
    calm.sync()
    agrees(calm)
    replaced = file_of(calm)
    calm.world.add_execution("fraud-detect")
    calm.world.advance(HOUR)
    calm.sync()
    agrees(calm)
    calm.app.replica().forget(replaced)
    kept = file_of(calm)
    assert kept != replaced
    calm.app.replica().forget(kept)
    assert calm.app.replica().pointer() is None


def foreign(made, key):
    pointer = file_of(made).parent / "current.json"
    said = json.loads(pointer.read_text())
    pointer.write_text(json.dumps(said | {key: "another"}))


def test_a_replica_that_grew_by_half_is_built_anew(calm):
    calm.sync()
    agrees(calm)
    pointer = file_of(calm).parent / "current.json"
    said = json.loads(pointer.read_text())
    pointer.write_text(json.dumps(said | {"built_bytes": said["built_bytes"] // 2}))
    calm.world.add_execution("fraud-detect")
    calm.world.advance(HOUR)
    calm.sync()
    agrees(calm)
    assert json.loads(pointer.read_text())["built_bytes"] == file_of(calm).stat().st_size


def test_the_replaced_file_is_gone_and_who_reads_it_goes_on_reading(calm):
    calm.sync()
    with calm.app.asking() as reading:
        first = file_of(calm)
        answer = reading.ask("select execution_id from executions order by 1")
        calm.world.add_execution("fraud-detect")
        calm.world.advance(HOUR)
        calm.sync()
        agrees(calm)
        assert not first.exists()
        assert len(list(answer.rows)) == 60
        ((inputs,),) = reading.ask("select count(*) from inputs").rows
        assert inputs == len(calm.rows("select 1 from inputs")) - len(
            calm.rows("select 1 from inputs where execution_id not in"
                      " (select execution_id from executions order by created_at limit 60)")
        )  # fmt: skip
    assert {one.name for one in first.parent.iterdir()} == {
        "current.json",
        "lock",
        file_of(calm).name,
    }


def test_folder_and_files_are_for_the_user_alone(calm):
    before = os.umask(0o077)
    try:
        calm.sync()
        agrees(calm)
    finally:
        os.umask(before)
    folder = file_of(calm).parent
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {one.stat().st_mode & 0o777 for one in folder.iterdir()} == {0o600}


# Without a refresh


def test_without_a_refresh_the_answer_is_the_old_one_and_says_as_of_when(calm):
    calm.sync()
    agrees(calm)
    then = times.utc_text(calm.world.now)
    calm.world.add_execution("fraud-detect")
    calm.world.advance(HOUR)
    calm.sync()
    with calm.app.asking(refresh=False) as session:
        ((count,),) = session.ask("select count(*) from executions").rows
        assert (count, times.utc_text(session.as_of)) == (60, then)
        assert session.stale == "not refreshed"
    done = craftsync(calm, "sql", "--no-refresh", "select 1 as one")
    assert "As of " in done.stderr
    assert done.returncode == 0


def test_without_a_refresh_and_without_a_replica_it_says_what_to_type(calm):
    calm.sync()
    done = craftsync(calm, "sql", "--no-refresh", "select 1")
    assert (done.returncode, done.stdout) == (8, "")
    assert "--no-refresh" in done.stderr


def test_without_a_store_it_says_what_makes_one(calm):
    calm.store.unlink()
    done = craftsync(calm, "sql", "select 1")
    assert (done.returncode, done.stdout) == (8, "")
    assert "hint: craftsync sync" in done.stderr


def test_without_room_for_a_new_one_the_old_one_answers(calm, tmp_path):
    calm.sync()
    agrees(calm)
    calm.world.add_execution("fraud-detect")
    calm.world.advance(HOUR)
    calm.sync()
    folder = file_of(calm).parent
    (folder / "lock").unlink()
    (folder / "lock").mkdir()  # what makes it is refused by the system
    with calm.app.asking() as session:
        ((count,),) = session.ask("select count(*) from executions").rows
        assert count == 60
        assert session.stale.startswith("not refreshed: ")


def test_a_first_one_that_the_system_lets_not_grow_is_told_in_a_sentence(calm):
    calm.sync()
    size = 100 << 10
    done = subprocess.run(
        [sys.executable, "-m", "craftsync", "sql", "select 1"],
        env={**PATHS, **calm.environ},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 8, done.stderr
    assert "No replica of the store can be kept in" in done.stderr
    assert "File too large" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("held", "memory"), [long(False, "1KB"), long(False, "4MB"), (True, "4MB")]
)
def test_without_the_memory_it_needs_questions_are_refused_and_a_sync_warns(calm, memory, held):
    calm.sync()
    if held:
        agrees(calm)
    before = file_of(calm) if held else None
    calm.world.add_execution("fraud-detect")
    calm.world.advance(HOUR)
    little = {"CRAFTSYNC_QUERY_MEMORY": memory}
    done = craftsync(calm, "sync", **little)
    assert done.returncode == 0
    assert "warning: The replica was not brought up: it needs more memory" in done.stderr
    for words in (
        ["sql", "select 1"],
        ["report"],
        ["query", "top_errors"],
        ["search", "x"],
        ["export", "parquet", str(calm.folder / "lake")],
    ):
        done = craftsync(calm, *words, **little)
        assert (done.returncode, done.stdout) == (4, ""), done.stderr
        assert done.stderr.startswith("error: The question needs more memory than it may have.")
        assert "CRAFTSYNC_QUERY_MEMORY" in done.stderr
    assert (file_of(calm) if held else calm.app.replica().pointer()) == before
    agrees(calm)


# A row that does not fit its column (SQLite takes anything anywhere)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("update execution set started_at = 5", ("executions", "started_at", "'5'")),
        long("update execution set created_at = 7", ("executions", "created_at", "'7'")),
        ("update step set position = ''", ("steps", "position", "''")),
        long("update io_value set size_bytes = 'big'", ("inputs", "size_bytes", "'big'")),
        long("update io_value set value_number = 'x'", ("inputs", "value_number", "'x'")),
        ("update io_value set value = '{bad'", ("inputs", "value", "'{bad'")),
        long("update log_line set source = ''", ("logs", "source", "''")),
        long("update log_line set timestamp_ns = 'soon'", ("logs", "timestamp_ns", "'soon'")),
        ("update deployment set is_enabled = 'maybe'", ("deployments", "is_enabled", "'maybe'")),
    ],
)
def test_a_row_that_does_not_fit_is_named_and_the_old_replica_goes_on_answering(
    calm, change, named
):
    calm.sync()
    agrees(calm)
    with closing(sqlite3.connect(calm.store, isolation_level=None)) as connection:
        connection.execute("pragma ignore_check_constraints=on")
        table = change.split()[1]
        key = "key" if table in ("execution", "deployment") else "execution_key"
        connection.execute(f"{change} where {key} = (select max({key}) from {table})")
        connection.execute("update environment set rev = rev + 1")
        connection.execute("insert into revision select key, rev, 'x' from environment")
        connection.execute("update execution set rev = (select rev from environment)")
        connection.execute("update deployment set rev = (select rev from environment)")
    relation, column, value = named
    with pytest.raises(StoreUnusable) as refused, calm.app.asking():
        pass
    assert f"in {relation}, column {column}," in str(refused.value)
    assert value in str(refused.value)
    assert "environment default" in str(refused.value)
    done = craftsync(calm, "sql", "select 1")
    assert (done.returncode, "--no-refresh" in done.stderr) == (8, True)
    with calm.app.asking(refresh=False) as session:
        ((count,),) = session.ask("select count(*) from executions").rows
        assert count == 60


# Killed, and in each other's way


def test_killed_at_any_moment_of_a_refresh_the_next_question_is_right(calm):
    calm.sync()
    agrees(calm)
    died = 0
    for delay in (0.1, 0.17, 0.23, 0.3):
        calm.world.add_execution("fraud-detect")
        calm.world.advance(HOUR)
        calm.sync()
        asking = subprocess.Popen(
            [sys.executable, "-m", "craftsync", "sql", "select count(*) from executions"],
            env={"PATH": os.environ["PATH"], **calm.environ},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=calm.folder,
        )
        time.sleep(delay)
        asking.send_signal(signal.SIGKILL)
        died += asking.wait() == -signal.SIGKILL
        if delay > 0.2:
            agrees(calm)
    assert died
    agrees(calm)
    assert not list(file_of(calm).parent.glob("*.growing*"))


def test_many_who_ask_at_once_all_get_the_whole_answer(calm):
    calm.sync()
    words = [sys.executable, "-m", "craftsync", "sql", "select count(*) n from logs", "--json"]
    asking = [
        subprocess.Popen(
            words,
            env={"PATH": os.environ["PATH"], **calm.environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=calm.folder,
        )
        for _ in range(6)
    ]
    expected = [{"n": calm.column("select count(*) from logs")[0]}]
    for one in asking:
        told, said = one.communicate()
        assert (one.returncode, json.loads(told), said) == (0, expected, b"")


def test_a_sync_may_write_while_a_question_reads(calm):
    calm.sync()
    with calm.app.asking() as session:
        answer = session.ask("select message from logs")
        next(answer.rows)
        calm.world.add_execution("fraud-detect")
        calm.world.advance(HOUR)
        assert calm.sync().exit_code == 0
        list(answer.rows)
    agrees(calm)
