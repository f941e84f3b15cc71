"""Names and titles in two scripts, compared by how they sound."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from catalog.sound import leaves_vowels_out
from matching.columns import Column
from matching.crossed import Crossed
from matching.features.feature import Feature, FeatureGroup
from matching.names import sound_similarity
from matching.pairs import Pairs
from matching.prepared import Prepared

_MOST_TEXTS = 3
Texts = tuple[str, ...]


def _best(pairs: Pairs, field: _Field, by_consonants: bool) -> Column:
    """Compare a field by its best two texts: by consonants where one of them writes few vowels."""
    best = pairs.once(("best by sound", field), lambda: _compare(field, pairs, _best_by_sound))
    vowelless = pairs.either(pairs.table.flags(field.is_vowelless))
    return np.where(vowelless == by_consonants, best, np.nan)


def _mean(pairs: Pairs, field: _Field) -> Column:
    return _compare(field, pairs, _mean_by_sound)


class _Field(NamedTuple):
    """How a field is read: its texts, and whether one of them is in another script, or writes few vowels."""

    texts: Callable[[Prepared], Texts]
    is_foreign: Callable[[Prepared], bool]
    is_vowelless: Callable[[Prepared], bool]

    @classmethod
    def of(cls, texts: Callable[[Prepared], Texts]) -> _Field:
        return cls(
            texts,
            lambda prepared: not all(map(str.isascii, texts(prepared))),
            lambda prepared: any(map(leaves_vowels_out, texts(prepared))),
        )


def _compare(field: _Field, pairs: Pairs, by_sound: Callable[[Crossed[str]], list[Column]]) -> Column:
    """Compare a field of pairs of which a side is in another script."""
    foreign = pairs.either(pairs.table.flags(field.is_foreign))
    return pairs.compare_sets(field.texts, by_sound, 1, foreign)[0]


def _best_by_sound(texts: Crossed[str]) -> list[Column]:
    return [texts.best(sound_similarity(texts.q, texts.m))]


def _mean_by_sound(texts: Crossed[str]) -> list[Column]:
    """Take the mean over the side with fewer texts that have a sound, each with its best counterpart."""
    alike = sound_similarity(texts.q, texts.m)
    sounding = np.isfinite(alike)
    q_sum, m_sum = texts.sums_of_best(np.where(sounding, alike, 0))
    q_some, m_some = texts.sums_of_best(sounding.astype(np.float64))
    with np.errstate(invalid="ignore"):
        q_mean, m_mean = q_sum / q_some, m_sum / m_some
    return [np.where(q_some == m_some, (q_mean + m_mean) / 2, np.where(q_some < m_some, q_mean, m_mean))]


def _titles(prepared: Prepared) -> Texts:
    return _few(prepared.title.pieces) if prepared.title else ()


def _first_credits(prepared: Prepared) -> Texts:
    return _few(prepared.credits)


def _first_contributors(prepared: Prepared) -> Texts:
    return _few(prepared.contributors)


def _few(texts: Texts) -> Texts:
    """Take those in other scripts first: they are what is compared by sound."""
    return texts if len(texts) <= _MOST_TEXTS else tuple(sorted(texts, key=str.isascii)[:_MOST_TEXTS])


_FIELDS = tuple(map(_Field.of, (_titles, _first_credits, _first_contributors)))

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
            "The same by consonants where a text lacks vowels; NaN unless one is in Arabic or Hebrew letters.",
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
            "The same by consonants where a name lacks vowels; NaN unless one is in Arabic or Hebrew letters.",
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
    (
        *(partial(_best, field=field, by_consonants=only) for field in _FIELDS[:2] for only in (False, True)),
        partial(_mean, field=_FIELDS[2]),
    ),
)
