"""Sound recordings out of DDEX release messages: files of XML after the Electronic Release Notification, version 4.

A message is read twice: first for what stands around the recordings (its id, the names of parties, the releases behind
them), then for the recordings, one at a time. Nothing is loaded from elsewhere, and a message that declares a document
type, with which entities come, is refused.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import IO, Literal

from lxml import etree

from catalog.ddex_frame import Frame, local
from catalog.ddex_recordings import COLUMNS, recording_row
from catalog.ddex_wording import title_of
from catalog.errors import CatalogError
from catalog.rows import RawRow, Source

_ERN_4 = re.compile(r"\{https?://(?:service\.)?ddex\.net/xml/ern/(4\d*)\}NewReleaseMessage")
_ADVICE = {
    "NewReleaseMessage": "versions before 4 write recordings otherwise: ask the sender for ERN 4.3",
    "ManifestMessage": "it lists the messages of a delivery and holds no recordings: name the folder of the messages",
    "PurgeReleaseMessage": "it takes a release back: run onemaster remove with the ids of its recordings",
    "": "recordings stand in the NewReleaseMessage",
}
_LARGEST_ENTRY = 100_000
_TOO_LARGE = f"found an entry of more than {_LARGEST_ENTRY:,} elements, which messages do not have; check the file"
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
        Recordings that cannot be used carry a problem, and so do messages of a folder, as one row. Manifests, which
        list the messages of a delivery, are passed over.

    Raises
    ------
    CatalogError
        If the file is no message of ERN 4, or the folder holds no such name or manifests alone.
    """
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.suffix.casefold() == _SUFFIX and file.is_file())
        roots = {file: _root(file) for file in files}
        files = [file for file in files if not _is_manifest(roots[file])]
        if not files:
            found = f"{len(roots)} manifests alone" if roots else f"no file named {_SUFFIX}"
            raise CatalogError(f"expected DDEX messages in the folder {path}, found {found}; name the folder of them")
    else:
        files, roots = [path], {path: _root(path)}
        try:
            next(_entries(path), None)
        except _UnusableError as error:
            raise CatalogError(f"expected a DDEX message (NewReleaseMessage of ERN 4) in {path}, {error}") from error

    def rows(positions: Sequence[int]) -> Iterator[RawRow]:
        for file in files:
            for row in _message(file):
                yield row if row.problem else row._replace(cells=[row.cells[position] for position in positions])

    return Source(path, COLUMNS, rows, _form(roots.values()))


def _root(path: Path) -> str:
    """Name the outermost element of a file; empty if there is none, which is reported when the file is read."""
    try:
        with path.open("rb") as stream:
            return next((str(element.tag) for _, element in _parsed(stream, "start")), "")
    except etree.XMLSyntaxError:
        return ""
    except OSError as error:
        raise CatalogError(f"could not read {path}: {error}; check the file") from error


def _form(roots: Collection[str]) -> str:
    versions = [found[1] for root in roots if (found := _ERN_4.fullmatch(root))]
    manifests = sum(map(_is_manifest, roots))
    others = {"manifests passed over": manifests, "other files": len(roots) - len(versions) - manifests}
    which = " and ".join(sorted({".".join(version) for version in versions})) or "4"
    whole = f"DDEX ERN {which}, {len(versions)} message{'s' * (len(versions) != 1)}"
    return "; ".join([whole, *(f"{what}: {count}" for what, count in others.items() if count)])


def _is_manifest(root: str) -> bool:
    return root.rpartition("}")[2] == "ManifestMessage"


def _message(path: Path) -> Iterator[RawRow]:
    try:
        frame = Frame()
        for parent, element in _entries(path):
            frame.add(parent, element)
        if not frame.message_id:
            raise _UnusableError(1, "no MessageId")
        for parent, element in _entries(path):
            match parent, local(element):
                case "ResourceList", "SoundRecording":
                    yield recording_row(element, frame)._replace(path=path)
                case "ResourceList", "Video":
                    title = title_of(element).text or ""
                    yield RawRow(element.sourceline or 0, (), "a video, no sound recording", title, path)
    except _UnusableError as error:
        yield RawRow(error.line, (), f"unusable message: {error}", path=path)


def _entries(path: Path) -> Iterator[tuple[str, etree._Element]]:
    """Give each element two below the root, with the name of what it stands in, and forget it."""
    depth = within = 0
    try:
        with path.open("rb") as stream:
            for event, element in _parsed(stream, "start", "end"):
                depth += 1 if event == "start" else -1
                if event == "start":
                    within += 1
                    if depth == 1:
                        _check_root(element)
                    elif within > _LARGEST_ENTRY:
                        raise _UnusableError(element.sourceline or 1, _TOO_LARGE)
                elif depth in {1, 2}:
                    if depth == 2:
                        yield local(element.getparent()), element
                    _forget(element)
                    within = 0
    except etree.XMLSyntaxError as error:
        raise _UnusableError(error.lineno or 1, f"found XML that is not well-formed: {error}") from error
    except OSError as error:
        raise CatalogError(f"could not read {path}: {error}; check the file") from error


def _forget(element: etree._Element) -> None:
    element.clear()
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]


def _parsed(stream: IO[bytes], *events: Literal["start", "end"]) -> Iterator[tuple[str, etree._Element]]:
    options = {"resolve_entities": False, "no_network": True, "load_dtd": False, "huge_tree": False}
    yield from etree.iterparse(stream, events=events, remove_comments=True, remove_pis=True, **options)


def _check_root(root: etree._Element) -> None:
    if root.getroottree().docinfo.internalDTD is not None:
        raise _UnusableError(
            root.sourceline or 1,
            "found a document type (<!DOCTYPE): DDEX messages have none, and its entities could name files or grow "
            "without bound, so nothing of it is read; remove it",
        )
    if not _ERN_4.fullmatch(root.tag):
        kind = local(root)
        raise _UnusableError(root.sourceline or 1, f"found the element {root.tag}; {_ADVICE.get(kind, _ADVICE[''])}")
