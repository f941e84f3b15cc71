"""Pages of mapped files: how many of them a process keeps in memory."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import fields, is_dataclass

import numpy as np
import psutil

# Of mapped files in memory, libraries included, beyond which the pages of an index are given back.
MOST_BYTES = 320 << 20


def bound_pages(index: object, most: int = MOST_BYTES) -> bool:
    """Give the pages of an index back if the process has many pages of files in memory.

    Nothing is read anew but what is looked at again, and that most often from the cache of the system. So a process
    that has looked at all of a large index does not keep all of it for good.

    Parameters
    ----------
    index : object
        Whose arrays, or arrays of its parts, are mapped from files.
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
    for mapped in _mapped_files(index):
        mapped.madvise(mmap.MADV_DONTNEED)
    return True


def _mapped_files(owner: object) -> Iterator[mmap.mmap]:
    if isinstance(owner, np.ndarray):
        base: object = owner
        while isinstance(base, np.ndarray):
            base = base.base
        if isinstance(base, mmap.mmap):
            yield base
    elif is_dataclass(owner) and not isinstance(owner, type):
        for field in fields(owner):
            yield from _mapped_files(getattr(owner, field.name))
    elif hasattr(owner, "__dict__"):
        for part in vars(owner).values():
            yield from _mapped_files(part)
