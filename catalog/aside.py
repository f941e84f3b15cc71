"""Writing a file aside and putting it in place in one step, so that a crash at any moment leaves the previous one."""

from __future__ import annotations

import glob
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def take_room(path: Path) -> None:
    """Have all of a file on the disk: what is written to a mapped file for which there is no room ends the process.

    Parameters
    ----------
    path : Path
        A file that has its length already.

    Raises
    ------
    OSError
        If there is no room.
    """
    with path.open("r+b") as file:
        try:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(path)) from error


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
        sync(aside)
        aside.replace(path)
        sync(path.parent)
    finally:
        aside.unlink(missing_ok=True)


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


def sync(path: Path) -> None:
    """Have the disk hold what was written.

    Parameters
    ----------
    path : Path
        A file or a folder.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
