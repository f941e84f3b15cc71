"""The offline rebuild: a catalogue and an encoder become a measured, published index."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from catalog.artefacts import build_aside, new_version, publish
from catalog.digests import row_digests
from catalog.errors import InputError, RejectedBuildError
from catalog.manifest import checksums, sha256_file, write_json
from catalog.normalize import NORMALIZER_VERSION
from catalog.recording import Recording
from catalog.store import Catalog
from embeddings.text import TEMPLATE_VERSION
from index.delta import ROW_DIGESTS_FILE
from index.encoders import RecordingEncoder
from index.snapshot import FAISS_FILE, FORMAT, IDS_FILE, MANIFEST_FILE, VECTORS_FILE, rank
from index.vectors import FLAT, Queries, Rows, VectorIndex, Vectors, choose_kind

logger = logging.getLogger(__name__)

RECALL_K = 20
_QUERIES = 1_000
_BATCH = 8_192
_EXACT_BLOCK = 65_536
# Rows proposed per neighbour wanted: the cheapest that reaches the wanted recall is kept.
_WIDENINGS = (2, 4, 8, 16, 32)
# Two cosines this close are the same to float16 vectors; either neighbour is right.
_TIE = 1e-4


@dataclass(frozen=True)
class RebuildOptions:
    """What a rebuild may be told.

    Attributes
    ----------
    kind : str
        ``auto``, ``flat`` or ``pq``.
    min_recall : float
        Recall@20 against exact search below which a build is refused, 0 to 1.
    dry_run : bool
        Build and measure, publish nothing.
    """

    kind: str = "auto"
    min_recall: float = 0.98
    dry_run: bool = False


@dataclass(frozen=True)
class RebuildReport:
    """What a rebuild did.

    Attributes
    ----------
    version : str
        The published version, or the one that a dry run would have published.
    folder : Path or None
        Where it stands; ``None`` after a dry run.
    manifest : dict
        All figures.
    """

    version: str
    folder: Path | None
    manifest: dict[str, object]


@dataclass(frozen=True)
class _Encoded:
    ids: npt.NDArray[np.bytes_]
    vectors: Vectors
    catalog_digest: str


@dataclass(frozen=True)
class _Measurement:
    recall: float
    widening: int
    queries: int


def rebuild(
    catalog: Catalog,
    encoder: RecordingEncoder,
    model: str,
    shelf: Path,
    options: RebuildOptions | None = None,
    before_publish: Callable[[], object] | None = None,
) -> RebuildReport:
    """Encode a catalogue, index it, measure the index, and publish it if it is good enough.

    Parameters
    ----------
    catalog : Catalog
        Read once for its recordings and once for its digest.
    encoder : RecordingEncoder
        With a digest, as it stands in a published model.
    model : str
        Version of that model.
    shelf : Path
        The folder of index versions.
    options : RebuildOptions, optional
        Defaults as documented there.
    before_publish : callable, optional
        Called once the build has passed and is about to be published: the moment to publish a model made for it.

    Returns
    -------
    RebuildReport
        With the measured recall.

    Raises
    ------
    InputError
        If the catalogue is empty or changes meanwhile, or the kind is impossible.
    RejectedBuildError
        If recall stayed below the wanted one; the index published before stays in charge.
    """
    options = options or RebuildOptions()
    if len(catalog) == 0:
        raise InputError("expected at least one recording to index, the catalogue is empty: run onemaster import")
    began = time.monotonic()
    with build_aside(shelf) as building:
        encoded = _encode(catalog, encoder, building)
        logger.info("encoded %d recordings in %.1f s", len(encoded.ids), time.monotonic() - began)
        kind = choose_kind(options.kind, len(encoded.ids), encoder.dimension)
        measured = _build_index(kind, encoded, building, options.min_recall)
        manifest = {
            "format": FORMAT,
            "kind": kind,
            "count": len(encoded.ids),
            "dimension": encoder.dimension,
            "widening": measured.widening,
            "recall": {"k": RECALL_K, "value": measured.recall, "queries": measured.queries},
            "model": model,
            "encoder_digest": encoder.digest,
            "template_version": TEMPLATE_VERSION,
            "normalizer_version": NORMALIZER_VERSION,
            "catalog_digest": encoded.catalog_digest,
            "files": checksums(building),
            "built_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "seconds": round(time.monotonic() - began, 2),
        }
        write_json(building / MANIFEST_FILE, manifest)
        version = new_version(sha256_file(building / MANIFEST_FILE))
        folder = None if options.dry_run else _published(building, shelf, version, before_publish)
    done = "published" if folder else "tried"
    logger.info("%s %s index %s: recall@%d %.4f", done, kind, version, RECALL_K, measured.recall)
    return RebuildReport(version, folder, manifest)


def _published(building: Path, shelf: Path, version: str, before_publish: Callable[[], object] | None) -> Path:
    if before_publish is not None:
        before_publish()
    return publish(building, shelf, version)


def _build_index(kind: str, encoded: _Encoded, building: Path, min_recall: float) -> _Measurement:
    """Build the FAISS file from all but the held-out vectors, add all, and measure it; refuse it if it is poor."""
    vectors = encoded.vectors
    queries = _held_out(encoded.ids)
    queries = queries[vectors[queries].any(axis=1)]  # a recording without text has no neighbours to find
    training_rows = np.setdiff1d(np.arange(len(vectors)), queries, assume_unique=True)
    vector_index = VectorIndex.build(kind, vectors, training_rows)
    vector_index.save(building / FAISS_FILE)
    measured = _measure(vector_index, vectors, queries, min_recall)
    if measured.recall < min_recall:
        raise RejectedBuildError(
            f"recall@{RECALL_K} of this {kind} index is {measured.recall:.4f} on {measured.queries} held-out queries, "
            f"expected at least {min_recall}: use --kind flat, or accept less with --min-recall; nothing was published"
        )
    return measured


def _encode(catalog: Catalog, encoder: RecordingEncoder, building: Path) -> _Encoded:
    """Stream the catalogue through the encoder into the build's files, in the order of ids."""
    digest = catalog.digest()
    vectors = np.lib.format.open_memmap(
        building / VECTORS_FILE, mode="w+", dtype=np.float16, shape=(len(catalog), encoder.dimension)
    )
    keys: list[bytes] = []
    digests = []
    with tqdm(total=len(catalog), desc="encode", unit=" recordings", disable=None) as progress:
        for batch in _batches(catalog):
            vectors[len(keys) : len(keys) + len(batch)] = encoder.encode(batch)
            keys.extend(recording.sr_id.encode() for recording in batch)
            digests.append(row_digests(batch))
            progress.update(len(batch))
    vectors.flush()
    if any(key >= following for key, following in pairwise(keys)):
        raise InputError(
            "expected ids in strictly ascending order of their UTF-8 bytes: run onemaster import on the catalogue"
        )
    ids = np.array(keys, dtype=np.bytes_)
    np.save(building / IDS_FILE, ids, allow_pickle=False)
    np.save(building / ROW_DIGESTS_FILE, np.concatenate(digests), allow_pickle=False)
    if catalog.digest() != digest:
        raise InputError("the catalogue changed while it was encoded, nothing was published: run rebuild again")
    return _Encoded(ids, vectors, digest)


