"""One value of each recording, compared for many pairs: values that come again are asked about once."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

import numpy as np

from matching.columns import Column, Flags, Integers, Numbered

T = TypeVar("T")
H = TypeVar("H", bound=Hashable)


@dataclass(frozen=True, eq=False)
class DistinctPairs(Generic[T]):
    """Pairs of values that are present and differ; each once, if there are many.

    Attributes
    ----------
    values : list
        Distinct ones.
    q_places, m_places : numpy.ndarray
        Shape (n_distinct,), int64: places in `values` of the two sides.
    """

    values: list[T]
    q_places: Integers
    m_places: Integers
    _present: Flags
    _rows: Integers
    _places: Integers

    @classmethod
    def of(cls, column: Numbered[H], q: Integers, m: Integers, wanted: Flags | None = None) -> DistinctPairs[H]:
        """Find what has to be compared.

        Parameters
        ----------
        column : Numbered
            One value of each recording.
        q : numpy.ndarray
            Shape (n_pairs,), rows of `column`.
        m : numpy.ndarray
            Shape (n_pairs,), rows of `column`.
        wanted : numpy.ndarray, optional
            Shape (n_pairs,), bool; the values of other pairs count as missing.

        Returns
        -------
        DistinctPairs
            Swapping q and m may swap the sides of any of them.
        """
        ours, theirs = column.rows.take(q), column.rows.take(m)
        present = np.minimum(ours, theirs) >= 0
        if wanted is not None:
            present &= wanted
        different = present & (ours != theirs)
        rows = different.nonzero()[0]
        unique = unique_pairs(ours.take(rows), theirs.take(rows), len(column.values))
        return DistinctPairs(column.values, unique.one, unique.other, present, rows, unique.places)

    def __len__(self) -> int:
        return len(self.q_places)

    @property
    def q(self) -> list[T]:
        """Values of one side."""
        return list(map(self.values.__getitem__, self.q_places.tolist()))

    @property
    def m(self) -> list[T]:
        """Values of the other."""
        return list(map(self.values.__getitem__, self.m_places.tolist()))

    def spread(self, answers: Column) -> Column:
        """Give every pair of recordings the answer for its values.

        Parameters
        ----------
        answers : numpy.ndarray
            Shape (n_distinct,), float64, for `q` and `m`.

        Returns
        -------
        numpy.ndarray
            Shape (n_pairs,), float64: 1 for equal values, NaN where a side is missing.
        """
        result = np.where(self._present, 1.0, np.nan)
        if len(self._rows):
            result[self._rows] = answers.take(self._places)
        return result


# Comparing so few again takes less time than finding out which of them are equal.
_WORTH_SORTING = 256
_EACH_ITSELF = np.arange(_WORTH_SORTING)


class UniquePairs(NamedTuple):
    """Pairs of numbers, whichever side they are on; each once, if there are many.

    Attributes
    ----------
    one, other : numpy.ndarray
        Shape (n_distinct,), int64.
    places : numpy.ndarray
        Shape (n_rows,), int64: which of them each row is.
    """

    one: Integers
    other: Integers
    places: Integers


def unique_pairs(q: Integers, m: Integers, n_values: int) -> UniquePairs:
    """Find the distinct pairs of numbers.

    Parameters
    ----------
    q : numpy.ndarray
        Shape (n_rows,), int64, from 0.
    m : numpy.ndarray
        Shape (n_rows,), int64, from 0.
    n_values : int
        More than any of the numbers.

    Returns
    -------
    UniquePairs
        Those of every row.
    """
    if len(q) < _WORTH_SORTING:
        return UniquePairs(q, m, _EACH_ITSELF[: len(q)])
    low, high = np.minimum(q, m), np.maximum(q, m)
    keys, places = np.unique(low * n_values + high, return_inverse=True)
    return UniquePairs(*np.divmod(keys, n_values), places)
