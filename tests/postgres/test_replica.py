"""Questions over PostgreSQL: a replica in the asker's cache shows what the server's views show."""

import json
import shutil
import subprocess
import sys

import pytest
from lab import DAY, HOUR
from lab import lab as make_lab
from query.test_replica import EACH, agrees, file_of, of_replica, of_store
from query.words import PATHS, craftsync

from craftsync.errors import StoreUnusable
from craftsync.simulator import World
from craftsync.store import relations, snapshot


@pytest.fixture(scope="module")
def grown(tmp_path_factory, postgres, empty_store):
    """A store that was synced three times while its world lived on, and a replica that followed."""
    name = postgres.create(empty_store)
    folder = tmp_path_factory.mktemp("grown")
    world = World(seed=1, executions=25)
    with make_lab(folder, world, store=postgres.address(name)) as made:
        made.sync()
        agrees(made)
        made.world.advance(HOUR / 2)
        made.sync()
        agrees(made)
        first = made.column("select deployment_name from deployments order by 1")[0]
        made.world.recreate_deployment(first)
        made.world.advance(HOUR / 2)
        made.sync()
        yield made
    postgres.drop(name)


@EACH
def test_a_relation_is_the_same_in_the_replica_as_on_the_server(grown, relation):
    found = of_replica(grown, relation)
    assert found == of_store(grown, relation)
    if relation.name not in ("sync_failures", "deletions"):
        assert found


def test_it_lies_in_the_users_cache_for_the_user_alone(calm):
    calm.sync()
    with calm.app.asking():
        file = file_of(calm)
    assert file.parent.parent == calm.folder / ".cache" / "craftsync"
    assert file.parent.stat().st_mode & 0o777 == 0o700


def test_a_password_has_no_part_in_its_place(calm):
    calm.sync()
    plain = calm.app.replica().folder
    calm.environ["CRAFTSYNC_STORE"] = str(calm.store).replace("craftsync@", "craftsync:one@")
    one = calm.app.replica().folder
    calm.environ["CRAFTSYNC_STORE"] = str(calm.store).replace("craftsync@", "craftsync:other@")
    assert calm.app.replica().folder == one != plain


def test_a_refresh_moves_only_what_changed(calm):
    calm.sync()
    agrees(calm)
    calm.world.add_execution("fraud-detect")
    calm.world.advance(HOUR)
    calm.sync()
    moved = []
    with snapshot.look(calm.store) as found:

        def counting(sql):
            for rows in found.batches(sql):
                moved.append(len(rows))
                yield rows

        from craftsync.query import loading

        pointer = calm.app.replica().pointer()
        seen = snapshot.Snapshot(found.dialect, found.place, counting)
        follow_by_hand(calm, seen, pointer, found.standing(), loading)
    whole = sum(calm.column(f"select count(*) from {name}")[0] for name in ("logs", "executions"))
    assert 0 < sum(moved) < whole / 3
    agrees(calm)


def follow_by_hand(made, seen, pointer, standing, loading):
    """Refresh a copy of the replica out of a snapshot that counts what it gives."""
    import duckdb

    from craftsync.query import desk

    copy = made.folder / "copy.duckdb"
    shutil.copyfile(pointer.file, copy)
    with duckdb.connect(":memory:") as duck:
        loader = loading.Loader(duck, seen, attach=lambda: duck.execute(desk.attach(copy)))
        loader.refresh(pointer.standing.marks, standing.marks)


def test_a_run_that_changed_nothing_leaves_the_replica_as_it_is(calm):
    calm.sync()
    with calm.app.asking():
        before = file_of(calm), file_of(calm).stat().st_mtime_ns
    calm.world.advance(DAY)
    calm.sync()
    agrees(calm)
    assert (file_of(calm), file_of(calm).stat().st_mtime_ns) == before


def test_a_restored_database_makes_a_rebuild(calm, postgres):
    calm.sync()
    name = str(calm.store).rpartition("/")[2]
    kept = postgres.create(name)
    calm.world.add_execution("fraud-detect")
    calm.sync()
    agrees(calm)
    postgres.drop(name)
    with postgres.connect("postgres") as connection:
        connection.execute(f"create database {name} template {kept}")
    assert len(of_replica(calm, relations.EXECUTIONS)) == 60
    calm.world.add_execution("fraud-detect")
    calm.world.advance(HOUR)
    calm.sync()
    agrees(calm)
    postgres.drop(kept)


def test_no_more_than_a_batch_is_in_memory(calm, postgres):
    calm.sync()
    with postgres.connect(str(calm.store).rpartition("/")[2]) as connection:
        connection.execute(
            "insert into log_line select (select max(key) from execution), n, 0, null, null, null,"
            " repeat('x', 500), null from generate_series(100000, 400000) n"
        )
    code = (
        "import resource, sys\n"
        "from craftsync.store import snapshot\n"
        "with snapshot.look(sys.argv[1]) as found:\n"
        "    next(found.batches('select execution_key, message from log_line limit 1000'))\n"
        "    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "    n = sum(map(len, found.batches('select execution_key, message from log_line')))\n"
        "    print(n, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)\n"
    )
    asked = [sys.executable, "-c", code, str(calm.store)]
    done = subprocess.run(asked, env=PATHS, capture_output=True, text=True, check=True)
    rows, grew_mb = map(int, done.stdout.split())
    assert rows > 300_000  # 150 MB of text
    assert grew_mb < 120


def test_a_sync_that_wrote_leaves_a_replica_that_answers_without_the_server(made, postgres):
    made.environ["CRAFTSYNC_SYNC_WORKERS"] = "4"
    assert craftsync(made, "sync").returncode == 0
    done = craftsync(made, "sql", "select count(*) n from executions", "--json")
    assert json.loads(done.stdout) == [{"n": 40}]
    postgres.stop()
    try:
        refused = craftsync(made, "sql", "select count(*) n from executions", "--json")
        assert refused.returncode == 8
        assert "cannot be reached" in refused.stderr
        with pytest.raises(StoreUnusable), made.app.asking():
            pass
    finally:
        postgres.start()
    assert craftsync(made, "sql", "select count(*) n from executions", "--json").returncode == 0


def test_a_replica_needs_a_place(calm):
    calm.sync()
    homeless = {name: value for name, value in calm.environ.items() if name != "HOME"}
    done = subprocess.run(
        [sys.executable, "-m", "craftsync", "sql", "select 1"],
        env={**PATHS, **homeless},
        capture_output=True,
        text=True,
        check=False,
        cwd=calm.folder,
    )
    assert (done.returncode, "XDG_CACHE_HOME" in done.stderr) == (8, True)
    assert not list(calm.folder.iterdir())
