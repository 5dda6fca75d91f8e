"""A store in every state that a disk, a copy or another program can leave it in.

Whatever is asked of it, the answer is right, or a sentence with a frozen code; never a traceback.
What only reads changes no byte.
"""

import shutil
from dataclasses import dataclass

import pytest
from click.testing import CliRunner
from hostile import damage
from journeys import erasing
from lab import HOUR, lab

from craftsync.cli import main
from craftsync.errors import EXIT_CODES

READERS = {
    "status": ["status"],
    "runs": ["runs"],
    "sql": ["sql", "select count(*) from executions"],
    "query": ["query", "failure_rate"],
    "report": ["report"],
    "verify": ["verify", "--sample", "100%"],
    "doctor": ["doctor"],
    "purge plan": ["purge", "plan", "--older-than", "30d", "-o", "PLAN"],
    "db backup": ["db", "backup", "COPY"],
    "export": ["export", "parquet", "LAKE"],
    "show": ["show", "t3"],
    "logs": ["logs", "t3"],
    "search": ["search", "line"],
    "diff": ["diff", "t1", "t2"],
    "io": ["io", "table", "train"],
    "db dump": ["db", "dump", "--canonical"],
    "db current": ["db", "current"],
    "purge history": ["purge", "history"],
}
WRITERS = {
    "sync": ["sync", "-q"],
    "full sync": ["sync", "-q", "--full"],
    "upgrade": ["db", "upgrade"],
}
SOME = ("status", "runs", "sql", "doctor", "db backup", "sync")
MADE = {"PLAN": "plan.json", "COPY": "copy.db", "LAKE": "lake"}


@dataclass
class Healthy:
    """A store that is whole, to be broken again and again, and the lab it is of."""

    lab: object
    clean: bytes

    def broken(self, how):
        """Put the store back as it was, and break it; whatever was made of it is gone."""
        store = self.lab.store
        for file in self.lab.folder.iterdir():
            if file.is_dir() and not file.is_symlink():
                shutil.rmtree(file)
            elif file.name != "history.db.lock":
                file.unlink()
        store.write_bytes(self.clean)
        store.chmod(0o600)
        how(store)
        return store.read_bytes()

    def run(self, words):
        folder = self.lab.folder
        environ = self.lab.environ | {
            "XDG_CACHE_HOME": str(folder / "cache"),
            "XDG_DATA_HOME": str(folder / "data"),
        }
        given = [str(folder / MADE[word]) if word in MADE else word for word in words]
        return CliRunner(env=environ).invoke(main, given)

    def flaws(self, how, names=None):
        """Run commands on a store that is broken so, and tell which do not behave."""
        for name, words in {**READERS, **WRITERS}.items():
            if names is not None and name not in names:
                continue
            before = self.broken(how)
            ended = self.run(words)
            yield from (f"{name}: {flaw}" for flaw in judged(ended, is_doctor=name == "doctor"))
            if name in READERS and self.lab.store.read_bytes() != before:
                yield f"{name}: it changed the store"


def judged(ended, *, is_doctor=False):
    if ended.exit_code not in EXIT_CODES or ended.exit_code == 1:
        yield f"ended with {ended.exit_code}: {ended.stderr[-300:] or ended.exception!r}"
    elif not isinstance(ended.exception, SystemExit | None):
        yield f"{ended.exception!r}"
    elif ended.exit_code == 8 and not ended.stderr.startswith("error: "):
        yield f"no sentence: {ended.stderr[-300:]}"
    elif ended.exit_code == 8 and "hint: " not in ended.stderr:
        yield f"no hint: {ended.stderr[-300:]}"
    elif "Traceback" in ended.stderr + ended.stdout:
        yield "a traceback"
    elif is_doctor and ended.exit_code not in (0, 3):
        yield f"doctor ended with {ended.exit_code}"


@pytest.fixture(scope="module")
def healthy(tmp_path_factory):
    folder = tmp_path_factory.mktemp("healthy")
    folder.chmod(0o700)
    with lab(folder, erasing.an_estate(6, now=erasing.now() - HOUR)) as made:
        made.sync()
        made.world.advance(HOUR)
        made.world.mutate_deployment("nightly", description="Other words")
        made.sync(full=True)
        yield Healthy(erasing.allow(made), made.store.read_bytes())


@pytest.fixture(scope="module")
def columns(healthy):
    """The columns of each table."""
    healthy.broken(lambda _: None)
    return damage.tables(healthy.lab.store)


CUTS = [0, 1, 16, 99, 100, 4095, 4096, 4097, 0.5, 0.98, -1]


@pytest.mark.parametrize("size", CUTS)
def test_a_store_that_is_cut_short_is_told(healthy, size):
    size = len(healthy.clean) - 1 if size == -1 else size
    assert list(healthy.flaws(damage.cut(size), SOME)) == []


