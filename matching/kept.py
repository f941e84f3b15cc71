"""Recordings that were asked about are kept ready to be compared."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from catalog.errors import UnknownRecordingError
from catalog.recording import Recording
from catalog.store import Catalog
from index.live import LiveIndex
from matching.columns import Integers
from matching.features import features_of
from matching.pairs import Pairs
from matching.prepared import Prepared, prepare
from matching.rarity import Rarity
from matching.table import RecordingTable

# Some kilobytes each; when there are more, all but those that are being asked about go.
MOST_KEPT = 65_536
# Read at once: whoever adds others waits for so long.
_STEP = 64


@dataclass(frozen=True, eq=False)
class Kept:
    """Recordings, ready to be compared.

    Attributes
    ----------
    table : RecordingTable
        Holds them, and others.
    rows : numpy.ndarray
        Shape (n,), int64, their rows in the table.
    index_rows : numpy.ndarray
        Shape (n,), int64, their rows in the index.
    """

    table: RecordingTable
    rows: Integers
    index_rows: Integers

    def every_second(self, first: int) -> Kept:
        """Take every second of them.

        Parameters
        ----------
        first : int
            0 or 1.

        Returns
        -------
        Kept
            In their order.
        """
        return Kept(self.table, self.rows[first::2], self.index_rows[first::2])

    def recordings(self) -> list[Recording]:
        """List them as the catalogue describes them.

        Returns
        -------
        list of Recording
            In their order.
        """
        return [self.table.rows[row].recording for row in self.rows.tolist()]


class _Held:
    """A table, and where in it and in the index recordings stand."""

    def __init__(self, rarity: Rarity) -> None:
        self.table = RecordingTable([Recording("")], rarity)
        self.places: dict[str, tuple[int, int]] = {}
        self.adding = threading.Lock()
        # Every column is made while there is nothing to read.
        nothing = np.zeros(1, dtype=np.int64)
        features_of(Pairs(self.table, nothing, nothing, np.full(1, np.nan, dtype=np.float32)))

    def prepared(self, sr_id: str) -> Prepared:
        return self.table.rows[self.places[sr_id][0]]


class KeptRecordings:
    """Looks recordings up in the catalogue and in the index, and keeps them; several threads may ask.

    Parameters
    ----------
    catalog : Catalog
        Where recordings are looked up.
    index : LiveIndex
        Of the same recordings.
    rarity : Rarity
        Of the catalogue's words.
    """

    def __init__(self, catalog: Catalog, index: LiveIndex, rarity: Rarity) -> None:
        self._catalog, self._index, self._rarity = catalog, index, rarity
        self._held = _Held(rarity)

    def __len__(self) -> int:
        return len(self._held.places)

    def unknown(self, sr_ids: Iterable[str]) -> set[str]:
        """Tell which recordings the index does not hold.

        Parameters
        ----------
        sr_ids : iterable of str
            Ids, repetitions allowed.

        Returns
        -------
        set of str
            Those of them that `take` would not find.
        """
        places = self._held.places
        missing = [sr_id for sr_id in dict.fromkeys(sr_ids) if sr_id not in places]
        rows = self._index.find(missing).tolist() if missing else []
        return {sr_id for sr_id, row in zip(missing, rows, strict=True) if row < 0}

    def hold(self, sr_ids: Iterable[str]) -> bool:
        """Tell whether recordings are all kept ready, so that nothing has to be read for them.

        Parameters
        ----------
        sr_ids : iterable of str
            Ids, repetitions allowed.

        Returns
        -------
        bool
            As things stand.
        """
        places = self._held.places
        return all(sr_id in places for sr_id in sr_ids)

    def take(self, sr_ids: Sequence[str]) -> Kept:
        """Look recordings up.

        Parameters
        ----------
        sr_ids : sequence of str
            Ids, repetitions allowed.

        Returns
        -------
        Kept
            In the order of `sr_ids`.

        Raises
        ------
        UnknownRecordingError
            If the catalogue, or the index, does not hold one of them.
        """
        wanted, held = list(dict.fromkeys(sr_ids)), self._held
        if not self._hold(held, wanted, room=MOST_KEPT):
            before, held = held, _Held(self._rarity)
            self._hold(held, wanted, room=len(wanted), before=before)
            self._held = held
        places = np.array([held.places[sr_id] for sr_id in sr_ids], dtype=np.int64).reshape(-1, 2)
        return Kept(held.table, places[:, 0], places[:, 1])

    def read_ahead(self, start: int, stop: int) -> None:
        """Read some recordings, so that they are ready when they are asked about.

        Parameters
        ----------
        start : int
            The first of their rows in the index, 0 to `n_rows`.
        stop : int
            Behind the last one.

        Raises
        ------
        CatalogError
            If the catalogue cannot be read any more.
        UnknownRecordingError
            If one of them has gone since the index was built.
        """
        sr_ids = self._index.ids_of(np.arange(start, min(stop, self.n_rows)))
        gone = self.unknown(sr_ids)
        self.take([sr_id for sr_id in sr_ids if sr_id not in gone])

    @property
    def n_rows(self) -> int:
        """Rows of the index, those that are gone included."""
        delta = self._index.delta
        return len(self._index.snapshot) + (len(delta.changes.ids) if delta else 0)

    def _hold(self, held: _Held, sr_ids: Sequence[str], room: int, before: _Held | None = None) -> bool:
        """Add what is missing, and tell whether there was room for all of it."""
        missing = [sr_id for sr_id in sr_ids if sr_id not in held.places]
        for start in range(0, len(missing), _STEP):
            some = missing[start : start + _STEP]
            prepared = {sr_id: before.prepared(sr_id) for sr_id in some if before and sr_id in before.places}
            stored = [sr_id for sr_id in some if sr_id not in prepared]
            prepared |= zip(stored, map(prepare, self._stored(stored)), strict=True)
            index_rows = dict(zip(some, self._index.rows_of(some).tolist(), strict=True))
            with held.adding:
                new = [sr_id for sr_id in some if sr_id not in held.places]  # another thread may have been quicker
                if len(held.places) + len(new) > room:
                    return False
                try:
                    rows = held.table.add([prepared[sr_id] for sr_id in new]).tolist()
                except BaseException:
                    self._held = _Held(self._rarity)  # the table has been left half filled
                    raise
                held.places.update((sr_id, (row, index_rows[sr_id])) for sr_id, row in zip(new, rows, strict=True))
        return True

    def _stored(self, sr_ids: Sequence[str]) -> list[Recording]:
        recordings = self._catalog.get_many(sr_ids)
        for sr_id, recording in zip(sr_ids, recordings, strict=True):
            if recording is None:
                raise UnknownRecordingError(sr_id)
        return [recording for recording in recordings if recording is not None]
