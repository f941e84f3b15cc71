"""The words of recordings and where they stand, compared for many pairs at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain

import numpy as np
import numpy.typing as npt

from matching.columns import Column, GrowingColumn, Integers
from matching.prepared import FIELDS

Bits = npt.NDArray[np.uint8]

# Of every word, so that common ones are not nothing.
_LEAST_WEIGHT = 0.05
_MOST_CELLS = 1 << 22  # shared words by pairs of fields, at once
_COLUMNS = {field: column for column, field in enumerate(FIELDS)}
_ASKED_ABOUT = (
    *((field, field) for field in ("title", "artists", "contributors", "all")),
    *(("title", "all"), ("all", "title"), ("artists", "all"), ("all", "artists"), ("notes", "all"), ("all", "notes")),
    *(("artists", "contributors"), ("contributors", "artists")),
)


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
        self._starts, self._sizes = GrowingColumn(np.int64), GrowingColumn(np.int64)
        self._buckets, self._weights, self._fields = map(GrowingColumn, (np.int64, np.float64, np.uint8))
        self._totals = GrowingColumn(np.float64, len(FIELDS))
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
        totals = [_sums(rows, weights * ((fields & bits) > 0), len(words)) for bits in FIELDS.values()]
        begin = len(self._buckets.array)
        self._totals.add(np.transpose(totals))
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

    @property
    def totals(self) -> Column:
        """Shape (n_recordings, n_fields), float64: weight of each recording's words in each of `FIELDS`."""
        return self._totals.array


class SharedWords:
    """The words that both sides of pairs have, weighed.

    Parameters
    ----------
    bags : WordBags
        Of all recordings.
    q : numpy.ndarray
        Shape (n_pairs,), int64, rows of `bags`: one side.
    m : numpy.ndarray
        Shape (n_pairs,), int64, rows of `bags`: the other.
    fields : sequence of (str, str), optional
        Keys of `FIELDS`, in which q and m may be asked about.
    """

    def __init__(
        self, bags: WordBags, q: Integers, m: Integers, fields: Sequence[tuple[str, str]] = _ASKED_ABOUT
    ) -> None:
        self._places = {each: place for place, each in enumerate(fields)}
        q_totals, m_totals = (
            bags.totals.take(side, axis=0).T[[_COLUMNS[each[place]] for each in fields]]
            for place, side in enumerate((q, m))
        )
        q_bits, m_bits = (np.array([[FIELDS[each[place]]] for each in fields], dtype=np.uint8) for place in (0, 1))
        pairs, q_words, m_words = _in_both(bags, q, m)
        step = max(1, _MOST_CELLS // max(len(pairs), 1))
        weights = [
            _weights(
                bags, pairs, (q_words, m_words), (q_bits[start : start + step], m_bits[start : start + step]), len(q)
            )
            for start in range(0, len(fields), step)
        ]
        least = np.minimum(q_totals, m_totals)
        self._weights = np.where(least > 0, np.concatenate(weights), np.nan)
        self._of_q, self._of_m = (np.minimum(self._weights / totals, 1) for totals in (q_totals, m_totals))
        self._of_both = np.minimum(self._weights / (q_totals + m_totals - self._weights), 1)
        self._of_least = np.minimum(self._weights / least, 1)

    def weight(self, q_field: str, m_field: str) -> Column:
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
            Shape (n_pairs,), float64, not negative; NaN where a side is missing.
        """
        weights: Column = self._weights[self._places[q_field, m_field]]
        return weights

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
        place = self._places[field, field]
        return self._of_both[place], self._of_least[place]

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
        return self._of_q[self._places[part, whole]], self._of_m[self._places[whole, part]]


def _weights(
    bags: WordBags, pairs: Integers, words: tuple[Integers, Integers], bits: tuple[Bits, Bits], n_pairs: int
) -> Column:
    """Sum up the weights of shared words for some pairs of fields, shape (n_fields, n_pairs)."""
    q_there, m_there = (bags.fields.take(places) & wanted > 0 for places, wanted in zip(words, bits, strict=True))
    rows = pairs + np.arange(0, len(bits[0]) * n_pairs, max(n_pairs, 1))[:, None]
    weights = bags.weights.take(words[0]) * (q_there & m_there)
    return _sums(rows.ravel(), weights.ravel(), len(bits[0]) * n_pairs).reshape(len(bits[0]), n_pairs)


def _in_both(bags: WordBags, q: Integers, m: Integers) -> tuple[Integers, Integers, Integers]:
    """Find the words that both sides of pairs have: which pair, and the word's place in the bags on either side."""
    pairs, q_words = _words_of(bags, q)
    m_pairs, m_words = _words_of(bags, m)
    # Words of a pair are sorted on both sides, and so are the pairs.
    wanted = bags.buckets.take(q_words) + pairs * bags.n_buckets
    there = bags.buckets.take(m_words) + m_pairs * bags.n_buckets
    places = there.searchsorted(wanted)
    shared = (np.append(there, -1).take(places) == wanted).nonzero()[0]
    return pairs.take(shared), q_words.take(shared), m_words.take(places.take(shared))


def _words_of(bags: WordBags, rows: Integers) -> tuple[Integers, Integers]:
    """List the words of recordings: which of the rows has it, and its place in the bags."""
    sizes = bags.sizes.take(rows)
    ends = np.cumsum(sizes)
    place = np.repeat(np.arange(len(rows)), sizes)
    return place, np.arange(len(place)) + (bags.starts.take(rows) - ends + sizes).take(place)


def _sums(rows: Integers, weights: Column, n_rows: int) -> Column:
    return np.bincount(rows, weights, minlength=n_rows).astype(np.float64, copy=False)  # integers if there is no word
