"""The index of a catalogue as it is now: a snapshot, and what has changed since.

Rows of the snapshot keep their numbers, rows of the delta come behind them; what is gone is passed over.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from catalog.errors import UnknownRecordingError
from index.changes import Changes, rows_among
from index.delta import Delta, deltas_beside, find_delta
from index.exact import pair_cosines, row_cosines
from index.kinds import FLAT
from index.snapshot import Neighbours, Snapshot
from index.vectors import Queries, Rows, VectorIndex, Vectors

# A query whose neighbours in the snapshot are gone is asked again for so many times as many.
_WIDER, _SPARE = 4, 8


class LiveIndex:
    """Ids and vectors of all recordings of a catalogue, and their nearest neighbours.

    Parameters
    ----------
    snapshot : Snapshot
        As it was built.
    delta : Delta, optional
        What has changed since; one of another snapshot is refused.
    """

    def __init__(self, snapshot: Snapshot, delta: Delta | None = None) -> None:
        self.snapshot = snapshot
        self.delta = delta
        self.version = snapshot.version
        self.manifest = snapshot.manifest
        self._changes = delta.changes if delta else Changes.none(snapshot.vectors.shape[1])
        if delta:
            delta.require_fit(snapshot)
        self._gone = np.zeros(len(snapshot), dtype=np.bool_)
        self._gone[self._changes.gone] = True
        # Where the delta's ids would stand among the snapshot's: equal cosines are ordered by id.
        self._places = np.searchsorted(snapshot.ids, self._changes.ids)
        self._fresh = VectorIndex.build(FLAT, self._changes.vectors, np.zeros(0, dtype=np.int64)) if delta else None

    @classmethod
    def open(cls, snapshot: Snapshot, shelf: Path, catalog_digest: str) -> LiveIndex | None:
        """Complete a snapshot to the state that a catalogue is in.

        Parameters
        ----------
        snapshot : Snapshot
            The one in charge.
        shelf : Path
            The folder of index versions.
        catalog_digest : str
            Digest of the catalogue.

        Returns
        -------
        LiveIndex or None
            ``None`` if neither the snapshot nor a delta of it was made from this state.

        Raises
        ------
        DamagedArtefactError
            If the delta for this state is altered.
        """
        if snapshot.manifest.get("catalog_digest") == catalog_digest:
            return cls(snapshot)
        folder = find_delta(deltas_beside(shelf, snapshot.version), catalog_digest)
        return cls(snapshot, Delta.load(folder)) if folder else None

    @property
    def delta_version(self) -> str | None:
        """Name of the delta, if there is one."""
        return self.delta.version if self.delta else None

    def __len__(self) -> int:
        return len(self.snapshot) - len(self._changes.gone) + len(self._changes.ids)

    def first_id(self) -> str:
        """Name some recording that the index holds.

        Returns
        -------
        str
            The id of its first row.
        """
        row = int(np.argmin(self._gone)) if len(self._changes.gone) < len(self.snapshot) else len(self.snapshot)
        return self.ids_of(np.array([row]))[0]

    def find(self, sr_ids: Sequence[str]) -> Rows:
        """Look up where recordings stand, if they do.

        Parameters
        ----------
        sr_ids : sequence of str
            Any ids.

        Returns
        -------
        numpy.ndarray
            Shape (n,), int64; -1 for those that the index does not hold.
        """
        keys = [sr_id.encode("utf-8", "surrogatepass") for sr_id in sr_ids]
        rows, fresh = rows_among(self.snapshot.ids, keys), rows_among(self._changes.ids, keys)
        rows[(rows >= 0) & self._gone[rows]] = -1
        return np.where(fresh >= 0, fresh + len(self.snapshot), rows)

    def rows_of(self, sr_ids: Sequence[str]) -> Rows:
        """Find where recordings stand.

        Parameters
        ----------
        sr_ids : sequence of str
            Ids of recordings.

        Returns
        -------
        numpy.ndarray
            Shape (n,), int64.

        Raises
        ------
        UnknownRecordingError
            For the first id that the index does not hold.
        """
        rows = self.find(sr_ids)
        unknown = np.flatnonzero(rows < 0)
        if len(unknown):
            raise UnknownRecordingError(sr_ids[unknown[0]])
        return rows

    def ids_of(self, rows: Rows) -> list[str]:
        """Name the recordings at some rows.

        Parameters
        ----------
        rows : numpy.ndarray
            Shape (n,), from `rows_of` or `nearest`.

        Returns
        -------
        list of str
            Their ids.
        """
        old, new = self.snapshot.ids, self._changes.ids
        return [(old[row] if row < len(old) else new[row - len(old)]).decode() for row in rows.tolist()]

    def vectors_of(self, rows: Rows) -> Vectors:
        """Take the vectors at some rows.

        Parameters
        ----------
        rows : numpy.ndarray
            Shape (n,), from `rows_of` or `nearest`.

        Returns
        -------
        numpy.ndarray
            Shape (n, dim), float16 unit rows; zeros for a recording without text.
        """
        if self.delta is None:
            return self.snapshot.vectors[rows]
        vectors, old = np.empty((len(rows), self.snapshot.vectors.shape[1]), np.float16), rows < len(self.snapshot)
        vectors[old] = self.snapshot.vectors[rows[old]]
        vectors[~old] = self._changes.vectors[rows[~old] - len(self.snapshot)]
        return vectors

    def cosines(self, q_rows: Rows, m_rows: Rows) -> npt.NDArray[np.float32]:
        """Compare stored recordings pair by pair.

        Parameters
        ----------
        q_rows : numpy.ndarray
            Shape (n_pairs,), rows of one side.
        m_rows : numpy.ndarray
            Shape (n_pairs,), rows of the other.

        Returns
        -------
        numpy.ndarray
            Shape (n_pairs,), float32; see `pair_cosines`.
        """
        return pair_cosines(self.vectors_of(q_rows), self.vectors_of(m_rows))

    @property
    def source(self) -> str:
        """What `nearest` finds neighbours by: ``keys`` or ``vectors``."""
        return self.snapshot.source

    def rows_with_isrc(self, isrcs: Sequence[str], own_row: int = -1) -> Rows:
        """Find the recordings that have an ISRC in common with another.

        Parameters
        ----------
        isrcs : sequence of str
            Its codes as delivered.
        own_row : int
            Its row, which is not among the answers; -1 if it has none.

        Returns
        -------
        numpy.ndarray
            Shape (n,), int64, at most so many for each code as `CodeIndex.rows_with` gives of the snapshot and of
            the delta each.
        """
        rows = self.snapshot.rows_with_isrc(isrcs, own_row)
        fresh = self._changes.codes.rows_with(isrcs, own_row - len(self.snapshot))
        return np.concatenate((rows[~self._gone[rows]], fresh + len(self.snapshot)))

    def nearest(
        self, queries: Queries, k: int, own_rows: Rows | None = None, texts: Sequence[str] | None = None
    ) -> Neighbours:
        """Find the nearest recordings.

        Parameters
        ----------
        queries : numpy.ndarray
            Shape (n_queries, dim), float32 unit rows.
        k : int
            Neighbours per query.
        own_rows : numpy.ndarray, optional
            Shape (n_queries,): the queries' own rows, which are never their neighbours.
        texts : sequence of str, optional
            The queries' `embeddings.text.recording_text`, which an index of rare keys wants of recordings that stand in
            the delta, or nowhere.

        Returns
        -------
        Neighbours
            By exact cosine; equal cosines in the order of ids. A query of zeros, a recording without text, has none.
        """
        if self._fresh is None:
            return self.snapshot.nearest(queries, k, own_rows, texts)
        own = np.full(len(queries), -1) if own_rows is None else own_rows
        fresh = self._fresh.propose(queries, min(k + 1, len(self._changes.ids))) if len(self._changes.ids) else None
        proposed = self._not_gone(queries, k, own, texts)
        if fresh is not None:
            fresh = np.where(fresh < 0, -1, fresh + len(self.snapshot))
            fresh = np.where(fresh == own[:, None], -1, fresh)
            fresh[~queries.any(axis=1)] = -1
            proposed = np.concatenate((proposed, fresh), axis=1)
        return self._ranked(queries, proposed, min(k, len(self)))

    def _not_gone(self, queries: Queries, k: int, own: Rows, texts: Sequence[str] | None) -> Rows:
        """Find the k nearest rows of the snapshot that are not gone, -1 where there are fewer."""
        rows = np.full((len(queries), min(k, len(self.snapshot))), -1, dtype=np.int64)
        own_there = np.where(own < len(self.snapshot), own, -1)
        asking, wanted = np.arange(len(queries)), k + min(len(self._changes.gone), _SPARE + k // _WIDER)
        while len(asking):
            some = [texts[place] for place in asking.tolist()] if texts is not None else None
            found = self.snapshot.nearest(queries[asking], wanted, own_there[asking], some).rows
            there = (found >= 0) & ~self._gone[found]
            first = np.argsort(~there, axis=1, kind="stable")[:, :k]
            kept = np.where(np.take_along_axis(there, first, axis=1), np.take_along_axis(found, first, axis=1), -1)
            rows[asking, : kept.shape[1]] = kept
            # Who was given fewer than asked for was given all that there are.
            more = (there.sum(axis=1) < k) & ((found >= 0).sum(axis=1) == wanted)
            asking, wanted = asking[more], wanted * _WIDER
        return rows

    def _ranked(self, queries: Queries, rows: Rows, k: int) -> Neighbours:
        """Order rows by their exact cosine, equal ones by id, and keep the best."""
        cosines = row_cosines(queries, rows, self.vectors_of)
        order = np.lexsort((rows, self.order_of_ids(rows), -cosines), axis=1)[:, :k]
        best_rows, best = np.take_along_axis(rows, order, axis=1), np.take_along_axis(cosines, order, axis=1)
        return Neighbours(best_rows, np.clip(np.where(best_rows < 0, np.nan, best), -1, 1))

    def order_of_ids(self, rows: Rows) -> Rows:
        """Give numbers that ascend as the ids of rows do: odd ones to the snapshot's, even ones to the delta's between.

        Parameters
        ----------
        rows : numpy.ndarray
            Any shape, from `rows_of` or `nearest`.

        Returns
        -------
        numpy.ndarray
            Same shape, int64; equal for rows of the delta that stand between the same two of the snapshot.
        """
        order = 2 * rows + 1
        fresh = rows >= len(self.snapshot)
        order[fresh] = 2 * self._places[rows[fresh] - len(self.snapshot)]
        return order
