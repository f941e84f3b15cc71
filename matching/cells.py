"""Many lookup tables as one row of cells, so that few steps look up all of them at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from matching.trees import Integers, Numbers


class Table(NamedTuple):
    """What one feature, or two that meet on a path, add to the log-odds.

    Attributes
    ----------
    first, second : int
        Columns of the features; equal if it is one.
    shares : numpy.ndarray
        Shape (2, n_codes of the first, n_codes of the second or 1), float64: what each cell adds by its first feature
        and by its second.
    """

    first: int
    second: int
    shares: Numbers


@dataclass(frozen=True, eq=False)
class Cells:
    """The cells of all tables in one row, so that few steps look up all tables at once.

    Attributes
    ----------
    columns : numpy.ndarray
        Shape (n_columns,), int64: features that have thresholds.
    cuts : numpy.ndarray
        Shape (n_thresholds,), int64, sorted: all thresholds as `_ordered` writes them, column after column.
    counts : numpy.ndarray
        Shape (n_columns,), int64, thresholds of each.
    firsts, seconds : numpy.ndarray
        Shape (n_tables,), int64: places in `columns` of the features that a table looks at.
    first_steps, second_steps : numpy.ndarray
        Shape (n_tables,), int64: how many cells farther the next code of a feature is.
    starts : numpy.ndarray
        Shape (n_tables,), int64: place of the first cell.
    by_first, by_second : numpy.ndarray
        Shape (n_cells,), float64: what each cell adds by either feature.
    added : numpy.ndarray
        Shape (n_cells,), float64: what each cell adds.
    """

    columns: Integers
    cuts: Integers
    counts: Integers
    firsts: Integers
    seconds: Integers
    first_steps: Integers
    second_steps: Integers
    starts: Integers
    by_first: Numbers
    by_second: Numbers
    added: Numbers

    @classmethod
    def of(cls, thresholds: Sequence[Numbers], tables: Sequence[Table]) -> Cells:
        """Put all tables into one row.

        Parameters
        ----------
        thresholds : sequence of numpy.ndarray
            For each feature the sorted float64 values that it is compared with.
        tables : sequence of Table
            Any number of them.

        Returns
        -------
        Cells
            Of all of them.
        """
        counts = np.array(list(map(len, thresholds)), dtype=np.int64)
        columns: list[int] = np.flatnonzero(counts).tolist()
        cuts = [_ordered(_rounded_down(thresholds[column])) + place * _APART for place, column in enumerate(columns)]
        features = np.array([(table.first, table.second) for table in tables], dtype=np.int64).reshape(-1, 2)
        widths = np.array([table.shares.shape[2] for table in tables], dtype=np.int64)
        sizes = np.array([table.shares[0].size for table in tables], dtype=np.int64)
        shares = np.concatenate([np.zeros((2, 0)), *(table.shares.reshape(2, -1) for table in tables)], axis=1)
        return cls(
            columns=np.array(columns, dtype=np.int64),
            cuts=np.concatenate([np.zeros(0, dtype=np.int64), *cuts]),
            counts=counts[columns],
            firsts=np.searchsorted(columns, features[:, 0]),
            seconds=np.searchsorted(columns, features[:, 1]),
            first_steps=widths,
            second_steps=(features[:, 0] != features[:, 1]).astype(np.int64),
            starts=np.cumsum(sizes) - sizes,
            by_first=shares[0],
            by_second=shares[1],
            added=shares.sum(axis=0),
        )

    def sums(self, features: npt.NDArray[np.float32]) -> Numbers:
        """Look up what all features add together.

        Parameters
        ----------
        features : numpy.ndarray
            Shape (n_pairs, n_features), float32; NaN is missing.

        Returns
        -------
        numpy.ndarray
            Shape (n_pairs,), float64.
        """
        sums: Numbers = self.added.take(self._places(features)).sum(axis=1)
        return sums

    def contributions(self, features: npt.NDArray[np.float32], width: int) -> Numbers:
        """Look up what each feature adds.

        Parameters
        ----------
        features : numpy.ndarray
            Shape (n_pairs, n_features), float32; NaN is missing.
        width : int
            Columns of the answer, n_features at least.

        Returns
        -------
        numpy.ndarray
            Shape (n_pairs, width), float64.
        """
        places, rows = self._places(features), np.arange(0, len(features) * width, width)[:, None]
        added = [
            np.bincount((rows + self.columns.take(side)).ravel(), shares.take(places).ravel(), len(features) * width)
            for side, shares in ((self.firsts, self.by_first), (self.seconds, self.by_second))
        ]
        contributions: Numbers = np.add(*added).reshape(len(features), width)
        return contributions

    def _places(self, features: npt.NDArray[np.float32]) -> Integers:
        """Find each pair's cell in each table, shape (n_pairs, n_tables)."""
        codes = self._codes(features)
        places = codes.take(self.firsts, axis=1)
        places *= self.first_steps
        places += codes.take(self.seconds, axis=1) * self.second_steps
        places += self.starts
        return places

    def _codes(self, features: npt.NDArray[np.float32]) -> Integers:
        """Count the thresholds below each value, shape (n_pairs, n_columns); NaN is one more than all of them."""
        values = features.take(self.columns, axis=1)
        missing = np.isnan(values)
        keys = np.where(missing, _LAST, _ordered(values))
        keys += self._apart
        codes = self.cuts.searchsorted(keys)
        codes -= self._cuts_before
        codes += missing
        return codes

    @cached_property
    def _apart(self) -> Integers:
        return np.arange(len(self.columns)) * _APART

    @cached_property
    def _cuts_before(self) -> Integers:
        return np.cumsum(self.counts) - self.counts


# Keys of two columns are so far apart; every float32 lies between.
_APART = 1 << 32
_LAST = (1 << 31) - 1


def _ordered(values: npt.NDArray[np.float32]) -> Integers:
    """Write float32 values as integers of the same order, from -2^31 to 2^31 - 1."""
    bits = (values + np.float32(0)).view(np.int32)  # -0 becomes 0
    return (bits ^ ((bits >> 31) & _LAST)).astype(np.int64)


def _rounded_down(thresholds: Numbers) -> npt.NDArray[np.float32]:
    """Round to float32 without letting any float32 value change sides."""
    with np.errstate(over="ignore"):
        rounded = thresholds.astype(np.float32)
    return np.where(rounded > thresholds, np.nextafter(rounded, np.float32(-np.inf)), rounded)
