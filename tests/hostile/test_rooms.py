"""A disk that is full, or cannot be written: a sentence, the code that fits, and nothing lost."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hostile.rooms import NAMESPACE
from hostile.test_places import DIES
from journeys import erasing
from lab import HOUR, lab

from craftsync.simulator import Content, Line
from craftsync.store.dump import canonical_sha256

ROOT = Path(__file__).parents[2]
KB = 1024
MB = 1024 * KB
NS = 1_000_000_000


@pytest.fixture(scope="module")
def namespace():
    """Skip where this user may mount nothing, not even for a process of its own."""
    try:
        tried = subprocess.run(
            [*NAMESPACE, "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, check=False
        )
    except OSError as flaw:
        pytest.skip(f"no namespaces of mounts here: {flaw}")
    if tried.returncode:
        pytest.skip(f"no namespaces of mounts here: {tried.stderr.decode()}")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A lab that was synced, and whose platform has more since."""
    folder = tmp_path_factory.mktemp("rooms")
    folder.chmod(0o700)
    with lab(folder, erasing.an_estate(6, now=erasing.now())) as made:
        made.sync()
        world = made.world
        world.advance(HOUR)
        at = int(world.now.timestamp()) * NS
        for number in range(6):
            lines = [Line(at + n, f"{n} {'word ' * 20}") for n in range(290 + number)]
            run = world.add_execution("train", execution_id=f"n{number}", lines=lines)
            bytes_ = Content("text/plain", bytes(range(256)) * 200)
            world.set_value(run.execution_id, "outputs", "model", bytes_)
        yield erasing.allow(made)


@pytest.fixture
def play(made, namespace, tmp_path):
    """Do commands on a disk of their own, at each size of free room; None: it is read-only."""

    def do(*commands, rooms, again=True, size="6m", **files):
        disk, beside = tmp_path / "disk", tmp_path / "beside"
        disk.mkdir(mode=0o700, exist_ok=True)
        beside.mkdir(mode=0o700, exist_ok=True)
        environ = made.environ | {
            "CRAFTSYNC_STORE": str(disk / "history.db"),
            "XDG_CACHE_HOME": str(disk / "cache"),
            "XDG_DATA_HOME": str(disk / "data"),
            "TMPDIR": str(disk),
            "PATH": os.environ["PATH"],
        }
        (beside / "old.json").write_text("{}")
        job = {
            "disk": str(disk),
            "beside": str(beside),
            "size": size,
            "store": "history.db",
            "files": {
                "history.db": str(made.store),
                "plan.json": str(beside / "old.json"),
                "report.html": str(beside / "old.json"),
                **{name: str(path) for name, path in files.items()},
            },
            "folders": ["cache", "data"],
            "environ": environ,
            "commands": [[word.replace("DISK", str(disk)) for word in one] for one in commands],
            "rooms": rooms,
            "again": again,
        }
        done = subprocess.run(
            [*NAMESPACE, sys.executable, "-m", "hostile.rooms"],
            input=json.dumps(job),
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}",
                "HOME": str(tmp_path),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return do


COMMANDS = {
    "sync": (["sync", "-q"], 8),
    "sql": (["sql", "select count(*) from executions"], 8),
    "report": (["report"], 8),
    "report file": (["report", "--html", "DISK/report.html"], 2),
    "plan": (["purge", "plan", "--older-than", "30d", "-o", "DISK/plan.json"], 2),
    "backup": (["db", "backup", "DISK/copy.db"], 2),
    "export": (["export", "parquet", "DISK/lake"], 2),
    "parquet": (["runs", "--format", "parquet", "-o", "DISK/runs.parquet"], 2),
    "csv": (["search", "line", "--format", "csv", "-o", "DISK/lines.csv"], 2),
}
READERS = {
    "status": ["status"],
    "runs": ["runs"],
    "show": ["show", "t3"],
    "logs": ["logs", "t3"],
    "verify": ["verify", "--sample", "100%"],
    "db current": ["db", "current"],
    "dump": ["db", "dump", "--canonical"],
    "plan": ["purge", "plan", "--older-than", "30d"],
}


