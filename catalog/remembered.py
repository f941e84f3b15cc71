"""Digests of catalogues that did not change since they were read last: reading a million rows takes a while."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Callable
from pathlib import Path

from catalog.aside import write_aside
from catalog.columns import COLUMNS

logger = logging.getLogger(__name__)

_RULES = 2  # to be raised when the reading of values changes, so that what was digested before is digested anew
# File systems note times in steps of milliseconds: a file that was written just now may be written again unnoticed.
_SETTLED_NS = 2_000_000_000

State = tuple[int, ...]


def file_state(path: Path) -> State:
    """Note what changes whenever a file does.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    tuple of int
        Device, inode, size, and the times of the last change of content and of anything, in nanoseconds. Nothing if the
        file is not there.
    """
    try:
        found = path.stat()
    except FileNotFoundError:
        return ()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def remembered_digest(path: Path, opened: State, notes: Path, read: Callable[[], str]) -> str:
    """Give the digest of a catalogue, by reading it only if it may have changed.

    Parameters
    ----------
    path : Path
        SQLite file without a write-ahead log.
    opened : tuple of int
        Its `file_state` when it was opened.
    notes : Path
        Folder to keep the digest in; where that cannot be written, nothing is remembered.
    read : callable
        Digests what was opened.

    Returns
    -------
    str
        As `read` would give it.
    """
    source = hashlib.sha256(str(path.resolve()).encode("utf-8", "surrogateescape")).hexdigest()[:16]
    note, about = notes / f"digest-{source}.json", [_RULES, list(COLUMNS), list(opened)]
    if file_state(path) == opened:
        try:
            kept = json.loads(note.read_text(encoding="utf-8"))
            if kept["of"] == about:
                return str(kept["digest"])
        except (OSError, ValueError, LookupError, TypeError):
            pass  # there is none yet, or it is none
    digest = read()
    if file_state(path) == opened and time.time_ns() - max(opened[3:]) > _SETTLED_NS:
        try:
            with write_aside(note) as aside:
                aside.write_text(json.dumps({"of": about, "digest": digest}), encoding="utf-8")
        except OSError as error:
            logger.info("the digest of %s is not remembered: %s", path, error)
    return digest
