"""`craftsync export parquet`: the history for other engines, whole or plainly not."""

import hashlib
import json
import os
import resource
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import PurePath

import polars as pl
import pytest
from lab import DAY, HOUR, lab
from query.words import PATHS, craftsync

from craftsync.query.export import Changed, Partition, write
from craftsync.simulator import Line, World
from craftsync.store import relations


@pytest.fixture
def old(tmp_path):
    """A lab whose executions lie in three months."""
    now = datetime(2026, 3, 10, tzinfo=UTC)
    world = World(seed=2, executions=0, pipelines=0, now=now)
    world.add_pipeline("train", created_at=datetime(2026, 1, 1, tzinfo=UTC))
    for month in (1, 2, 3):
        for number in range(3):
            world.add_execution(
                "train",
                execution_id=f"e-{month}-{number}",
                created_at=datetime(2026, month, 2, number, tzinfo=UTC),
            )
    with lab(tmp_path, world) as made:
        made.lake = tmp_path / "lake"
        made.sync()
        yield made


def export(made, *words, **environ):
    done = craftsync(made, "export", "parquet", str(made.lake), "--json", *words, **environ)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return {row["relation"]: row for row in json.loads(done.stdout)}


def manifest(made):
    return json.loads((made.lake / "manifest.json").read_text())


def files(made):
    return {
        str(file.relative_to(made.lake)): file.stat().st_mtime_ns
        for file in made.lake.rglob("*.parquet")
    }


def read(made, relation):
    return pl.read_parquet(made.lake / relation / "**/*.parquet", hive_partitioning=True)


def test_other_engines_read_the_same_as_sql_gives(old):
    old.world.advance(HOUR)
    old.sync()  # so that what is there was last seen after it was first seen
    told = export(old)
    for relation in relations.PUBLIC:
        (count,) = old.column(f'select count(*) from "{relation.name}"')
        assert told[relation.name]["rows"] == count
        if count:
            frame = read(old, relation.name)
            assert frame.height == count
            assert set(frame.columns) == {*relation.columns, "month"}
    runs = read(old, "executions").sort("created_at")
    assert runs["execution_id"].to_list() == old.column(
        "select execution_id from executions order by created_at"
    )
    assert runs["run_s"].sum() == pytest.approx(old.column("select sum(run_s) from executions")[0])
    assert set(runs["month"]) == {"2026-01", "2026-02", "2026-03"}
    assert runs.schema["created_at"] == pl.Datetime("us", "UTC")
    for name in ("created_at", "last_seen_at"):
        texts = runs[name].dt.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_list()
        assert texts == old.column(f"select {name} from executions order by created_at")
    assert runs.schema["settled"] == pl.Boolean


def test_the_manifest_names_every_file_with_hash_and_rows(old):
    export(old)
    said = {one["path"]: one for one in manifest(old)["files"]}
    assert said.keys() == files(old).keys()
    for path, one in said.items():
        content = (old.lake / path).read_bytes()
        assert (one["bytes"], one["sha256"]) == (
            len(content),
            hashlib.sha256(content).hexdigest(),
        )
        assert pl.read_parquet(content).height == one["rows"]


def test_since_last_writes_only_the_months_that_changed(old):
    export(old)
    before = files(old)
    old.world.add_execution(
        "train", execution_id="late", created_at=datetime(2026, 2, 20, tzinfo=UTC)
    )
    old.world.advance(HOUR)
    old.sync()
    told = export(old, "--since-last")
    after = files(old)
    touched = {path for path in after if after[path] != before.get(path)}
    assert {path for path in touched if path.startswith("executions/")} == {
        "executions/environment=default/month=2026-02/data.parquet"
    }
    assert told["executions"] | {"bytes": 0} == {
        "relation": "executions", "files": 3, "written": 1, "rows": 10, "bytes": 0,
    }  # fmt: skip
    assert read(old, "executions").height == 10
    assert manifest(old)["files"] != []
    again = export(old, "--since-last")
    assert again["executions"]["written"] == again["logs"]["written"] == 0


