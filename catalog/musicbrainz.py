"""Recordings as MusicBrainz dumps them: JSON, one recording a line, packed with xz into a tar archive or as they are.

What a line holds is described in https://musicbrainz.org/doc/MusicBrainz_API; the dump of recordings has their artist
credits, ISRCs and relations, but neither releases nor what the works are related to, so there are no albums, labels
and composers in it.
"""

from __future__ import annotations

import json
import lzma
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import IO

from catalog.errors import CatalogError
from catalog.packed_dumps import MEMORY_TO_UNPACK, XZ, Absent, open_packed
from catalog.recording import listed, noted
from catalog.rows import RawRow, Source

_MEMBER = "mbdump/recording"
_SUFFIXES = frozenset({".json", ".jsonl", ".ndjson"})
_COLUMNS = ("sr_id", "title", "artists", "isrcs", "contributors", "duration_ms", "release_year", "language")
_OF_RECORDINGS_ONLY = frozenset({"length", "video", "isrcs"})
_LONGEST_LINE = 16 << 20
_LONGEST_LIST = 10
_BEGINNING = 4_096
_MARK = b"\xef\xbb\xbf"


class _ShapeError(Exception):
    """Something in a recording is not of the kind that MusicBrainz writes there."""


def is_json_lines(path: Path) -> bool:
    """Tell whether a file begins with a JSON object on a line.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    bool
        For a file named ``.json``, ``.jsonl``, ``.ndjson`` or ``recording`` also if it only looks like JSON.
    """
    with path.open("rb") as stream:
        beginning = stream.read(_BEGINNING).removeprefix(_MARK).lstrip()
        if path.suffix.casefold() in _SUFFIXES or path.name == _MEMBER.rpartition("/")[2]:
            return beginning[:1] in {b"{", b"["}
        stream.seek(0)
        line = stream.readline(_LONGEST_LINE).removeprefix(_MARK) if beginning.startswith(b"{") else b""
    return isinstance(_loaded(line), dict)


def open_musicbrainz(path: Path) -> Source:
    """Look at a dump of recordings.

    Parameters
    ----------
    path : Path
        A tar archive packed with xz that holds ``mbdump/recording``, or that file.

    Returns
    -------
    Source
        Rows that cannot be used carry a problem.

    Raises
    ------
    CatalogError
        If it is an archive of something else, or damaged.
    """
    with _opened(path):
        pass

    def rows(positions: Sequence[int]) -> Iterator[RawRow]:
        with _opened(path) as stream:
            for number in count(1):
                line = stream.readline(_LONGEST_LINE + 1)
                if not line:
                    return
                if len(line) > _LONGEST_LINE:
                    _skip_rest(stream, line)
                if line.strip():
                    row = _row(number, line)
                    yield row if row.problem else row._replace(cells=[row.cells[position] for position in positions])

    return Source(path, _COLUMNS, rows, ours=True)


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    try:
        with path.open("rb") as raw:
            packed = raw.read(len(XZ)) == XZ
            raw.seek(0)
            yield open_packed(raw, _MEMBER) if packed else raw
    except Absent as error:
        raise CatalogError(
            f"expected {_MEMBER} in the archive {path}, found {', '.join(error.others[:_LONGEST_LIST]) or 'nothing'}; "
            "onemaster reads the dump of recordings, recording.tar.xz"
        ) from error
    except (tarfile.TarError, lzma.LZMAError, EOFError, OSError) as error:
        raise CatalogError(
            f"expected a complete archive in {path} that is unpacked in {MEMORY_TO_UNPACK >> 20} MiB of memory, got: "
            f"{error}; fetch or copy it again, or unpack {_MEMBER} yourself"
        ) from error


def _skip_rest(stream: IO[bytes], line: bytes) -> None:
    while line and not line.endswith(b"\n"):
        line = stream.readline(_LONGEST_LINE)


def _loaded(line: bytes) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _row(number: int, line: bytes) -> RawRow:
    text = line[:10_000].decode("utf-8", "replace")
    if len(line) > _LONGEST_LINE:
        return RawRow(number, (), "line too long: more than 16 MiB", text)
    content = _loaded(line.removeprefix(_MARK) if number == 1 else line)
    if not isinstance(content, dict):
        return RawRow(number, (), "no JSON object on the line", text)
    if _OF_RECORDINGS_ONLY.isdisjoint(content):
        return RawRow(number, (), "no recording of MusicBrainz: neither length nor video nor isrcs", text)
    try:
        cells = _cells(content)
    except _ShapeError as error:
        return RawRow(number, (), f"not as MusicBrainz writes it: {error}", text)
    for cell in cells:
        problem = _problem(cell if isinstance(cell, str) else "")
        if problem:
            return RawRow(number, (), problem, text)
    return RawRow(number, cells)


def _problem(text: str) -> str:
    if "\0" in text:
        return "NUL character"
    return "half of a surrogate pair" if any("\ud800" <= sign <= "\udfff" for sign in text) else ""


def _cells(recording: Mapping[str, object]) -> list[object]:
    relations = _objects(recording, "relations")
    isrcs = recording.get("isrcs") or []
    if not (isinstance(isrcs, list) and all(isinstance(code, str) for code in isrcs)):
        raise _ShapeError("isrcs")
    length = recording.get("length")
    if isinstance(length, dict | list | bool):
        raise _ShapeError("length")
    return [
        _text(recording, "id"),
        noted(_text(recording, "title"), _text(recording, "disambiguation")),
        listed(_text(credit, "name") for credit in _objects(recording, "artist-credit")),
        listed(isrcs),
        listed(_credited(relation) for relation in relations if "artist" in relation),
        length,
        _text(recording, "first-release-date"),
        next((language for relation in relations if (language := _language(relation))), None),
    ]


def _credited(relation: Mapping[str, object]) -> str | None:
    return _text(relation, "target-credit") or _text(_object(relation, "artist"), "name")


def _language(relation: Mapping[str, object]) -> str | None:
    return _text(_object(relation, "work"), "language") if "work" in relation else None


def _text(content: Mapping[str, object], key: str) -> str | None:
    value = content.get(key)
    if value is None or isinstance(value, str):
        return value
    raise _ShapeError(key)


def _object(content: Mapping[str, object], key: str) -> Mapping[str, object]:
    value = content.get(key)
    if isinstance(value, dict):
        return value
    raise _ShapeError(key)


def _objects(content: Mapping[str, object], key: str) -> list[Mapping[str, object]]:
    value = content.get(key) or []
    if isinstance(value, list) and all(isinstance(each, dict) for each in value):
        return value
    raise _ShapeError(key)
