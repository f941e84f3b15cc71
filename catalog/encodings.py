"""Whether a CSV file is in UTF-8, found out before its rows are read, and what to say if it is not."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from catalog.errors import CatalogError

UNDECODABLE = re.compile("[\udc80-\udcff]")
"""A byte that could not be decoded, as Python hands it on with ``surrogateescape``."""

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_LINES, _LONGEST_LINE = 100_000, 1 << 20
# So few lines, and so small a share of them, are damage to a file in UTF-8; more are another encoding.
_FEW, _SMALL_SHARE = 20, 0.01
_BEFORE, _SHOWN = 20, 40


def encoding_by_mark(path: Path) -> str | None:
    """Read the byte order mark of a file.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    str or None
        The encoding that it names; ``None`` without a mark.
    """
    beginning = _beginning(path)
    return next((name for mark, name in _MARKS if beginning.startswith(mark)), None)


def require_utf8(path: Path) -> None:
    """Refuse a file whose encoding nobody named and which is not in UTF-8.

    Up to twenty lines that are not, if they are less than one in a hundred of those looked at and the first is not
    among them, are let pass: their rows are rejected one by one.

    Parameters
    ----------
    path : Path
        A text file, whose first 100,000 lines are looked at. One with a byte order mark is believed.

    Raises
    ------
    CatalogError
        With the number of lines and what to type.
    """
    if encoding_by_mark(path):
        return
    beginning = _beginning(path)
    for zeros, encoding in ((slice(1, 4, 2), "utf-16-le"), (slice(0, 3, 2), "utf-16-be")):
        if beginning[zeros] == b"\0\0":
            raise CatalogError(
                f"expected UTF-8 in {path}, got two bytes a letter without a byte order mark: repeat this with "
                f"--encoding {encoding}"
            )
    lines = bad = first = 0
    shown = ""
    with path.open(encoding="utf-8", errors="surrogateescape") as stream:
        while lines < _LINES and (line := stream.readline(_LONGEST_LINE)):
            lines += 1
            if not line.isascii() and (found := UNDECODABLE.search(line)):
                bad += 1
                shown = shown or _as_cp1252(line, found.start())
                first = first or lines
    if first == 1 or bad > _FEW or (bad and bad >= _SMALL_SHARE * lines):
        raise _other_encoding(path, f"{bad:,} of its first {lines:,} lines", first, shown)


def spelled_out(text: str) -> str:
    r"""Write bytes that could not be decoded as what they are.

    Parameters
    ----------
    text : str
        Read with ``surrogateescape``.

    Returns
    -------
    str
        With ``\xe9``, say, in the place of each.
    """
    return text if text.isascii() else UNDECODABLE.sub(lambda found: f"\\x{ord(found[0]) - 0xDC00:02x}", text)


def _beginning(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(4)


def _as_cp1252(line: str, at: int) -> str:
    """Show what stands around an undecodable byte; nothing if cp1252 has no such letter."""
    start = max(0, at - _BEFORE)
    piece = line[start : start + _SHOWN].encode("utf-8", "surrogateescape")
    try:
        return piece.decode("cp1252").strip()
    except UnicodeDecodeError:
        return ""


def _other_encoding(path: Path, how_many: str, first: int, shown: str) -> CatalogError:
    if shown:
        named = (
            f"--encoding cp1252, as which Excel saves CSV, if this is how line {first} should read: {shown!r}; else "
            "with --encoding and the name of its own"
        )
    else:
        named = f"--encoding and the name of its own, cp932 or mac_roman, say; line {first}, the first, is no cp1252"
    return CatalogError(
        f"expected UTF-8 in {path}, but {how_many} are not: repeat this with {named}; --encoding utf-8 leaves such "
        "rows out"
    )
