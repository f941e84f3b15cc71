"""The words of recordings and where they stand, compared for many pairs at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

import numpy as np
import numpy.typing as npt

from matching.columns import Column, GrowingArray, Integers
from matching.prepared import FIELDS

Bits = npt.NDArray[np.uint8]

# Of every word, so that common ones are not nothing.
_LEAST_WEIGHT = 0.05


class WordBags:
    """Recordings as sets of weighted words; recordings can be added.

    Parameters
    ----------
    weights : numpy.ndarray
        Shape (n_buckets,), float32, weight of each bucket.
    words : sequence of dict, optional
        Of the first rows, as for `add`.
    """

    def __init__(self, weights: npt.NDArray[np.float32], words: Sequence[Mapping[int, int]] = ()) -> None:
        self._weight_of = weights
        self._starts, self._sizes = GrowingArray(np.int64), GrowingArray(np.int64)
        self._buckets, self._weights, self._fields = map(GrowingArray, (np.int64, np.float64, np.uint8))
        self._totals = {field: GrowingArray(np.float64) for field in FIELDS}
        self.add(words)

    def add(self, words: Sequence[Mapping[int, int]]) -> None:
        """Add recordings.

        Parameters
        ----------
        words : sequence of mapping
            Buckets of each recording's words, and the `FIELDS` that they stand in, as bits.
        """
        sizes = np.array(list(map(len, words)), dtype=np.int64)
        buckets = np.fromiter(chain.from_iterable(words), np.int64, sizes.sum())
        fields = np.fromiter(chain.from_iterable(each.values() for each in words), np.uint8, len(buckets))
        rows = np.repeat(np.arange(len(words)), sizes)
        order = np.argsort(rows * self.n_buckets + buckets)
        buckets, fields = buckets[order], fields[order]
        weights = self._weight_of[buckets].astype(np.float64) + _LEAST_WEIGHT
        for name, bits in FIELDS.items():
            self._totals[name].add(sums(rows, weights * ((fields & bits) > 0), len(words)))
        begin = len(self._buckets.array)
        self._buckets.add(buckets)
        self._weights.add(weights)
        self._fields.add(fields)
        self._starts.add(begin + np.cumsum(sizes) - sizes)
        self._sizes.add(sizes)

    @property
    def n_buckets(self) -> int:
        """More than any bucket."""
        return len(self._weight_of)

    @property
    def starts(self) -> Integers:
        """Shape (n_recordings,), int64: place in `buckets` of each recording's first word."""
        return self._starts.array

    @property
    def sizes(self) -> Integers:
        """Shape (n_recordings,), int64: how many words each recording has."""
        return self._sizes.array

    @property
    def buckets(self) -> Integers:
        """Shape (n_words,), int64, of each recording's words, sorted within a recording."""
        return self._buckets.array

    @property
    def weights(self) -> Column:
        """Shape (n_words,), float64; every word weighs a little, so that common words are not nothing."""
        return self._weights.array

    @property
    def fields(self) -> Bits:
        """Shape (n_words,), uint8, the `FIELDS` that each word stands in, as bits."""
        return self._fields.array

    def total(self, field: str) -> Column:
        """Sum up the weights of each recording's words in a field.

        Parameters
        ----------
        field : str
            A key of `FIELDS`.

        Returns
        -------
        numpy.ndarray
            Shape (n_recordings,), float64.
        """
        return self._totals[field].array


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
    _weighed: dict[tuple[str, str], Column] = field(default_factory=dict)

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
        pairs, q_words = _words_of(bags, q)
        m_pairs, m_words = _words_of(bags, m)
        # Words of a pair are sorted on both sides, and so are the pairs.
        wanted = bags.buckets.take(q_words) + pairs * bags.n_buckets
        there = bags.buckets.take(m_words) + m_pairs * bags.n_buckets
        places = np.searchsorted(there, wanted)
        shared = np.flatnonzero(np.append(there, -1).take(places) == wanted)
        pairs, q_words, m_words = pairs.take(shared), q_words.take(shared), m_words.take(places.take(shared))
        return cls(bags, q, m, pairs, bags.weights.take(q_words), bags.fields.take(q_words), bags.fields.take(m_words))

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
        key = (q_field, m_field)
        if key not in self._weighed:
            there = ((self.q_fields & FIELDS[q_field]) > 0) & ((self.m_fields & FIELDS[m_field]) > 0)
            self._weighed[key] = sums(self.pairs, self.weights * there, len(self.q))
        return self._weighed[key]

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
        shared, totals = self.weigh(field, field), self.bags.total(field)
        q_total, m_total = totals.take(self.q), totals.take(self.m)
        least = np.minimum(q_total, m_total)
        shared = np.where(least == 0, np.nan, shared)
        with np.errstate(invalid="ignore"):
            return np.minimum(shared / (q_total + m_total - shared), 1), np.minimum(shared / least, 1)

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
        parts, wholes = self.bags.total(part), self.bags.total(whole)
        return (
            _share(self.weigh(part, whole), parts.take(self.q), wholes.take(self.m)),
            _share(self.weigh(whole, part), parts.take(self.m), wholes.take(self.q)),
        )


def _words_of(bags: WordBags, rows: Integers) -> tuple[Integers, Integers]:
    """List the words of recordings: which of the rows has it, and its place in the bags."""
    sizes = bags.sizes.take(rows)
    ends = np.cumsum(sizes)
    place = np.repeat(np.arange(len(rows)), sizes)
    return place, np.arange(len(place)) + (bags.starts.take(rows) - ends + sizes).take(place)


def sums(rows: Integers, weights: Column, n_rows: int) -> Column:
    """Sum up weights by row.

    Parameters
    ----------
    rows : numpy.ndarray
        Shape (n_weights,), int64, from 0.
    weights : numpy.ndarray
        Shape (n_weights,), float64.
    n_rows : int
        More than any of `rows`.

    Returns
    -------
    numpy.ndarray
        Shape (n_rows,), float64.
    """
    return np.bincount(rows, weights, minlength=n_rows).astype(np.float64, copy=False)  # integers if there is no word


def _share(shared: Column, part: Column, whole: Column) -> Column:
    shared = np.where((part == 0) | (whole == 0), np.nan, shared)
    with np.errstate(invalid="ignore"):
        return np.minimum(shared / part, 1)
