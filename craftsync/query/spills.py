"""Where DuckDB puts what does not fit into memory: a folder a session, beside the replica.

A session takes its own away; one that was killed cannot, and what it leaves may be large.
"""

import secrets
import shutil
import time
from contextlib import suppress
from pathlib import Path

_LEFT_S = 86_400  # nobody works on what was not written to for a day


def new(folder: Path) -> Path:
    """Return a name for the spill of one session; DuckDB makes the folder when it is needed."""
    return folder / f"spill-{secrets.token_hex(8)}"


def remove(spill: Path) -> None:
    """Take away the spill of a session, where there is one."""
    shutil.rmtree(spill, ignore_errors=True)


def sweep(folder: Path) -> None:
    """Take away what sessions left that were killed a day ago, or longer."""
    for spill in folder.glob("spill-*"):
        with suppress(OSError):  # another process sweeps, too
            last = max(one.stat().st_mtime for one in (spill, *spill.iterdir()))
            if last < time.time() - _LEFT_S:
                remove(spill)
