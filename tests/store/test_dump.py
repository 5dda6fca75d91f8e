"""The canonical dump: the same for the same world, another for any other."""

import json
import shutil

import pytest
from store.made import (
    DAY,
    HOUR,
    NOON,
    Mirror,
    a_deployment,
    a_metric,
    a_pipeline,
    a_step,
    a_value,
    a_whole,
)

from craftsync.records import GoneCause, Side
from craftsync.store import dump, engine, environments, estate, ledger, tombstones


def fill(prod, *, at=NOON, backwards=False, said='{"a":1,"b":[2,"x"]}'):
    estate.save_pipelines(prod.connection, prod.key, [a_pipeline()], seen_at=at, rev=prod.rev())
    estate.save_deployments(prod.connection, prod.key, [a_deployment()], seen_at=at, rev=prod.rev())
    value = a_value("o", value=said, value_text="an object", value_number=None)
    wholes = [a_whole(name, values=[value], metrics=(a_metric(),)) for name in ("e1", "e2", "é3")]
    for whole in reversed(wholes) if backwards else wholes:
        prod.save(whole, at=at, settled=backwards)


@pytest.fixture
def other(template, tmp_path):
    """A second store, in a file."""
    path = tmp_path / "other.db"
    shutil.copyfile(template, path)
    opened = engine.writer(engine.address(path))
    with opened.begin() as connection:
        yield Mirror(connection)
    opened.dispose()


def test_two_mirrors_of_one_world_dump_alike_whenever_and_however_they_were_filled(prod, other):
    fill(prod)
    fill(other, at=NOON + 3 * DAY, backwards=True, said='{"b":[2,"x"],"a":1}')
    run = ledger.draw_run(other.connection)
    ledger.begin_run(other.connection, other.key, run, started_at=NOON, version="2")
    environments.mark_synced(other.connection, other.key, at=NOON)
    assert list(dump.canonical_lines(prod.connection)) == list(
        dump.canonical_lines(other.connection)
    )
    assert dump.canonical_sha256(prod.connection) == dump.canonical_sha256(other.connection)


def test_every_line_is_an_object_without_our_clock(prod):
    fill(prod)
    lines = [json.loads(line) for line in dump.canonical_lines(prod.connection)]
    assert {line["relation"] for line in lines} == {
        "environments",
        "pipelines",
        "deployments",
        "deployment_versions",
        "executions",
        "status_changes",
        "steps",
        "outputs",
        "logs",
        "metrics",
        "parts",
    }
    assert not any(dump.LOCAL & line.keys() for line in lines)


@pytest.mark.parametrize(
    "change",
    [
        {"lines": 3},
        {"status": "Failed"},
        {"steps": [a_step(0)]},
        {"values": [a_value("score", value="0.50", value_text="0.50")]},
        {"values": [a_value("alpha", side=Side.INPUT), a_value(value="1.0", value_text="1.0")]},
        {"deployment": "other"},
    ],
)
def test_a_content_hash_changes_with_whatever_is_held(prod, change):
    prod.save(a_whole("e1"))
    key = prod.held()["e1"].execution_key
    before = dump.content_sha256(prod.connection, key)
    prod.save(a_whole("e1", **change))
    assert dump.content_sha256(prod.connection, key) != before


def test_a_content_hash_does_not_change_with_the_clock(prod):
    prod.save(a_whole("e1"), settled=False)
    key = prod.held()["e1"].execution_key
    before = dump.content_sha256(prod.connection, key)
    prod.save(a_whole("e1"), at=NOON + DAY, settled=True)
    at = NOON + DAY
    ledger.set_scope(prod.connection, prod.key, "pipeline", "train", complete_at=at, listed=1)
    assert dump.content_sha256(prod.connection, key) == before


def test_a_content_hash_tells_what_is_gone_from_what_is_there(prod):
    prod.save(a_whole("e1"))
    key = prod.held()["e1"].execution_key
    before = dump.content_sha256(prod.connection, key)
    tombstones.mark_gone(
        prod.connection,
        [key],
        gone_at=NOON + HOUR,
        cause=GoneCause.DELETED_UPSTREAM,
        rev=prod.rev(),
    )
    assert dump.content_sha256(prod.connection, key) != before


def test_the_hashes_of_many_are_those_of_each(prod):
    names = [f"e{number}" for number in range(120)]
    prod.save(*(a_whole(name) for name in names))
    keys = [prod.held()[name].execution_key for name in names]
    many = dump.content_hashes(prod.connection, [*keys, 999])
    assert many == {key: dump.content_sha256(prod.connection, key) for key in keys}
    assert len(set(many.values())) == 120


def test_a_number_is_dumped_by_its_digits(prod):
    said = '{"n":1.50,"big":' + "9" * 5000 + ',"a":["1",1,null,true]}'
    prod.save(a_whole("e1", values=[a_value("o", value=said, value_text=said)]))
    lines = "\n".join(dump.canonical_lines(prod.connection))
    assert json.dumps('{"a":["1",1,null,true],"big":' + "9" * 5000 + ',"n":1.50}') in lines
