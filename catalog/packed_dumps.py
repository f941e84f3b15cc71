"""One file out of a tar archive that is packed with xz, in bounded memory whatever the archive says of itself.

The headers of the archive are read here: `tarfile` holds as much of names, attributes and holes as they declare, and
`lzma.open` takes the memory that a file asks for.
"""

from __future__ import annotations

import io
import lzma
import re
import tarfile
from typing import IO

XZ = b"\xfd7zXZ\0"
# What xz asks for by itself is 65 MiB at most (xz -9, by its manual).
MEMORY_TO_UNPACK = 128 << 20
# Names, times and attributes of one entry come to a few hundred bytes, and a dump has less than ten entries.
_LONGEST_HEADER = 1 << 20
_MOST_ENTRIES = 100
_PIECE = 1 << 16
_FILE = frozenset({tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE})
_WITHOUT_CONTENT = frozenset(
    {tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE}
)
_PAX = frozenset({tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE})
_ABOUT_OTHERS = _PAX | {tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK}
_SIZE = re.compile(rb"^[0-9]{1,7} size=([0-9]{1,19})$", re.MULTILINE)


class Absent(Exception):  # noqa: N818 - told to the user in other words
    """An archive holds no such file.

    Parameters
    ----------
    others : list of str
        What it holds instead, of its first hundred entries.
    """

    def __init__(self, others: list[str]) -> None:
        super().__init__(others)
        self.others = others


def open_packed(packed: IO[bytes], wanted: str) -> IO[bytes]:
    """Find a file in an archive.

    Parameters
    ----------
    packed : binary file
        Of a tar archive packed with xz, at its beginning.
    wanted : str
        Name of the file; a ``./`` in front of it does not matter.

    Returns
    -------
    binary file
        To be read from its beginning to its end.

    Raises
    ------
    Absent
        If it is not among the first hundred entries.
    tarfile.TarError, lzma.LZMAError, EOFError
        If the archive is damaged, or asks for more memory than any needs; also while the file is read.
    """
    archive = io.BufferedReader(_Unpacked(packed))
    others: list[str] = []
    size_of_next: int | None = None
    for _ in range(_MOST_ENTRIES):
        block = archive.read(tarfile.BLOCKSIZE)
        if not block.strip(b"\0"):
            break
        header = tarfile.TarInfo.frombuf(block, "utf-8", "replace")
        if header.type in _ABOUT_OTHERS:
            content = _header(archive, header.size)
            if header.type in _PAX and (found := _SIZE.search(content)):
                size_of_next = int(found[1])
            continue
        size = header.size if size_of_next is None else size_of_next
        if header.name.removeprefix("./") == wanted and header.type in _FILE:
            return io.BufferedReader(_Content(archive, size))
        if header.type not in _WITHOUT_CONTENT:
            _skip(archive, size)
        others.append(header.name)
        size_of_next = None
    raise Absent(others)


def _header(archive: IO[bytes], size: int) -> bytes:
    if not 0 <= size <= _LONGEST_HEADER:
        raise tarfile.ReadError(f"a header of {size} bytes")
    content = _exactly(archive, size)
    _exactly(archive, -size % tarfile.BLOCKSIZE)
    return content


def _skip(archive: IO[bytes], size: int) -> None:
    if size < 0:
        raise tarfile.ReadError(f"a size of {size} bytes")
    left = size + -size % tarfile.BLOCKSIZE
    while left:
        left -= len(_exactly(archive, min(left, _PIECE)))


def _exactly(stream: IO[bytes], size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise tarfile.ReadError("unexpected end of data")
    return data


class _Content(io.RawIOBase):
    def __init__(self, archive: IO[bytes], size: int) -> None:
        if size < 0:
            raise tarfile.ReadError(f"a size of {size} bytes")
        self._archive, self._left = archive, size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]  # all that BufferedReader gives
        data = _exactly(self._archive, min(len(buffer), self._left))
        buffer[: len(data)] = data
        self._left -= len(data)
        return len(data)


class _Unpacked(io.RawIOBase):
    def __init__(self, packed: IO[bytes]) -> None:
        self._packed = packed
        self._xz = _decompressor()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]  # all that BufferedReader gives
        data = b""
        while not data:
            piece = self._next_piece()
            if piece is None:
                return 0
            data = self._xz.decompress(piece, len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def _next_piece(self) -> bytes | None:
        """Give what is to be unpacked next; behind the end of what is packed, more may follow, with zeros between."""
        if not self._xz.eof:
            piece = self._packed.read(_PIECE) if self._xz.needs_input else b""
            if self._xz.needs_input and not piece:
                raise EOFError("it ends before it is complete")
            return piece
        piece = self._xz.unused_data.lstrip(b"\0")
        while not piece:
            more = self._packed.read(_PIECE)
            if not more:
                return None
            piece = more.lstrip(b"\0")
        self._xz = _decompressor()
        return piece


def _decompressor() -> lzma.LZMADecompressor:
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MEMORY_TO_UNPACK)
