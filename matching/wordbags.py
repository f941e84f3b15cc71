"""Fields as sets of words, compared for many pairs at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from matching.distinct import Column, Integers

# Of every word, so that common ones are not nothing.
_LEAST_WEIGHT = 0.05


@dataclass(frozen=True, eq=False)
class WordBags:
    """One field of many recordings as sets of weighted words.

    Attributes
    ----------
    present : scipy.sparse.csr_array
        Shape (n_recordings, n_buckets), 1 where a recording has the word.
    weighted : scipy.sparse.csr_array
        The same with the words' weights.
    totals : numpy.ndarray
        Shape (n_recordings,), float64, sum of the weights of each recording's words.
    """

    present: csr_array
    weighted: csr_array
    totals: Column

    @classmethod
    def of(cls, words: Sequence[tuple[int, ...]], weights: npt.NDArray[np.float32]) -> WordBags:
        """Collect the words of many recordings.

        Parameters
        ----------
        words : sequence of tuple of int
            Sorted buckets of each recording's words, without repetition.
        weights : numpy.ndarray
            Shape (n_buckets,), float32, weight of each bucket.

        Returns
        -------
        WordBags
            Every word weighs a little, so that common words are not nothing.
        """
        ends = np.concatenate(([0], np.cumsum([len(row) for row in words], dtype=np.int64)))
        columns = np.array([bucket for row in words for bucket in row], dtype=np.int64)
        values = weights[columns].astype(np.float64) + _LEAST_WEIGHT
        shape = (len(words), len(weights))
        present = csr_array((np.ones(len(columns)), columns, ends), shape=shape)
        weighted = csr_array((values, columns, ends), shape=shape)
        return cls(present, weighted, np.asarray(weighted.sum(axis=1)).ravel())


def shared_weight(q_bags: WordBags, m_bags: WordBags, q: Integers, m: Integers) -> Column:
    """Sum the weights of the words that two sides share.

    Parameters
    ----------
    q_bags : WordBags
        A field of one side.
    m_bags : WordBags
        A field of the other, perhaps another one.
    q : numpy.ndarray
        Shape (n_pairs,), rows of `q_bags`.
    m : numpy.ndarray
        Shape (n_pairs,), rows of `m_bags`.

    Returns
    -------
    numpy.ndarray
        Shape (n_pairs,), float64, not negative.
    """
    result = np.zeros(len(q))
    rows = np.flatnonzero((q_bags.totals[q] > 0) & (m_bags.totals[m] > 0))
    shared = q_bags.weighted[q[rows]].multiply(m_bags.present[m[rows]])
    result[rows] = np.asarray(shared.sum(axis=1)).ravel()
    return result


def overlap(bags: WordBags, shared: Column, q: Integers, m: Integers) -> tuple[Column, Column]:
    """Relate what two sides share to what both have together, and to what the smaller has.

    Parameters
    ----------
    bags : WordBags
        Of the field.
    shared : numpy.ndarray
        Shape (n_pairs,), weight of the shared words.
    q : numpy.ndarray
        Shape (n_pairs,), rows of `bags`.
    m : numpy.ndarray
        Shape (n_pairs,), rows of `bags`.

    Returns
    -------
    tuple of numpy.ndarray
        Jaccard index and overlap coefficient, each of shape (n_pairs,), in [0, 1], NaN where a side is missing.
    """
    q_total, m_total = bags.totals[q], bags.totals[m]
    missing = (q_total == 0) | (m_total == 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        together = np.minimum(shared / (q_total + m_total - shared), 1)
        contained = np.minimum(shared / np.minimum(q_total, m_total), 1)
    return np.where(missing, np.nan, together), np.where(missing, np.nan, contained)


def found_in(first: WordBags, second: WordBags, q: Integers, m: Integers) -> Column:
    """Share of the words of one side's field, by weight, that another field of the other side has.

    Parameters
    ----------
    first : WordBags
        The field whose words are looked for.
    second : WordBags
        The field in which.
    q : numpy.ndarray
        Shape (n_pairs,), rows of `first`.
    m : numpy.ndarray
        Shape (n_pairs,), rows of `second`.

    Returns
    -------
    numpy.ndarray
        Shape (n_pairs,), float64, in [0, 1]; NaN where a side is missing.
    """
    totals = first.totals[q]
    missing = (totals == 0) | (second.totals[m] == 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = shared_weight(first, second, q, m) / totals
    return np.where(missing, np.nan, np.minimum(share, 1))
