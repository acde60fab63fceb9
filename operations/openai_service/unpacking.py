"""Packed bodies, unpacked piece by piece to a limit.

We ask for `identity`; some servers pack all the same, in several members, or send plain bytes and
say that they packed them.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Protocol


class Unpack(Protocol):
    def __call__(self, chunk: bytes, room: int, /) -> bytes:
        """At most `room` bytes of what the chunk holds. Raises zlib.error."""


GZIP_MAGIC = b"\x1f\x8b"
GZIP = 16 + zlib.MAX_WBITS


def unpacker(content_encoding: str) -> Unpack:
    """For one body. An encoding that the standard library does not know, or more than one, is
    handed on packed, and is then no JSON."""
    named = {each.strip().lower() for each in content_encoding.split(",")} - {"", "identity"}
    if named in ({"gzip"}, {"x-gzip"}):
        return _Gzip()
    if named == {"deflate"}:
        return _Deflate()
    return _plain


def _plain(chunk: bytes, room: int) -> bytes:
    return chunk[:room]


class _Gzip:
    """Members one after the other; plain bytes where the body does not begin like gzip."""

    def __init__(self) -> None:
        self._unpack: Callable[[bytes, int], bytes] = self._begin
        self._head = b""
        self._inflater = zlib.decompressobj(GZIP)

    def __call__(self, chunk: bytes, room: int) -> bytes:
        return self._unpack(chunk, room)

    def _begin(self, chunk: bytes, room: int) -> bytes:
        self._head += chunk
        if len(self._head) < len(GZIP_MAGIC) and GZIP_MAGIC.startswith(self._head):
            return b""
        self._unpack = self._inflate if self._head.startswith(GZIP_MAGIC) else _plain
        return self._unpack(self._head, room)

    def _inflate(self, chunk: bytes, room: int) -> bytes:
        unpacked = b""
        while chunk:
            if self._inflater.eof:
                if not (chunk := chunk.lstrip(b"\0")):  # padding
                    break
                self._inflater = zlib.decompressobj(GZIP)
            # 0 would mean "without limit".
            unpacked += self._inflater.decompress(chunk, max(1, room - len(unpacked)))
            if len(unpacked) >= room:
                break
            chunk = self._inflater.unused_data
        return unpacked


class _Deflate:
    """To the standard "deflate" means zlib's format, to some servers the bare one."""

    def __init__(self) -> None:
        self._unpack: Callable[[bytes, int], bytes] = self._begin

    def __call__(self, chunk: bytes, room: int) -> bytes:
        return self._unpack(chunk, room)

    def _begin(self, chunk: bytes, room: int) -> bytes:
        for wbits in (zlib.MAX_WBITS, -zlib.MAX_WBITS):
            inflater = zlib.decompressobj(wbits)
            try:
                unpacked = inflater.decompress(chunk, room)
            except zlib.error:
                continue
            self._unpack = inflater.decompress
            return unpacked
        self._unpack = _plain
        return _plain(chunk, room)
