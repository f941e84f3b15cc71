"""What a feature is, and the groups that they are switched on and off by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from matching.columns import Column
from matching.pairs import Pairs

Features = npt.NDArray[np.float32]
Compute = Callable[[Pairs], Column]


@dataclass(frozen=True)
class Feature:
    """One number about a pair: symmetric, bounded, NaN where there is nothing to compare.

    Attributes
    ----------
    name : str
        Of the column.
    topic : str
        What it is about; an explanation sums up the features of a topic.
    meaning : str
        What it measures, with its range if that is not 0 to 1, and when it is missing.
    agree, differ : str
        How an explanation words a value of at least one half, and one below.
    rises : bool
        Whether more of it can only make a match likelier; the classifier is held to that.
    """

    name: str
    topic: str
    meaning: str
    agree: str
    differ: str
    rises: bool = True


@dataclass(frozen=True)
class FeatureGroup:
    """Features that are switched on and off together.

    Attributes
    ----------
    name : str
        Of the group.
    features : tuple of Feature
        Its columns.
    columns : tuple of callable
        Pairs to the column of each of `features`, shape (n_pairs,). What several share is computed `once`.
    """

    name: str
    features: tuple[Feature, ...]
    columns: tuple[Compute, ...]

    def __post_init__(self) -> None:
        if len(self.features) != len(self.columns):
            raise ValueError(f"expected {len(self.features)} columns in group {self.name}, got {len(self.columns)}")
