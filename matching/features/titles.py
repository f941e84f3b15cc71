"""Titles from several sides: without their notes, word by word, cut off, piece by piece."""

from __future__ import annotations

import numpy as np
from rapidfuzz import fuzz

from matching.distinct import Crossed
from matching.features.feature import Column, Feature, FeatureGroup
from matching.fuzzy import similarities
from matching.prepared import Pairs, Prepared
from matching.wordbags import overlap

_MOST_PIECES = 4


def _compute(pairs: Pairs) -> list[Column]:
    base = pairs.similar([_solid(each.title.base) if each.title else "" for each in pairs.recordings])
    words = overlap(pairs.bags("title"), pairs.shared("title"), pairs.q, pairs.m)
    comparable = pairs.comparable("title")
    base, *rest = (np.where(comparable, column, np.nan) for column in (base, *words, _cut_off(pairs)))
    return [base, *rest, _pieces(base, pairs)]


def _solid(text: str) -> str:
    return text.replace(" ", "")


def _cut_off(pairs: Pairs) -> Column:
    """Compare as much of two titles as the shorter one has."""
    titles = pairs.distinct([_solid(each.title.full) if each.title else "" for each in pairs.recordings])
    both = [(one[: len(other)], other[: len(one)]) for one, other in zip(titles.q, titles.m, strict=True)]
    return titles.spread(similarities([one for one, _ in both], [other for _, other in both], fuzz.ratio))


def _pieces(base: Column, pairs: Pairs) -> Column:
    """Take the best match of any two pieces where a side has several."""
    pieces_of = [_pieces_of(each) for each in pairs.recordings]
    several = np.array([len(pieces) > 1 for pieces in pieces_of], dtype=np.bool_)
    titles = pairs.distinct(pieces_of, wanted=several[pairs.q] | several[pairs.m])
    pieces = Crossed.of(titles.q, titles.m)
    return np.fmax(base, titles.spread(pieces.best(similarities(pieces.q, pieces.m, fuzz.ratio))))


def _pieces_of(prepared: Prepared) -> tuple[str, ...]:
    return tuple(map(_solid, prepared.title.pieces[:_MOST_PIECES])) if prepared.title else ()


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
    _compute,
)
