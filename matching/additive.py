"""Trees whose paths look at two features at most, worked out as tables: fast, and explained without remainder.

Such an ensemble is a generalised additive model with pairwise interactions (Lou, Caruana, Gehrke and Hooker 2013): a
sum of functions of one or two features, each of them constant between the thresholds of its features. Looking those
up replaces walking down the trees.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from catalog.errors import DamagedArtefactError
from matching.cells import Cells, Table
from matching.trees import Numbers, TreeEnsemble

_BLOCK = 4096
# Far more than any training gives; a file that wants more is not one of ours.
_MOST_CELLS = 1 << 24


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
    def _cells(self) -> Cells:
        return Cells.of(self.thresholds, self.tables)


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
