"""What is read a little at a time, and not to its end, leaves no cursor open on a server."""

import pytest
from store.made import HOUR, NOON, a_whole

from craftsync.store import chosen, erasable, logs, mirror, read, tablewise
from craftsync.store.models import Execution

READINGS = {
    "executions": lambda prod: read.executions(prod.connection),
    "executions held": lambda prod: mirror.held_executions(prod.connection, prod.key, "train"),
    "keys not gone": lambda prod: erasable.live_keys_of(prod.connection, prod.key, "train"),
    "keys settled": lambda prod: chosen.settled(prod.connection, ["prod"])[1],
    "log lines": lambda prod: logs.log_lines(prod.connection, prod.held()["e0"].execution_key),
    "rows of a table": lambda prod: tablewise.batches(prod.connection, Execution.__table__),
}


def open_cursors(connection):
    return connection.exec_driver_sql(
        "select count(*) from pg_cursors where name != ''"
    ).scalar_one()


@pytest.mark.parametrize("kind", ["postgresql"], indirect=True)
@pytest.mark.parametrize("reading", READINGS)
def test_what_is_not_read_to_its_end_leaves_no_cursor_open(prod, reading):
    prod.save(*(a_whole(f"e{n}", created_at=NOON + n * HOUR) for n in range(3)))
    rows = READINGS[reading](prod)
    next(rows)
    assert open_cursors(prod.connection) == 1
    rows.close()
    assert open_cursors(prod.connection) == 0
