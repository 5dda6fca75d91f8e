"""G8: a store of any released schema, its upgrade killed after any statement, loses nothing."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from journeys import erasing
from lab import DAY, HOUR, lab

import craftsync
from craftsync.resources import migrations_dir
from craftsync.simulator import Content, Response
from craftsync.simulator.plans import PipelinePlan
from craftsync.store import revisions

ROOT = Path(__file__).parents[2]
RELEASED = revisions.known()
NEXT = f"{int(RELEASED[-1]) + 1:04}"

# One more revision than there is, so that the gate has an upgrade to kill whatever was released:
# parents are rebuilt, which empties children where foreign keys are on, and rows move.
MADE = f'''"""Remember a colour, and of which executions it is."""

import sqlalchemy as sa
from alembic import op

revision = "{NEXT}"
down_revision = "{RELEASED[-1]}"

RECREATE = "always" if op.get_context().dialect.name == "sqlite" else "never"


def upgrade() -> None:
    with op.batch_alter_table("execution", recreate=RECREATE) as execution:
        execution.add_column(sa.Column("colour", sa.Text()))
    op.execute("update execution set colour = 'red' where status = 'Failed'")
    op.create_table(
        "shade",
        sa.Column("execution_key", sa.Integer(), sa.ForeignKey("execution.key"), primary_key=True),
        sa.Column("name", sa.Text(), nullable=False),
    )
    op.execute("insert into shade select key, 'dark' from execution")
    op.create_index("ix_shade_name", "shade", ["name"])
    with op.batch_alter_table("environment", recreate=RECREATE) as environment:
        environment.alter_column("url", existing_type=sa.Text(), nullable=True)
'''


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """The next craftsync: all there is of this one, and one more revision."""
    made = tmp_path_factory.mktemp("house")
    shutil.copytree(
        Path(craftsync.__file__).parent,
        made / "craftsync",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    shutil.copytree(migrations_dir(), made / "migrations")
    (made / "migrations" / "versions" / f"{NEXT}_a_colour.py").write_text(MADE)
    return made


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A store with rows in every table: synced, changed, failed, and deleted from."""
    folder = tmp_path_factory.mktemp("filled")
    folder.chmod(0o700)
    with lab(folder, erasing.an_estate(12)) as made:
        world = made.world
        world.set_value("t3", "outputs", "model", Content("text/plain", b"model " * 999))
        world.start_execution("train", deployment="nightly")
        measured = PipelinePlan(name="measured", metrics=("loss",), list_metrics=("curve",))
        world.add_pipeline("measured", plan=measured, created_at=world.now - DAY)
        world.add_execution("measured", created_at=world.now - HOUR)
        made.sync()
        world.advance(HOUR)
        world.mutate_deployment("nightly", description="Other words")
        world.mutate_execution("t4", status="Failed")
        world.delete_execution("t5")
        made.sync(full=True)
        plan = erasing.planned(erasing.allow(made))
        assert "deleted" in erasing.erased(made, plan).values()
        world.add_execution("train", execution_id="late", created_at=world.now - HOUR)
        world.override("GET", "/executions/late/outputs/model", Response(500, {}, b"no"))
        made.sync()
        empty = [
            table
            for table in made.column(
                "select name from sqlite_master where type = 'table' and name not like 'sqlite_%'"
            )
            if made.one(f'select count(*) as n from "{table}"')["n"] == 0
        ]
    assert empty == []
    return made.store


@pytest.fixture
def upgrades(house, filled, tmp_path):
    """Kill upgrades in the next craftsync; what came of it."""

    def kill(revision, *, step=1, size=0, server=None):
        job = {
            "folder": str(tmp_path),
            "source": str(filled),
            "revision": revision,
            "step": step,
            "bytes": size,
            "server": server,
        }
        done = subprocess.run(
            [sys.executable, "-m", "gates.upgrading"],
            input=json.dumps(job),
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": f"{house}{os.pathsep}{ROOT / 'tests'}",
                "HOME": str(tmp_path),
            },
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return kill


def tell(figures, what, told):
    flaws = told.pop("flaws")
    figures("G8", what, **{name: value for name, value in told.items() if value}, flaws=len(flaws))
    assert flaws == []


def test_an_upgrade_from_the_last_revision_killed_here_and_there_loses_nothing(upgrades, figures):
    told = upgrades(RELEASED[-1], step=7)
    assert told["points"] > 20
    assert told["stores"] > 1
    tell(figures, f"SQLite, {RELEASED[-1]} to {NEXT}", told)


@pytest.mark.long
@pytest.mark.parametrize("revision", RELEASED)
def test_an_upgrade_of_a_file_killed_after_each_statement_loses_nothing(
    revision, upgrades, figures
):
    told = upgrades(revision, size=30_011)
    assert told["points"] > 100
    assert told["full"].keys() == {"8", "0"}
    tell(figures, f"long: SQLite, {revision} to {NEXT}", told)


@pytest.mark.long
@pytest.mark.parametrize("revision", RELEASED)
def test_an_upgrade_on_a_server_killed_after_each_statement_loses_nothing(
    revision, upgrades, figures, postgres
):
    told = upgrades(revision, server=postgres.address("").rstrip("/"))
    assert told["points"] > 50
    tell(figures, f"long: PostgreSQL, {revision} to {NEXT}", told)
