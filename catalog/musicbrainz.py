"""Recordings as MusicBrainz dumps them: JSON, one recording a line, packed with xz into a tar archive or as they are.

What a line holds is described in https://musicbrainz.org/doc/MusicBrainz_API; the dump of recordings has their artist
credits, ISRCs and relations, but no releases, so there are no albums and labels in it, and composers only where the
works have relations of their own.
"""

from __future__ import annotations

import gzip
import json
import lzma
import tarfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import IO, cast

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
_LONGEST_OF_OTHERS = 200  # a dump may have hundreds of thousands of videos
_BEGINNING = 4_096
_NOBODY = frozenset({"[unknown]", "[no artist]"})  # what MusicBrainz credits where nobody is known to be
# Of the attributes of a performance those that tell masters apart; "cover" does not: other catalogues have it nowhere.
_KINDS_OF_PERFORMANCES = ("live", "instrumental", "karaoke")
_GZIP = b"\x1f\x8b"
# Of the relations between an artist and a recording or a work those whose artist wrote it, is heard on it or shaped how
# it sounds. Engineers and masterers worked on the most unlike recordings, and who holds a right is often a company.
_CONTRIBUTES = frozenset(
    {
        *("composer", "lyricist", "librettist", "writer", "translator"),
        *("arranger", "instrument arranger", "vocal arranger", "orchestrator"),
        *("performer", "vocal", "instrument", "performing orchestra", "orchestra"),
        *("conductor", "chorus master", "concertmaster", "producer", "remixer"),
    }
)
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
        For a file named ``.json``, ``.jsonl``, ``.ndjson`` or ``recording`` also if it only looks like JSON. A file
        packed with gzip is looked into; ``.gz`` may follow its name.
    """
    name = Path(path.name.casefold().removesuffix(".gz"))
    with path.open("rb") as raw:
        stream = _unzipped(raw)
        try:
            beginning = stream.read(_BEGINNING).removeprefix(_MARK).lstrip()
            if name.suffix in _SUFFIXES or name.name == _MEMBER.rpartition("/")[2]:
                return beginning[:1] in {b"{", b"["}
            stream.seek(0)
            line = stream.readline(_LONGEST_LINE).removeprefix(_MARK) if beginning.startswith(b"{") else b""
        except (EOFError, gzip.BadGzipFile, zlib.error):
            return False
    return isinstance(_loaded(line), dict)


def open_musicbrainz(path: Path) -> Source:
    """Look at a dump of recordings.

    Parameters
    ----------
    path : Path
        A tar archive packed with xz that holds ``mbdump/recording``, or that file, possibly packed with gzip.

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

    return Source(path, _COLUMNS, rows, "MusicBrainz dump of recordings")


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    try:
        with path.open("rb") as raw:
            packed = raw.read(len(XZ)) == XZ
            raw.seek(0)
            yield open_packed(raw, _MEMBER) if packed else _unzipped(raw)
    except Absent as error:
        raise CatalogError(
            f"expected {_MEMBER} in the archive {path}, found {', '.join(error.others[:_LONGEST_LIST]) or 'nothing'}; "
            "onemaster reads the dump of recordings, recording.tar.xz"
        ) from error
    except (tarfile.TarError, lzma.LZMAError, zlib.error, EOFError, OSError) as error:
        raise CatalogError(
            f"expected a complete archive in {path} that is unpacked in {MEMORY_TO_UNPACK >> 20} MiB of memory, got: "
            f"{error}; fetch or copy it again, or unpack {_MEMBER} yourself"
        ) from error


def _unzipped(raw: IO[bytes]) -> IO[bytes]:
    zipped = raw.read(len(_GZIP)) == _GZIP
    raw.seek(0)
    return cast("IO[bytes]", gzip.GzipFile(fileobj=raw)) if zipped else raw


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
    if other := _something_else(content):
        return RawRow(number, (), other, text[:_LONGEST_OF_OTHERS])
    try:
        cells = _cells(content)
    except _ShapeError as error:
        return RawRow(number, (), f"not as MusicBrainz writes it: {error}", text)
    for cell in cells:
        problem = _problem(cell if isinstance(cell, str) else "")
        if problem:
            return RawRow(number, (), problem, text)
    return RawRow(number, cells)


def _something_else(content: Mapping[str, object]) -> str:
    if _OF_RECORDINGS_ONLY.isdisjoint(content):
        return "no recording of MusicBrainz: neither length nor video nor isrcs"
    return "a video, no sound recording" if content.get("video") is True else ""


def _problem(text: str) -> str:
    if "\0" in text:
        return "NUL character"
    return "half of a surrogate pair" if any("\ud800" <= sign <= "\udfff" for sign in text) else ""


def _cells(recording: Mapping[str, object]) -> list[object]:
    relations = _objects(recording, "relations")
    length = recording.get("length")
    if isinstance(length, dict | list | bool):
        raise _ShapeError("length")
    return [
        _text(recording, "id"),
        _title(recording, relations),
        listed(_named(_text(credit, "name")) for credit in _objects(recording, "artist-credit")),
        listed(_texts(recording, "isrcs")),
        listed(_contributors(relations)),
        length,
        _text(recording, "first-release-date"),
        next((language for relation in relations if (language := _language(relation))), None),
    ]


def _title(recording: Mapping[str, object], relations: Iterable[Mapping[str, object]]) -> str | None:
    """Write a title with the disambiguation, and with the kind of version in which all of its works are performed."""
    title = noted(_text(recording, "title"), _text(recording, "disambiguation"))
    performed = [_texts(relation, "attributes") for relation in relations if relation.get("type") == "performance"]
    for kind in _KINDS_OF_PERFORMANCES:
        if performed and all(kind in attributes for attributes in performed):
            title = noted(title, kind)
    return title


def _named(name: str | None) -> str | None:
    return None if name in _NOBODY else name


def _contributors(relations: Iterable[Mapping[str, object]], of_work: bool = False) -> Iterator[str]:
    for relation in relations:
        if "artist" in relation:
            name = _credited(relation)
            if name and _text(relation, "type") in _CONTRIBUTES:
                yield name
        elif "work" in relation and not of_work:
            yield from _contributors(_objects(_object(relation, "work"), "relations"), of_work=True)


def _credited(relation: Mapping[str, object]) -> str | None:
    return _named(_text(relation, "target-credit") or _text(_object(relation, "artist"), "name"))


def _language(relation: Mapping[str, object]) -> str | None:
    if "work" not in relation:
        return None
    work = _object(relation, "work")
    languages = _texts(work, "languages")
    return _text(work, "language") or (languages[0] if len(languages) == 1 else None)


def _text(content: Mapping[str, object], key: str) -> str | None:
    value = content.get(key)
    if value is None or isinstance(value, str):
        return value
    raise _ShapeError(key)


def _texts(content: Mapping[str, object], key: str) -> list[str]:
    value = content.get(key) or []
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
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
