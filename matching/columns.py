"""Columns that grow by rows: values by number, sets of values by number, and arrays."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from itertools import islice
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Column = npt.NDArray[np.float64]
H = TypeVar("H", bound=Hashable)

_LEAST_ROOM = 64


class GrowingColumn:
    """An array that rows are added to; arrays that were read before stay as they are.

    Parameters
    ----------
    dtype : data-type
        Of the numbers.
    width : int, optional
        Numbers of a row; one, and then without a dimension of its own, if not given.
    """

    def __init__(self, dtype: npt.DTypeLike, width: int | None = None) -> None:
        self._room: npt.NDArray[Any] = np.empty((_LEAST_ROOM,) if width is None else (_LEAST_ROOM, width), dtype=dtype)
        self.array: npt.NDArray[Any] = self._room[:0]
        """All rows so far."""

    def add(self, rows: npt.ArrayLike) -> None:
        """Add rows.

        Parameters
        ----------
        rows : array_like
            Shape (n_rows,) or (n_rows, width).
        """
        added, begin = np.asarray(rows, dtype=self._room.dtype), len(self.array)
        end = begin + len(added)
        if end > len(self._room):
            room = np.empty((max(end, 2 * len(self._room)), *self._room.shape[1:]), dtype=self._room.dtype)
            room[:begin] = self.array
            self._room = room
        self._room[begin:end] = added.reshape(len(added), *self._room.shape[1:])
        self.array = self._room[:end]


class Numbered(Generic[H]):
    """A column of values as numbers of the distinct ones.

    Parameters
    ----------
    column : iterable
        Values; what is empty is missing.

    Attributes
    ----------
    values : list
        Distinct ones that are present, in the order of their first appearance.
    """

    def __init__(self, column: Iterable[H] = ()) -> None:
        self.values: list[H] = []
        self._places: dict[H, int] = {}
        self._rows = GrowingColumn(np.int64)
        self.add(column)

    def add(self, column: Iterable[H]) -> None:
        """Add rows.

        Parameters
        ----------
        column : iterable
            Their values; what is empty is missing.
        """
        places = self._places
        rows = [places.setdefault(value, len(places)) if value else -1 for value in column]
        self.values.extend(_newest(places, len(places) - len(self.values)))
        self._rows.add(rows)

    @property
    def rows(self) -> Integers:
        """Shape (n_rows,), int64: place in `values`, -1 where the value is missing."""
        return self._rows.array


def _newest(places: dict[H, int], n: int) -> list[H]:
    return list(islice(reversed(places), n))[::-1]


class NumberedSets(Generic[H]):
    """Sets of values as numbers of the distinct ones.

    Parameters
    ----------
    sets : sequence of sequence
        Values.

    Attributes
    ----------
    values : list
        Distinct ones, in the order of their first appearance.
    """

    def __init__(self, sets: Sequence[Sequence[H]] = ()) -> None:
        self.values: list[H] = []
        self._places: dict[H, int] = {}
        self._members, self._counts = GrowingColumn(np.int64), GrowingColumn(np.int64)
        self._starts = GrowingColumn(np.int64)
        self.add(sets)

    def __len__(self) -> int:
        return len(self._counts.array)

    def add(self, sets: Sequence[Sequence[H]]) -> None:
        """Add sets.

        Parameters
        ----------
        sets : sequence of sequence
            Values.
        """
        places, begin = self._places, len(self.members)
        members = [places.setdefault(value, len(places)) for each in sets for value in each]
        counts = np.array(list(map(len, sets)), dtype=np.int64)
        self.values.extend(_newest(places, len(places) - len(self.values)))
        self._members.add(members)
        self._starts.add(begin + np.cumsum(counts) - counts)
        self._counts.add(counts)

    @property
    def members(self) -> Integers:
        """Shape (n_members,), int64: places in `values`, set after set."""
        return self._members.array

    @property
    def starts(self) -> Integers:
        """Shape (n_sets,), int64: place in `members` of each set's first."""
        return self._starts.array

    @property
    def counts(self) -> Integers:
        """Shape (n_sets,), int64, sizes of the sets."""
        return self._counts.array
