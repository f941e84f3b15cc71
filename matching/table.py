"""Recordings as a table of what comparing reads off them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, TypeVar

import numpy as np

from catalog.recording import Recording
from matching.distinct import Column, Flags, Integers, Numbered, NumberedSets
from matching.prepared import Prepared, prepare
from matching.rarity import Rarity
from matching.wordbags import WordBags

T = TypeVar("T")
H = TypeVar("H", bound=Hashable)


class Once:
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


class RecordingTable(Once):
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

    @property
    def words(self) -> WordBags:
        """The words of the recordings, weighed by rarity, a row for each recording."""
        return self.once("words", lambda: WordBags.of([row.words for row in self.rows], self.rarity.weights))

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
