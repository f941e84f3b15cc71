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
        unique = unique_pairs(ours[rows], theirs[rows], len(column.values))
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


class UniquePairs(NamedTuple):
    """Distinct pairs of numbers, whichever side they are on.

    Attributes
    ----------
    low, high : numpy.ndarray
        Shape (n_distinct,), int64.
    places : numpy.ndarray
        Shape (n_rows,), int64: which of them each row is.
    """

    low: Integers
    high: Integers
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
        Sorted.
    """
    keys, places = np.unique(np.minimum(q, m) * n_values + np.maximum(q, m), return_inverse=True)
    low, high = np.divmod(keys, max(n_values, 1))
    return UniquePairs(low, high, places)
