"""Names and titles in two scripts, compared by how they sound."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from catalog.sound import leaves_vowels_out
from matching.columns import Column, Flags
from matching.crossed import Crossed
from matching.features.feature import Feature, FeatureGroup
from matching.names import sound_similarity
from matching.pairs import Pairs
from matching.prepared import Prepared

_MOST_TEXTS = 3
Texts = tuple[str, ...]


def _best(pairs: Pairs, field: _Field, by_consonants: bool) -> Column:
    sounds = pairs.once(field, lambda: _compare(field, pairs))
    return np.where(sounds.consonants == by_consonants, sounds.best, np.nan)


def _mean(pairs: Pairs, field: _Field) -> Column:
    return _compare(field, pairs).mean


class _Sounds(NamedTuple):
    """How much the texts of two sides sound alike, for the pairs of two scripts; each of shape (n_pairs,)."""

    consonants: Flags
    best: Column
    mean: Column


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


def _compare(field: _Field, pairs: Pairs) -> _Sounds:
    """Compare a field of pairs in two scripts: by consonants where one of them writes few vowels."""
    foreign, vowelless = (pairs.either(pairs.table.flags(tell)) for tell in (field.is_foreign, field.is_vowelless))
    best, mean = pairs.compare_sets(field.texts, _by_sound, 2, foreign)
    return _Sounds(vowelless, best, mean)


def _by_sound(texts: Crossed[str]) -> list[Column]:
    alike = sound_similarity(texts.q, texts.m)
    return [texts.best(alike), _mean_of_fewer(texts, alike)]


def _mean_of_fewer(texts: Crossed[str], alike: Column) -> Column:
    """Take the mean over the side with fewer texts that have a sound, each with its best counterpart."""
    sounding = np.isfinite(alike)
    q_sum, m_sum = texts.sums_of_best(np.where(sounding, alike, 0))
    q_some, m_some = texts.sums_of_best(sounding.astype(np.float64))
    with np.errstate(invalid="ignore"):
        q_mean, m_mean = q_sum / q_some, m_sum / m_some
    result: Column = np.where(q_some == m_some, (q_mean + m_mean) / 2, np.where(q_some < m_some, q_mean, m_mean))
    return result


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
