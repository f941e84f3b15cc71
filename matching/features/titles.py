"""Titles from several sides: without their notes, word by word, cut off, piece by piece."""

from __future__ import annotations

import numpy as np
from rapidfuzz import fuzz

from matching.columns import Column
from matching.crossed import Crossed
from matching.features.feature import Feature, FeatureGroup
from matching.fuzzy import similarities, solid
from matching.pairs import Pairs
from matching.prepared import Prepared, solid_title

_MOST_PIECES = 4


def _bases(pairs: Pairs) -> Column:
    return pairs.once("title bases", lambda: pairs.where_comparable("title", pairs.similar(_base)))


def _words(pairs: Pairs) -> Column:
    return pairs.where_comparable("title", pairs.shared.overlap("title")[0])


def _contained(pairs: Pairs) -> Column:
    return pairs.where_comparable("title", pairs.shared.overlap("title")[1])


def _cut_off(pairs: Pairs) -> Column:
    """Compare as much of two titles as the shorter one has."""
    titles = pairs.distinct(solid_title)
    cut = [(q[: len(m)], m[: len(q)]) for q, m in zip(titles.q, titles.m, strict=True)]
    alike = similarities([q for q, _ in cut], [m for _, m in cut], fuzz.ratio)
    return pairs.where_comparable("title", titles.spread(alike))


def _pieces(pairs: Pairs) -> Column:
    """Take the best match of any two pieces where a side has several."""
    several = pairs.either(pairs.table.flags(_has_several))
    return np.fmax(_bases(pairs), *pairs.compare_sets(_pieces_of, _best_piece, 1, several))


def _best_piece(pieces: Crossed[str]) -> list[Column]:
    return [pieces.best(similarities(pieces.q, pieces.m, fuzz.ratio))]


def _base(prepared: Prepared) -> str:
    return solid(prepared.title.base) if prepared.title else ""


def _has_several(prepared: Prepared) -> bool:
    return prepared.title is not None and len(prepared.title.pieces) > 1


def _pieces_of(prepared: Prepared) -> tuple[str, ...]:
    return tuple(map(solid, prepared.title.pieces[:_MOST_PIECES])) if prepared.title else ()


TITLES = FeatureGroup(
    "titles",
    (
        Feature(
            "title_base",
            "title",
            "Edit similarity without version notes; NaN without a title.",
            "same base title",
            "other base title",
        ),
        Feature(
            "title_words",
            "title",
            "Weighted Jaccard index of the words without notes, rare ones weighing more; NaN without a title.",
            "the same title words",
            "other title words",
        ),
        Feature(
            "title_contained",
            "title",
            "Share of the shorter title's words, by weight, that the longer has; NaN without a title.",
            "one title holds the other",
            "neither title holds the other",
        ),
        Feature(
            "title_cut",
            "title",
            "Edit similarity up to the end of the shorter title, which may be cut off; NaN without a title.",
            "same beginning of the titles",
            "other beginning of the titles",
        ),
        Feature(
            "title_piece",
            "title",
            "Best edit similarity of two pieces between brackets and dashes; NaN without a title.",
            "a piece of the titles is the same",
            "no piece of the titles is the same",
        ),
    ),
    (_bases, _words, _contained, _cut_off, _pieces),
)
