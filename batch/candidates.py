"""Candidate pairs, and how they get from the tasks that find them to those that go on with them.

Who writes pairs writes a piece for each that will read some; who reads them reads its pieces, and none holds all.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from batch.plan import Plan, numbered
from batch.records import Rows, by_shard
from index.exact import pair_cosines
from index.vectors import Vectors

BY_KEYS, BY_CODE, BY_TEXT = 1, 2, 4
FOUND_BY_KEYS, IN_COMMON, VECTORS = "candidates/keys", "candidates/common", "vectors"

_PAIRS_AT_ONCE = 32_768


class Candidates(NamedTuple):
    """Pairs to be judged.

    Attributes
    ----------
    q, m : numpy.ndarray
        Shape (n_pairs,), int64, rows of the catalogue, q before m.
    cosine : numpy.ndarray
        Shape (n_pairs,), float32, of their vectors; NaN where one has no text.
    alike : numpy.ndarray
        Shape (n_pairs,), float32, of their rare keys, in [0, 1].
    source : numpy.ndarray
        Shape (n_pairs,), uint8: `BY_KEYS`, `BY_CODE` or `BY_TEXT`, or the sum of several.
    """

    q: Rows
    m: Rows
    cosine: npt.NDArray[np.float32]
    alike: npt.NDArray[np.float32]
    source: npt.NDArray[np.uint8]

    @classmethod
    def joined(cls, parts: Iterable[Candidates]) -> Candidates:
        """Put pairs from several places one behind the other.

        Parameters
        ----------
        parts : iterable of Candidates
            One at least.

        Returns
        -------
        Candidates
            All of them.
        """
        return cls(*map(np.concatenate, zip(*parts, strict=True)))

    def take(self, which: npt.NDArray[np.bool_] | Rows) -> Candidates:
        """Keep some of them.

        Parameters
        ----------
        which : numpy.ndarray
            Flags or places.

        Returns
        -------
        Candidates
            Those.
        """
        return Candidates(self.q[which], self.m[which], self.cosine[which], self.alike[which], self.source[which])

    def in_order(self) -> Candidates:
        """Put q before m in every pair.

        Returns
        -------
        Candidates
            The same pairs.
        """
        return self._replace(q=np.minimum(self.q, self.m), m=np.maximum(self.q, self.m))


def write_candidates(plan: Plan, kind: str, number: int, pairs: Candidates) -> None:
    """Write pairs that were found, each for the group that it belongs to.

    A pair belongs to the group of one of its recordings: of q if both rows are even or both odd, else of m. So the same
    pair found twice comes together, and no group has many more than another.

    Parameters
    ----------
    plan : Plan
        Of the run.
    kind : str
        `FOUND_BY_KEYS` or `IN_COMMON`.
    number : int
        Of the task that found them.
    pairs : Candidates
        What it found.
    """
    rows = np.where((pairs.q + pairs.m) % 2 == 0, pairs.q, pairs.m)
    write_pieces(plan, kind, number, pairs._asdict(), rows // plan.shard_size % plan.groups, plan.groups)


def read_candidates(plan: Plan, name: str) -> Candidates:
    """Read pairs that stand in one file.

    Parameters
    ----------
    plan : Plan
        Of the run.
    name : str
        Of the file.

    Returns
    -------
    Candidates
        As they were written.
    """
    return Candidates(**plan.storage.read_arrays(name))


def write_pieces(
    plan: Plan, kind: str, number: int, columns: dict[str, npt.NDArray[Any]], readers: Rows, count: int
) -> None:
    """Write a piece for each reader; that of reader 0 comes last, and says that all are there.

    Parameters
    ----------
    plan : Plan
        Of the run.
    kind : str
        What the pieces hold.
    number : int
        Of the task that writes them.
    columns : dict
        Name to array, each of shape (n,).
    readers : numpy.ndarray
        Shape (n,), int64, who reads each value.
    count : int
        Readers there are.
    """
    order = np.argsort(readers, kind="stable")
    bounds = np.searchsorted(readers[order], np.arange(count + 1))
    for reader in reversed(range(count)):
        rows = order[bounds[reader] : bounds[reader + 1]]
        plan.storage.write_arrays(piece(kind, reader, number), {name: each[rows] for name, each in columns.items()})


def read_pieces(plan: Plan, kind: str, reader: int, numbers: Iterable[int]) -> dict[str, npt.NDArray[Any]]:
    """Read what `write_pieces` wrote for one reader.

    Parameters
    ----------
    plan : Plan
        Of the run.
    kind : str
        What the pieces hold.
    reader : int
        Whose.
    numbers : iterable of int
        Of the tasks that wrote them, in the order in which they are wanted; one at least.

    Returns
    -------
    dict
        Name to array.
    """
    read = [plan.storage.read_arrays(piece(kind, reader, number)) for number in numbers]
    return {name: np.concatenate([arrays[name] for arrays in read]) for name in read[0]}


def piece(kind: str, reader: int, number: int) -> str:
    """Name a piece.

    Parameters
    ----------
    kind : str
        What it holds.
    reader : int
        Who reads it.
    number : int
        Of the task that writes it.

    Returns
    -------
    str
        For a `Storage`.
    """
    return numbered(numbered(kind, reader), number)


def cosines_of(plan: Plan, q: Rows, m: Rows) -> npt.NDArray[np.float32]:
    """Compare vectors pair by pair, in bounded memory.

    Parameters
    ----------
    plan : Plan
        Of the run.
    q : numpy.ndarray
        Shape (n_pairs,), int64, rows of one side.
    m : numpy.ndarray
        Shape (n_pairs,), int64, rows of the other.

    Returns
    -------
    numpy.ndarray
        Shape (n_pairs,), float32; NaN where a recording has no text.
    """
    cosines = np.empty(len(q), dtype=np.float32)
    in_order = np.argsort(m, kind="stable")  # few shards at a time
    for start in range(0, len(q), _PAIRS_AT_ONCE):
        some = in_order[start : start + _PAIRS_AT_ONCE]
        cosines[some] = pair_cosines(_vectors(plan, q[some]), _vectors(plan, m[some]))
    return cosines


def _vectors(plan: Plan, rows: Rows) -> Vectors:
    """Gather vectors out of the shards that they stand in."""
    dimension = plan.storage.map_array(numbered(VECTORS, 0)).shape[1]
    found = np.empty((len(rows), dimension), dtype=np.float16)
    for shard, places in by_shard(rows, plan.shard_size):
        vectors = plan.storage.map_array(numbered(VECTORS, shard))
        found[places] = vectors[rows[places] - shard * plan.shard_size]
    return found
