"""One value of each recording, compared for many pairs: values that come again are asked about once."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Generic, NamedTuple, TypeVar

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
class NumberedSets(Generic[T]):
    """Sets of values as numbers of the distinct ones.

    Attributes
    ----------
    values : list
        Distinct ones.
    members : numpy.ndarray
        Shape (n_members,), int64: places in `values`, set after set.
    counts : numpy.ndarray
        Shape (n_sets,), int64, sizes of the sets.
    """

    values: list[T]
    members: Integers
    counts: Integers

    @classmethod
    def of(cls, sets: Sequence[Sequence[H]]) -> NumberedSets[H]:
        """Give every distinct value a number.

        Parameters
        ----------
        sets : sequence of sequence
            Values.

        Returns
        -------
        NumberedSets
            In the order of their first appearance.
        """
        places: dict[H, int] = {}
        members = np.array([places.setdefault(value, len(places)) for each in sets for value in each], dtype=np.int64)
        return NumberedSets(list(places), members, np.array(list(map(len, sets)), dtype=np.int64))


@dataclass(frozen=True, eq=False)
class DistinctPairs(Generic[T]):
    """Pairs of values that are present and differ, each once.

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
        unique = _unique_pairs(ours[rows], theirs[rows], len(column.values))
        return DistinctPairs(column.values, unique.low, unique.high, present & same, rows, unique.places)

    @cached_property
    def q(self) -> list[T]:
        """Values of one side."""
        return [self.values[place] for place in self.q_places.tolist()]

    @cached_property
    def m(self) -> list[T]:
        """Values of the other."""
        return [self.values[place] for place in self.m_places.tolist()]

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
        unique = _unique_pairs(
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


class _UniquePairs(NamedTuple):
    low: Integers
    high: Integers
    places: Integers


def _unique_pairs(q: Integers, m: Integers, n_values: int) -> _UniquePairs:
    """Find the distinct pairs of numbers below n_values, whichever side they are on, and where each row's is."""
    keys, places = np.unique(np.minimum(q, m) * n_values + np.maximum(q, m), return_inverse=True)
    low, high = np.divmod(keys, max(n_values, 1))
    return _UniquePairs(low, high, places)


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
