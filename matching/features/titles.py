"""Titles from several sides: without their notes, word by word, cut off, piece by piece."""

from __future__ import annotations

import numpy as np

from matching.features.feature import Column, Feature, FeatureGroup
from matching.features.texts import ratio, row_ratio
from matching.prepared import Integers, Pairs, Prepared
from matching.wordbags import overlap

_MOST_PIECES = 4


def _compute(pairs: Pairs) -> list[Column]:
    bases = [_solid(each.title.base) if each.title else "" for each in pairs.recordings]
    fulls = [_solid(each.title.full) if each.title else "" for each in pairs.recordings]
    comparable = pairs.comparable("title")
    base = np.where(comparable, ratio(bases, pairs.q, pairs.m), np.nan)
    words = overlap(pairs.bags("title"), pairs.shared("title"), pairs.q, pairs.m)
    cut = np.where(comparable, _cut_off(fulls, pairs.q, pairs.m), np.nan)
    return [base, *(np.where(comparable, column, np.nan) for column in words), cut, _pieces(base, pairs)]


def _solid(text: str) -> str:
    return text.replace(" ", "")


def _cut_off(fulls: list[str], q: Integers, m: Integers) -> Column:
    both = [(fulls[one], fulls[other]) for one, other in zip(q.tolist(), m.tolist(), strict=True)]
    lengths = [min(len(one), len(other)) for one, other in both]
    return row_ratio(
        [one[:length] for (one, _), length in zip(both, lengths, strict=True)],
        [other[:length] for (_, other), length in zip(both, lengths, strict=True)],
    )


def _pieces(base: Column, pairs: Pairs) -> Column:
    """Take the best match of any two pieces where a side has several."""
    result = base.copy()
    pieces = [_pieces_of(each) for each in pairs.recordings]
    flat_q: list[str] = []
    flat_m: list[str] = []
    rows: list[int] = []
    for row, (one, other) in enumerate(zip(pairs.q.tolist(), pairs.m.tolist(), strict=True)):
        if len(pieces[one]) * len(pieces[other]) > 1:
            for piece in pieces[one]:
                for counterpart in pieces[other]:
                    flat_q.append(piece)
                    flat_m.append(counterpart)
                    rows.append(row)
    if rows:
        np.fmax.at(result, rows, row_ratio(flat_q, flat_m))
    return result


def _pieces_of(prepared: Prepared) -> list[str]:
    return [_solid(piece) for piece in prepared.title.pieces[:_MOST_PIECES]] if prepared.title else []


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
