"""Rare keys: what two ways of writing one recording most likely share, and few other recordings have.

A text's keys are, from each of its positions, the shortest run of characters that at most `MOST` recordings have, and
its rare words; of its common words, the pairs that are rare. Sharing one costs little to find out, however large the
catalogue is: where it grows, the runs get longer and words pair up, and as many recordings as before share a key.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from index.hashed_texts import (
    ORDERS,
    PAIRED_WORDS,
    Hashed,
    Hashes,
    Integers,
    laid_out,
    places_in_rows,
    runs_of,
    word_pairs,
    words_of,
)

# Recordings that may have a rare key. Chosen on the sample and on Music-20, where other values did about as well:
# docs/decisions/0014-rare-keys.md.
MOST = 50

_WORDS, _PAIRS = len(ORDERS), len(ORDERS) + 1
_TABLES = len(ORDERS) + 2
_SATURATED = 255
_BUCKETS_A_RECORDING = 32
_LEAST_BITS, _MOST_BITS = 16, 28

Tables = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Keys:
    """The rare keys of some texts.

    Attributes
    ----------
    starts : numpy.ndarray
        Shape (n_texts + 1,), int64, where each text's keys begin.
    hashes : numpy.ndarray
        Shape (n_keys,), uint32; each text's rarest first, none twice.
    frequencies : numpy.ndarray
        Shape (n_keys,), uint8, recordings that have the key, from 1 (never less than there are, hashes being shared).
    """

    starts: Integers
    hashes: npt.NDArray[np.uint32]
    frequencies: Tables

    @property
    def owners(self) -> Integers:
        """Which text each key is of, shape (n_keys,)."""
        return np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))

    @classmethod
    def joined(cls, parts: Sequence[Keys]) -> Keys:
        """Put the keys of consecutive texts together.

        Parameters
        ----------
        parts : sequence of Keys
            One behind the other.

        Returns
        -------
        Keys
            Of all texts.
        """
        starts = np.cumsum(np.concatenate([[0], *(np.diff(keys.starts) for keys in parts)]))
        hashes, frequencies = (
            np.concatenate([getattr(keys, of) for keys in parts]) for of in ("hashes", "frequencies")
        )
        return cls(starts, hashes, frequencies)

    def part(self, first: int, last: int) -> Keys:
        """Take the keys of consecutive texts.

        Parameters
        ----------
        first : int
            The first of the texts.
        last : int
            The text behind the last.

        Returns
        -------
        Keys
            Of those.
        """
        starts = self.starts[first : last + 1]
        entries = slice(starts[0], starts[-1])
        return Keys(starts - starts[0], self.hashes[entries], self.frequencies[entries])


class KeyCounts:
    """Counts of runs, words and pairs of words over a catalogue, hashed into buckets, up to 255 each.

    Parameters
    ----------
    tables : numpy.ndarray
        Shape (6, 2 ** bits), uint8: a table for each of `ORDERS`, one for words and one for pairs of words.
    """

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self._shift = np.uint64(64 - (tables.shape[1].bit_length() - 1))

    @classmethod
    def empty(cls, recordings: int) -> KeyCounts:
        """Begin to count.

        Parameters
        ----------
        recordings : int
            Of the whole catalogue, about.

        Returns
        -------
        KeyCounts
            With room for them.
        """
        bits = min(max(_LEAST_BITS, (recordings * _BUCKETS_A_RECORDING).bit_length()), _MOST_BITS)
        return cls(np.zeros((_TABLES, 1 << bits), dtype=np.uint8))

    def add(self, other: KeyCounts) -> None:
        """Add what was counted elsewhere.

        Parameters
        ----------
        other : KeyCounts
            Of other texts, made for as many recordings.
        """
        for table, counted in enumerate(other.tables):
            self.tables[table] += np.minimum(counted, _SATURATED - self.tables[table])

    def add_pairs(self, pairs: Tables) -> None:
        """Add what a second pass counted elsewhere.

        Parameters
        ----------
        pairs : numpy.ndarray
            Shape (2 ** bits,), uint8, the last table of other counts.
        """
        self.tables[_PAIRS] += np.minimum(pairs, _SATURATED - self.tables[_PAIRS])

    def count(self, texts: Sequence[str]) -> None:
        """Count runs and words, the first of two passes.

        Parameters
        ----------
        texts : sequence of str
            Texts of recordings.
        """
        points, rows = laid_out(texts)
        for table, (hashes, inside) in enumerate(runs_of(points)):
            self._book(table, hashes[inside])
        self._book(_WORDS, words_of(points, rows).hashes)

    def count_pairs(self, texts: Sequence[str]) -> None:
        """Count pairs of common words, the second pass: which words are common must be known.

        Parameters
        ----------
        texts : sequence of str
            The same.
        """
        words, frequencies = self._rarest_words(*laid_out(texts))
        self._book(_PAIRS, word_pairs(words.take(frequencies > MOST)).hashes)

    def keys(self, texts: Sequence[str]) -> Keys:
        """Choose the rare keys of texts, when all are counted.

        Parameters
        ----------
        texts : sequence of str
            Of recordings that were counted, or of others.

        Returns
        -------
        Keys
            A text without any has none.
        """
        points, rows = laid_out(texts)
        words, frequencies = self._rarest_words(points, rows)
        found = [*self._rare_runs(points, rows), words.take(frequencies <= MOST)]
        counts = [self._frequencies(table, each.hashes) for table, each in enumerate(found)]
        pairs = word_pairs(words.take(frequencies > MOST))
        of_pairs = self._frequencies(_PAIRS, pairs.hashes)
        found.append(pairs.take(of_pairs <= MOST))
        counts.append(of_pairs[of_pairs <= MOST])
        return _collected(found, np.concatenate(counts), len(texts))

    def _book(self, table: int, hashes: Hashes) -> None:
        buckets = np.sort((hashes >> self._shift).astype(np.uint32))
        first = np.flatnonzero(np.diff(buckets, prepend=~buckets[:1]))
        counts, found = np.diff(first, append=len(buckets)), buckets[first]
        self.tables[table, found] = np.minimum(self.tables[table, found] + counts, _SATURATED)

    def _frequencies(self, table: int, hashes: Hashes) -> Tables:
        counts: Tables = self.tables[table][(hashes >> self._shift).astype(np.int64)]
        return np.maximum(counts, np.uint8(1))

    def _rare_runs(self, points: Hashes, rows: Integers) -> Iterator[Hashed]:
        """Take from each position the shortest run that is rare."""
        found = np.zeros(len(points), dtype=np.bool_)
        for table, (hashes, inside) in enumerate(runs_of(points)):
            rare = inside & ~found
            rare[rare] = self._frequencies(table, hashes[rare]) <= MOST
            found |= rare
            yield Hashed(rows[rare], hashes[rare])

    def _rarest_words(self, points: Hashes, rows: Integers) -> tuple[Hashed, Tables]:
        words = words_of(points, rows)
        frequencies = self._frequencies(_WORDS, words.hashes)
        order = np.lexsort((words.hashes, frequencies, words.rows))
        order = order[places_in_rows(words.rows[order]) < PAIRED_WORDS]
        return words.take(order), frequencies[order]


def _collected(found: list[Hashed], frequencies: Tables, n_texts: int) -> Keys:
    """Put the keys of all kinds together, each text's rarest first."""
    rows = np.concatenate([each.rows for each in found])
    hashes = (np.concatenate([each.hashes for each in found]) >> np.uint64(32)).astype(np.uint32)
    once = np.unique((rows << 32) | hashes, return_index=True)[1]
    order = once[np.argsort((rows[once] << 8) | frequencies[once], kind="stable")]
    starts = np.searchsorted(rows[order], np.arange(n_texts + 1))
    return Keys(starts, hashes[order], frequencies[order])
