"""The schema: migrations and models agree, an upgrade is whole or not at all."""

import os
import re
import shutil
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text
from sqlalchemy.schema import CreateTable
from store.made import Mirror, a_whole, on_a_file, place_of

import craftsync
from craftsync.errors import StoreUnusable
from craftsync.resources import migrations_dir
from craftsync.store import checkup, engine, environments, relations, revisions, schema
from craftsync.store.models import Base

UPGRADE = """
import os, sys
from craftsync.errors import StoreUnusable
from craftsync.store import engine, schema
if "REQUIRE" in os.environ:
    try:
        schema.require_current(engine.address(sys.argv[1]))
    except StoreUnusable as error:
        print(error.hint)
        sys.exit()
done = schema.upgrade(engine.address(sys.argv[1]))
print(done.before, done.after, done.backup)
"""
THIRD = '''"""Remember a colour, so that an upgrade can be tried out."""

import os
import signal

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

RECREATE = "always" if op.get_context().dialect.name == "sqlite" else "never"


def upgrade() -> None:
    with op.batch_alter_table("execution", recreate=RECREATE) as execution:
        execution.add_column(sa.Column("colour", sa.Text()))
    if os.environ.get("DIE"):
        os.kill(os.getpid(), signal.SIGKILL)
    if os.environ.get("LOSE"):
        op.execute("delete from step")
'''


def test_the_migrations_build_exactly_the_models(connection):
    context = MigrationContext.configure(connection)
    assert compare_metadata(context, Base.metadata) == []


def words_of(sql):
    """What a CREATE TABLE says, whatever the order of its constraints."""
    return sorted(re.sub(r"[\s,()\"]+", " ", sql).split())


@on_a_file
@pytest.mark.parametrize("table", Base.metadata.sorted_tables, ids=lambda table: table.name)
def test_a_migrated_table_has_the_words_of_its_model(table, connection):
    made = connection.scalar(
        text("select sql from sqlite_master where type = 'table' and name = :name"),
        {"name": table.name},
    )
    assert words_of(made) == words_of(str(CreateTable(table).compile(connection)))


@pytest.mark.parametrize("relation", relations.PUBLIC, ids=lambda relation: relation.name)
def test_a_public_view_has_the_columns_of_its_definition(relation, connection):
    columns = inspect(connection).get_columns(relation.name)
    assert [column["name"] for column in columns] == list(relation.columns)


def test_no_foreign_key_cascades(connection):
    found = inspect(connection)
    for table in found.get_table_names():
        assert all(not key["options"] for key in found.get_foreign_keys(table))


def test_revisions_are_numbered_one_after_the_other_and_the_last_is_the_head():
    assert revisions.known() == tuple(f"{n:04}" for n in range(1, len(revisions.known()) + 1))
    assert schema.head() == revisions.known()[-1]


def test_alembic_knows_the_same_head():
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(migrations_dir()))
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_current_head() == schema.head()


def test_a_fresh_store_is_made_and_then_left_alone(tmp_path):
    url = engine.address(tmp_path / "history.db")
    assert schema.current(url) is None
    assert schema.upgrade(url) == schema.Upgrade(None, schema.head(), None)
    before = (tmp_path / "history.db").read_bytes()
    assert schema.upgrade(url) == schema.Upgrade(schema.head(), schema.head(), None)
    assert (tmp_path / "history.db").read_bytes() == before


def test_an_empty_file_becomes_a_store(tmp_path):
    (tmp_path / "history.db").touch()
    url = engine.address(tmp_path / "history.db")
    assert schema.upgrade(url).before is None
    schema.require_current(url)


def test_each_store_has_an_identity_of_its_own(tmp_path):
    identities = []
    for name in ("one.db", "other.db"):
        url = engine.address(tmp_path / name)
        schema.upgrade(url)
        reader = engine.reader(url)
        with reader.connect() as connection:
            identities.append(environments.identity(connection))
        reader.dispose()
    one, other = identities
    assert one.store_id != other.store_id
    assert len(one.fingerprint_key) == 32
    assert one.fingerprint_key != other.fingerprint_key


def test_a_missing_store_is_refused_with_what_makes_one(tmp_path):
    with pytest.raises(StoreUnusable) as caught:
        schema.require_current(engine.address(tmp_path / "none.db"))
    assert caught.value.hint == "craftsync sync"


def test_a_newer_store_is_neither_read_nor_upgraded(url, writer):
    with writer.begin() as connection:
        connection.exec_driver_sql("update alembic_version set version_num = '9999'")
    for refused in (schema.require_current, schema.upgrade):
        with pytest.raises(StoreUnusable, match="newer craftsync"):
            refused(url)


def test_the_database_of_another_program_is_never_touched(tmp_path):
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("create table alembic_version (version_num text)")
        connection.execute("insert into alembic_version values ('0002')")
        connection.commit()
    before = path.read_bytes()
    for refused in (schema.require_current, schema.upgrade):
        with pytest.raises(StoreUnusable, match="not a store of craftsync"):
            refused(engine.address(path))
    assert path.read_bytes() == before


