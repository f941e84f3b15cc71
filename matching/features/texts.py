"""Fuzzy comparison of two columns of texts, row by row."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from rapidfuzz import fuzz, process

from matching.features.feature import Column
from matching.prepared import Integers

Scorer = Callable[..., float]


def ratio(texts: Sequence[str], q: Integers, m: Integers, scorer: Scorer = fuzz.ratio) -> Column:
    """Compare texts by edit distance, or by another symmetric scorer.

    Parameters
    ----------
    texts : sequence of str
        Normalised texts of distinct recordings; empty is missing.
    q : numpy.ndarray
        Shape (n_pairs,), places in `texts`.
    m : numpy.ndarray
        Shape (n_pairs,), places in `texts`.
    scorer : callable
        Of rapidfuzz.

    Returns
    -------
    numpy.ndarray
        Shape (n_pairs,), float64, in [0, 1]; NaN where a side is missing.
    """
    q_texts, m_texts = [texts[place] for place in q.tolist()], [texts[place] for place in m.tolist()]
    return row_ratio(q_texts, m_texts, scorer)


def row_ratio(q_texts: Sequence[str], m_texts: Sequence[str], scorer: Scorer = fuzz.ratio) -> Column:
    """Compare two columns of texts, row by row.

    Parameters
    ----------
    q_texts : sequence of str
        Normalised texts of one side, n long; empty is missing.
    m_texts : sequence of str
        Normalised texts of the other, n long.
    scorer : callable
        Of rapidfuzz; equal texts are not asked about.

    Returns
    -------
    numpy.ndarray
        Shape (n,), float64, in [0, 1]; NaN where a side is missing.
    """
    result = np.ones(len(q_texts))
    missing: list[int] = []
    asked: list[int] = []
    for row, (one, other) in enumerate(zip(q_texts, m_texts, strict=True)):
        if not one or not other:
            missing.append(row)
        elif one != other:
            asked.append(row)
    result[missing] = np.nan
    if asked:
        ours, theirs = [q_texts[row] for row in asked], [m_texts[row] for row in asked]
        result[asked] = process.cpdist(ours, theirs, scorer=scorer, dtype=np.float64) / 100
    return result
