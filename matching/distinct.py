"""One value of each recording, compared for many pairs: values that come again are asked about once."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
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
    def of(cls, values: Sequence[H], q: Integers, m: Integers, wanted: Flags | None = None) -> DistinctPairs[H]:
        """Find what has to be compared.

        Parameters
        ----------
        values : sequence
            One of each recording; what is empty is missing.
        q : numpy.ndarray
            Shape (n_pairs,), places in `values`.
        m : numpy.ndarray
            Shape (n_pairs,), places in `values`.
        wanted : numpy.ndarray, optional
            Shape (n_pairs,), bool; the values of other pairs count as missing.

        Returns
        -------
        DistinctPairs
            Swapping q and m may swap the sides of any of them.
        """
        numbers: dict[H, int] = {}
        number = np.array([numbers.setdefault(value, len(numbers) + 1) if value else 0 for value in values], np.int64)
        q_number, m_number = number[q], number[m]
        present = (q_number > 0) & (m_number > 0)
        if wanted is not None:
            present &= wanted
        same = q_number == m_number
        rows = np.flatnonzero(present & ~same)
        low, high = np.minimum(q_number[rows], m_number[rows]), np.maximum(q_number[rows], m_number[rows])
        keys, places = np.unique(low * (len(numbers) + 1) + high, return_inverse=True)
        known = list(numbers)
        ours, theirs = ([known[place - 1] for place in side.tolist()] for side in np.divmod(keys, len(numbers) + 1))
        return DistinctPairs(ours, theirs, present & same, rows, places)

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