@pytest.fixture
def newer(tmp_path):
    """Run the next craftsync, which has one more revision, as a process of its own."""
    house = tmp_path / "house"
    shutil.copytree(
        Path(craftsync.__file__).parent,
        house / "craftsync",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    shutil.copytree(migrations_dir(), house / "migrations")
    (house / "migrations" / "versions" / "0003_a_colour.py").write_text(THIRD)

    def run(url, **environ):
        return subprocess.run(
            [sys.executable, "-c", UPGRADE, place_of(url)],
            env={"PYTHONPATH": str(house), "PATH": os.environ["PATH"], **environ},
            cwd=house,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.fixture
def filled(url, writer):
    """A store with one execution in it, closed."""
    with writer.begin() as connection:
        Mirror(connection).save(a_whole("e1", lines=3))
        connection.execute(text("create view mine as select execution_id from executions"))
    writer.dispose()
    return url


def facts(url):
    opened = engine.reader(url)
    with opened.connect() as connection:
        found = inspect(connection)
        counts = {
            name: connection.exec_driver_sql(f"select count(*) from {name}").scalar()
            for name in found.get_table_names()
        }
        shown = connection.exec_driver_sql("select * from mine").all()
        columns = [column["name"] for column in found.get_columns("execution")]
        dangling = checkup.damage(connection)
    opened.dispose()
    return counts, shown, columns, dangling


def test_an_upgrade_that_rebuilds_a_parent_keeps_every_row(filled, newer):
    before, shown, *_ = facts(filled)
    done = newer(filled)
    assert done.stdout.startswith("0002 0003 "), done.stderr
    after, still_shown, columns, dangling = facts(filled)
    assert (after, still_shown) == (before, shown)
    assert "colour" in columns
    assert dangling == []


@pytest.mark.parametrize("kind", ["postgresql"], indirect=True)
def test_after_an_upgrade_others_may_do_what_they_might_before(filled, newer):
    rights = """
        select relname, relacl::text, reloptions::text, obj_description(pg_class.oid, 'pg_class'),
            (select string_agg(attname || attacl::text, ' ' order by attname)
            from pg_attribute where attrelid = pg_class.oid)
        from pg_class where relkind = 'v' and relnamespace <> 'pg_catalog'::regnamespace
            and relnamespace <> 'information_schema'::regnamespace
    """
    opened = engine.migrator(filled)
    with opened.begin() as connection:
        connection.exec_driver_sql("create schema elsewhere")
        connection.exec_driver_sql(
            'create view elsewhere."My view" with (security_barrier) as table executions'
        )
        connection.exec_driver_sql("comment on view elsewhere.\"My view\" is 'It''s 100 %% mine'")
        connection.exec_driver_sql('create role "100 %% ours"')
        connection.exec_driver_sql('grant select (status, end_date) on executions to "100 %% ours"')
        connection.exec_driver_sql('grant select on elsewhere."My view" to "100 %% ours"')
        connection.exec_driver_sql('grant select on executions, elsewhere."My view" to public')
        connection.exec_driver_sql("grant select, delete on logs to pg_monitor with grant option")
        before = sorted(connection.exec_driver_sql(rights), key=str)
    assert newer(filled).stdout.startswith("0002 0003 ")
    with opened.connect() as connection:
        assert sorted(connection.exec_driver_sql(rights), key=str) == before
        assert len(before) > len(relations.PUBLIC)
    opened.dispose()


def test_a_view_of_a_user_may_hold_any_sign(filled, newer):
    opened = engine.migrator(filled)
    sql = (
        "create view \"half\"\" of it\" as select execution_id from executions where '%s' like '%%'"
    )
    with opened.begin() as connection:
        connection.exec_driver_sql(sql, execution_options={"no_parameters": True})
    done = newer(filled)
    assert done.stdout.startswith("0002 0003 "), done.stderr
    with opened.connect() as connection:
        assert connection.exec_driver_sql('select count(*) from "half"" of it"').scalar() == 1
    opened.dispose()


@on_a_file
def test_a_store_in_a_file_is_copied_before_an_upgrade(filled, newer):
    before, *_ = facts(filled)
    backup = f"{filled.database}.at-0002"
    assert newer(filled).stdout == f"0002 0003 {backup}\n"
    assert stat.S_IMODE(Path(backup).stat().st_mode) == 0o600
    assert facts(engine.address(backup))[0] == before


def test_an_upgrade_killed_half_way_rolls_back_and_the_next_one_works(filled, newer):
    before = facts(filled)
    assert newer(filled, DIE="1").returncode == -9
    assert facts(filled) == before
    assert schema.current(filled) == "0002"
    assert newer(filled).stdout.startswith("0002 0003 ")
    assert facts(filled)[0] == before[0]


def test_an_upgrade_that_would_lose_rows_is_rolled_back(filled, newer):
    before = facts(filled)
    done = newer(filled, LOSE="1")
    assert "rows before and after the revisions differ" in done.stderr
    assert facts(filled) == before


def test_a_store_of_the_next_craftsync_is_refused_by_this_one(filled, newer):
    newer(filled)
    with pytest.raises(StoreUnusable, match="newer craftsync"):
        schema.require_current(filled)


def test_an_older_store_is_refused_with_the_command_that_upgrades_it(filled, newer):
    refused = newer(filled, REQUIRE="1")
    assert refused.stdout == "craftsync db upgrade\n", refused.stderr
