"""How a state of a catalogue differs from a snapshot that was built from an earlier one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from catalog.digests import RowDigests
from index.codes import CodeIndex, Codes
from index.vectors import Rows, Vectors


@dataclass(frozen=True, eq=False)
class Changes:
    """What is gone from a snapshot, and what has come.

    Attributes
    ----------
    gone : numpy.ndarray
        Shape (n_gone,), int64, ascending: rows of the snapshot whose recordings were removed or changed.
    ids : numpy.ndarray
        Shape (n,), bytes (UTF-8), ascending: recordings that are new or changed.
    vectors : numpy.ndarray
        Shape (n, dim), float16, theirs.
    row_digests : numpy.ndarray
        Shape (n,), uint64, theirs.
    codes : CodeIndex
        Their ISRCs; rows from 0.
    """

    gone: Rows
    ids: npt.NDArray[np.bytes_]
    vectors: Vectors
    row_digests: RowDigests
    codes: CodeIndex

    @classmethod
    def none(cls, dimension: int) -> Changes:
        """Make changes out of nothing.

        Parameters
        ----------
        dimension : int
            Length of vectors.

        Returns
        -------
        Changes
            Nothing is gone, and nothing has come.
        """
        vectors = np.zeros((0, dimension), dtype=np.float16)
        return cls(
            np.zeros(0, np.int64),
            np.zeros(0, np.bytes_),
            vectors,
            np.zeros(0, np.uint64),
            CodeIndex.build([Codes.of([])]),
        )

    def fit(self, ids: npt.NDArray[np.bytes_]) -> bool:
        """Tell whether these can be changes of a snapshot.

        Parameters
        ----------
        ids : numpy.ndarray
            Shape (n,), bytes, the snapshot's.

        Returns
        -------
        bool
            Whether rows and ids ascend, the rows are the snapshot's, and no id would stand in both.
        """
        if len(self.gone) and not 0 <= self.gone[0] <= self.gone[-1] < len(ids):
            return False
        ascending = (self.gone[:-1] < self.gone[1:]).all() and (self.ids[:-1] < self.ids[1:]).all()
        replaced = rows_among(ids, self.ids.tolist())
        return bool(ascending and np.isin(replaced[replaced >= 0], self.gone).all())


def rows_among(ids: npt.NDArray[np.bytes_], keys: Sequence[bytes]) -> Rows:
    """Look up keys in sorted ids.

    Parameters
    ----------
    ids : numpy.ndarray
        Shape (n,), bytes, ascending.
    keys : sequence of bytes
        Any keys.

    Returns
    -------
    numpy.ndarray
        Shape (n_keys,), int64; -1 for those that are not among the ids.
    """
    if not len(ids):
        return np.full(len(keys), -1)
    # Longer keys would make NumPy copy all ids to that length; it takes bytes that end in a NUL for shorter ones.
    possible = np.array([0 < len(key) <= ids.itemsize and key[-1] != 0 for key in keys], dtype=np.bool_)
    wanted = np.array([key if fits else b"" for key, fits in zip(keys, possible, strict=True)], dtype=ids.dtype)
    rows = np.minimum(np.searchsorted(ids, wanted), len(ids) - 1)
    return np.where(possible & (ids[rows] == wanted), rows, -1)