def _batches(catalog: Catalog) -> Iterator[list[Recording]]:
    recordings = iter(catalog)
    while batch := list(islice(recordings, _BATCH)):
        yield batch


def _held_out(ids: npt.NDArray[np.bytes_]) -> Rows:
    """Choose the rows that are asked and never learnt from, by hash of their ids: the same in every build."""
    wanted = min(_QUERIES, max(1, len(ids) // 10))
    hashes = np.array([int.from_bytes(hashlib.blake2b(key, digest_size=8).digest()) for key in ids.tolist()], np.uint64)
    return np.sort(np.argsort(hashes, kind="stable")[:wanted])


def _measure(vector_index: VectorIndex, vectors: Vectors, query_rows: Rows, wanted: float) -> _Measurement:
    """Recall@20 against exact search, at the narrowest widening that reaches what is wanted."""
    queries = vectors[query_rows].astype(np.float32)
    k = min(RECALL_K, len(vectors) - 1)
    if k < 1 or not len(query_rows):
        return _Measurement(1.0, 1, len(query_rows))
    worst_exact = _exact_kth_cosines(vectors, queries, query_rows, k)
    measured = _Measurement(0.0, 1, len(query_rows))
    for widening in (1,) if vector_index.kind == FLAT else _WIDENINGS:
        proposed = vector_index.propose(queries, min((k + 1) * widening, len(vectors)))
        proposed = np.where(proposed == query_rows[:, None], -1, proposed)
        found = rank(vectors, queries, proposed, k)
        hits = np.nan_to_num(found.cosines, nan=-2) >= worst_exact[:, None] - _TIE
        measured = _Measurement(float(hits.mean()), widening, len(query_rows))
        if measured.recall >= wanted:
            break
    return measured


def _exact_kth_cosines(vectors: Vectors, queries: Queries, query_rows: Rows, k: int) -> npt.NDArray[np.float32]:
    """Compare with every vector: the cosine of each query's k-th nearest other record, shape (n_queries,)."""
    best = np.full((len(queries), k), -2, dtype=np.float32)
    for start in range(0, len(vectors), _EXACT_BLOCK):
        block = vectors[start : start + _EXACT_BLOCK].astype(np.float32)
        cosines = queries @ block.T
        own = (query_rows >= start) & (query_rows < start + len(block))
        cosines[np.flatnonzero(own), query_rows[own] - start] = -2
        merged = np.concatenate((best, cosines), axis=1)
        best = np.partition(merged, merged.shape[1] - k, axis=1)[:, -k:]
    worst: npt.NDArray[np.float32] = best.min(axis=1)
    return worst