@pytest.mark.parametrize("size", [4097, 0.5])
def test_of_a_store_that_lacks_its_half_every_command_ends_with_8(healthy, size):
    for name in ("status", "sql", "report", "purge plan", "db backup", "sync"):
        healthy.broken(damage.cut(size))
        ended = healthy.run({**READERS, **WRITERS}[name])
        assert ended.exit_code == 8, name
        assert f"error: The store {healthy.lab.store} is damaged: " in ended.stderr


def test_a_file_that_ends_within_a_page_is_found_by_the_doctor(healthy):
    healthy.broken(damage.cut(len(healthy.clean) - 1))
    assert "ends within a page" in healthy.run(READERS["doctor"]).stdout


@pytest.mark.parametrize("seed", range(3))
def test_random_bytes_in_its_pages_end_with_a_sentence(healthy, seed):
    assert list(healthy.flaws(damage.noise(seed), SOME)) == []


LACKING = {
    "a table": damage.told("drop table step"),
    "a view": damage.told("drop view deployments"),
    "a column": damage.told("alter table log_line rename column message to words"),
    "its revision": damage.told("delete from alembic_version"),
    "one revision": damage.told("insert into alembic_version values ('0000')"),
    "revisions": damage.told("drop table alembic_version"),
    "its revision's column": damage.told(
        "alter table alembic_version rename column version_num to other"
    ),
    "its identity": damage.told("delete from store_identity"),
    "counters": damage.told("delete from counter"),
}


@pytest.mark.parametrize("lacking", LACKING)
def test_a_store_without_what_every_store_has_is_told(healthy, lacking):
    assert list(healthy.flaws(LACKING[lacking], SOME)) == []


def test_what_is_missing_is_named(healthy):
    healthy.broken(LACKING["a column"])
    ended = healthy.run(READERS["search"])
    assert ended.exit_code == 8
    assert "is damaged: it has no log_line.message." in ended.stderr


def test_what_others_added_to_a_store_does_no_harm(healthy):
    added = damage.told(
        "alter table execution add column mine text",
        "create table notes (words)",
        "create view busy as select * from executions",
    )
    for words in READERS.values():
        healthy.broken(added)
        assert healthy.run(words).exit_code == 0, words
    for words in WRITERS.values():
        healthy.broken(added)
        assert healthy.run(words).exit_code == 0, words


def test_a_newer_store_is_left_alone_by_every_command(healthy):
    newer = damage.told("update alembic_version set version_num = '9999'")
    copying = {"db backup", "db current"}  # a copy is one whatever is copied
    for name, words in {**READERS, **WRITERS}.items():
        if name in copying:
            continue
        before = healthy.broken(newer)
        ended = healthy.run(words)
        assert ended.exit_code == (3 if name == "doctor" else 8), name
        assert "made by a newer craftsync" in ended.stderr + ended.stdout
        assert healthy.lab.store.read_bytes() == before


# At full size


@pytest.mark.long
@pytest.mark.parametrize("tenth", range(10))
def test_a_store_cut_at_any_length_is_told(healthy, tenth, figures):
    sizes = range(tenth * 1499, len(healthy.clean), 14_990)
    flaws = [flaw for size in sizes for flaw in healthy.flaws(damage.cut(size))]
    figures(
        "hostile", "long: a store cut", each=f"tenth {tenth}", sizes=len(sizes), flaws=len(flaws)
    )
    assert flaws == []


@pytest.mark.long
@pytest.mark.parametrize("part", range(10))
def test_whatever_bytes_are_in_it_a_store_is_read_or_told(healthy, part, figures):
    flaws = []
    for seed in range(part * 10, part * 10 + 10):
        how = damage.noise(seed) if seed % 3 else damage.header(seed)
        flaws += [f"seed {seed}: {flaw}" for flaw in healthy.flaws(how)]
    figures("hostile", "long: bytes at random", each=f"part {part}", stores=10, flaws=len(flaws))
    assert flaws == []


@pytest.mark.long
def test_without_any_table_view_or_row_that_it_has_a_store_is_read_or_told(
    healthy, columns, figures
):
    ways = {f"no {table}": f'drop table "{table}"' for table in columns}
    ways |= {f"nothing in {table}": f'delete from "{table}"' for table in columns}
    ways |= {f"no {view}": f'drop view "{view}"' for view in damage.views(healthy.lab.store)}
    flaws = [
        f"{name}: {flaw}"
        for name, statement in ways.items()
        for flaw in healthy.flaws(damage.told(statement))
    ]
    figures("hostile", "long: a store without this or that", stores=len(ways), flaws=len(flaws))
    assert flaws == []


@pytest.mark.long
def test_without_any_column_that_it_has_a_store_is_read_or_told(healthy, columns, figures):
    ways = [(table, name) for table, names in columns.items() for name in names]
    flaws = [
        f"{table}.{name}: {flaw}"
        for table, name in ways
        for flaw in healthy.flaws(
            damage.told(f'alter table "{table}" rename column "{name}" to "other"'), SOME
        )
    ]
    figures("hostile", "long: a store without a column", stores=len(ways), flaws=len(flaws))
    assert flaws == []
