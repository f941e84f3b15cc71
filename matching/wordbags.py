"""The words of recordings and where they stand, compared for many pairs at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from matching.distinct import Column, Integers
from matching.prepared import FIELDS

Bits = npt.NDArray[np.uint8]

# Of every word, so that common ones are not nothing.
_LEAST_WEIGHT = 0.05


@dataclass(frozen=True, eq=False)
class WordBags:
    """Many recordings as sets of weighted words.

    Attributes
    ----------
    places : scipy.sparse.csr_array
        Shape (n_recordings, n_buckets), int64: where a recording has the word, the place in `weights` and `fields`,
        counted from 1.
    weights : numpy.ndarray
        Shape (n_words,), float64, of each recording's words.
    fields : numpy.ndarray
        Shape (n_words,), uint8, the `FIELDS` that each word stands in, as bits.
    totals : mapping of field to numpy.ndarray
        Shape (n_recordings,), float64, sum of the weights of each recording's words in the field.
    """

    places: csr_array
    weights: Column
    fields: Bits
    totals: Mapping[str, Column]

    @classmethod
    def of(cls, words: Sequence[dict[int, int]], weights: npt.NDArray[np.float32]) -> WordBags:
        """Collect the words of many recordings.

        Parameters
        ----------
        words : sequence of dict
            Buckets of each recording's words, and the `FIELDS` that they stand in, as bits.
        weights : numpy.ndarray
            Shape (n_buckets,), float32, weight of each bucket.

        Returns
        -------
        WordBags
            Every word weighs a little, so that common words are not nothing.
        """
        sizes = np.array(list(map(len, words)), dtype=np.int64)
        buckets = np.fromiter(chain.from_iterable(words), np.int64, sizes.sum())
        fields = np.fromiter(chain.from_iterable(map(dict.values, words)), np.uint8, sizes.sum())
        rows = np.repeat(np.arange(len(words)), sizes)
        order = np.lexsort((buckets, rows))
        buckets, fields = buckets[order], fields[order]
        weighed = weights[buckets].astype(np.float64) + _LEAST_WEIGHT
        ends, places = np.concatenate(([0], np.cumsum(sizes))), np.arange(1, len(buckets) + 1)
        totals = {field: _sums(rows, weighed * ((fields & bits) > 0), len(words)) for field, bits in FIELDS.items()}
        return cls(csr_array((places, buckets, ends), shape=(len(words), len(weights))), weighed, fields, totals)


@dataclass(frozen=True, eq=False)
class SharedWords:
    """The words that both sides of pairs have, in whatever fields.

    Attributes
    ----------
    bags : WordBags
        Of all recordings.
    q, m : numpy.ndarray
        Shape (n_pairs,), int64, rows of `bags`.
    pairs : numpy.ndarray
        Shape (n_shared,), int64: which pair shares the word.
    weights : numpy.ndarray
        Shape (n_shared,), float64, of the words.
    q_fields, m_fields : numpy.ndarray
        Shape (n_shared,), uint8, the `FIELDS` that each word stands in, as bits.
    """

    bags: WordBags
    q: Integers
    m: Integers
    pairs: Integers
    weights: Column
    q_fields: Bits
    m_fields: Bits

    @classmethod
    def of(cls, bags: WordBags, q: Integers, m: Integers) -> SharedWords:
        """Find the words that both sides have.

        Parameters
        ----------
        bags : WordBags
            Of all recordings.
        q : numpy.ndarray
            Shape (n_pairs,), int64, rows of `bags`: one side.
        m : numpy.ndarray
            Shape (n_pairs,), int64, rows of `bags`: the other.

        Returns
        -------
        SharedWords
            Ready to be weighed.
        """
        one, other = bags.places[q], bags.places[m]
        shared = one.multiply(other.astype(np.bool_))
        q_words, m_words = shared.data - 1, other.multiply(one.astype(np.bool_)).data - 1
        pairs = np.repeat(np.arange(len(q)), np.diff(shared.indptr))
        return cls(bags, q, m, pairs, bags.weights[q_words], bags.fields[q_words], bags.fields[m_words])

    def weigh(self, q_field: str, m_field: str) -> Column:
        """Sum up the weights of the words that one side has in a field and the other has in another.

        Parameters
        ----------
        q_field : str
            A key of `FIELDS`, of one side.
        m_field : str
            A key of `FIELDS`, of the other.

        Returns
        -------
        numpy.ndarray
            Shape (n_pairs,), float64, not negative.
        """
        there = ((self.q_fields & FIELDS[q_field]) > 0) & ((self.m_fields & FIELDS[m_field]) > 0)
        return _sums(self.pairs, self.weights * there, len(self.q))

    def overlap(self, field: str) -> tuple[Column, Column]:
        """Relate what two sides share to what both have together, and to what the smaller has.

        Parameters
        ----------
        field : str
            A key of `FIELDS`, of both sides.

        Returns
        -------
        tuple of numpy.ndarray
            Jaccard index and overlap coefficient, each of shape (n_pairs,), in [0, 1], NaN where a side is missing.
        """
        shared, totals = self.weigh(field, field), self.bags.totals[field]
        q_total, m_total = totals[self.q], totals[self.m]
        missing = (q_total == 0) | (m_total == 0)
        with np.errstate(invalid="ignore", divide="ignore"):
            together = np.minimum(shared / (q_total + m_total - shared), 1)
            contained = np.minimum(shared / np.minimum(q_total, m_total), 1)
        return np.where(missing, np.nan, together), np.where(missing, np.nan, contained)

    def found(self, part: str, whole: str) -> tuple[Column, Column]:
        """Share of the words of one side's field, by weight, that another field of the other side has.

        Parameters
        ----------
        part : str
            A key of `FIELDS`, whose words are looked for.
        whole : str
            A key of `FIELDS`, of the other side, in which.

        Returns
        -------
        tuple of numpy.ndarray
            What is found of q in m, and of m in q, each of shape (n_pairs,), in [0, 1]; NaN where a side is missing.
        """
        parts, wholes = self.bags.totals[part], self.bags.totals[whole]
        return (
            _share(self.weigh(part, whole), parts[self.q], wholes[self.m]),
            _share(self.weigh(whole, part), parts[self.m], wholes[self.q]),
        )


def _sums(rows: Integers, weights: Column, n_rows: int) -> Column:
    return np.bincount(rows, weights, minlength=n_rows).astype(np.float64, copy=False)  # integers if there is no word


def _share(shared: Column, part: Column, whole: Column) -> Column:
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.minimum(shared / part, 1)
    return np.where((part == 0) | (whole == 0), np.nan, share)
