"""How much the agreement weighs: two "Intro" by unknown artists are not evidence."""

from __future__ import annotations

import numpy as np

from matching.features.feature import Column, Feature, FeatureGroup
from matching.prepared import Pairs
from matching.rarity import bucket_of, whole_title

# Weight of shared words at which the evidence of rarity is half of all there can be: about one rare word.
_HALF = 1.0


def _compute(pairs: Pairs) -> list[Column]:
    weights, q, m = pairs.rarity.weights, pairs.q, pairs.m
    titles = np.array(
        [weights[bucket_of(whole_title(each.title.base))] if each.title else np.nan for each in pairs.recordings]
    )
    return [
        np.minimum(titles[q], titles[m]),
        *(_shared(pairs, field) for field in ("title", "artists", "all")),
    ]


def _shared(pairs: Pairs, field: str) -> Column:
    bags, shared = pairs.bags(field), pairs.shared(field)
    missing = (bags.totals[pairs.q] == 0) | (bags.totals[pairs.m] == 0) | ~pairs.comparable(field)
    return np.where(missing, np.nan, shared / (shared + _HALF))


RARITY = FeatureGroup(
    "rarity",
    (
        Feature(
            "title_rarity",
            "title",
            "How rare the commoner of the two base titles is in the catalogue; NaN without a title.",
            "a rare title",
            "a common title",
            rises=False,
        ),
        Feature(
            "title_evidence",
            "title",
            "Weight of the shared title words, 0.5 for about one rare word; NaN without a title.",
            "rare title words in common",
            "no rare title words in common",
        ),
        Feature(
            "artist_evidence",
            "artists",
            "The same for the artists.",
            "rare artist words in common",
            "no rare artist words in common",
        ),
        Feature(
            "all_evidence",
            "words of all fields",
            "The same over all fields.",
            "rare words in common",
            "no rare words in common",
        ),
    ),
    _compute,
)
