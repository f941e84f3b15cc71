"""Our own indexed copies of catalogues that cannot be read in place."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path

from catalog.importers import import_catalog

logger = logging.getLogger(__name__)

_RULES = 2  # to be raised when the reading of values changes, so that copies made before are made anew


def indexed_copy(path: Path, copies: Path, reason: str) -> Path:
    """Give the indexed copy of a SQLite catalogue; make it if there is none of the file's present state.

    Parameters
    ----------
    path : Path
        A SQLite file with a table ``soundrecording``; it stays as it is.
    copies : Path
        Folder of the copies; those of earlier states of the same file are removed.
    reason : str
        Why the file cannot be read in place, for the log.

    Returns
    -------
    Path
        The copy, which keeps the rows as they are stored, too. Those that had to be left out stand in
        ``<its stem>.rejected.csv`` beside it.

    Raises
    ------
    CatalogError
        If the file cannot be read or holds no usable row.
    """
    resolved = path.resolve()
    source = hashlib.sha256(str(resolved).encode("utf-8", "surrogateescape")).hexdigest()[:16]
    copy = copies / f"{source}-{_state(resolved)}-r{_RULES}.db"
    if not copy.is_file():
        logger.info("copying %s to %s, because %s", path, copy, reason)
        import_catalog([path], copy, keep_rows=True)
    for stale in copies.glob(f"{source}-*"):
        if not stale.name.startswith(f"{copy.stem}."):
            stale.unlink(missing_ok=True)
    return copy


def _state(path: Path) -> str:
    states = [file.stat() for file in (path, path.with_name(f"{path.name}-wal")) if file.is_file()]
    return "-".join(f"{state.st_size}-{state.st_mtime_ns}" for state in states)
