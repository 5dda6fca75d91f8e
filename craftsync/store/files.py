"""The bytes of file values: once a hash, in pieces of 1 MiB, in the transaction of their part."""

import hashlib
from collections.abc import Iterator

from sqlalchemy import Connection, insert, select

from craftsync.records import FileBytes
from craftsync.store.models import File, FileChunk
from craftsync.store.upsert import insert_into, table_of

CHUNK_BYTES = 1 << 20


def put(connection: Connection, file: FileBytes) -> bool:
    """Keep a file's bytes and close its content; return whether they were new.

    Raises `ValueError` where the bytes are not what the hash says.
    """
    with file.content as content:
        # Another environment's run may be about to keep the same one: its end is waited for.
        new = insert_into(connection.dialect.name, table_of(File))
        new = new.values(sha256=file.sha256, size_bytes=file.size_bytes).on_conflict_do_nothing()
        if connection.execute(new.returning(File.sha256)).first() is None:
            return False
        digest, size, n = hashlib.sha256(), 0, 0
        while chunk := content.read(CHUNK_BYTES):
            digest.update(chunk)
            size += len(chunk)
            connection.execute(insert(FileChunk).values(sha256=file.sha256, n=n, bytes=chunk))
            n += 1
    if (digest.hexdigest(), size) != (file.sha256, file.size_bytes):
        raise ValueError(f"file {file.sha256}: its bytes are others")
    return True


def chunks(connection: Connection, sha256: str) -> Iterator[bytes]:
    """Give a file's bytes, 1 MiB at a time, never more in memory."""
    n = 0
    one = select(FileChunk.bytes)
    while True:
        chunk = connection.execute(
            one.where(FileChunk.sha256 == sha256, FileChunk.n == n)
        ).scalar_one_or_none()
        if chunk is None:
            return
        yield chunk
        n += 1


def size_of(connection: Connection, sha256: str) -> int | None:
    """Return a held file's size in bytes, None if it is not held."""
    return connection.execute(
        select(File.size_bytes).where(File.sha256 == sha256)
    ).scalar_one_or_none()


def verify(connection: Connection, sha256: str) -> bool:
    """Read a file again: whether it is there whole, byte for byte."""
    digest, size = hashlib.sha256(), 0
    for chunk in chunks(connection, sha256):
        digest.update(chunk)
        size += len(chunk)
    return digest.hexdigest() == sha256 and size == size_of(connection, sha256)
