"""Sets of values compared: every value of one set with every value of the other, each two values once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from matching.distinct import Column, Integers, NumberedSets, unique_pairs

T = TypeVar("T")
H = TypeVar("H")


@dataclass(frozen=True, eq=False)
class Crossed(Generic[T]):
    """Rows of two sets of values: every value of one with every value of the other, each two values once.

    Attributes
    ----------
    q, m : list
        Values, n_distinct long; swapping the sets may swap the sides of any of them.
    q_counts, m_counts : numpy.ndarray
        Shape (n_rows,), int64, sizes of the sets.
    """

    q: list[T]
    m: list[T]
    q_counts: Integers
    m_counts: Integers
    _places: Integers

    @classmethod
    def of(cls, sets: NumberedSets[H], q: Integers, m: Integers) -> Crossed[H]:
        """Find what has to be compared.

        Parameters
        ----------
        sets : NumberedSets
            Of both sides.
        q : numpy.ndarray
            Shape (n_rows,), int64, which set is one side.
        m : numpy.ndarray
            Shape (n_rows,), int64, which set is the other.

        Returns
        -------
        Crossed
            All of it.
        """
        q_counts, m_counts, starts = sets.counts[q], sets.counts[m], _starts(sets.counts)
        row, place = _places_in_rows(q_counts * m_counts)
        q_place, m_place = np.divmod(place, m_counts[row])
        unique = unique_pairs(
            sets.members[starts[q][row] + q_place], sets.members[starts[m][row] + m_place], len(sets.values)
        )
        one, other = ([sets.values[number] for number in side.tolist()] for side in (unique.low, unique.high))
        return Crossed(one, other, q_counts, m_counts, unique.places)

    def best(self, similarities: Column) -> Column:
        """Take the best of each row.

        Parameters
        ----------
        similarities : numpy.ndarray
            Shape (n_distinct,), float64, of `q` and `m`; NaN is missing.

        Returns
        -------
        numpy.ndarray
            Shape (n_rows,), float64; NaN where a set is empty, or all is missing.
        """
        sizes = self.q_counts * self.m_counts
        result = np.full(len(sizes), np.nan)
        if len(self._places):
            some = sizes > 0
            result[some] = np.fmax.reduceat(similarities[self._places], _starts(sizes)[some])
        return result

    def sums_of_best(self, similarities: Column) -> tuple[Column, Column]:
        """Sum up, over the values of a side, how alike the best counterpart of each is.

        Parameters
        ----------
        similarities : numpy.ndarray
            Shape (n_distinct,), float64, in [0, 1], of `q` and `m`.

        Returns
        -------
        tuple of numpy.ndarray
            For q and for m, each of shape (n_rows,), float64; 0 where a set is empty.
        """
        row, place = _places_in_rows(self.q_counts * self.m_counts)
        places = np.divmod(place, self.m_counts[row])
        return (
            _sums_of_best(similarities[self._places], row, places[0], self.q_counts),
            _sums_of_best(similarities[self._places], row, places[1], self.m_counts),
        )


def runs(sizes: Integers, most: int) -> list[slice]:
    """Cut rows into runs.

    Parameters
    ----------
    sizes : numpy.ndarray
        Shape (n_rows,), int64, of each row.
    most : int
        Sum of the sizes of a run, but for the row that it begins with.

    Returns
    -------
    list of slice
        Of all rows, in their order; one empty run if there is none.
    """
    cuts = (np.flatnonzero(np.diff(np.cumsum(sizes) // most)) + 1).tolist()
    return [slice(start, stop) for start, stop in zip([0, *cuts], [*cuts, len(sizes)], strict=True)]


def _starts(counts: Integers) -> Integers:
    return np.cumsum(counts) - counts


def _places_in_rows(sizes: Integers) -> tuple[Integers, Integers]:
    """Give every member of every row that row, and its place there."""
    row = np.repeat(np.arange(len(sizes)), sizes)
    return row, np.arange(len(row)) - np.repeat(_starts(sizes), sizes)


def _sums_of_best(similarities: Column, row: Integers, place: Integers, counts: Integers) -> Column:
    best = np.zeros(int(counts.sum()))
    np.maximum.at(best, _starts(counts)[row] + place, similarities)
    of_row = np.repeat(np.arange(len(counts)), counts)
    sums: Column = np.bincount(of_row, weights=best, minlength=len(counts)).astype(np.float64)
    return sums
