"""One value of each recording, compared for many pairs: values that come again are asked about once."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Column = npt.NDArray[np.float64]
T = TypeVar("T")
H = TypeVar("H", bound=Hashable)


@dataclass(frozen=True, eq=False)
class Numbered(Generic[T]):
    """A column of values as numbers of the distinct ones.

    Attributes
    ----------
    values : list
        Distinct ones that are present.
    rows : numpy.ndarray
        Shape (n_rows,), int64: place in `values`, -1 where the value is missing.
    """

    values: list[T]
    rows: Integers

    @classmethod
    def of(cls, column: Iterable[H]) -> Numbered[H]:
        """Give every distinct value a number.

        Parameters
        ----------
        column : iterable
            Values; what is empty is missing.

        Returns
        -------
        Numbered
            In the order of their first appearance.
        """
        places: dict[H, int] = {}
        rows = np.array([places.setdefault(value, len(places)) if value else -1 for value in column], dtype=np.int64)
        return Numbered(list(places), rows)

    def flags(self, tell: Callable[[T], bool]) -> Flags:
        """Tell something of every row's value.

        Parameters
        ----------
        tell : callable
            Tells it of a value.

        Returns
        -------
        numpy.ndarray
            Shape (n_rows,), bool; false where the value is missing.
        """
        return np.array([*map(tell, self.values), False], dtype=np.bool_)[self.rows]


@dataclass(frozen=True, eq=False)
class DistinctPairs(Generic[T]):
    """Pairs of values that are present and differ, each once.

    Attributes
    ----------
    q, m : list
        Values of the two sides, n_distinct long.
    """

    q: list[T]
    m: list[T]
    _same: Flags
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
        ours, theirs = column.rows[q], column.rows[m]
        present = (ours >= 0) & (theirs >= 0)
        if wanted is not None:
            present &= wanted
        same = ours == theirs
        rows = np.flatnonzero(present & ~same)
        low, high = np.minimum(ours[rows], theirs[rows]), np.maximum(ours[rows], theirs[rows])
        keys, places = np.unique(low * len(column.values) + high, return_inverse=True)
        lows, highs = np.divmod(keys, len(column.values)) if len(keys) else (keys, keys)
        known = column.values
        one, other = ([known[place] for place in side.tolist()] for side in (lows, highs))
        return DistinctPairs(one, other, present & same, rows, places)

    def spread(self, answers: Column, same: float = 1.0) -> Column:
        """Give every pair of recordings the answer for its values.

        Parameters
        ----------
        answers : numpy.ndarray
            Shape (n_distinct,), float64, for `q` and `m`.
        same : float
            Answer for two equal values.

        Returns
        -------
        numpy.ndarray
            Shape (n_pairs,), float64; NaN where a side is missing.
        """
        result = np.where(self._same, same, np.nan)
        result[self._rows] = answers[self._places]
        return result


@dataclass(frozen=True, eq=False)
class Crossed(Generic[T]):
    """Rows of two sets of values, none empty: every value of one with every value of the other.

    Attributes
    ----------
    q, m : list
        Values, n_crossed long, row after row, within a row each of q with all of m.
    q_counts, m_counts : numpy.ndarray
        Shape (n_rows,), int64, sizes of the sets.
    """

    q: list[T]
    m: list[T]
    q_counts: Integers
    m_counts: Integers

    @classmethod
    def of(cls, q_sets: Sequence[Sequence[T]], m_sets: Sequence[Sequence[T]]) -> Crossed[T]:
        """Write the sets out.

        Parameters
        ----------
        q_sets : sequence of sequence
            n_rows long, no set empty.
        m_sets : sequence of sequence
            n_rows long, no set empty.

        Returns
        -------
        Crossed
            All of them.
        """
        q = [one for ours, theirs in zip(q_sets, m_sets, strict=True) for one in ours for _ in theirs]
        m = [other for ours, theirs in zip(q_sets, m_sets, strict=True) for _ in ours for other in theirs]
        return cls(q, m, _counts(q_sets), _counts(m_sets))

    @property
    def sizes(self) -> Integers:
        """How many each row has, shape (n_rows,)."""
        return self.q_counts * self.m_counts

    @property
    def starts(self) -> Integers:
        """Where each row begins, shape (n_rows,)."""
        return np.cumsum(self.sizes) - self.sizes

    def best(self, similarities: Column) -> Column:
        """Take the best of each row.

        Parameters
        ----------
        similarities : numpy.ndarray
            Shape (n_crossed,), float64, of `q` and `m`; NaN is missing.

        Returns
        -------
        numpy.ndarray
            Shape (n_rows,), float64; NaN where all are.
        """
        return np.fmax.reduceat(similarities, self.starts) if len(similarities) else np.zeros(0)

    def sums_of_best(self, similarities: Column) -> tuple[Column, Column]:
        """Sum up, over the values of a side, how alike the best counterpart of each is.

        Parameters
        ----------
        similarities : numpy.ndarray
            Shape (n_crossed,), float64, in [0, 1], of `q` and `m`.

        Returns
        -------
        tuple of numpy.ndarray
            For q and for m, each of shape (n_rows,), float64.
        """
        if not len(similarities):
            return np.zeros(0), np.zeros(0)
        row = np.repeat(np.arange(len(self.sizes)), self.sizes)
        place = np.arange(len(row)) - np.repeat(self.starts, self.sizes)
        width = self.m_counts[row]
        return (
            _sums_of_best(similarities, row, place // width, self.q_counts),
            _sums_of_best(similarities, row, place % width, self.m_counts),
        )


def _counts(sets: Iterable[Sequence[object]]) -> Integers:
    return np.array([len(each) for each in sets], dtype=np.int64)


def _sums_of_best(similarities: Column, row: Integers, value: Integers, counts: Integers) -> Column:
    starts = np.cumsum(counts) - counts
    best = np.zeros(int(counts.sum()))
    np.maximum.at(best, starts[row] + value, similarities)
    sums: Column = np.add.reduceat(best, starts)
    return sums