def test_where_nothing_changed_no_file_is_written_again(old):
    old.world.add_deployment("serve", "train", created_at=datetime(2026, 1, 1, tzinfo=UTC))
    old.sync()
    first, before = export(old), files(old)
    told = export(old, "--since-last")
    assert {name: row["written"] for name, row in told.items() if row["written"]} == {}
    assert files(old) == before
    assert [row | {"written": 0} for row in first.values()] == list(told.values())
    (cut, *_) = (old.lake / "deployments").rglob("*.parquet")
    cut.write_bytes(b"cut")
    assert export(old, "--since-last")["deployments"]["written"] == 1
    old.world.advance(HOUR)
    old.sync()
    told = export(old, "--since-last")
    assert told["executions"]["written"] == told["deployment_versions"]["written"] == 0
    assert told["sync_runs"]["written"] == 1
    assert read(old, "sync_runs").height == 3


def test_what_comes_in_while_an_export_is_written_is_due_the_next_time(old):
    export(old)
    with old.app._asking(refresh=True, locked=False) as session:
        old.world.add_execution(
            "train", execution_id="late", created_at=datetime(2026, 2, 20, tzinfo=UTC)
        )
        old.world.advance(HOUR)
        old.sync()
        old.app.refresh_replica()
        assert old.app.replica().pointer().standing != session.standing
        everything = Changed(None)
        list(write(session, old.lake, standing=session.standing, before=None, changed=everything))
    assert "late" not in read(old, "executions")["execution_id"]
    export(old, "--since-last")
    assert "late" in read(old, "executions")["execution_id"]


def test_an_old_replica_is_not_exported_as_if_it_were_fresh(old):
    export(old)
    before = files(old)
    old.world.add_execution("train", execution_id="late", created_at=old.world.now)
    old.world.advance(HOUR)
    old.sync()
    lock = old.app.replica().folder / "lock"
    lock.unlink()
    lock.mkdir()  # what makes it is refused by the system
    done = craftsync(old, "export", "parquet", str(old.lake), "--since-last")
    assert (done.returncode, done.stdout) == (8, "")
    assert "Nothing was exported" in done.stderr
    assert (files(old), (old.lake / "manifest.json").exists()) == (before, True)


def test_a_deployment_that_is_seen_later_changes_what_belongs_to_it(old):
    old.world.add_deployment("serve", "train", created_at=datetime(2026, 2, 1, tzinfo=UTC))
    old.world.add_execution(
        "train",
        deployment="serve",
        execution_id="served",
        created_at=datetime(2026, 2, 3, tzinfo=UTC),
    )
    old.sync()
    export(old)
    old.world.recreate_deployment("serve")
    old.world.advance(DAY)
    old.sync()
    export(old, "--since-last")
    frame = read(old, "executions").filter(pl.col("execution_id") == "served")
    assert frame["deployment_created_at"][0] == datetime(2026, 2, 1, tzinfo=UTC)


def test_a_restored_store_or_a_missing_file_makes_it_whole_again(old):
    export(old)
    gone = old.lake / "executions/environment=default/month=2026-01/data.parquet"
    gone.unlink()
    export(old, "--since-last")
    assert gone.exists()
    other = json.loads((old.lake / "manifest.json").read_text())
    (old.lake / "manifest.json").write_text(json.dumps(other | {"store_id": "another"}))
    told = export(old, "--since-last")
    assert told["executions"]["written"] == 3


def test_what_is_no_more_is_taken_away(old):
    export(old)
    stale = old.lake / "sync_failures/environment=default/month=2026-01/data.parquet"
    stale.parent.mkdir(parents=True)
    stale.write_bytes(b"old")
    export(old, "--since-last")
    assert not stale.exists()


def test_files_and_folders_are_for_the_user_alone(old):
    export(old)
    for one in [old.lake, *old.lake.rglob("*")]:
        assert one.stat().st_mode & 0o777 == (0o700 if one.is_dir() else 0o600), one


