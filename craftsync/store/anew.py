"""Makes way for what is written again although nothing says that it changed."""

from collections.abc import Collection

from sqlalchemy import Connection, delete, update

from craftsync.store import files
from craftsync.store.models import Execution, File, FileChunk
from craftsync.store.upsert import batches, table_of

_EXECUTION = table_of(Execution)
_NEVER = ""  # the hash of no fetch


def make_way(
    connection: Connection, execution_keys: Collection[int], hashes: Collection[str]
) -> None:
    """Let the next save write these executions whatever is held of them.

    Of the files with these hashes, which are about to be put, the damaged ones are dropped.
    """
    for some in batches(execution_keys):
        connection.execute(
            update(_EXECUTION).where(_EXECUTION.c.key.in_(some)).values(fetch_sha256=_NEVER)
        )
    for sha256 in sorted(set(hashes)):
        if not files.verify(connection, sha256):
            connection.execute(delete(FileChunk).where(FileChunk.sha256 == sha256))
            connection.execute(delete(File).where(File.sha256 == sha256))
