"""Where a body waits until it is known to be whole: in memory, or on the disk where it is long."""

import hashlib
import tempfile
from collections.abc import Iterator

from craftsync.records import FileBytes

_SPOOLED = 1 << 20  # a file value above this goes to disk
_HELD = 1 << 25  # a body above this goes to disk while it comes


def whole(pieces: Iterator[bytes]) -> bytes:
    """Join a body; a large one waits on the disk until it is known to be whole, and in bounds."""
    held, size = [], 0
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size > _HELD:
            break
    else:
        return b"".join(held)
    with tempfile.TemporaryFile() as file:
        file.writelines(held)
        held.clear()
        file.writelines(pieces)
        file.seek(0)
        return file.read()


def spool(pieces: Iterator[bytes]) -> FileBytes:
    """Keep bytes as a file; closed by the writer who stores it."""
    digest, size = hashlib.sha256(), 0
    content = tempfile.SpooledTemporaryFile(max_size=_SPOOLED)  # noqa: SIM115
    try:
        for piece in pieces:
            digest.update(piece)
            size += len(piece)
            content.write(piece)
    except BaseException:
        content.close()
        raise
    content.seek(0)
    return FileBytes(digest.hexdigest(), size, content)
