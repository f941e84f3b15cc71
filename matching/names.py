"""Fields that list names, compared as sets of names."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from operator import add
from typing import NamedTuple

import numpy as np
from rapidfuzz import fuzz

from catalog.normalize import romanize
from catalog.sound import leaves_vowels_out, readings, skeleton, sound_key
from matching.columns import Column
from matching.crossed import Crossed
from matching.fuzzy import Scorer, best_similarity, similarities

_CACHE_SIZE = 1 << 16


class NameSimilarities(NamedTuple):
    """How alike two sides' sets of names are.

    Attributes
    ----------
    overlap : numpy.ndarray
        Shape (n,), float64, in [0, 1]: the mean over all names of their best counterparts, averaged with the mean over
        the shorter side; names that only one side has lower it, but not to nothing.
    best : numpy.ndarray
        Shape (n,), float64, in [0, 1]: of the two names that are most alike.
    """

    overlap: Column
    best: Column


def compare_names(names: Crossed[str], scorers: Sequence[Scorer]) -> NameSimilarities:
    """Compare sets of names, every name with every name of the other side, in its own script and in Latin letters.

    Parameters
    ----------
    names : Crossed
        Comparable names, n rows, no set empty.
    scorers : sequence of callable
        rapidfuzz scorers for two names; their mean counts.

    Returns
    -------
    NameSimilarities
        Symmetric in q and m.
    """
    alike = text_similarity(names.q, names.m, scorers)
    q_sum, m_sum = names.sums_of_best(alike)
    everyone = (q_sum + m_sum) / (names.q_counts + names.m_counts)
    shorter = np.where(names.q_counts < names.m_counts, q_sum / names.q_counts, m_sum / names.m_counts)
    overlap = np.where(names.q_counts == names.m_counts, everyone, (everyone + shorter) / 2)
    return NameSimilarities(overlap, names.best(alike))


def text_similarity(q_texts: Sequence[str], m_texts: Sequence[str], scorers: Sequence[Scorer]) -> Column:
    """Compare two columns of normalised texts, row by row, in their own script and in Latin letters.

    Parameters
    ----------
    q_texts : sequence of str
        Normalised texts of one side, n long, none empty.
    m_texts : sequence of str
        Normalised texts of the other, n long, none empty.
    scorers : sequence of callable
        rapidfuzz scorers; their mean counts.

    Returns
    -------
    numpy.ndarray
        Shape (n,), float64, in [0, 1].
    """
    result = similarities(q_texts, m_texts, *scorers)
    if "".join(q_texts).isascii() and "".join(m_texts).isascii():
        return result
    foreign = [row for row, both in enumerate(map(add, q_texts, m_texts)) if not both.isascii()]
    q_latin, m_latin = ([_latin(texts[row]) for row in foreign] for texts in (q_texts, m_texts))
    told = [bool(q and m) for q, m in zip(q_latin, m_latin, strict=True)]  # not every letter has a reading
    result[foreign] = np.maximum(result[foreign], similarities(q_latin, m_latin, *scorers) * told)
    if across := [row for row in foreign if q_texts[row].isascii() != m_texts[row].isascii()]:
        sounds = sound_similarity([q_texts[row] for row in across], [m_texts[row] for row in across])
        result[across] = np.fmax(result[across], sounds)
    return result


def sound_similarity(q_texts: Sequence[str], m_texts: Sequence[str]) -> Column:
    """Compare two columns of texts in two scripts, row by row, by how they sound.

    Parameters
    ----------
    q_texts : sequence of str
        Normalised texts of one side, n long.
    m_texts : sequence of str
        Normalised texts of the other, n long.

    Returns
    -------
    numpy.ndarray
        Shape (n,), float64, in [0, 1]: of the readings that sound most alike; by consonants where a side writes no
        vowels. NaN where a text has no sound.
    """
    return np.fromiter(map(_sound_similarity, q_texts, m_texts), np.float64, len(q_texts))


def _sound_similarity(q_text: str, m_text: str) -> float:
    consonants = leaves_vowels_out(q_text) or leaves_vowels_out(m_text)
    q_forms, m_forms = sound_forms(q_text, consonants), sound_forms(m_text, consonants)
    return best_similarity(q_forms, m_forms, fuzz.ratio)


@lru_cache(maxsize=_CACHE_SIZE)
def sound_forms(text: str, consonants: bool) -> tuple[str, ...]:
    """Write what a text may sound like, in forms to be compared letter by letter.

    Parameters
    ----------
    text : str
        Normalised.
    consonants : bool
        Whether to leave the vowels out.

    Returns
    -------
    tuple of str
        The keys of its readings, without blanks and with sorted words; empty if nothing sounds.
    """
    keys = [sound_key(reading) for reading in readings(text)]
    forms = dict.fromkeys("".join(words) for key in keys for words in (key.split(), sorted(key.split())))
    return tuple(filter(None, dict.fromkeys(map(skeleton, forms)) if consonants else forms))


@lru_cache(maxsize=_CACHE_SIZE)
def _latin(text: str) -> str:
    return " ".join(sorted(romanize(text).split()))


ARTIST_SCORERS: tuple[Scorer, ...] = (fuzz.ratio, fuzz.token_set_ratio)
CONTRIBUTOR_SCORERS: tuple[Scorer, ...] = (fuzz.token_set_ratio,)
