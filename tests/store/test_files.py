"""Bytes of file values: exactly, once, and a piece at a time."""

import hashlib
import io

import pytest
from sqlalchemy import update
from store.made import bytes_of

from craftsync.records import FileBytes
from craftsync.store import files
from craftsync.store.models import FileChunk


@pytest.mark.parametrize("size", [0, 1, files.CHUNK_BYTES, files.CHUNK_BYTES + 1, 2_500_000])
def test_bytes_come_back_as_they_went_in(prod, size):
    content = bytes(range(256)) * (size // 256 + 1)
    content = content[:size]
    kept = bytes_of(content)
    assert files.put(prod.connection, kept) is True
    pieces = list(files.chunks(prod.connection, kept.sha256))
    assert b"".join(pieces) == content
    assert all(len(piece) <= files.CHUNK_BYTES for piece in pieces)
    assert files.size_of(prod.connection, kept.sha256) == size
    assert files.verify(prod.connection, kept.sha256)


def test_the_same_bytes_are_kept_once_and_closed_each_time(prod):
    first, second = bytes_of(b"x"), bytes_of(b"x")
    assert files.put(prod.connection, first) is True
    assert files.put(prod.connection, second) is False
    assert first.content.closed
    assert second.content.closed


def test_bytes_that_are_not_what_their_hash_says_are_refused(prod):
    other = FileBytes(hashlib.sha256(b"a").hexdigest(), 1, io.BytesIO(b"b"))
    with pytest.raises(ValueError, match="its bytes are others"):
        files.put(prod.connection, other)


def test_a_file_that_is_not_held_is_not_verified(prod):
    assert list(files.chunks(prod.connection, "ab")) == []
    assert files.size_of(prod.connection, "ab") is None
    assert files.verify(prod.connection, "ab") is False


def test_a_file_that_lost_a_piece_or_a_bit_is_not_verified(prod):
    kept = bytes_of(b"y" * (files.CHUNK_BYTES + 5))
    files.put(prod.connection, kept)
    spoil = update(FileChunk).where(FileChunk.n == 1).values(bytes=b"y")
    prod.connection.execute(spoil)
    assert not files.verify(prod.connection, kept.sha256)
    prod.connection.exec_driver_sql("delete from file_chunk where n = 1")
    assert not files.verify(prod.connection, kept.sha256)
