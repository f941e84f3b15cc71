"""Bringing the index up to the present state of its catalogue without building it anew."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from catalog.artefacts import build_aside, put_on_shelf
from catalog.digests import Digested, row_digests
from catalog.errors import ArtefactError, InputError
from catalog.recording import Recording
from catalog.store import Catalog
from index.changes import Changes, rows_among
from index.codes import CodeIndex, Codes
from index.delta import Delta, deltas_beside, stored_row_digests, write_delta
from index.encoders import RecordingEncoder
from index.live import LiveIndex
from index.snapshot import Snapshot

logger = logging.getLogger(__name__)

# The delta's vectors are compared one by one: beyond this share of the snapshot it is time to compact.
_LARGE = 0.1
_BATCH = 8_192


@dataclass(frozen=True)
class RefreshReport:
    """What the index is made of after a refresh.

    Attributes
    ----------
    snapshot : str
        Version of the snapshot.
    delta : str or None
        Version of its delta; ``None`` if the snapshot alone is for the catalogue's present state.
    published : bool
        Whether this refresh made the delta; else it was there.
    recordings : int
        Of the catalogue.
    fresh : int
        Those that the delta holds: new or changed since the snapshot.
    gone : int
        Those of the snapshot that were removed or changed.
    """

    snapshot: str
    delta: str | None
    published: bool
    recordings: int
    fresh: int
    gone: int

    def to_json(self) -> dict[str, object]:
        """Give what ``--json`` prints.

        Returns
        -------
        dict
            The attributes.
        """
        return asdict(self)


class StoredVectors:
    """Encodes only what is not stored yet: the vectors of unchanged recordings are taken from the index.

    Parameters
    ----------
    index : LiveIndex
        A snapshot, with a delta or without.
    shelf : Path
        The folder of index versions.
    load_encoder : callable
        Opens the encoder of the index; called when there is something to encode.
    """

    def __init__(self, index: LiveIndex, shelf: Path, load_encoder: Callable[[], RecordingEncoder]) -> None:
        self.digest = str(index.manifest["encoder_digest"])
        self.dimension = index.snapshot.vectors.shape[1]
        self._index = index
        fresh = index.delta.changes.row_digests if index.delta else np.zeros(0, np.uint64)
        self._digests = np.concatenate((stored_row_digests(shelf / index.version), fresh))
        self._load_encoder = load_encoder
        self._encoder: RecordingEncoder | None = None

    def encode(self, recordings: Sequence[Recording]) -> npt.NDArray[np.float32]:
        """Turn recordings into vectors.

        Parameters
        ----------
        recordings : sequence of Recording
            Any number.

        Returns
        -------
        numpy.ndarray
            Shape (n, dimension), float32; those that are stored, to the precision of float16.
        """
        rows = self._index.find([recording.sr_id for recording in recordings])
        known = (rows >= 0) & (self._digests[rows] == row_digests(recordings))
        vectors = np.empty((len(recordings), self.dimension), dtype=np.float32)
        vectors[known] = self._index.vectors_of(rows[known])
        unknown = [recording for recording, is_known in zip(recordings, known.tolist(), strict=True) if not is_known]
        if unknown:
            self._encoder = self._encoder or self._load_encoder()
            vectors[~known] = self._encoder.encode(unknown)
        return vectors


def latest_index(shelf: Path, snapshot: Snapshot) -> LiveIndex:
    """Open a snapshot with its newest delta, whatever state of the catalogue it is for.

    Parameters
    ----------
    shelf : Path
        The folder of index versions.
    snapshot : Snapshot
        One of them.

    Returns
    -------
    LiveIndex
        Without a delta if there is none that can be used.
    """
    for folder in sorted(deltas_beside(shelf, snapshot.version).glob("2*"), reverse=True):
        with suppress(ArtefactError):
            return LiveIndex(snapshot, Delta.load(folder))
    return LiveIndex(snapshot)


def refresh(
    catalog: Catalog, snapshot: Snapshot, shelf: Path, load_encoder: Callable[[], RecordingEncoder]
) -> RefreshReport:
    """Publish what has changed in a catalogue since a snapshot, unless that is published already.

    Parameters
    ----------
    catalog : Catalog
        Read once. What was read is one state of it, whoever writes to it meanwhile.
    snapshot : Snapshot
        The one in charge.
    shelf : Path
        The folder of index versions.
    load_encoder : callable
        Opens the encoder that the snapshot was built with; called when there is something to encode.

    Returns
    -------
    RefreshReport
        Counts.

    Raises
    ------
    InputError
        If the catalogue is empty.
    MissingArtefactError
        If the snapshot was built before onemaster kept the digests of rows.
    """
    began = time.monotonic()
    stored = StoredVectors(latest_index(shelf, snapshot), shelf, load_encoder)
    scan = Digested(catalog)
    changes = _changes(scan, snapshot, stored_row_digests(shelf / snapshot.version), stored)
    digest, recordings = scan.hexdigest(), len(snapshot) - len(changes.gone) + len(changes.ids)
    if not recordings:
        raise InputError("expected at least one recording, the catalogue would be empty: nothing was changed")
    index = _usable(snapshot, shelf, digest)
    published = index is None
    if index is None:
        about = {"snapshot": snapshot.version, "encoder_digest": stored.digest, "catalog_digest": digest}
        index = LiveIndex(snapshot, _publish(changes, about, deltas_beside(shelf, snapshot.version)))
    logger.info(
        "refresh: %d recordings, %d of them new or changed since %s, and %d gone, in %.1f s",
        *(recordings, len(changes.ids), snapshot.version, len(changes.gone), time.monotonic() - began),
    )
    if max(len(changes.ids), len(changes.gone)) > _LARGE * len(snapshot):
        logger.warning("more than a tenth of the index has changed since it was built: run onemaster compact")
    return RefreshReport(
        snapshot.version, index.delta_version, published, recordings, len(changes.ids), len(changes.gone)
    )


def _usable(snapshot: Snapshot, shelf: Path, digest: str) -> LiveIndex | None:
    try:
        return LiveIndex.open(snapshot, shelf, digest)
    except ArtefactError as error:
        logger.warning("the delta is made anew: %s", error)
        return None


def _changes(scan: Digested, snapshot: Snapshot, digests: npt.NDArray[np.uint64], encoder: RecordingEncoder) -> Changes:
    """Compare all recordings with a snapshot; what is new or changed is encoded on the way."""
    unseen = np.ones(len(snapshot), dtype=np.bool_)
    recordings = iter(scan)
    keys: list[bytes] = []
    vectors = [np.zeros((0, encoder.dimension), dtype=np.float16)]
    fresh_digests = [np.zeros(0, dtype=np.uint64)]
    codes = [Codes.of([])]
    while batch := list(islice(recordings, _BATCH)):
        rows = rows_among(snapshot.ids, [recording.sr_id.encode() for recording in batch])
        found = row_digests(batch)
        same = (rows >= 0) & (digests[rows] == found)
        unseen[rows[same]] = False
        fresh = [recording for recording, is_same in zip(batch, same.tolist(), strict=True) if not is_same]
        if fresh:
            codes.append(Codes.of((recording.isrcs for recording in fresh), first_row=len(keys)))
            keys += [recording.sr_id.encode() for recording in fresh]
            vectors.append(encoder.encode(fresh).astype(np.float16))
            fresh_digests.append(found[~same])
    ids = np.array(keys, dtype=np.bytes_)
    columns = np.concatenate(vectors), np.concatenate(fresh_digests)
    return Changes(np.flatnonzero(unseen), ids, *columns, CodeIndex.build(codes))


def _publish(changes: Changes, about: Mapping[str, object], deltas: Path) -> Delta:
    with build_aside(deltas) as building:
        made_at = {"built_at": datetime.now(UTC).isoformat(timespec="seconds")}
        version = write_delta(building, changes, {**about, **made_at})
        return Delta.load(put_on_shelf(building, deltas, version))
