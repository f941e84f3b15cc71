"""Recordings that were asked about are kept ready to be compared."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from catalog.errors import UnknownRecordingError
from catalog.recording import Recording
from catalog.store import Catalog
from index.live import LiveIndex
from matching.columns import Integers
from matching.prepared import prepare
from matching.rarity import Rarity
from matching.table import RecordingTable

# Some kilobytes each; when there are more, all but those that are being asked about go.
MOST_KEPT = 65_536
_STEP = 512


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


@dataclass(eq=False)
class _Held:
    table: RecordingTable
    places: dict[str, tuple[int, int]] = field(default_factory=dict)


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
        self._adding = threading.Lock()
        self._held = _Held(RecordingTable([], rarity))

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
            For the first id that the catalogue, or the index, does not hold.
        """
        held = self._held
        missing = [sr_id for sr_id in dict.fromkeys(sr_ids) if sr_id not in held.places]
        if missing and held.places and len(held.table) + len(missing) > MOST_KEPT:
            held = self._held = _Held(RecordingTable([], self._rarity))
            missing = list(dict.fromkeys(sr_ids))
        for start in range(0, len(missing), _STEP):
            self._add(held, missing[start : start + _STEP])
        places = np.array([held.places[sr_id] for sr_id in sr_ids], dtype=np.int64).reshape(-1, 2)
        return Kept(held.table, places[:, 0], places[:, 1])

    def read_ahead(self, start: int, stop: int) -> None:
        """Read some recordings, so that they are ready when they are asked about.

        Parameters
        ----------
        start : int
            The first of their rows in the index's snapshot.
        stop : int
            Behind the last one.

        Raises
        ------
        CatalogError
            If the catalogue cannot be read any more.
        UnknownRecordingError
            If one of them has gone since the index was built.
        """
        rows = np.arange(start, min(stop, len(self._index.snapshot)))
        sr_ids = self._index.ids_of(rows)
        gone = self.unknown(sr_ids)
        self.take([sr_id for sr_id in sr_ids if sr_id not in gone])

    def _add(self, held: _Held, sr_ids: Sequence[str]) -> None:
        prepared = list(map(prepare, self._stored(sr_ids)))
        index_rows = self._index.rows_of(sr_ids).tolist()
        with self._adding:  # of two threads that looked up the same recording, the second one's row is used
            rows = held.table.add(prepared).tolist()
            held.places.update(zip(sr_ids, zip(rows, index_rows, strict=True), strict=True))

    def _stored(self, sr_ids: Sequence[str]) -> list[Recording]:
        recordings = self._catalog.get_many(sr_ids)
        for sr_id, recording in zip(sr_ids, recordings, strict=True):
            if recording is None:
                raise UnknownRecordingError(sr_id)
        return [recording for recording in recordings if recording is not None]
