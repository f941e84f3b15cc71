"""Pages of mapped files: how many of them a process keeps in memory."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import psutil

from index.key_search import KeyIndex
from index.snapshot import Snapshot

# Of mapped files in memory, libraries included, beyond which the pages of an index are given back.
MOST_BYTES = 320 << 20


def bound_pages(index: Snapshot, most: int = MOST_BYTES) -> bool:
    """Give the pages of an index back if the process has many pages of files in memory.

    Nothing is read anew but what is looked at again, and that most often from the cache of the system. So a process
    that has looked at all of a large index does not keep all of it for good.

    Parameters
    ----------
    index : Snapshot
        Whose arrays are mapped from files.
    most : int
        Bytes of files in memory that are left as they are.

    Returns
    -------
    bool
        Whether pages were given back.
    """
    in_memory = getattr(psutil.Process().memory_info(), "shared", 0)  # pages of files; not told on every system
    if in_memory <= most:
        return False
    for array in mapped_arrays(index):
        base: object = array
        while isinstance(base, np.ndarray):
            base = base.base
        if isinstance(base, mmap.mmap):
            base.madvise(mmap.MADV_DONTNEED)
    return True


def mapped_arrays(index: Snapshot) -> Iterator[npt.NDArray[Any]]:
    """Name the arrays of an index, by which it is searched.

    Parameters
    ----------
    index : Snapshot
        Opened.

    Yields
    ------
    numpy.ndarray
        One for each of `index.snapshot.published_files` but that of FAISS, which is read.
    """
    searcher, postings = index.searcher, [index.codes.postings]
    yield from (index.ids, index.vectors)
    if isinstance(searcher, KeyIndex):
        postings.append(searcher.postings)
        yield from (searcher.keys.starts, searcher.keys.hashes, searcher.keys.frequencies)
        yield from (searcher.squares, searcher.counts.tables)
    for each in postings:
        yield from (each.keys, each.rows)
