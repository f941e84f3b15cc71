"""The offline rebuild: a catalogue and an encoder become a measured, published index."""

from __future__ import annotations

import json
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
from catalog.errors import InputError, RejectedBuildError
from catalog.manifest import checksums, sha256_file, write_json
from catalog.normalize import NORMALIZER_VERSION
from catalog.recording import Recording
from catalog.store import Catalog
from embeddings.encoder import Encoder
from embeddings.text import TEMPLATE_VERSION, recording_text
from index.codes import CodeIndex, Codes
from index.key_build import build_keys
from index.key_search import KeyIndex
from index.kinds import AUTO, KEYS, KINDS, choose_kind
from index.measure import Measurement, held_out, measure
from index.snapshot import FAISS_FILE, FORMAT, IDS_FILE, MANIFEST_FILE, VECTORS_FILE, Snapshot
from index.vectors import VectorIndex, Vectors

logger = logging.getLogger(__name__)

_BATCH = 8_192
# Texts are kept for the passes that rare keys take, and removed before anything is published.
_TEXTS_FILE = "texts.jsonl"


@dataclass(frozen=True)
class RebuildOptions:
    """What a rebuild may be told.

    Attributes
    ----------
    kind : str
        ``auto`` or one of `index.kinds.KINDS`.
    min_recall : float
        What a build has to find, 0 to 1; `index.measure` says of what. One of a named kind that finds less is refused;
        ``auto`` publishes it with a warning.
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
    found : str
        The figure that it was judged by, in words.
    warning : str or None
        What to do if that is less than was wanted.
    """

    version: str
    folder: Path | None
    manifest: dict[str, object]
    found: str
    warning: str | None


@dataclass(frozen=True)
class _Encoded:
    ids: npt.NDArray[np.bytes_]
    vectors: Vectors
    codes: CodeIndex
    catalog_digest: str


def rebuild(
    catalog: Catalog,
    encoder: Encoder,
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
    encoder : Encoder
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
        With the figures.

    Raises
    ------
    InputError
        If the catalogue is empty or changes meanwhile, or the kind is impossible.
    RejectedBuildError
        If an index of a named kind finds less than is wanted; the index published before stays in charge.
    """
    options = options or RebuildOptions()
    if options.kind not in (AUTO, *KINDS):
        raise InputError(f"expected an index kind out of {', '.join((AUTO, *KINDS))}, got {options.kind!r}")
    if len(catalog) == 0:
        raise InputError("expected at least one recording to index, the catalogue is empty: run onemaster import")
    began = time.monotonic()
    with build_aside(shelf) as building:
        kind = choose_kind(options.kind, len(catalog))
        encoded = _encode(catalog, encoder, building)
        logger.info("encoded %d recordings in %.1f s", len(encoded.ids), time.monotonic() - began)
        index_began = time.monotonic()
        measured = _build_index(kind, encoded, building, options.min_recall)
        logger.info("indexed and measured in %.1f s", time.monotonic() - index_began)
        warning = _judged(measured, options)
        size = sum(path.stat().st_size for path in building.iterdir())
        manifest = {
            "format": FORMAT,
            "count": len(encoded.ids),
            "dimension": encoder.dimension,
            **measured.to_json(),
            "warning": warning,
            "bytes_per_vector": round(size / len(encoded.ids)),
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
    logger.info("%s %s index %s: %s", "published" if folder else "tried", kind, version, measured.in_words())
    return RebuildReport(version, folder, manifest, measured.in_words(), warning)


def _published(building: Path, shelf: Path, version: str, before_publish: Callable[[], object] | None) -> Path:
    if before_publish is not None:
        before_publish()
    return publish(building, shelf, version)


def _build_index(kind: str, encoded: _Encoded, building: Path, min_recall: float) -> Measurement:
    """Write the files of the index, learnt from all but the held-out vectors, and measure it with those."""
    vectors = encoded.vectors
    queries = held_out(encoded.ids)
    queries = queries[vectors[queries].any(axis=1)]  # a recording without text has no neighbours to find
    searcher: VectorIndex | KeyIndex
    if kind == KEYS:
        build_keys(building, lambda: _texts(building), len(vectors))
        searcher = KeyIndex.load(building)
    else:
        training_rows = np.setdiff1d(np.arange(len(vectors)), queries, assume_unique=True)
        searcher = VectorIndex.build(kind, vectors, training_rows)
        searcher.save(building / FAISS_FILE)
    (building / _TEXTS_FILE).unlink()
    snapshot = Snapshot(building.name, encoded.ids, vectors, searcher, 1, {}, encoded.codes)
    return measure(snapshot, kind, queries, min_recall)


def _judged(measured: Measurement, options: RebuildOptions) -> str | None:
    """Refuse an index that finds too little, or say what to do if ``auto`` chose it."""
    if measured.decisive >= options.min_recall:
        return None
    short = (
        f"{measured.in_words()} of this {measured.kind} index on {measured.queries} held-out queries, expected at "
        f"least {options.min_recall}"
    )
    if options.kind != AUTO:
        raise RejectedBuildError(f"{short}: use --kind flat, or accept less with --min-recall; nothing was published")
    warning = f"{short}: some duplicates may not be proposed; --kind flat finds all neighbours, slowly"
    logger.warning(warning)
    return warning


def _encode(catalog: Catalog, encoder: Encoder, building: Path) -> _Encoded:
    """Stream the catalogue through the encoder into the build's files, in the order of ids."""
    digest = catalog.digest()
    vectors = np.lib.format.open_memmap(
        building / VECTORS_FILE, mode="w+", dtype=np.float16, shape=(len(catalog), encoder.dimension)
    )
    keys: list[bytes] = []
    codes: list[Codes] = []
    with (
        tqdm(total=len(catalog), desc="encode", unit=" recordings", disable=None) as progress,
        (building / _TEXTS_FILE).open("w", encoding="utf-8") as texts,
    ):
        for batch in _batches(catalog):
            vectors[len(keys) : len(keys) + len(batch)] = encoder.encode(batch)
            codes.append(Codes.of((recording.isrcs for recording in batch), first_row=len(keys)))
            texts.write(json.dumps(list(map(recording_text, batch))) + "\n")
            keys.extend(recording.sr_id.encode() for recording in batch)
            progress.update(len(batch))
    vectors.flush()
    if any(key >= following for key, following in pairwise(keys)):
        raise InputError(
            "expected ids in strictly ascending order of their UTF-8 bytes: run onemaster import on the catalogue"
        )
    ids = np.array(keys, dtype=np.bytes_)
    np.save(building / IDS_FILE, ids, allow_pickle=False)
    code_index = CodeIndex.build(codes)
    code_index.save(building)
    if catalog.digest() != digest:
        raise InputError("the catalogue changed while it was encoded, nothing was published: run rebuild again")
    return _Encoded(ids, vectors, code_index, digest)


def _batches(catalog: Catalog) -> Iterator[list[Recording]]:
    recordings = iter(catalog)
    while batch := list(islice(recordings, _BATCH)):
        yield batch


def _texts(building: Path) -> Iterator[list[str]]:
    with (building / _TEXTS_FILE).open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)
