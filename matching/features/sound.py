"""Names and titles in two scripts, compared by how they sound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

from catalog.sound import leaves_vowels_out
from matching.features.feature import Column, Feature, FeatureGroup
from matching.features.texts import row_ratio
from matching.names import combined, sound_forms
from matching.prepared import Integers, Pairs

_MOST_TEXTS = 3
Texts = tuple[str, ...]


def _compute(pairs: Pairs) -> list[Column]:
    titles = _compare([each.title.pieces if each.title else () for each in pairs.recordings], pairs)
    artists = _compare([each.credits for each in pairs.recordings], pairs)
    contributors = _compare([each.contributors for each in pairs.recordings], pairs)
    columns = [
        np.where(sounds.vowels_left_out == left_out, _best(sounds), np.nan)
        for sounds in (titles, artists)
        for left_out in (False, True)
    ]
    return [*columns, _mean_of_fewer(contributors)]


@dataclass(frozen=True)
class _Sounds:
    """How much every text of one side sounds like every text of the other, for the pairs of two scripts."""

    vowels_left_out: npt.NDArray[np.bool_]
    rows: Integers
    q: Integers
    m: Integers
    similarity: Column


def _compare(texts: Sequence[Texts], pairs: Pairs) -> _Sounds:
    """Compare a field of pairs in two scripts: by consonants where one of them writes few vowels."""
    latin = [all(text.isascii() for text in each) for each in texts]
    vowelless = [not plain and any(map(leaves_vowels_out, each)) for plain, each in zip(latin, texts, strict=True)]
    left_out = np.zeros(len(pairs.q), dtype=np.bool_)
    found: list[tuple[int, int, int]] = []
    q_keys: list[str] = []
    m_keys: list[str] = []
    for row, (one, other) in enumerate(zip(pairs.q.tolist(), pairs.m.tolist(), strict=True)):
        if latin[one] and latin[other]:
            continue
        left_out[row] = vowelless[one] or vowelless[other]
        q_texts, m_texts = texts[one][:_MOST_TEXTS], texts[other][:_MOST_TEXTS]
        for i, j in product(range(len(q_texts)), range(len(m_texts))):
            forms = (sound_forms(text, bool(left_out[row])) for text in (q_texts[i], m_texts[j]))
            for q_form, m_form in combined(*forms):
                found.append((row, i, j))
                q_keys.append(q_form)
                m_keys.append(m_form)
    places = np.array(found, dtype=np.int64).reshape(-1, 3)
    return _Sounds(left_out, places[:, 0], places[:, 1], places[:, 2], row_ratio(q_keys, m_keys))


def _best(sounds: _Sounds) -> Column:
    """Take the two texts that sound most alike."""
    result = np.full(len(sounds.vowels_left_out), np.nan)
    np.fmax.at(result, sounds.rows, sounds.similarity)
    return result


def _mean_of_fewer(sounds: _Sounds) -> Column:
    """Take the mean over the side with fewer texts, each with its best counterpart."""
    sides = []
    for places in (sounds.q, sounds.m):
        best = np.full((len(sounds.vowels_left_out), _MOST_TEXTS), np.nan)
        np.fmax.at(best, (sounds.rows, places), sounds.similarity)
        sides.append(best)
    present = [np.isfinite(best).sum(axis=1) for best in sides]
    with np.errstate(invalid="ignore"):
        q_mean, m_mean = (np.nansum(best, axis=1) / n for best, n in zip(sides, present, strict=True))
    uneven = np.where(present[0] < present[1], q_mean, m_mean)
    result: Column = np.where(present[0] == present[1], (q_mean + m_mean) / 2, uneven)
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
