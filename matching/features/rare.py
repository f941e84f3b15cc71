"""How much the agreement weighs: two "Intro" by unknown artists are not evidence."""

from __future__ import annotations

from functools import partial

import numpy as np

from matching.columns import Column, Integers
from matching.features.feature import Feature, FeatureGroup
from matching.pairs import Pairs
from matching.prepared import Prepared
from matching.rarity import bucket_of, whole_title

# Weight of shared words at which the evidence of rarity is half of all there can be: about one rare word.
_HALF = 1.0


def _title_rarity(pairs: Pairs) -> Column:
    titles = pairs.table.integers(_title_bucket)
    return np.minimum(*(_rarity(titles.take(side), pairs) for side in (pairs.q, pairs.m)))


def _title_bucket(prepared: Prepared) -> int:
    return bucket_of(whole_title(prepared.title.base)) if prepared.title else -1


def _rarity(buckets: Integers, pairs: Pairs) -> Column:
    return np.where(buckets >= 0, pairs.table.rarity.weights.take(buckets, mode="wrap"), np.nan)


def _shared(pairs: Pairs, field: str) -> Column:
    shared = pairs.shared.weight(field, field)
    return pairs.where_comparable(field, shared / (shared + _HALF))


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
    (_title_rarity, *(partial(_shared, field=field) for field in ("title", "artists", "all"))),
)
