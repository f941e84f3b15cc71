"""The offline rebuild: a catalogue and an encoder become a measured, published index."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import psutil

from catalog.artefacts import build_aside, new_version, publish
from catalog.errors import InputError, RejectedBuildError
from catalog.manifest import checksums, sha256_file, write_json
from catalog.normalize import NORMALIZER_VERSION
from catalog.store import Catalog
from embeddings.text import TEMPLATE_VERSION
from index.completeness import pair_completeness
from index.encoders import RecordingEncoder
from index.encoding import Encoded, encode_catalog, forget_texts, texts_of
from index.key_build import build_keys
from index.key_search import KEY_FILES, KeyIndex
from index.kinds import AUTO, KEYS, KINDS, kinds_to_try, needed_mb
from index.live import LiveIndex
from index.measure import Measurement, held_out, measure
from index.snapshot import FAISS_FILE, FORMAT, MANIFEST_FILE, Snapshot, published_files
from index.vectors import Rows, VectorIndex

logger = logging.getLogger(__name__)

# Of control groups, version 2 and 1.
_CONTAINER_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


@dataclass(frozen=True)
class RebuildOptions:
    """What a rebuild may be told.

    Attributes
    ----------
    kind : str
        ``auto`` or one of `index.kinds.KINDS`.
    min_recall : float
        What a build has to find, 0 to 1; `index.measure` says of what. One of a named kind that finds less is refused;
        ``auto`` tries other kinds, and publishes with a warning if none finds that.
    dry_run : bool
        Build and measure, publish nothing.
    valid_pairs : sequence of (str, str)
        Ids of recordings that are one master: pair completeness is measured by them, and judges nothing.
    memory_mb : int or None
        What ``auto`` may choose an index for, in MiB; half of this machine's memory if ``None``.
    """

    kind: str = "auto"
    min_recall: float = 0.98
    dry_run: bool = False
    valid_pairs: Sequence[tuple[str, str]] = ()
    memory_mb: int | None = None


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
        With the figures.

    Raises
    ------
    InputError
        If the catalogue is empty or changes meanwhile, or the kind is impossible.
    RejectedBuildError
        If an index of a named kind finds less than is wanted; the index published before stays in charge.
    """
    options = options or RebuildOptions()
    _require_possible(catalog, options)
    began = time.monotonic()
    with build_aside(shelf) as building:
        encoded = encode_catalog(catalog, encoder, building)
        logger.info("encoded %d recordings in %.1f s", len(encoded.ids), time.monotonic() - began)
        tried = _tried(encoded, options, building)
        snapshot, measured = _chosen(tried, options.min_recall, building)
        logger.info("indexed them by %s after %.1f s", snapshot.kind, time.monotonic() - began)
        warning = _judged(measured, options)
        manifest = {
            "format": FORMAT,
            "count": len(encoded.ids),
            "dimension": encoder.dimension,
            **measured.to_json(),
            "tried": [{"kind": each.measured.kind, "found": each.measured.decisive} for each in tried],
            **_pair_completeness(snapshot, measured.widening, options.valid_pairs),
            "warning": warning,
            "model": model,
            "encoder_digest": encoder.digest,
            "catalog_digest": encoded.catalog_digest,
            **_written(building, len(encoded.ids)),
            "built_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "seconds": round(time.monotonic() - began, 2),
        }
        write_json(building / MANIFEST_FILE, manifest)
        version = new_version(sha256_file(building / MANIFEST_FILE))
        folder = None if options.dry_run else _published(building, shelf, version, before_publish)
    done, found = "published" if folder else "tried", measured.in_words()
    logger.info("%s %s index %s: %s", done, snapshot.kind, version, found)
    return RebuildReport(version, folder, manifest, found, warning)


def _require_possible(catalog: Catalog, options: RebuildOptions) -> None:
    if options.kind not in (AUTO, *KINDS):
        raise InputError(f"expected an index kind out of {', '.join((AUTO, *KINDS))}, got {options.kind!r}")
    if len(catalog) == 0:
        raise InputError("expected at least one recording to index, the catalogue is empty: run onemaster import")


