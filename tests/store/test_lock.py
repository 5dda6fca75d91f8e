"""One writer: the lock is taken at once or not at all, and dies with its process."""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from craftsync.errors import Busy, StoreUnusable
from craftsync.store import engine
from craftsync.store.lock import is_held, lock

HOLD = """
import sys
from pathlib import Path
from craftsync.store import engine, lock
with lock.lock(engine.address(sys.argv[1]), ()):
    print("held", flush=True)
    sys.stdin.read()  # until it is killed, or nobody is there any more
"""


@pytest.fixture
def place(tmp_path):
    return engine.address(tmp_path / "new" / "history.db")


def test_a_second_holder_is_refused_at_once(place):
    with lock(place, ()), pytest.raises(Busy) as caught, lock(place, ()):
        pass
    assert "--skip-if-busy" in caught.value.hint


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs /proc, where no file is made")
def test_a_lock_that_cannot_be_made_is_no_lock_of_another():
    with pytest.raises(StoreUnusable), lock(engine.address("/proc/history.db"), ()):
        pass


def test_a_folder_where_the_lock_would_be_is_no_lock_of_another(tmp_path):
    (tmp_path / "history.db.lock").mkdir()
    with pytest.raises(StoreUnusable), lock(engine.address(tmp_path / "history.db"), ()):
        pass


def test_whether_it_is_held_is_seen_without_taking_it_or_making_a_file(place, tmp_path):
    assert not is_held(place, "prod")
    assert list(tmp_path.iterdir()) == []
    with lock(place, ()):
        assert is_held(place, "prod")
        assert is_held(place, "prod")
    assert not is_held(place, "prod")
    with lock(place, ()):
        pass


def test_the_lock_is_free_again_after_its_block(place):
    for _ in range(2):
        with lock(place, ()):
            pass


def test_the_lock_file_is_for_its_user_alone_and_no_store_is_made(place, tmp_path):
    before = os.umask(0)
    try:
        with lock(place, ()):
            (file,) = (tmp_path / "new").iterdir()
            assert file.name == "history.db.lock"
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
            assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    finally:
        os.umask(before)


def test_the_lock_of_a_killed_process_is_not_stale(place):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, place.database],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(Busy), lock(place, ()):
            pass
        os.kill(holder.pid, signal.SIGKILL)
        holder.wait()
        with lock(place, ()):
            pass
    finally:
        holder.kill()
        holder.wait()
        holder.stdin.close()
        holder.stdout.close()
