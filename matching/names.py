"""Fields that list names, compared as sets of names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import regex
from rapidfuzz import fuzz, process

from catalog.normalize import normalize, romanize

# How several names are joined into one text; words only where they stand alone between names.
_JOINERS = regex.compile(
    r"\s*[&/;+×]\s*|\s*[(\[{)\]}]\s*|\s+(?:and|y|und|et|e|feat\.?|ft\.?|featuring|with|con|mit|avec|vs\.?|x)\s+",
    regex.IGNORECASE,
)
_ARTICLE = "the"
# Every name is compared with every name of the other side; a longer list than this is no credit but an attack or a bug.
_MOST_NAMES = 64
_CACHE_SIZE = 1 << 16

Similarities = npt.NDArray[np.float64]
Scorer = Callable[..., float]


@lru_cache(maxsize=_CACHE_SIZE)
def names_of(entries: tuple[str, ...]) -> tuple[str, ...]:
    """Read the names out of a list field.

    Entries that hold several names are cut at their joiners ("A & B", "A feat. B", "A (B)"); "Surname, First" and
    "X, The" are one name. A name's words are normalised and sorted and the article is dropped, so that
    "Beatles, The", "The Beatles" and "BEATLES" are one and the same.

    Parameters
    ----------
    entries : tuple of str
        A list field of a recording, as delivered.

    Returns
    -------
    tuple of str
        Comparable names, sorted, without repetition, the first 64 of them; empty if the field is missing.
    """
    names: set[str] = set()
    for entry in entries:
        for part in _JOINERS.split(entry):
            names.update(_comparable(name) for name in _cut_at_commas(part))
    return tuple(sorted(names - {""})[:_MOST_NAMES])


def set_similarity(
    q_fields: Sequence[tuple[str, ...]], m_fields: Sequence[tuple[str, ...]], scorers: Sequence[Scorer]
) -> Similarities:
    """Compare two columns of list fields, row by row, as sets of names.

    Every name is compared with every name of the other side, in its own script and in Latin letters, and keeps its
    best. A row's similarity is the mean of these over all names, averaged with their mean over the shorter side:
    names that only one side has lower it, but not to nothing.

    Parameters
    ----------
    q_fields : sequence of tuple of str
        List fields of one side as delivered, n long.
    m_fields : sequence of tuple of str
        List fields of the other, n long.
    scorers : sequence of callable
        rapidfuzz scorers for two names; their mean counts.

    Returns
    -------
    numpy.ndarray
        Shape (n,), float64, in [0, 1]; NaN where a side is missing. Symmetric in its arguments.
    """
    q_names, m_names = [names_of(field) for field in q_fields], [names_of(field) for field in m_fields]
    result = np.full(len(q_names), np.nan)
    for row, (q, m) in enumerate(zip(q_names, m_names, strict=True)):
        if q == m and q:
            result[row] = 1.0
    open_rows = [row for row in np.flatnonzero(np.isnan(result)).tolist() if q_names[row] and m_names[row]]
    if not open_rows:
        return result
    flat_q = [q for row in open_rows for q in q_names[row] for _ in m_names[row]]
    flat_m = [m for row in open_rows for _ in q_names[row] for m in m_names[row]]
    similarities = text_similarity(flat_q, flat_m, scorers)
    start = 0
    for row in open_rows:
        shape = (len(q_names[row]), len(m_names[row]))
        stop = start + shape[0] * shape[1]
        result[row] = _soft_overlap(similarities[start:stop].reshape(shape))
        start = stop
    return result


def text_similarity(q_texts: Sequence[str], m_texts: Sequence[str], scorers: Sequence[Scorer]) -> Similarities:
    """Compare two columns of normalised texts, row by row, in their own script and in Latin letters.

    Parameters
    ----------
    q_texts : sequence of str
        Normalised texts of one side, n long.
    m_texts : sequence of str
        Normalised texts of the other, n long.
    scorers : sequence of callable
        rapidfuzz scorers; their mean counts.

    Returns
    -------
    numpy.ndarray
        Shape (n,), float64, in [0, 1].
    """
    result = _mean_similarity(q_texts, m_texts, scorers)
    foreign = [
        row for row, (q, m) in enumerate(zip(q_texts, m_texts, strict=True)) if not (q.isascii() and m.isascii())
    ]
    if foreign:
        q_latin = [_sorted_words(romanize(q_texts[row])) for row in foreign]
        m_latin = [_sorted_words(romanize(m_texts[row])) for row in foreign]
        result[foreign] = np.maximum(result[foreign], _mean_similarity(q_latin, m_latin, scorers))
    return result


def _mean_similarity(q_texts: Sequence[str], m_texts: Sequence[str], scorers: Sequence[Scorer]) -> Similarities:
    total = np.zeros(len(q_texts))
    for scorer in scorers:
        total += process.cpdist(q_texts, m_texts, scorer=scorer, dtype=np.float64)
    return total / (100 * len(scorers))


def _soft_overlap(similarities: Similarities) -> float:
    q_best, m_best = similarities.max(axis=1), similarities.max(axis=0)
    everyone = (q_best.sum() + m_best.sum()) / (len(q_best) + len(m_best))
    if len(q_best) == len(m_best):
        return float(everyone)
    shorter = q_best if len(q_best) < len(m_best) else m_best
    return float((everyone + shorter.mean()) / 2)


def _cut_at_commas(text: str) -> list[str]:
    parts = [part.strip() for part in text.split(",")]
    if len(parts) == 2 and any(len(part.split()) == 1 for part in parts):
        return [f"{parts[1]} {parts[0]}"]
    return parts


def _comparable(name: str) -> str:
    words = normalize(name).split()
    return " ".join(sorted(word for word in words if word != _ARTICLE) or words)


def _sorted_words(text: str) -> str:
    return " ".join(sorted(text.split()))


ARTIST_SCORERS: tuple[Scorer, ...] = (fuzz.ratio, fuzz.token_set_ratio)
CONTRIBUTOR_SCORERS: tuple[Scorer, ...] = (fuzz.token_set_ratio,)
