"""Fuzzy comparison of two columns of texts; the only place that divides rapidfuzz's 0 to 100."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from rapidfuzz import process

from matching.columns import Column

Scorer = Callable[..., float]

# So few are compared sooner one by one.
_FEW = 8


def similarities(q_texts: Sequence[str], m_texts: Sequence[str], *scorers: Scorer) -> Column:
    """Compare two columns of normalised texts, row by row.

    Parameters
    ----------
    q_texts : sequence of str
        Of one side, n long, none of them empty.
    m_texts : sequence of str
        Of the other, n long.
    *scorers : callable
        rapidfuzz scorers; their mean counts.

    Returns
    -------
    numpy.ndarray
        Shape (n,), float64, in [0, 1].
    """
    total = np.zeros(len(q_texts))
    for scorer in scorers:
        if len(q_texts) < _FEW:
            total += [scorer(q, m) for q, m in zip(q_texts, m_texts, strict=True)]
        else:
            total += process.cpdist(q_texts, m_texts, scorer=scorer, dtype=np.float64)
    return total / (100 * len(scorers))


def best_similarity(q_texts: Sequence[str], m_texts: Sequence[str], scorer: Scorer) -> float:
    """Compare every text of one side with every text of the other.

    Parameters
    ----------
    q_texts : sequence of str
        Normalised texts of one side.
    m_texts : sequence of str
        Normalised texts of the other.
    scorer : callable
        Of rapidfuzz.

    Returns
    -------
    float
        That of the two that are most alike, in [0, 1]; NaN where a side has none.
    """
    return max([scorer(q, m) for q in q_texts for m in m_texts], default=np.nan) / 100


def solid(text: str) -> str:
    """Leave the blanks out: where words end is often written differently.

    Parameters
    ----------
    text : str
        Normalised.

    Returns
    -------
    str
        Its letters.
    """
    return text.replace(" ", "")
