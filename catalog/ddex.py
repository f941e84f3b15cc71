"""Sound recordings out of DDEX release messages: files of XML after the Electronic Release Notification, version 4.

A message is read twice: first for what stands around the recordings (its id, the names of parties, the releases behind
them), then for the recordings, one at a time. Nothing is loaded from elsewhere, and a message that declares a document
type, with which entities come, is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from lxml import etree

from catalog.ddex_recordings import COLUMNS, Frame, local, recording_cells
from catalog.errors import CatalogError
from catalog.rows import RawRow, Source

_ERN_4 = re.compile(r"\{https?://(?:service\.)?ddex\.net/xml/ern/4\d*\}NewReleaseMessage")
_SUFFIX = ".xml"
_BEGINNING = 4_096


class _UnusableError(Exception):
    """A message that cannot be used, with the line that shows it."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(problem)
        self.line = line


def is_xml(path: Path) -> bool:
    """Tell whether a file is XML, by what it begins with.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    bool
        For a file that is not named ``.xml``, only if it declares to be XML.
    """
    with path.open("rb") as stream:
        beginning = stream.read(_BEGINNING)
    encoding = "utf-16" if beginning[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig"
    text = beginning.decode(encoding, "replace").lstrip()
    return text.startswith("<" if path.suffix.casefold() == _SUFFIX else "<?xml")


def open_ddex(path: Path) -> Source:
    """Look at a message, or at a folder of messages.

    Parameters
    ----------
    path : Path
        A file, or a folder in and below which every file named ``.xml`` is read.

    Returns
    -------
    Source
        Recordings that cannot be used carry a problem, and so do messages of a folder, as one row.

    Raises
    ------
    CatalogError
        If the file is no message of ERN 4, or the folder holds no such name.
    """
    files = [path]
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.suffix.casefold() == _SUFFIX and file.is_file())
        if not files:
            raise CatalogError(f"expected DDEX messages in the folder {path}, found no file named {_SUFFIX}")
    else:
        try:
            next(_entries(path), None)
        except _UnusableError as error:
            raise CatalogError(f"expected a DDEX message (NewReleaseMessage of ERN 4) in {path}, {error}") from error

    def rows(positions: Sequence[int]) -> Iterator[RawRow]:
        for file in files:
            for row in _message(file):
                yield row if row.problem else row._replace(cells=[row.cells[position] for position in positions])

    return Source(path, COLUMNS, rows, ours=True)


def _message(path: Path) -> Iterator[RawRow]:
    try:
        frame = Frame()
        for parent, element in _entries(path):
            frame.add(parent, element)
        if not frame.message_id:
            raise _UnusableError(1, "no MessageId")
        for parent, element in _entries(path):
            if parent == "ResourceList" and local(element) == "SoundRecording":
                yield _row(path, frame, element)
    except _UnusableError as error:
        yield RawRow(error.line, (), f"unusable message: {error}", path=path)


def _row(path: Path, frame: Frame, element: etree._Element) -> RawRow:
    line = element.sourceline or 0
    cells = recording_cells(element, frame)
    if cells is None:
        return RawRow(line, (), "no ResourceReference", path=path)
    return RawRow(line, cells, path=path)


def _entries(path: Path) -> Iterator[tuple[str, etree._Element]]:
    """Give each element two below the root, with the name of what it stands in, and forget it."""
    depth = 0
    try:
        with path.open("rb") as stream:
            options = {"resolve_entities": False, "no_network": True, "load_dtd": False, "huge_tree": False}
            events = etree.iterparse(stream, events=("start", "end"), remove_comments=True, remove_pis=True, **options)
            for event, element in events:
                depth += 1 if event == "start" else -1
                if event == "start":
                    if depth == 1:
                        _check_root(element)
                elif depth == 2:
                    parent = element.getparent()
                    yield local(parent), element
                    element.clear()
                    while element.getprevious() is not None:
                        del parent[0]
    except etree.XMLSyntaxError as error:
        raise _UnusableError(error.lineno or 1, f"found XML that is not well-formed: {error}") from error
    except OSError as error:
        raise CatalogError(f"could not read {path}: {error}; check the file") from error


def _check_root(root: etree._Element) -> None:
    if root.getroottree().docinfo.internalDTD is not None:
        raise _UnusableError(
            root.sourceline or 1,
            "found a document type (<!DOCTYPE): DDEX messages have none, and its entities could name files or grow "
            "without bound, so nothing of it is read; remove it",
        )
    if not _ERN_4.fullmatch(root.tag):
        raise _UnusableError(
            root.sourceline or 1,
            f"found the element {root.tag}; versions before 4 write recordings otherwise: ask the sender for ERN 4.3",
        )
