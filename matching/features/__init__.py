"""What the classifier sees of a pair: numbers in groups, each symmetric and bounded, NaN where a side is missing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from catalog.errors import InputError
from catalog.recording import Recording
from matching.features.codes import CODES
from matching.features.core import CORE
from matching.features.feature import Compute, Feature, FeatureGroup, Features
from matching.features.fields import FIELDS
from matching.features.people import PEOPLE
from matching.features.rare import RARITY
from matching.features.release import RELEASE
from matching.features.sound import SOUND
from matching.features.titles import TITLES
from matching.features.versions import VERSIONS
from matching.pairs import Pairs
from matching.rarity import Rarity

GROUPS: dict[str, FeatureGroup] = {
    group.name: group for group in (CORE, TITLES, VERSIONS, PEOPLE, FIELDS, RELEASE, CODES, SOUND, RARITY)
}
FEATURES: tuple[Feature, ...] = tuple(feature for group in GROUPS.values() for feature in group.features)
NAMES: tuple[str, ...] = tuple(feature.name for feature in FEATURES)
_COLUMNS: dict[str, Compute] = {
    feature.name: compute
    for group in GROUPS.values()
    for feature, compute in zip(group.features, group.columns, strict=True)
}

# Pairs at once: more of them share more values, and take more memory.
BLOCK = 32_768

__all__ = [
    "BLOCK",
    "FEATURES",
    "GROUPS",
    "NAMES",
    "Feature",
    "FeatureGroup",
    "Features",
    "features_of",
    "names_without",
    "pair_features",
]


def pair_features(
    q: Sequence[Recording],
    m: Sequence[Recording],
    cosines: npt.NDArray[np.float32],
    rarity: Rarity,
    names: Sequence[str] = NAMES,
) -> Features:
    """Compute the features of pairs.

    Parameters
    ----------
    q : sequence of Recording
        Queries, n_pairs long.
    m : sequence of Recording
        Candidates, n_pairs long.
    cosines : numpy.ndarray
        Shape (n_pairs,), float32, cosine similarities of their vectors in [-1, 1]; NaN where a side has no text.
    rarity : Rarity
        Of the catalogue's words.
    names : sequence of str
        Features wanted.

    Returns
    -------
    numpy.ndarray
        Shape (n_pairs, n_names), float32, columns as `names`; NaN is missing. Swapping q and m changes nothing.
    """
    return features_of(Pairs.of(q, m, cosines, rarity), names)


def features_of(pairs: Pairs, names: Sequence[str] = NAMES, needed: Collection[str] | None = None) -> Features:
    """Compute the features of pairs of rows of a table; many calls may share the table.

    Parameters
    ----------
    pairs : Pairs
        Any number of them.
    names : sequence of str
        Features wanted.
    needed : collection of str, optional
        Those that will be looked at, if not all: the others are left out of the work, and are NaN.

    Returns
    -------
    numpy.ndarray
        Shape (n_pairs, n_names), float32, as of `pair_features`.

    Raises
    ------
    InputError
        If there is no feature of a name.
    """
    features = np.full((len(names), len(pairs.q)), np.nan, dtype=np.float32)  # written and looked up by columns
    wanted = _computed(tuple(names), None if needed is None else frozenset(needed))
    for start in range(0, len(pairs.q), BLOCK):
        block = pairs.block(start, start + BLOCK)
        for place, compute in wanted:
            features[place, start : start + BLOCK] = compute(block)
    return features.T


@lru_cache
def _computed(names: tuple[str, ...], needed: frozenset[str] | None) -> list[tuple[int, Compute]]:
    """Find how the features that are needed are computed, and where they stand among the names."""
    if unknown := set(names) - _COLUMNS.keys():
        raise InputError(f"expected features out of {', '.join(NAMES)}, got {', '.join(sorted(unknown))}")
    return [(place, _COLUMNS[name]) for place, name in enumerate(names) if needed is None or name in needed]


def names_without(groups: Sequence[str]) -> tuple[str, ...]:
    """List the features that are left when groups are switched off.

    Parameters
    ----------
    groups : sequence of str
        Names of `GROUPS`, other than that of the five features that every model has.

    Returns
    -------
    tuple of str
        In the order of `NAMES`.

    Raises
    ------
    InputError
        If there is no such group.
    """
    optional = [name for name in GROUPS if name != CORE.name]
    if unknown := [group for group in groups if group not in optional]:
        raise InputError(f"expected feature groups out of {', '.join(optional)}, got {', '.join(unknown)}")
    return tuple(feature.name for group in GROUPS.values() if group.name not in groups for feature in group.features)
