"""Names and titles in two scripts, compared by how they sound."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from catalog.sound import leaves_vowels_out
from matching.distinct import Crossed, Flags
from matching.features.feature import Column, Feature, FeatureGroup
from matching.names import sound_similarity
from matching.prepared import Pairs

_MOST_TEXTS = 3


def _compute(pairs: Pairs) -> list[Column]:
    titles = _compare([each.title.pieces if each.title else () for each in pairs.recordings], pairs)
    artists = _compare([each.credits for each in pairs.recordings], pairs)
    contributors = _compare([each.contributors for each in pairs.recordings], pairs)
    return [
        *(
            np.where(sounds.vowels_left_out == out, sounds.best, np.nan)
            for sounds in (titles, artists)
            for out in (0, 1)
        ),
        contributors.mean,
    ]


class _Sounds(NamedTuple):
    """How much the texts of two sides sound alike, for the pairs of two scripts; each of shape (n_pairs,)."""

    vowels_left_out: Flags
    best: Column
    mean: Column


def _compare(texts: Sequence[tuple[str, ...]], pairs: Pairs) -> _Sounds:
    """Compare a field of pairs in two scripts: by consonants where one of them writes few vowels."""
    few = [each[:_MOST_TEXTS] for each in texts]
    foreign = np.array([not all(map(str.isascii, each)) for each in texts], dtype=np.bool_)
    vowelless = np.array([any(map(leaves_vowels_out, each)) for each in few], dtype=np.bool_)
    left_out = {value: bool(out) for value, out in zip(few, vowelless, strict=True)}
    sets = pairs.distinct(few, wanted=foreign[pairs.q] | foreign[pairs.m])
    crossed = Crossed.of(sets.q, sets.m)
    consonants = [left_out[one] or left_out[other] for one, other in zip(sets.q, sets.m, strict=True)]
    alike = sound_similarity(crossed.q, crossed.m, np.repeat(consonants, crossed.sizes).tolist())
    best, mean = crossed.best(alike), _mean_of_fewer(crossed, np.nan_to_num(alike))
    return _Sounds(vowelless[pairs.q] | vowelless[pairs.m], sets.spread(best), sets.spread(mean))


def _mean_of_fewer(crossed: Crossed[str], alike: Column) -> Column:
    """Take the mean over the side with fewer texts, each with its best counterpart."""
    q_sum, m_sum = crossed.sums_of_best(alike)
    q_mean, m_mean = q_sum / crossed.q_counts, m_sum / crossed.m_counts
    uneven = np.where(crossed.q_counts < crossed.m_counts, q_mean, m_mean)
    result: Column = np.where(crossed.q_counts == crossed.m_counts, (q_mean + m_mean) / 2, uneven)
    return result


SOUND = FeatureGroup(
    "sound",
    (
        Feature(
            "title_sound",
            "title",
            "Similarity of the titles by sound; NaN unless one is in another script, one that writes vowels.",
            "titles sound alike",
            "titles sound different",
        ),
        Feature(
            "title_consonants",
            "title",
            "Similarity of the titles' consonants; NaN unless one is in Arabic or Hebrew letters.",
            "titles share consonants",
            "titles have other consonants",
        ),
        Feature(
            "artist_sound",
            "artists",
            "Similarity of the credited names by sound; NaN unless one is in another script, one that writes vowels.",
            "artists sound alike",
            "artists sound different",
        ),
        Feature(
            "artist_consonants",
            "artists",
            "Similarity of the credited names' consonants; NaN unless one is in Arabic or Hebrew letters.",
            "artists share consonants",
            "artists have other consonants",
        ),
        Feature(
            "contributor_sound",
            "contributors",
            "Similarity of the contributors by sound; NaN unless one is in another script.",
            "contributors sound alike",
            "contributors sound different",
        ),
    ),
    _compute,
)
