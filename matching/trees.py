"""Boosted trees as plain arrays: kept as JSON, evaluated with numpy, and explained feature by feature."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from catalog.errors import DamagedArtefactError

_BLOCK = 4_096

Numbers = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class TreeEnsemble:
    """A sum of regression trees over pair features.

    Node arrays have shape (n_trees, n_nodes), padded with leaves of value 0; node 0 is the root. A leaf is its own
    child, so that walking any number of steps ends at it.

    Attributes
    ----------
    bias : float
        Added to the trees' sum.
    feature : numpy.ndarray
        int64; column that the node looks at.
    threshold : numpy.ndarray
        float64; values up to it go left.
    missing_left : numpy.ndarray
        bool; whether NaN goes left.
    left, right : numpy.ndarray
        int64; children.
    value : numpy.ndarray
        float64; a leaf's contribution, an inner node's mean over the training pairs that passed it.
    """

    bias: float
    feature: Integers
    threshold: Numbers
    missing_left: npt.NDArray[np.bool_]
    left: Integers
    right: Integers
    value: Numbers

    def contributions(self, features: npt.NDArray[np.float32]) -> Numbers:
        """Explain each sum: what every feature moved it by, walking down the trees (Saabas 2014).

        Parameters
        ----------
        features : numpy.ndarray
            Shape (n_pairs, n_features), float32; NaN is missing.

        Returns
        -------
        numpy.ndarray
            Shape (n_pairs, n_features + 1), float64; the last column is what holds before any feature is seen.
            A row's sum is the ensemble's output for the pair.
        """
        blocks = [self._explain(features[i : i + _BLOCK]) for i in range(0, len(features), _BLOCK)]
        return np.concatenate(blocks) if blocks else np.zeros((0, features.shape[1] + 1))

    def _explain(self, features: npt.NDArray[np.float32]) -> Numbers:
        n_pairs, n_features = features.shape
        pairs = np.arange(n_pairs)[:, None]
        trees = np.arange(len(self.feature))[None, :]
        nodes = np.zeros((n_pairs, len(self.feature)), dtype=np.int64)
        result = np.zeros((n_pairs, n_features + 1))
        result[:, -1] = self.bias + self.value[:, 0].sum()
        cells = pairs * (n_features + 1)
        while True:
            columns = self.feature[trees, nodes]
            seen = features[pairs, columns]
            goes_left = np.where(np.isnan(seen), self.missing_left[trees, nodes], seen <= self.threshold[trees, nodes])
            children = np.where(goes_left, self.left[trees, nodes], self.right[trees, nodes])
            if np.array_equal(children, nodes):
                return result
            moved = self.value[trees, children] - self.value[trees, nodes]
            sums = np.bincount((cells + columns).ravel(), moved.ravel(), minlength=result.size)
            result += sums.reshape(result.shape)
            nodes = children

    def to_json(self) -> dict[str, object]:
        """Write the ensemble as JSON values.

        Returns
        -------
        dict
            Lists and numbers; floats survive the round trip exactly.
        """
        arrays = {name: getattr(self, name).tolist() for name in _ARRAYS}
        return {"bias": self.bias, **arrays}

    @classmethod
    def from_json(cls, content: Mapping[str, object], n_features: int) -> TreeEnsemble:
        """Read what `to_json` wrote.

        Parameters
        ----------
        content : mapping
            JSON values.
        n_features : int
            Columns that the trees may look at.

        Returns
        -------
        TreeEnsemble
            Checked: shapes agree and no node points outside.

        Raises
        ------
        DamagedArtefactError
            If anything is absent, of another shape or out of range.
        """
        try:
            bias = float(str(content["bias"]))
            arrays: dict[str, Any] = {name: np.array(content[name], dtype=dtype) for name, dtype in _ARRAYS.items()}
        except (KeyError, TypeError, ValueError) as error:
            raise DamagedArtefactError(f"expected a tree ensemble with {', '.join(_ARRAYS)}, got: {error!r}") from error
        shapes = {array.shape for array in arrays.values()}
        n_nodes = arrays["left"].shape[-1] if arrays["left"].ndim == 2 else 0
        inside = all(((arrays[name] >= 0) & (arrays[name] < n_nodes)).all() for name in ("left", "right"))
        columns = arrays["feature"]
        if len(shapes) != 1 or not n_nodes or not inside or not ((columns >= 0) & (columns < n_features)).all():
            raise DamagedArtefactError(
                f"expected node arrays of one shape (n_trees, n_nodes) over {n_features} features, got {sorted(shapes)}"
            )
        return cls(bias=bias, **arrays)


_ARRAYS = {
    "feature": np.int64,
    "threshold": np.float64,
    "missing_left": np.bool_,
    "left": np.int64,
    "right": np.int64,
    "value": np.float64,
}