def _published(building: Path, shelf: Path, version: str, before_publish: Callable[[], object] | None) -> Path:
    if before_publish is not None:
        before_publish()
    return publish(building, shelf, version)


class _Tried(NamedTuple):
    snapshot: Snapshot
    measured: Measurement


def _tried(encoded: Encoded, options: RebuildOptions, building: Path) -> list[_Tried]:
    """Build and measure one kind after the other, until one finds what is wanted."""
    count, dimension = encoded.vectors.shape
    memory_mb = _half_of_the_memory() if options.memory_mb is None else options.memory_mb
    queries = held_out(encoded.ids, encoded.vectors)
    tried: list[_Tried] = []
    for kind in kinds_to_try(options.kind, count, dimension, memory_mb):
        if options.kind == AUTO and needed_mb(kind, count, dimension) > memory_mb:
            logger.warning(
                "no kind of index of %d recordings fits into %d MiB; %s comes nearest", count, memory_mb, kind
            )
        snapshot = _indexed(kind, encoded, queries, building)
        tried.append(_Tried(snapshot, measure(snapshot, queries, options.min_recall)))
        logger.info("%s: %s", kind, tried[-1].measured.in_words())
        if tried[-1].measured.decisive >= options.min_recall:
            break
    forget_texts(building)
    return tried


def _half_of_the_memory() -> int:
    """Look up half of what this machine has, or of what the container may use, in MiB."""
    limits = [path.read_text(encoding="ascii").strip() for path in _CONTAINER_LIMITS if path.is_file()]
    return min([int(psutil.virtual_memory().total), *(int(limit) for limit in limits if limit.isdigit())]) >> 21


def _chosen(tried: Sequence[_Tried], wanted: float, building: Path) -> _Tried:
    """Take the kind that finds what is wanted, or the first one, and remove the files of the others."""
    chosen = next((each for each in tried if each.measured.decisive >= wanted), tried[0])
    if isinstance(chosen.snapshot.searcher, VectorIndex) and chosen is not tried[-1]:
        chosen.snapshot.searcher.save(building / FAISS_FILE)  # another kind was written over it
    for name in {FAISS_FILE, *KEY_FILES}.difference(published_files(chosen.snapshot.kind)):
        (building / name).unlink(missing_ok=True)
    return chosen


def _indexed(kind: str, encoded: Encoded, held_out_rows: Rows, building: Path) -> Snapshot:
    """Write the files of the index; what is learnt, is learnt from all but the held-out vectors."""
    vectors = encoded.vectors
    searcher: VectorIndex | KeyIndex
    if kind == KEYS:
        build_keys(building, partial(texts_of, building), len(vectors))
        searcher = KeyIndex.load(building)
    else:
        training_rows = np.setdiff1d(np.arange(len(vectors)), held_out_rows, assume_unique=True)
        searcher = VectorIndex.build(kind, vectors, training_rows)
        searcher.save(building / FAISS_FILE)
    return Snapshot(building.name, encoded.ids, vectors, searcher, 1, {}, encoded.codes)


def _pair_completeness(snapshot: Snapshot, widening: int, pairs: Sequence[tuple[str, str]]) -> dict[str, object]:
    if not pairs:
        return {"pair_completeness": None}
    q, m = [q for q, _ in pairs], [m for _, m in pairs]
    live = LiveIndex(replace(snapshot, widening=widening))
    found, exact = pair_completeness(live, q, m), pair_completeness(live, q, m, exact=True)
    return {"pair_completeness": {"k": found.k, "value": found.value, "exact": exact.value, "pairs": found.n_valid}}


def _written(building: Path, count: int) -> dict[str, object]:
    versions = {"template_version": TEMPLATE_VERSION, "normalizer_version": NORMALIZER_VERSION}
    size = sum(path.stat().st_size for path in building.iterdir())
    return {**versions, "bytes_per_vector": round(size / count), "files": checksums(building)}


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
