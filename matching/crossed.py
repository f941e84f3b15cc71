"""Sets of values compared: every value of one set with every value of the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from matching.columns import Column, Integers, NumberedSets
from matching.distinct import unique_pairs

T = TypeVar("T")
H = TypeVar("H")


@dataclass(frozen=True, eq=False)
class Crossed(Generic[T]):
    """Rows of two sets of values: every value of one with every value of the other; each two once, if there are many.

    Attributes
    ----------
    q, m : list
        Values, n_distinct long; swapping the sets may swap the sides of any of them.
    q_counts, m_counts : numpy.ndarray
        Shape (n_rows,), int64, sizes of the sets, none of which is empty.
    """

    q: list[T]
    m: list[T]
    q_counts: Integers
    m_counts: Integers
    _places: Integers
    """Which of the distinct values stand in each cell: row after row, and in it q's values one after the other."""

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
        q_counts, m_counts = sets.counts.take(q), sets.counts.take(m)
        q_members, m_members = sets.starts.take(q), sets.starts.take(m)
        if q_counts.max(initial=1) > 1 or m_counts.max(initial=1) > 1:
            sizes = q_counts * m_counts
            q_place, m_place = np.divmod(_counted(sizes), m_counts.repeat(sizes))
            q_members, m_members = q_members.repeat(sizes) + q_place, m_members.repeat(sizes) + m_place
        unique = unique_pairs(sets.members.take(q_members), sets.members.take(m_members), len(sets.values))
        one, other = (list(map(sets.values.__getitem__, side.tolist())) for side in (unique.one, unique.other))
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
            Shape (n_rows,), float64; NaN where all is missing.
        """
        cells = similarities.take(self._places)
        return cells if self._are_single else np.fmax.reduceat(cells, _starts(self.q_counts * self.m_counts))

    def sums_of_best(self, similarities: Column) -> tuple[Column, Column]:
        """Sum up, over the values of a side, how alike the best counterpart of each is.

        Parameters
        ----------
        similarities : numpy.ndarray
            Shape (n_distinct,), float64, in [0, 1], of `q` and `m`.

        Returns
        -------
        tuple of numpy.ndarray
            For q and for m, each of shape (n_rows,), float64.
        """
        cells = similarities.take(self._places)
        if self._are_single:
            return cells, cells
        lines = self.m_counts.repeat(self.q_counts)  # a line of cells for each value of q
        q_best = np.maximum.reduceat(cells, _starts(lines))
        m_best = np.zeros(int(self.m_counts.sum()))
        sizes = self.q_counts * self.m_counts
        np.maximum.at(m_best, _starts(self.m_counts).repeat(sizes) + _counted(lines), cells)
        return np.add.reduceat(q_best, _starts(self.q_counts)), np.add.reduceat(m_best, _starts(self.m_counts))

    @property
    def _are_single(self) -> bool:
        return len(self._places) == len(self.q_counts)


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
    if sizes.sum() <= most:
        return [slice(None)]
    cuts = (np.flatnonzero(np.diff(np.cumsum(sizes) // most)) + 1).tolist()
    return [slice(start, stop) for start, stop in zip([0, *cuts], [*cuts, len(sizes)], strict=True)]


def _starts(counts: Integers) -> Integers:
    return counts.cumsum() - counts


def _counted(sizes: Integers) -> Integers:
    """Count from 0 in each of several lines."""
    ends = sizes.cumsum()
    return np.arange(ends[-1]) - (ends - sizes).repeat(sizes)
