"""The system's own errors, found again in the words of DuckDB, which passes them on as text."""

import errno
import os
import re

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""There is no room on a disk, or no more for this user, or for a file so large."""

_NUMBER = re.compile(r'"errno":"(\d+)"')
_TOLD = (*FULL, errno.EIO, errno.EROFS, errno.EACCES)


def of_system(flaw: Exception) -> OSError | None:
    """Return what the system said where that is the trouble; None where it is DuckDB's own."""
    said = str(flaw)
    found = _NUMBER.search(said)
    number = int(found[1]) if found else next((n for n in _TOLD if os.strerror(n) in said), None)
    return None if number is None else OSError(number, os.strerror(number))


def of_full_disk(flaw: Exception) -> OSError | None:
    """Return what the system said where there was no room; None for any other trouble."""
    found = of_system(flaw)
    return found if found is not None and found.errno in FULL else None
