"""Recordings as a table of what comparing reads off them, and pairs of its rows."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from operator import attrgetter
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from rapidfuzz import fuzz

from catalog.recording import Recording
from matching.distinct import Column, Crossed, DistinctPairs, Flags, Integers, Numbered, NumberedSets
from matching.fuzzy import Scorer, similarities
from matching.names import ARTIST_SCORERS, NameSimilarities, compare_names
from matching.prepared import Prepared, prepare
from matching.rarity import Rarity
from matching.wordbags import WordBags, shared_weight

_artists, _codes = attrgetter("artists"), attrgetter("codes")

T = TypeVar("T")
H = TypeVar("H", bound=Hashable)


class _Once:
    """Keeps what was computed, by name or by the function that gives it."""

    def __init__(self) -> None:
        self._kept: dict[object, Any] = {}

    def once(self, key: object, compute: Callable[[], T]) -> T:
        """Compute something that several groups of features need, once.

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


class RecordingTable(_Once):
    """Distinct recordings; each column is read off them once, however many pairs they stand in.

    Parameters
    ----------
    recordings : sequence of Recording
        Distinct ones.
    rarity : Rarity
        Of the catalogue's words.

    Attributes
    ----------
    rows : list of Prepared
        One for each recording.
    rarity : Rarity
        As given.
    """

    def __init__(self, recordings: Sequence[Recording], rarity: Rarity) -> None:
        super().__init__()
        self.rows: list[Prepared] = list(map(prepare, recordings))
        self.rarity = rarity

    def values(self, read: Callable[[Prepared], H]) -> Numbered[H]:
        """Read a value off every recording.

        Parameters
        ----------
        read : callable
            Gives it; what is empty is missing. The same function is asked once.

        Returns
        -------
        Numbered
            A row for each recording.
        """
        return self.once(("values", read), lambda: Numbered.of(map(read, self.rows)))

    def sets(self, read: Callable[[Prepared], tuple[H, ...]]) -> NumberedSets[H]:
        """Read a set of values off every recording.

        Parameters
        ----------
        read : callable
            Gives it. The same function is asked once.

        Returns
        -------
        NumberedSets
            One for each of the distinct sets of `values`.
        """
        return self.once(("sets", read), lambda: NumberedSets.of(self.values(read).values))

    def numbers(self, read: Callable[[Prepared], float]) -> Column:
        """Read a number off every recording.

        Parameters
        ----------
        read : callable
            Gives it, NaN where it is missing. The same function is asked once.

        Returns
        -------
        numpy.ndarray
            Shape (n_recordings,), float64.
        """
        return self.once(("numbers", read), lambda: np.array(list(map(read, self.rows)), dtype=np.float64))

    def flags(self, read: Callable[[Prepared], bool]) -> Flags:
        """Tell something of every recording.

        Parameters
        ----------
        read : callable
            Tells it. The same function is asked once.

        Returns
        -------
        numpy.ndarray
            Shape (n_recordings,), bool.
        """
        return self.once(("flags", read), lambda: np.array(list(map(read, self.rows)), dtype=np.bool_))

    def bags(self, field: str) -> WordBags:
        """Collect one field of the recordings as sets of words.

        Parameters
        ----------
        field : str
            A key of `Prepared.words`.

        Returns
        -------
        WordBags
            Weighed by rarity, a row for each recording.
        """
        return self.once(
            ("bags", field), lambda: WordBags.of([row.words[field] for row in self.rows], self.rarity.weights)
        )

    def scripts(self, field: str) -> Integers:
        """Tell which scripts a field is in.

        Parameters
        ----------
        field : str
            A key of `Prepared.scripts`.

        Returns
        -------
        numpy.ndarray
            Shape (n_recordings,), int64, as in `Prepared.scripts`.
        """
        return self.once(
            ("scripts", field), lambda: np.array([row.scripts[field] for row in self.rows], dtype=np.int64)
        )


class Pairs(_Once):
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
        super().__init__()
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
        places: dict[Recording, int] = {}
        known: dict[int, int] = {}  # most often the very same object comes again, which need not be hashed
        for recording in (*q, *m):
            if id(recording) not in known:
                known[id(recording)] = places.setdefault(recording, len(places))
        q_rows, m_rows = (np.array([known[id(each)] for each in side], dtype=np.int64) for side in (q, m))
        return cls(RecordingTable(list(places), rarity), q_rows, m_rows, cosines)

    def block(self, start: int, stop: int) -> Pairs:
        """Take some of the pairs.

        Parameters
        ----------
        start, stop : int
            Of the pairs.

        Returns
        -------
        Pairs
            Of the same table.
        """
        return Pairs(self.table, self.q[start:stop], self.m[start:stop], self.cosines[start:stop])

    def shared(self, field: str) -> Column:
        """Weigh the words that both sides have in one field.

        Parameters
        ----------
        field : str
            A key of `Prepared.words`.

        Returns
        -------
        numpy.ndarray
            Shape (n_pairs,), float64, not negative.
        """
        bags = self.table.bags(field)
        return self.once(("shared", field), lambda: shared_weight(bags, bags, self.q, self.m))

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
        return self.once(("comparable", field), lambda: self._comparable(field))

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
        return flags[self.q] | flags[self.m]

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
        return DistinctPairs.of(self.table.values(read), self.q, self.m, wanted)

    def crossed(self, read: Callable[[Prepared], tuple[H, ...]], sets: DistinctPairs[tuple[H, ...]]) -> Crossed[H]:
        """Write out what has to be compared of sets of values.

        Parameters
        ----------
        read : callable
            Reads a set off a recording.
        sets : DistinctPairs
            What `distinct` found of the same sets.

        Returns
        -------
        Crossed
            A row for each of `sets`.
        """
        return Crossed.of(self.table.sets(read), sets.q_places, sets.m_places)

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
        sets = self.distinct(read, wanted)
        overlap, best = compare_names(self.crossed(read, sets), scorers)
        return NameSimilarities(sets.spread(overlap), sets.spread(best))

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
        common = [not one.isdisjoint(other) for one, other in zip(codes.q, codes.m, strict=True)]
        return codes.spread(np.array(common, dtype=np.float64))

    def _comparable(self, field: str) -> Flags:
        scripts = self.table.scripts(field)
        q, m = scripts[self.q], scripts[self.m]
        comparable: Flags = ((q & m) > 0) | (q == 0) | (m == 0)
        return comparable
