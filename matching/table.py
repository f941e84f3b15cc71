"""Recordings in memory, and their columns: what the features read off a recording is read off it once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Sequence
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from catalog.recording import Recording
from matching.columns import Column, Flags, GrowingColumn, Integers, Numbered, NumberedSets
from matching.prepared import Prepared, prepare
from matching.rarity import Rarity
from matching.wordbags import WordBags

C = TypeVar("C")
T = TypeVar("T")
H = TypeVar("H", bound=Hashable)


class RecordingTable:
    """Recordings; each column is read off them once, however many pairs they stand in.

    Recordings can be added while others compare those that are there.

    Parameters
    ----------
    recordings : sequence of Recording
        The first rows.
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
        self.rarity = rarity
        self.rows: list[Prepared] = list(map(prepare, recordings))
        self._columns: dict[object, Any] = {}
        self._readers: list[Callable[[Sequence[Prepared]], object]] = []
        self._changing = threading.RLock()
        self._is_half_filled = False

    def __len__(self) -> int:
        return len(self.rows)

    def add(self, new: Sequence[Prepared]) -> Integers:
        """Add recordings.

        Parameters
        ----------
        new : sequence of Prepared
            Any number of them.

        Returns
        -------
        numpy.ndarray
            Shape (n_recordings,), int64, their rows.

        Raises
        ------
        RuntimeError
            If an earlier call failed: some columns have its rows and others have not, so that no more can be added. The
            rows before it are as they were.
        """
        with self._changing:
            if self._is_half_filled:
                raise RuntimeError("expected a table that can grow, got one that a failed call has left half filled")
            begin = len(self.rows)
            self._is_half_filled = True
            for read in self._readers:
                read(new)
            self._is_half_filled = False
            self.rows.extend(new)
        return np.arange(begin, begin + len(new))

    def column(self, key: object, empty: Callable[[], C], read: Callable[[C, Sequence[Prepared]], object]) -> C:
        """Give a column; it is made when it is first asked for.

        Parameters
        ----------
        key : object
            Names it.
        empty : callable
            Makes it without rows.
        read : callable
            Adds rows to it.

        Returns
        -------
        object
            With a row for each recording, at least for those that the caller knows of.
        """
        if key not in self._columns:
            with self._changing:
                if key not in self._columns:
                    made = empty()
                    read(made, self.rows)
                    self._columns[key] = made
                    self._readers.append(lambda rows: read(made, rows))
        found: C = self._columns[key]
        return found

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
        return self.column(("values", read), Numbered[H], lambda column, rows: column.add(map(read, rows)))

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
        distinct = self.values(read).values
        return self.column(("sets", read), NumberedSets[H], lambda sets, _: sets.add(distinct[len(sets) :]))

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
        return self._array(read, np.float64)

    def integers(self, read: Callable[[Prepared], int]) -> Integers:
        """Read an integer off every recording.

        Parameters
        ----------
        read : callable
            Gives it. The same function is asked once.

        Returns
        -------
        numpy.ndarray
            Shape (n_recordings,), int64.
        """
        return self._array(read, np.int64)

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
        return self._array(read, np.bool_)

    def objects(self, read: Callable[[Prepared], T]) -> list[T]:
        """Read anything off every recording.

        Parameters
        ----------
        read : callable
            Gives it. The same function is asked once.

        Returns
        -------
        list
            n_recordings long.
        """
        return self.column(("objects", read), list[T], lambda column, rows: column.extend(map(read, rows)))

    def bags(self, read: Callable[[Prepared], dict[int, int]], weights: npt.NDArray[np.float32]) -> WordBags:
        """Read words off every recording.

        Parameters
        ----------
        read : callable
            Gives buckets of words, each with the fields that it stands in, as in `Prepared.words`. The same function is
            asked once.
        weights : numpy.ndarray
            Shape (n_buckets,), float32, weight of each bucket.

        Returns
        -------
        WordBags
            A row for each recording.
        """
        return self.column(
            ("bags", read), lambda: WordBags(weights), lambda bags, rows: bags.add(list(map(read, rows)))
        )

    def _array(self, read: Callable[[Prepared], float], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        column = self.column(
            ("array", read), lambda: GrowingColumn(dtype), lambda array, rows: array.add(list(map(read, rows)))
        )
        return column.array


def distinct_recordings(recordings: Sequence[Recording]) -> tuple[list[Recording], Integers]:
    """Find the distinct ones of some recordings.

    Parameters
    ----------
    recordings : sequence of Recording
        Any number of them.

    Returns
    -------
    tuple of list and numpy.ndarray
        The distinct ones; and for each recording which of them it is, shape (n_recordings,), int64.
    """
    places: dict[Recording, int] = {}
    known: dict[int, int] = {}  # most often the very same object comes again, which need not be hashed
    for recording in recordings:
        if id(recording) not in known:
            known[id(recording)] = places.setdefault(recording, len(places))
    return list(places), np.array([known[id(recording)] for recording in recordings], dtype=np.int64)