def test_an_environment_of_any_name_stays_inside_the_folder(old):
    environ = {
        "CRAFT_AI_SDK_TOKEN": "",
        "CRAFTSYNC_STORE": str(old.folder / "odd.db"),
    }
    config = old.folder / "craftsync.toml"
    config.write_text(
        f'[environments."../../x"]\nurl = "{old.server.url}"\ncontrol_url = "{old.server.url}"\n'
        'token_env = "ODD_TOKEN"\n'
    )
    done = craftsync(old, "sync", ODD_TOKEN=old.world.sdk_token, **environ)
    assert done.returncode == 6  # refused as a name: nothing can come of it
    assert "../../x" in done.stderr
    for name in ("../../x", "/etc", "..", "a\\b"):  # of a store that something else wrote
        path = PurePath(Partition(relations.EXECUTIONS, name, "2026-01").path)
        assert len(path.parts) == 4
        assert not {"..", "."} & set(path.parts)


def test_a_folder_of_something_else_is_left_alone(old):
    old.lake.mkdir()
    (old.lake / "thesis.txt").write_text("mine")
    done = craftsync(old, "export", "parquet", str(old.lake))
    assert (done.returncode, done.stdout) == (2, "")
    assert "holds something" in done.stderr
    assert [one.name for one in old.lake.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize("place", ["lake", "not/yet/there"])
def test_without_a_store_nothing_is_left_behind(old, tmp_path, place):
    before = set(tmp_path.iterdir())
    nowhere = ("--store", str(tmp_path / "none.db"))
    done = craftsync(old, "export", "parquet", str(tmp_path / place), *nowhere)
    assert (done.returncode, done.stdout) == (8, "")
    assert set(tmp_path.iterdir()) == before


def test_a_folder_that_was_there_stays_where_nothing_is_exported(old, tmp_path):
    old.lake.mkdir()
    done = craftsync(old, "export", "parquet", str(old.lake), "--store", str(tmp_path / "none.db"))
    assert (done.returncode, list(old.lake.iterdir())) == (8, [])
    export(old)


def test_a_half_written_export_has_no_manifest_and_the_next_one_is_whole(old):
    export(old)
    words = [sys.executable, "-m", "craftsync", "export", "parquet", str(old.lake)]
    environ = {"PATH": os.environ["PATH"], **old.environ}
    unfinished = old.lake / "manifest.json.unfinished"
    for delay in (0.15, 0.05, 0):
        export(old)  # whole again: the next one begins with a manifest
        running = subprocess.Popen(words, env=environ, stdout=subprocess.DEVNULL)
        while not unfinished.exists() and running.poll() is None:
            time.sleep(0.001)
        time.sleep(delay)
        running.send_signal(signal.SIGKILL)
        running.wait()
        is_half = not (old.lake / "manifest.json").exists()
        assert unfinished.exists() == is_half
    assert is_half  # the last one was killed as it began to write
    export(old, "--since-last")
    assert not unfinished.exists()
    assert {one["path"] for one in manifest(old)["files"]} == files(old).keys()
    assert not list(old.lake.rglob(".*.growing"))


@pytest.mark.parametrize(
    "words",
    [
        ["export", "parquet", "lake"],
        ["sql", "select message from logs", "--format", "parquet", "-o", "lines.parquet"],
    ],
)
def test_where_files_find_no_room_it_ends_with_2_and_names_them(old, words):
    size = 100 << 10
    lines = [Line(n, hashlib.sha512(b"%d" % n).hexdigest()) for n in range(4000)]
    old.world.add_execution("train", execution_id="long", lines=lines)
    old.sync()
    craftsync(old, "sql", "select 1")  # the replica is there
    done = subprocess.run(
        [sys.executable, "-m", "craftsync", *words],
        env={**PATHS, **old.environ},
        cwd=old.folder,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert f"{words[-1]} cannot be written: File too large." in done.stderr
    assert not list(old.folder.rglob("*.growing"))
    assert not list(old.folder.rglob("manifest.json"))


def test_two_exports_at_once_are_not_mixed(old):
    export(old)
    import filelock

    with filelock.FileLock(old.lake / ".lock"):
        done = craftsync(old, "export", "parquet", str(old.lake))
    assert done.returncode == 75
