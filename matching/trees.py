"""Boosted trees as plain arrays, kept as JSON; every path through them looks at two features at most."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from catalog.errors import DamagedArtefactError

Numbers = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class TreeEnsemble:
    """A sum of regression trees over pair features.

    Node arrays have shape (n_trees, n_nodes), padded with leaves of value 0; node 0 is the root. A leaf is its own
    child; other children stand behind their parents.

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

    def to_json(self) -> dict[str, object]:
        """Write the ensemble as JSON values.

        Returns
        -------
        dict
            Lists and numbers; floats survive the round trip exactly.
        """
        arrays = {name: getattr(self, name).tolist() for name in _ARRAYS}
        return {"bias": self.bias, **arrays}

    def rescaled(self, slope: float, intercept: float) -> TreeEnsemble:
        """Make trees that give a straight line of what these give.

        Parameters
        ----------
        slope : float
            Of the line.
        intercept : float
            Where it begins.

        Returns
        -------
        TreeEnsemble
            Of the same shape.
        """
        return replace(self, bias=slope * self.bias + intercept, value=slope * self.value)

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
            Checked: shapes agree, numbers are finite, no node points outside, and every child stands behind its one
            parent.

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
        columns = arrays["feature"]
        sound = len(shapes) == 1 and columns.ndim == 2 and columns.shape[1] > 0
        finite = all(np.isfinite(numbers).all() for numbers in (bias, arrays["threshold"], arrays["value"]))
        if not sound or not finite or not ((columns >= 0) & (columns < n_features)).all() or not _is_ordered(**arrays):
            raise DamagedArtefactError(
                f"expected finite node arrays of one shape (n_trees, n_nodes) over {n_features} features, children "
                f"behind their one parent, got {sorted(shapes)}"
            )
        return cls(bias=bias, **arrays)


def mean_of(*ensembles: TreeEnsemble) -> TreeEnsemble:
    """Make one ensemble that gives the mean of several.

    Parameters
    ----------
    *ensembles : TreeEnsemble
        Over the same features, one at least.

    Returns
    -------
    TreeEnsemble
        All trees of all, each counting its share.
    """
    width = max(each.left.shape[1] for each in ensembles)
    arrays: dict[str, Any] = {}
    for name in _ARRAYS:
        leaf_of_its_own = name in {"left", "right"}
        arrays[name] = np.concatenate(
            [_widened(getattr(each, name), width, leaf_of_its_own=leaf_of_its_own) for each in ensembles]
        )
    arrays["value"] = arrays["value"] / len(ensembles)
    return TreeEnsemble(bias=sum(each.bias for each in ensembles) / len(ensembles), **arrays)


def _widened(array: npt.NDArray[Any], width: int, *, leaf_of_its_own: bool) -> npt.NDArray[Any]:
    """Pad node arrays with leaves."""
    result = np.zeros((len(array), width), dtype=array.dtype)
    if leaf_of_its_own:
        result[:] = np.arange(width)
    result[:, : array.shape[1]] = array
    return result


def _is_ordered(left: Integers, right: Integers, **_: object) -> bool:
    """Whether every node is a leaf or has both children behind it and to itself, so that there are few paths."""
    nodes, n_nodes = np.arange(left.shape[1]), left.shape[1]
    leaf = (left == nodes) & (right == nodes)
    inner = (left > nodes) & (right > nodes) & (left < n_nodes) & (right < n_nodes)
    if not (leaf | inner).all():
        return False
    parents = np.zeros(left.shape, dtype=np.int64)
    trees = np.arange(len(left))[:, None]
    for side in (left, right):
        np.add.at(parents, (trees, side), inner)
    return bool((parents <= 1).all())


_ARRAYS = {
    "feature": np.int64,
    "threshold": np.float64,
    "missing_left": np.bool_,
    "left": np.int64,
    "right": np.int64,
    "value": np.float64,
}
