"""Trees whose paths look at two features at most, worked out as tables: fast, and explained without remainder.

Such an ensemble is a generalised additive model with pairwise interactions (Lou, Caruana, Gehrke and Hooker 2013): a
sum of functions of one or two features, each of them constant between the thresholds of its features. Looking those
up replaces walking down the trees.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from catalog.errors import DamagedArtefactError
from matching.trees import Integers, Numbers, TreeEnsemble

_BLOCK = 4096
# Far more than any training gives; a file that wants more is not one of ours.
_MOST_CELLS = 1 << 24


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
class AdditiveTables:
    """An ensemble of trees as lookup tables, one for each pair of features that meet on a path.

    Attributes
    ----------
    bias : float
        What holds before any feature is seen.
    thresholds : tuple of numpy.ndarray
        For each feature the sorted float64 values that it is compared with.
    tables : tuple of Table
        One for each feature, or pair of features, on any path.
    """

    bias: float
    thresholds: tuple[Numbers, ...]
    tables: tuple[Table, ...]

    @classmethod
    def of(cls, trees: TreeEnsemble, n_features: int) -> AdditiveTables:
        """Work out the tables of an ensemble.

        Every split moves the sum from a node's mean to its child's; the move belongs to the feature that was looked
        at (Saabas 2014).

        Parameters
        ----------
        trees : TreeEnsemble
            Paths that look at two features at most.
        n_features : int
            Columns of the features.

        Returns
        -------
        AdditiveTables
            The same function.

        Raises
        ------
        DamagedArtefactError
            If a path looks at more than two features.
        """
        inner = trees.left != np.arange(trees.left.shape[1])
        thresholds = tuple(
            np.unique(trees.threshold[inner & (trees.feature == column)]) for column in range(n_features)
        )
        leaves = [leaf for tree in range(len(trees.left)) for leaf in _leaves(trees, tree, thresholds)]
        tables = {key: np.zeros((2, *_shape(key, thresholds))) for key in sorted({leaf.key for leaf in leaves})}
        if sum(table.size for table in tables.values()) > _MOST_CELLS:
            raise DamagedArtefactError(f"expected tables of at most {_MOST_CELLS} cells: run onemaster train")
        for leaf in leaves:
            rows, columns = (leaf.codes(feature, thresholds) for feature in leaf.key)
            area = np.ix_(rows, columns if leaf.key[0] != leaf.key[1] else [0])
            for side, feature in enumerate(dict.fromkeys(leaf.key)):
                tables[leaf.key][side][area] += leaf.moves[feature]
        bias = float(trees.bias + trees.value[:, 0].sum())
        return cls(bias, thresholds, tuple(Table(*key, shares) for key, shares in tables.items()))

    def contributions(self, features: npt.NDArray[np.float32]) -> Numbers:
        """Look up what every feature adds.

        Parameters
        ----------
        features : numpy.ndarray
            Shape (n_pairs, n_features), float32; NaN is missing.

        Returns
        -------
        numpy.ndarray
            Shape (n_pairs, n_features + 1), float64; the last column is the bias. A row's sum is the ensemble's
            output for the pair.
        """
        width = len(self.thresholds) + 1
        blocks = [self._cells.contributions(features[i : i + _BLOCK], width) for i in range(0, len(features), _BLOCK)]
        explained = np.concatenate([np.zeros((0, width)), *blocks])
        explained[:, -1] = self.bias
        return explained

    def sums(self, features: npt.NDArray[np.float32]) -> Numbers:
        """Look up what all features add together.

        Parameters
        ----------
        features : numpy.ndarray
            Shape (n_pairs, n_features), float32; NaN is missing.

        Returns
        -------
        numpy.ndarray
            Shape (n_pairs,), float64: the sums of the rows of `contributions`, but for rounding.
        """
        blocks = [self._cells.sums(features[i : i + _BLOCK]) for i in range(0, len(features), _BLOCK)]
        return self.bias + np.concatenate([np.zeros(0), *blocks])

    @cached_property
    def _cells(self) -> _Cells:
        return _Cells.of(self.thresholds, self.tables)


@dataclass(frozen=True, eq=False)
class _Cells:
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
    def of(cls, thresholds: Sequence[Numbers], tables: Sequence[Table]) -> _Cells:
        counts = np.array(list(map(len, thresholds)), dtype=np.int64)
        columns = np.flatnonzero(counts)
        cuts = [_ordered(_rounded_down(thresholds[column])) + place * _APART for place, column in enumerate(columns)]
        features = np.array([(table.first, table.second) for table in tables], dtype=np.int64).reshape(-1, 2)
        widths = np.array([table.shares.shape[2] for table in tables], dtype=np.int64)
        sizes = np.array([table.shares[0].size for table in tables], dtype=np.int64)
        shares = np.concatenate([np.zeros((2, 0)), *(table.shares.reshape(2, -1) for table in tables)], axis=1)
        return cls(
            columns=columns,
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
        """Look up what all features add together, shape (n_pairs,)."""
        sums: Numbers = self.added.take(self._places(features)).sum(axis=1)
        return sums

    def contributions(self, features: npt.NDArray[np.float32], width: int) -> Numbers:
        """Look up what each feature adds, shape (n_pairs, width)."""
        places, rows = self._places(features), np.arange(0, len(features) * width, width)[:, None]
        added = [
            np.bincount((rows + self.columns.take(side)).ravel(), shares.take(places).ravel(), len(features) * width)
            for side, shares in ((self.firsts, self.by_first), (self.seconds, self.by_second))
        ]
        contributions: Numbers = (added[0] + added[1]).reshape(len(features), width)
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
        keys += np.arange(len(self.columns)) * _APART
        codes = self.cuts.searchsorted(keys)
        codes -= np.cumsum(self.counts) - self.counts
        codes += missing
        return codes


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


@dataclass(frozen=True)
class _Leaf:
    """A leaf: the interval of codes, and whether missing, for each feature on its path, and what each moved."""

    key: tuple[int, int]
    bounds: dict[int, tuple[int, int, bool]]
    moves: dict[int, float]

    def codes(self, feature: int, thresholds: tuple[Numbers, ...]) -> list[int]:
        low, high, missing = self.bounds[feature]
        return [*range(low, high), *([len(thresholds[feature]) + 1] if missing else [])]


def _shape(key: tuple[int, int], thresholds: tuple[Numbers, ...]) -> tuple[int, int]:
    rows, columns = (len(thresholds[feature]) + 2 for feature in key)
    return rows, 1 if key[0] == key[1] else columns


def _leaves(trees: TreeEnsemble, tree: int, thresholds: tuple[Numbers, ...]) -> list[_Leaf]:
    found: list[_Leaf] = []
    open_nodes: list[tuple[int, dict[int, tuple[int, int, bool]], dict[int, float]]] = [(0, {}, {})]
    while open_nodes:
        node, bounds, moves = open_nodes.pop()
        left, right = int(trees.left[tree, node]), int(trees.right[tree, node])
        if left == node:
            if len(bounds) > 2:
                raise DamagedArtefactError(
                    f"expected paths of at most two features, found one of {len(bounds)}: run onemaster train"
                )
            if bounds:
                found.append(_Leaf((min(bounds), max(bounds)), bounds, moves))
            continue
        feature = int(trees.feature[tree, node])
        low, high, missing = bounds.get(feature, (0, len(thresholds[feature]) + 1, True))
        cut = int(np.searchsorted(thresholds[feature], trees.threshold[tree, node])) + 1
        goes_left = bool(trees.missing_left[tree, node])
        for child, interval in (
            (left, (low, min(high, cut), missing and goes_left)),
            (right, (max(low, cut), high, missing and not goes_left)),
        ):
            move = float(trees.value[tree, child] - trees.value[tree, node])
            open_nodes.append((child, bounds | {feature: interval}, moves | {feature: moves.get(feature, 0.0) + move}))
    return found
