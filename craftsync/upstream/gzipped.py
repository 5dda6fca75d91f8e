"""Compressed bodies, unpacked piece by piece: none grows in memory, none ends before its end.

`urllib3` takes a compressed body that was cut for a whole one, and gives what it could unpack.
"""

import zlib
from collections.abc import Iterator
from typing import Any

from urllib3.exceptions import DecodeError

_GZIP = zlib.MAX_WBITS | 16


def pieces(raw: Any, *, size: int) -> Iterator[bytes]:
    """Give the body of a response in pieces of at most `size` bytes, decompressed.

    Raises `DecodeError` for a body that is no gzip, and for one without its end.
    """
    if raw.headers.get("content-encoding", "").strip().lower() not in {"gzip", "x-gzip"}:
        while piece := raw.read1(size, decode_content=True):
            yield piece
        return
    member = zlib.decompressobj(_GZIP)
    packed = b""
    has_come = False
    try:
        while packed := packed or raw.read1(size, decode_content=False):
            has_come = True
            if member.eof:  # what follows is one more member, or padding that says nothing
                if not packed.startswith(b"\x1f"):
                    break
                member = zlib.decompressobj(_GZIP)
            if piece := member.decompress(packed, size):
                yield piece
            packed = member.unconsumed_tail or member.unused_data
        if has_come and (rest := member.flush()):  # a few bytes that did not fit in a piece
            yield rest
    except zlib.error as flaw:
        raise DecodeError(f"the body is no gzip: {flaw}") from flaw
    if has_come and not member.eof:
        raise DecodeError("the compressed body has no end")
