"""Writing files and publishing versions so that a crash at any moment leaves the previous ones usable.

A *shelf* is a folder of published versions::

    models/                      index/
        20261121T203600Z-1f2e3d4c/  one finished version, never edited
        CURRENT                      one line: the version in charge
        .building-1234-ab12cd34/     a build under way, or the remains of a killed one
"""

from __future__ import annotations

import fcntl
import glob
import logging
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from catalog.errors import DamagedArtefactError, MissingArtefactError

logger = logging.getLogger(__name__)

CURRENT = "CURRENT"
_BUILDING = ".building-"


@contextmanager
def write_aside(path: Path) -> Iterator[Path]:
    """Write a file aside, then put it in place in one step.

    Parameters
    ----------
    path : Path
        The file to replace; its folder is created if needed.

    Yields
    ------
    Path
        A temporary name in the same folder. If the block succeeds it is synced and renamed to `path`;
        if it raises, it is removed and `path` stays as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_remains(path.parent, f".{path.name}-")
    aside = path.parent / f".{path.name}-{os.getpid()}-{secrets.token_hex(4)}"
    try:
        yield aside
        _sync(aside)
        aside.replace(path)
        _sync(path.parent)
    finally:
        aside.unlink(missing_ok=True)


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
    with write_aside(shelf / CURRENT) as aside:
        aside.write_text(version + "\n", encoding="utf-8")
    return published


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
        _sync(path)
    _sync(building)
    published = building.rename(shelf / version)
    _sync(shelf)
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


def current_version(shelf: Path) -> Path:
    """Find the version in charge.

    Parameters
    ----------
    shelf : Path
        The folder of versions.

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
    pointer = shelf / CURRENT
    if not pointer.is_file():
        raise MissingArtefactError(f"expected a published version in {shelf}, found no {CURRENT} file there")
    name = pointer.read_text(encoding="utf-8", errors="replace").strip()
    version = shelf / name
    if not name or name.startswith(".") or "\0" in name or Path(name).name != name or not version.is_dir():
        raise DamagedArtefactError(f"{pointer} names {name!r}, which is no folder in {shelf}; publish a new version")
    return version


def remove_remains(folder: Path, prefix: str) -> None:
    """Remove what killed processes left half written.

    Parameters
    ----------
    folder : Path
        Where builds and files are written aside.
    prefix : str
        What their names start with; the writer's process id follows it. Those of living processes stay.
    """
    for path in folder.glob(f"{glob.escape(prefix)}*"):
        owner = path.name.removeprefix(prefix).split("-", 1)[0]
        if not owner.isdigit() or _is_running(int(owner)):
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
