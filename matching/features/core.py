"""The five features that every catalogue has: cosine, title, artists, contributors and ISRC."""

from __future__ import annotations

from operator import attrgetter

import numpy as np
from rapidfuzz import fuzz

from matching.columns import Column
from matching.features.feature import Feature, FeatureGroup
from matching.names import CONTRIBUTOR_SCORERS, text_similarity
from matching.pairs import Pairs
from matching.prepared import Prepared, solid_title

_contributors = attrgetter("contributors")


def _cosine(pairs: Pairs) -> Column:
    return pairs.cosines.astype(np.float64)


def _titles(pairs: Pairs) -> Column:
    """Compare titles as delivered: the mean of edit similarity without blanks and of similarity as sets of words."""
    solids, titles = pairs.distinct(solid_title), pairs.distinct(_title)
    edits = solids.spread(text_similarity(solids.q, solids.m, (fuzz.ratio,)))
    words = titles.spread(text_similarity(titles.q, titles.m, (fuzz.token_set_ratio,)))
    return (edits + words) / 2


def _artists(pairs: Pairs) -> Column:
    return pairs.artists().overlap


def _same_contributors(pairs: Pairs) -> Column:
    return pairs.names(_contributors, CONTRIBUTOR_SCORERS).overlap


def _title(row: Prepared) -> str:
    return row.title.full if row.title else ""


CORE = FeatureGroup(
    "core",
    (
        Feature(
            "cosine",
            "vectors",
            "Cosine similarity of the vectors, -1 to 1; NaN where a side has no text.",
            "vectors near",
            "vectors apart",
        ),
        Feature(
            "title",
            "title",
            "Mean of edit similarity and similarity as sets of words, notes included; NaN without a title.",
            "same title",
            "other titles",
        ),
        Feature(
            "artists",
            "artists",
            "Similarity of the artists as sets of names; NaN without artists, Various Artists being none.",
            "same artists",
            "other artists",
        ),
        Feature(
            "contributors",
            "contributors",
            "Similarity of the contributors as sets of names; NaN without any.",
            "same contributors",
            "other contributors",
        ),
        Feature(
            "isrc",
            "ISRC",
            "1 for a common ISRC, 0 for conflicting ones; NaN where a side has no well-formed one.",
            "same ISRC",
            "conflicting ISRCs",
        ),
    ),
    (_cosine, _titles, _artists, _same_contributors, Pairs.same_isrc),
)
