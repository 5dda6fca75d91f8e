"""No file that a command writes takes the place of a database, nor of what lies beside one."""

import pytest
from journeys.erasing import an_estate, mirrored, now, run
from lab import lab as make_lab


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """A store with a replica, a copy of the store, and a link to it."""
    with mirrored(tmp_path_factory.mktemp("lab"), an_estate(now=now())) as made:
        assert run(made, "sql", "select 1").exit_code == 0
        assert run(made, "db", "backup", made.folder / "copy.db").exit_code == 0
        (made.folder / "link").symlink_to(made.store)
        yield made


def everything(lab):
    return {
        path: path.read_bytes()
        for path in lab.folder.rglob("*")
        if path.is_file() and not path.name.endswith("-shm")
    }


@pytest.mark.parametrize(
    "words",
    [
        *(["runs", "-o"], ["runs", "--format", "parquet", "-o"], ["sql", "select 1", "-o"]),
        *(["report", "--html"], ["report", "-o"], ["db", "dump", "--canonical", "-o"]),
        *(["purge", "plan", "--older-than", "1d", "-o"], ["show", "t1", "-o"]),
        *(["logs", "t1", "-o"], ["doctor", "-o"], ["io", "get", "t1", "y", "-o"]),
        *(["sync", "--metrics-file"], ["query", "durations", "-o"], ["search", "line", "-o"]),
    ],
    ids=" ".join,
)
def test_the_store_is_no_place_to_write_to(real, words):
    before = everything(real)
    for name in ("history.db", "history.db-wal", "history.db.lock", "copy.db", "link"):
        done = run(real, *words, real.folder / name)
        assert done.exit_code == 2, done.stderr
        assert done.stderr.splitlines()[0] == (
            f"error: {real.folder / name} is a database or belongs to one: it is not overwritten."
        )
    assert everything(real) == before


def test_nor_is_the_replica(real):
    before = everything(real)
    replicas = [path for path in before if before[path][8:12] == b"DUCK"]
    assert replicas
    for path in replicas:
        assert run(real, "runs", "-o", path).exit_code == 2
    assert everything(real) == before


def test_nor_is_a_store_that_the_same_command_makes(tmp_path):
    with make_lab(tmp_path, an_estate(now=now()), begun=False) as lab:
        done = run(lab, "sync", "--metrics-file", lab.store)
        assert "it is not overwritten" in done.stderr
        assert lab.column("pragma integrity_check") == ["ok"]
        assert lab.column("select count(*) from executions") == [8]
