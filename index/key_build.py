"""Building the published rare keys: the texts are read three times, batch by batch, in bounded memory.

texts -> counts of runs and words -> counts of pairs of words -> keys of every row -> rows of every key
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from index.key_search import COUNTS, FREQUENCIES, HASHES, POSTED, POSTED_ROWS, SQUARES, STARTS
from index.key_weights import squared_lengths
from index.postings import GrowingArray, map_arrays
from index.rare_keys import KeyCounts

# Entries sorted together when the keys are turned around: a few hundred megabytes.
_SORTED_AT_ONCE = 1 << 24
_ROWS_AT_ONCE = 1 << 17

Texts = Callable[[], Iterable[Sequence[str]]]


def build_keys(folder: Path, texts: Texts, count: int) -> None:
    """Write the files of a `KeyIndex`.

    Parameters
    ----------
    folder : Path
        Not published yet.
    texts : callable
        Gives the texts of all recordings in batches, in the order of rows, each time it is called.
    count : int
        Recordings.
    """
    counts = KeyCounts.empty(count)
    for batch in texts():
        counts.count(batch)
    for batch in texts():
        counts.count_pairs(batch)
    np.save(folder / COUNTS, counts.tables, allow_pickle=False)
    _write_keys(folder, counts, texts(), count)
    _turn_around(folder)


def _write_keys(folder: Path, counts: KeyCounts, batches: Iterable[Sequence[str]], count: int) -> None:
    written = 0
    with (
        GrowingArray(folder / STARTS, np.int64) as starts,
        GrowingArray(folder / HASHES, np.uint32) as hashes,
        GrowingArray(folder / FREQUENCIES, np.uint8) as frequencies,
        GrowingArray(folder / SQUARES, np.float32) as squares,
    ):
        starts.append(np.zeros(1))
        for batch in batches:
            keys = counts.keys(batch)
            starts.append(keys.starts[1:] + written)
            hashes.append(keys.hashes)
            frequencies.append(keys.frequencies)
            squares.append(squared_lengths(keys, count))
            written += len(keys.hashes)


def _turn_around(folder: Path) -> None:
    """Sort the keys of all rows, one range of hashes after the other."""
    starts, hashes = map_arrays(folder, (STARTS, HASHES))
    n_ranges = -(-len(hashes) // _SORTED_AT_ONCE) or 1
    bounds = np.linspace(0, 1 << 32, n_ranges + 1).astype(np.int64)
    with (
        GrowingArray(folder / POSTED, np.uint32) as posted,
        GrowingArray(folder / POSTED_ROWS, np.uint32) as posted_rows,
    ):
        for low, high in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
            entries = np.sort(_entries_between(starts, hashes, low, high))
            posted.append(entries >> np.uint64(32))
            posted_rows.append(entries & np.uint64(0xFFFFFFFF))


def _entries_between(
    starts: npt.NDArray[np.int64], hashes: npt.NDArray[np.uint32], low: int, high: int
) -> npt.NDArray[np.uint64]:
    """Put the hash in front of the row, so that both sort as one number."""
    found = []
    for first in range(0, len(starts) - 1, _ROWS_AT_ONCE):
        some = starts[first : first + _ROWS_AT_ONCE + 1]
        part = hashes[some[0] : some[-1]].astype(np.uint64)
        rows = np.repeat(np.arange(first, first + len(some) - 1, dtype=np.uint64), np.diff(some))
        wanted = (part >= low) & (part < high)
        found.append((part[wanted] << np.uint64(32)) | rows[wanted])
    return np.concatenate(found)
