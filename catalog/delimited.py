"""Reading CSV files as they really are: any delimiter, stray quotes, ragged rows, broken bytes."""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from catalog.columns import fold
from catalog.encodings import UNDECODABLE, encoding_by_mark, require_utf8
from catalog.errors import CatalogError
from catalog.rows import RawRow, Source

DELIMITERS = (",", ";", "\t")
LONGEST_CELL = 1 << 20
_LONGEST_RECORD = 4 * LONGEST_CELL
_EXCEL = re.compile(
    r'"?sep=([\t!#-/:-@\[\]^`{-~])"?', re.IGNORECASE
)  # a first line with which Excel is told the delimiter
_BACKSLASHED = '\\"'


class _UnclosedError(Exception):
    """A record that goes on for longer than any record may."""


class _Lines:
    """The lines of a file, of which those after the first line of a record can be given back.

    Parameters
    ----------
    stream : TextIO
        Opened with ``newline=""``.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._held: deque[str] = deque()
        self._size = 0
        self.taken: list[str] = []
        self.start = 1
        self.ended = False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self._size > _LONGEST_RECORD:
            raise _UnclosedError
        line = self._held.popleft() if self._held else self._read()
        if not line:
            self.ended = True
            raise StopIteration
        self.taken.append(line)
        self._size += len(line)
        return line

    def next_record(self, keep: int | None = None) -> None:
        """Go on behind the record, or give back all but the first `keep` of its lines."""
        keep = len(self.taken) if keep is None else keep
        self._held.extendleft(reversed(self.taken[keep:]))
        self.start += keep
        self.taken = []
        self._size = 0
        self.ended = False

    def _read(self) -> str:
        line = self._stream.readline(_LONGEST_RECORD + 1)
        if len(line) > _LONGEST_RECORD:
            rest = line
            while rest and not rest.endswith(("\n", "\r")):
                rest = self._stream.readline(_LONGEST_RECORD)
        return line


def open_csv(path: Path, encoding: str | None, known: frozenset[str]) -> Source:
    """Look at the header of a CSV file.

    Parameters
    ----------
    path : Path
        The file.
    encoding : str or None
        Its encoding; a byte order mark at its beginning goes before it. ``None`` is UTF-8, and a file that is not in
        UTF-8 is refused.
    known : frozenset of str
        Folded names of columns that are likely; the delimiter is the one of comma, semicolon and tab that finds most,
        unless a first line ``sep=`` names it.

    Returns
    -------
    Source
        Rows with a wrong number of cells, undecodable bytes and the like carry a problem.

    Raises
    ------
    CatalogError
        If the file cannot be read, the encoding does not exist or was not named, or there is no header.
    """
    if encoding is None:
        require_utf8(path)
        encoding = "utf-8"
    with _opened(path, encoding) as lines:
        line = _next_line(lines)
        named = _EXCEL.fullmatch(line.rstrip("\r\n"))
        if named:
            line = _next_line(lines)
        header_lines = lines.start - 1
    if not line:
        raise CatalogError(f"expected a line with the names of the columns in {path}, found only blanks")
    marks = (named[1],) if named else DELIMITERS
    headers = {mark: [name.strip() for name in next(csv.reader([line], delimiter=mark))] for mark in marks}
    delimiter = max(marks, key=lambda mark: (sum(fold(name) in known for name in headers[mark]), len(headers[mark])))
    columns = tuple(headers[delimiter])

    def rows(positions: Sequence[int]) -> Iterator[RawRow]:
        with _opened(path, encoding) as lines:
            for _ in range(header_lines):
                next(lines)
                lines.next_record()
            yield from _records(lines, delimiter, len(columns), positions)

    return Source(path, columns, rows)


def _next_line(lines: _Lines) -> str:
    """Take the next line that is not blank; empty at the end of the file."""
    for line in lines:
        lines.next_record()
        if line.strip():
            return line
    return ""


@contextmanager
def _opened(path: Path, encoding: str) -> Iterator[_Lines]:
    # The limit belongs to the whole process, so it is only ever raised, never put back under another reader's feet.
    csv.field_size_limit(max(csv.field_size_limit(), 2 * _LONGEST_RECORD + 2))
    encoding = encoding_by_mark(path) or encoding
    try:
        stream = path.open(encoding=encoding, errors="surrogateescape", newline="")
    except LookupError as error:
        raise CatalogError(f"expected the name of an encoding, got {encoding!r}; try utf-8 or cp1252") from error
    try:
        yield _Lines(stream)
    except (OSError, UnicodeError) as error:
        raise CatalogError(f"could not read {path} as {encoding}: {error}; check the file and its encoding") from error
    finally:
        stream.close()


def _records(lines: _Lines, delimiter: str, width: int, positions: Sequence[int]) -> Iterator[RawRow]:
    reader = csv.reader(lines, delimiter=delimiter)
    backslashed = _Backslashed(delimiter)
    while True:
        try:
            cells = next(reader, None)
            stray = not _is_closed(lines, delimiter)
        except (csv.Error, _UnclosedError):
            cells, stray = [], True
        if cells is None:
            return
        text = lines.taken[0] if len(lines.taken) == 1 else "".join(lines.taken)
        if stray:
            text = lines.taken[0]
        problem = "quote that is opened and not closed" if stray else ""
        if _BACKSLASHED in text and (stray or not backslashed.is_regular(text)):
            cells, problem = backslashed.cells(text)
        if problem or (cells and not text.isspace()):
            problem = problem or _problem(cells, text, width)
            if problem:
                yield RawRow(lines.start, (), problem, text)
            else:
                yield RawRow(lines.start, [cells[position] for position in positions], text=text)
        lines.next_record(keep=1 if stray else None)


class _Backslashed:
    """Records in which quotes follow a backslash: as a part of the text, or because the backslash escapes them.

    Parameters
    ----------
    delimiter : str
        Of the file.
    """

    def __init__(self, delimiter: str) -> None:
        self._delimiter = delimiter
        mark = re.escape(delimiter)
        plain = rf'(?:"(?:[^"]|"")*+"|[^"{mark}\r\n]*+)'
        escaped = rf'(?:"(?:[^"\\]|\\["\\])*+"|(?:[^"\\{mark}\r\n]|\\["\\])*+)'
        self._plain = re.compile(rf"{plain}(?:{mark}{plain})*+[\r\n]*")
        self._escaped = re.compile(rf"{escaped}(?:{mark}{escaped})*+[\r\n]*")

    def is_regular(self, text: str) -> bool:
        """Tell whether the record needs no escapes: every quote encloses a cell or is doubled (RFC 4180)."""
        return self._plain.fullmatch(text) is not None

    def cells(self, text: str) -> tuple[list[str], str]:
        """Read the cells of a record with escapes, or give the problem with it."""
        if not self._escaped.fullmatch(text):
            return [], "backslash before a quote"
        return next(csv.reader([text], delimiter=self._delimiter, escapechar="\\", doublequote=False)), ""


def _is_closed(lines: _Lines, delimiter: str) -> bool:
    if len(lines.taken) < 2 or lines.ended:
        return not (lines.taken and lines.ended)
    # A stray quote may be "closed" by an opening one lines below; only a strict reader objects to what follows that.
    try:
        return sum(1 for _ in csv.reader(lines.taken, delimiter=delimiter, strict=True)) == 1
    except csv.Error:
        return False


def _problem(cells: Sequence[str], text: str, width: int) -> str:
    if len(text) > LONGEST_CELL and max(map(len, cells)) > LONGEST_CELL:
        return "cell too long: more than 1 MiB"
    if len(cells) != width and (len(cells) < width or any(cells[width:])):
        return f"wrong number of cells: {width} expected, {len(cells)} found"
    if "\0" in text:
        return "NUL character"
    if not text.isascii() and UNDECODABLE.search(text):
        return "undecodable bytes"
    return ""
