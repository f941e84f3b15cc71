"""The five features that every catalogue has: cosine, title, artists, contributors and ISRC."""

from __future__ import annotations

import numpy as np
from rapidfuzz import fuzz

from matching.features.feature import Column, Feature, FeatureGroup
from matching.names import CONTRIBUTOR_SCORERS, compare_names, text_similarity
from matching.prepared import Pairs


def _compute(pairs: Pairs) -> list[Column]:
    contributors = [each.contributors for each in pairs.recordings]
    return [
        pairs.cosines.astype(np.float64),
        _titles(pairs),
        pairs.artists().overlap,
        compare_names(contributors, pairs.q, pairs.m, CONTRIBUTOR_SCORERS).overlap,
        _isrcs(pairs),
    ]


def _titles(pairs: Pairs) -> Column:
    """Compare titles as delivered: the mean of edit similarity without blanks and of similarity as sets of words."""
    texts = [each.title.full if each.title else "" for each in pairs.recordings]
    solid = [text.replace(" ", "") for text in texts]
    result = np.full(len(pairs.q), np.nan)
    sides = list(zip(pairs.q.tolist(), pairs.m.tolist(), strict=True))
    equal = [row for row, (q, m) in enumerate(sides) if texts[q] and texts[q] == texts[m]]
    asked = [row for row, (q, m) in enumerate(sides) if texts[q] and texts[m] and texts[q] != texts[m]]
    result[equal] = 1.0
    if asked:
        q_rows, m_rows = [sides[row][0] for row in asked], [sides[row][1] for row in asked]
        edits = text_similarity([solid[row] for row in q_rows], [solid[row] for row in m_rows], (fuzz.ratio,))
        words = text_similarity([texts[row] for row in q_rows], [texts[row] for row in m_rows], (fuzz.token_set_ratio,))
        result[asked] = (edits + words) / 2
    return result


def _isrcs(pairs: Pairs) -> Column:
    """Compare well-formed ISRCs exactly, after ISO 3901."""
    codes = [each.codes for each in pairs.recordings]
    result = np.full(len(pairs.q), np.nan)
    for row, (one, other) in enumerate(zip(pairs.q.tolist(), pairs.m.tolist(), strict=True)):
        if codes[one] and codes[other]:
            result[row] = not codes[one].isdisjoint(codes[other])
    return result


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
    _compute,
)