def flaws_of(told, *, code, dump):
    """Tell what is wrong with what came of a command on a disk that did not take its work."""
    for one in told:
        name = f"{' '.join(one['words'])} with {one['free']} bytes"
        if one["code"] not in {0, 8, code}:
            yield f"{name}: ended with {one['code']}: {one['err']}"
        elif one["code"] and not ("error: " in one["err"] and "hint: " in one["err"]):
            yield f"{name}: no sentence, or no hint: {one['err']}"
        if not one["kept"] and one["code"] and one["words"][0] != "sync":
            yield f"{name}: a file that was there is another"
        if one["drafts"]:
            yield f"{name}: left {one['drafts']}"
        if one["flaws"]:
            yield f"{name}: the store has {one['flaws']}"
        if one["words"][0] != "sync" and one["dump"] != dump:
            yield f"{name}: the store holds something else"
        if one["again"]:
            yield f"{name}: with room again it ended with {one['again']}: {one['said']}"


def long(case):
    return pytest.param(case, marks=pytest.mark.long)


def dump_of(made):
    with made.app.reading() as connection:
        return canonical_sha256(connection)


@pytest.mark.parametrize("name", ["sync", long("sql"), long("backup")])
def test_on_a_full_disk_a_command_says_so_and_with_room_again_does_its_work(name, play, made):
    words, code = COMMANDS[name]
    told = play(words, rooms=[60 * KB, 4 * MB])
    assert list(flaws_of(told, code=code, dump=dump_of(made))) == []
    assert [one["code"] for one in told] == [code, 0]
    if name == "sync":  # what a full disk had cut short became what it would have been
        assert len({one["dump"] for one in told}) == 1


@pytest.mark.long
@pytest.mark.parametrize("name", COMMANDS)
def test_however_little_room_there_is_a_command_says_so_and_loses_nothing(
    name, play, made, figures
):
    words, code = COMMANDS[name]
    told = play(words, rooms=[*(room * 20 * KB for room in range(60)), 4 * MB])
    flaws = list(flaws_of(told, code=code, dump=dump_of(made)))
    failed = [one["code"] for one in told if one["code"]]
    figures("hostile", "long: a full disk", each=name, points=len(failed), flaws=len(flaws))
    assert flaws == []
    assert told[0]["code"] == 8
    assert told[-1]["code"] == 0


@pytest.mark.long
def test_on_a_disk_that_cannot_be_written_everything_can_be_read(play, made):
    told = play(*READERS.values(), rooms=[None], again=False)
    codes = {" ".join(one["words"]): one["code"] for one in told if one["code"]}
    assert codes == {}
    assert {one["dump"] for one in told} == {dump_of(made)}


@pytest.mark.long
def test_on_a_disk_that_cannot_be_written_the_log_of_a_killed_process_is_not_passed_over(
    play, made, tmp_path
):
    store = tmp_path / "left.db"
    store.write_bytes(made.store.read_bytes())
    subprocess.run([sys.executable, "-c", DIES, store], check=False)
    left = {f"history.db{end}": store.with_name(f"left.db{end}") for end in ("", "-wal", "-shm")}
    told = play(["runs", "--status", "Odd"], ["status"], rooms=[None], again=False, **left)
    assert [one["code"] for one in told] == [0, 0], told
    assert "t3" in told[0]["out"]
    del left["history.db-shm"]
    told = play(["runs", "--status", "Odd"], rooms=[None], again=False, **left)
    (one,) = told
    assert "t3" in one["out"] or (one["code"] == 8 and "error: " in one["err"]), one


@pytest.mark.long
@pytest.mark.parametrize("name", ["sync", "sql", "plan", "backup"])
def test_on_a_disk_that_cannot_be_written_what_must_write_says_so(name, play, made):
    words, code = COMMANDS[name]
    (told,) = play(words, rooms=[None])
    assert told["code"] == code, told
    assert list(flaws_of([told], code=code, dump=dump_of(made))) == []
