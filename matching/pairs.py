"""Pairs of recordings, and the ways in which all features compare them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from operator import attrgetter
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from rapidfuzz import fuzz

from catalog.recording import Recording
from matching.columns import Column, Flags, Integers
from matching.crossed import Crossed, runs
from matching.distinct import DistinctPairs
from matching.fuzzy import Scorer, similarities
from matching.names import ARTIST_SCORERS, NameSimilarities, compare_names
from matching.prepared import Prepared
from matching.rarity import Rarity
from matching.scripts import FIELDS, comparable, scripts_of
from matching.table import RecordingTable, distinct_recordings
from matching.wordbags import SharedWords

_artists, _codes, _words = attrgetter("artists"), attrgetter("codes"), attrgetter("words")

_MOST_CELLS = 1 << 21  # of sets that are crossed at once: lists of contributors may be long

T = TypeVar("T")
H = TypeVar("H", bound=Hashable)


class Pairs:
    """Pairs of rows of a table, in one block.

    Parameters
    ----------
    table : RecordingTable
        Of the recordings of both sides.
    q : numpy.ndarray
        Shape (n_pairs,), int64, rows of `table`: queries.
    m : numpy.ndarray
        Shape (n_pairs,), int64, rows of `table`: candidates.
    cosines : numpy.ndarray
        Shape (n_pairs,), float32, in [-1, 1]; NaN where a side has no text.

    Attributes
    ----------
    table, q, m, cosines : object
        As given.
    """

    def __init__(self, table: RecordingTable, q: Integers, m: Integers, cosines: npt.NDArray[np.float32]) -> None:
        self._kept: dict[object, Any] = {}
        self.table = table
        self.q, self.m = q, m
        self.cosines = cosines

    @classmethod
    def of(
        cls, q: Sequence[Recording], m: Sequence[Recording], cosines: npt.NDArray[np.float32], rarity: Rarity
    ) -> Pairs:
        """Put the recordings of pairs into a table, each distinct one once.

        Parameters
        ----------
        q : sequence of Recording
            Queries, n_pairs long.
        m : sequence of Recording
            Candidates, n_pairs long.
        cosines : numpy.ndarray
            Shape (n_pairs,), float32, in [-1, 1]; NaN where a side has no text.
        rarity : Rarity
            Of the catalogue's words.

        Returns
        -------
        Pairs
            All of them.
        """
        distinct, rows = distinct_recordings([*q, *m])
        return cls(RecordingTable(distinct, rarity), rows[: len(q)], rows[len(q) :], cosines)

    def block(self, start: int, stop: int) -> Pairs:
        """Take some of the pairs.

        Parameters
        ----------
        start : int
            First of the pairs.
        stop : int
            Behind the last one.

        Returns
        -------
        Pairs
            Of the same table.
        """
        return Pairs(self.table, self.q[start:stop], self.m[start:stop], self.cosines[start:stop])

    def once(self, key: object, compute: Callable[[], T]) -> T:
        """Compute something that several features need, once.

        Parameters
        ----------
        key : object
            Names the thing.
        compute : callable
            Gives it.

        Returns
        -------
        object
            What was computed when it was first asked for.
        """
        if key not in self._kept:
            self._kept[key] = compute()
        kept: T = self._kept[key]
        return kept

    @property
    def shared(self) -> SharedWords:
        """The words that both sides have, in whatever fields."""
        bags = self.table.bags(_words, self.table.rarity.weights)
        return self.once("shared words", lambda: SharedWords(bags, self.q, self.m))

    def comparable(self, field: str) -> Flags:
        """Tell whether the words of a field can be the same: not those of two scripts.

        Parameters
        ----------
        field : str
            A key of `Prepared.scripts`.

        Returns
        -------
        numpy.ndarray
            Shape (n_pairs,), bool; true where a side is missing.
        """
        return self.once("comparable", self._comparable)[field]

    def where_comparable(self, field: str, column: Column) -> Column:
        """Leave out pairs whose words cannot be the same.

        Parameters
        ----------
        field : str
            As for `comparable`.
        column : numpy.ndarray
            Shape (n_pairs,), float64.

        Returns
        -------
        numpy.ndarray
            Shape (n_pairs,), float64; NaN for them.
        """
        return np.where(self.comparable(field), column, np.nan)

    def either(self, flags: Flags) -> Flags:
        """Tell whether something holds for a side.

        Parameters
        ----------
        flags : numpy.ndarray
            Shape (n_recordings,), bool, from `RecordingTable.flags`.

        Returns
        -------
        numpy.ndarray
            Shape (n_pairs,), bool.
        """
        return flags.take(self.q) | flags.take(self.m)

    def distinct(self, read: Callable[[Prepared], H], wanted: Flags | None = None) -> DistinctPairs[H]:
        """Find what has to be compared of one value of each recording.

        Parameters
        ----------
        read : callable
            Reads it off a recording; what is empty is missing.
        wanted : numpy.ndarray, optional
            Shape (n_pairs,), bool; the values of other pairs count as missing.

        Returns
        -------
        DistinctPairs
            Values that differ, each two of them once.
        """
        column = self.table.values(read)
        if wanted is not None:
            return DistinctPairs.of(column, self.q, self.m, wanted)
        return self.once(("distinct", read), lambda: DistinctPairs.of(column, self.q, self.m))

    def compare_sets(
        self,
        read: Callable[[Prepared], tuple[H, ...]],
        compare: Callable[[Crossed[H]], Sequence[Column]],
        n_columns: int,
        wanted: Flags | None = None,
    ) -> list[Column]:
        """Compare sets of values: each two different sets once, and each two values of theirs once.

        Parameters
        ----------
        read : callable
            Reads a set off a recording; empty is missing.
        compare : callable
            Crossed sets to columns with a number for each of their rows.
        n_columns : int
            How many it gives.
        wanted : numpy.ndarray, optional
            Shape (n_pairs,), bool; the sets of other pairs count as missing.

        Returns
        -------
        list of numpy.ndarray
            Each of shape (n_pairs,), float64: 1 for equal sets, NaN where a side is missing.
        """
        numbered = self.table.sets(read)  # even if not needed: later there would be more to read
        if wanted is not None and not wanted.any():
            return [np.full(len(self.q), np.nan)] * n_columns
        sets = self.distinct(read, wanted)
        if not len(sets):
            return [sets.spread(np.zeros(0))] * n_columns
        sizes = numbered.counts.take(sets.q_places) * numbered.counts.take(sets.m_places)
        crossed = (Crossed.of(numbered, sets.q_places[run], sets.m_places[run]) for run in runs(sizes, _MOST_CELLS))
        return [sets.spread(np.concatenate(columns)) for columns in zip(*map(compare, crossed), strict=True)]

    def similar(self, read: Callable[[Prepared], str], scorer: Scorer = fuzz.ratio) -> Column:
        """Compare one text of each recording.

        Parameters
        ----------
        read : callable
            Reads it off a recording, normalised; empty is missing.
        scorer : callable
            Of rapidfuzz, symmetric.

        Returns
        -------
        numpy.ndarray
            Shape (n_pairs,), float64, in [0, 1]; NaN where a side is missing.
        """
        texts = self.distinct(read)
        return texts.spread(similarities(texts.q, texts.m, scorer))

    def names(
        self,
        read: Callable[[Prepared], tuple[str, ...]],
        scorers: Sequence[Scorer],
        wanted: Flags | None = None,
    ) -> NameSimilarities:
        """Compare sets of names.

        Parameters
        ----------
        read : callable
            Reads comparable names off a recording; empty is missing.
        scorers : sequence of callable
            rapidfuzz scorers for two names; their mean counts.
        wanted : numpy.ndarray, optional
            Shape (n_pairs,), bool; the names of other pairs count as missing.

        Returns
        -------
        NameSimilarities
            Each of shape (n_pairs,); NaN where a side is missing.
        """
        compared = self.compare_sets(read, lambda names: compare_names(names, scorers), 2, wanted)
        return NameSimilarities(*compared)

    def artists(self) -> NameSimilarities:
        """Compare the artists as sets of names.

        Returns
        -------
        NameSimilarities
            Each of shape (n_pairs,); NaN where a side is missing.
        """
        return self.once("artists", lambda: self.names(_artists, ARTIST_SCORERS))

    def same_isrc(self) -> Column:
        """Compare well-formed ISRCs exactly, after ISO 3901.

        Returns
        -------
        numpy.ndarray
            Shape (n_pairs,), float64: 1 for a common code, 0 for conflicting ones, NaN where a side has none.
        """
        return self.once("same ISRC", self._same_isrc)

    def _same_isrc(self) -> Column:
        codes = self.distinct(_codes)
        return codes.spread(np.array([not q.isdisjoint(m) for q, m in zip(codes.q, codes.m, strict=True)], np.float64))

    def _comparable(self) -> dict[str, Flags]:
        scripts = self.table.integers(scripts_of)
        return dict(zip(FIELDS, comparable(scripts.take(self.q), scripts.take(self.m)), strict=True))
