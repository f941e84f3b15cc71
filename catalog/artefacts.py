"""Writing files and publishing versions so that a crash at any moment leaves the previous ones usable.

A *shelf* is a folder of published versions::

    models/                      index/
        20261121T203600Z-1f2e3d4c/  one finished version, never edited
        CURRENT                      one line: the version in charge
        CANDIDATE                    of models only: the version to be promoted, if there is one
        HISTORY                      the versions that were in charge, one a line, the present one last
        .building-1234-ab12cd34/     a build under way, or the remains of a killed one
"""

from __future__ import annotations

import fcntl
import logging
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from catalog.aside import remove_remains, sync, write_aside
from catalog.errors import DamagedArtefactError, MissingArtefactError

logger = logging.getLogger(__name__)

CURRENT, HISTORY, CANDIDATE = "CURRENT", "HISTORY", "CANDIDATE"
_REMEMBERED = 100
_BUILDING = ".building-"


@contextmanager
def build_aside(shelf: Path) -> Iterator[Path]:
    """Make a folder in which a version can be built before it is published.

    Parameters
    ----------
    shelf : Path
        The folder of versions; created if needed.

    Yields
    ------
    Path
        An empty folder inside `shelf`. What is still there when the block ends was not published and is removed.
    """
    shelf.mkdir(parents=True, exist_ok=True)
    remove_remains(shelf, _BUILDING)
    building = shelf / f"{_BUILDING}{os.getpid()}-{secrets.token_hex(4)}"
    try:
        building.mkdir()
        yield building
    finally:
        shutil.rmtree(building, ignore_errors=True)


def publish(building: Path, shelf: Path, version: str) -> Path:
    """Put a finished build in charge: sync it, rename it to its version, point CURRENT at it.

    Parameters
    ----------
    building : Path
        Folder made by `build_aside` in `shelf`.
    shelf : Path
        The folder of versions.
    version : str
        Name from `new_version`.

    Returns
    -------
    Path
        The published folder.
    """
    published = put_on_shelf(building, shelf, version)
    put_in_charge(shelf, version)
    return published


def put_in_charge(shelf: Path, version: str, pointer: str = CURRENT) -> None:
    """Point at a version of a shelf.

    Parameters
    ----------
    shelf : Path
        The folder of versions.
    version : str
        One of them.
    pointer : str
        Name of the file that points at it; of `CURRENT` a history is kept.
    """
    were = _in_charge_so_far(shelf) if pointer == CURRENT else []
    _write_lines(shelf / pointer, [version])
    if pointer == CURRENT:
        _write_lines(shelf / HISTORY, [*were, version][-_REMEMBERED:])


def roll_back(shelf: Path) -> str:
    """Put the version in charge again that was in charge before the present one.

    Parameters
    ----------
    shelf : Path
        The folder of versions.

    Returns
    -------
    str
        That version. Called again, it goes further back.

    Raises
    ------
    MissingArtefactError
        If there was none before, or it is gone.
    """
    were = _in_charge_so_far(shelf)
    before = [version for version in were[:-1] if version != were[-1] and (shelf / version).is_dir()]
    if not before:
        raise MissingArtefactError(f"expected an earlier version to go back to in {shelf}, found none that is there")
    # In this order, since a history that lacks the version in charge is completed.
    _write_lines(shelf / HISTORY, before)
    _write_lines(shelf / CURRENT, before[-1:])
    return before[-1]


def _in_charge_so_far(shelf: Path) -> list[str]:
    lines = [_lines(shelf / name) for name in (HISTORY, CURRENT)]
    return lines[0] if lines[0][-1:] == lines[1] else lines[0] + lines[1]


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8", errors="replace").split() if path.is_file() else []


def _write_lines(path: Path, lines: list[str]) -> None:
    with write_aside(path) as aside:
        aside.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def put_on_shelf(building: Path, shelf: Path, version: str) -> Path:
    """Put a finished build beside the others, without putting it in charge: sync it and rename it to its version.

    Parameters
    ----------
    building : Path
        Folder made by `build_aside` in `shelf`.
    shelf : Path
        The folder of versions.
    version : str
        Name from `new_version`.

    Returns
    -------
    Path
        The folder in its place.
    """
    for path in sorted(building.rglob("*")):
        sync(path)
    sync(building)
    published = building.rename(shelf / version)
    sync(shelf)
    return published


@contextmanager
def one_at_a_time(shelf: Path) -> Iterator[None]:
    """Let only one process at a time change what belongs to a shelf; the others wait.

    Parameters
    ----------
    shelf : Path
        The folder of versions; created if needed.

    Yields
    ------
    None
        Once no other process is within such a block. A process that dies makes way, and what it had half built in the
        shelf is removed.
    """
    shelf.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(shelf, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            logger.info("waiting for another command that changes %s", shelf)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        remove_remains(shelf, _BUILDING)
        yield
    finally:
        os.close(descriptor)


def new_version(digest: str) -> str:
    """Name a version by the time (UTC) and by what is in it.

    Parameters
    ----------
    digest : str
        Hexadecimal digest of the content.

    Returns
    -------
    str
        For example ``20261121T203600Z-1f2e3d4c``; names sort by time.
    """
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}-{digest[:8]}"


def current_version(shelf: Path, pointer: str = CURRENT) -> Path:
    """Find the version in charge.

    Parameters
    ----------
    shelf : Path
        The folder of versions.
    pointer : str
        Name of the file that points at it.

    Returns
    -------
    Path
        The folder that CURRENT names.

    Raises
    ------
    MissingArtefactError
        If nothing was published there yet.
    DamagedArtefactError
        If CURRENT names no folder of the shelf.
    """
    path = shelf / pointer
    if not path.is_file():
        raise MissingArtefactError(f"expected a published version in {shelf}, found no {pointer} file there")
    name = path.read_text(encoding="utf-8", errors="replace").strip()
    version = shelf / name
    if not name or name.startswith(".") or "\0" in name or Path(name).name != name or not version.is_dir():
        raise DamagedArtefactError(f"{path} names {name!r}, which is no folder in {shelf}; publish a new version")
    return version
