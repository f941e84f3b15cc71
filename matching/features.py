"""What the classifier sees of a pair: five numbers, each symmetric and bounded, NaN where a side is missing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from rapidfuzz import fuzz

from catalog.isrc import IsrcState, compare_isrcs
from catalog.normalize import normalize
from catalog.recording import Recording
from matching.names import ARTIST_SCORERS, CONTRIBUTOR_SCORERS, set_similarity, text_similarity

FEATURES = ("cosine", "title", "artists", "contributors", "isrc")

Features = npt.NDArray[np.float32]


def pair_features(q: Sequence[Recording], m: Sequence[Recording], cosines: npt.NDArray[np.float32]) -> Features:
    """Compute the features of pairs.

    Parameters
    ----------
    q : sequence of Recording
        Queries, n_pairs long.
    m : sequence of Recording
        Candidates, n_pairs long.
    cosines : numpy.ndarray
        Shape (n_pairs,), cosine similarities of their vectors in [-1, 1]; NaN where a side has no text.

    Returns
    -------
    numpy.ndarray
        Shape (n_pairs, 5), float32, columns as `FEATURES`: the cosine; title, artists and contributors similarity in
        [0, 1]; 1 for a common ISRC and 0 for conflicting ones. NaN is missing. Swapping q and m changes nothing.
    """
    columns = (
        cosines,
        title_similarity([recording.title for recording in q], [recording.title for recording in m]),
        set_similarity([recording.artists for recording in q], [recording.artists for recording in m], ARTIST_SCORERS),
        set_similarity(
            [recording.contributors for recording in q],
            [recording.contributors for recording in m],
            CONTRIBUTOR_SCORERS,
        ),
        isrc_coincidence([recording.isrcs for recording in q], [recording.isrcs for recording in m]),
    )
    return np.column_stack(columns).astype(np.float32)


def title_similarity(q_titles: Sequence[str | None], m_titles: Sequence[str | None]) -> npt.NDArray[np.float64]:
    """Compare titles as delivered, version notes included.

    Parameters
    ----------
    q_titles : sequence of str or None
        Titles of one side, n long.
    m_titles : sequence of str or None
        Titles of the other, n long.

    Returns
    -------
    numpy.ndarray
        Shape (n,), float64, in [0, 1]: the mean of the edit similarity without blanks (lost blanks do not count) and
        the similarity of the sets of words (added notes count little); NaN where a side is missing.
    """
    q_texts, m_texts = [normalize(title or "") for title in q_titles], [normalize(title or "") for title in m_titles]
    q_solid, m_solid = [text.replace(" ", "") for text in q_texts], [text.replace(" ", "") for text in m_texts]
    edits = text_similarity(q_solid, m_solid, (fuzz.ratio,))
    words = text_similarity(q_texts, m_texts, (fuzz.token_set_ratio,))
    missing = [not q or not m for q, m in zip(q_texts, m_texts, strict=True)]
    return np.where(missing, np.nan, (edits + words) / 2)


def isrc_coincidence(q_isrcs: Sequence[Sequence[str]], m_isrcs: Sequence[Sequence[str]]) -> npt.NDArray[np.float64]:
    """Compare ISRCs exactly, after ISO 3901.

    Parameters
    ----------
    q_isrcs : sequence of sequence of str
        Codes of one side as delivered, n long.
    m_isrcs : sequence of sequence of str
        Codes of the other, n long.

    Returns
    -------
    numpy.ndarray
        Shape (n,), float64: 1 if a code is common, 0 if both sides have codes and none is common, NaN where a side has
        no code or none that is well formed.
    """
    values = {IsrcState.EQUAL: 1.0, IsrcState.CONFLICTING: 0.0}
    states = (compare_isrcs(q, m) for q, m in zip(q_isrcs, m_isrcs, strict=True))
    return np.array([values.get(state, np.nan) for state in states])
