"""The kinds of index that may be published, which of them is chosen, and what their candidates are called."""

from __future__ import annotations

FLAT, KEYS, HNSW, IVFPQ = "flat", "keys", "hnsw", "ivfpq"
KINDS = (FLAT, KEYS, HNSW, IVFPQ)
AUTO = "auto"

# Where a candidate comes from: rare keys (`KEYS`), the nearest vectors, or an ISRC in common.
VECTORS, ISRC = "vectors", "isrc"

# Up to here an exact scan of all vectors answers within about ten milliseconds (benchmarks/results/index.json).
FLAT_LIMIT = 20_000
# Bytes a recording: rare keys of a text of usual length, links of a graph, an id (benchmarks/results/index.json).
_BYTES_OF_KEYS, _BYTES_OF_LINKS, _BYTES_OF_AN_ID = 1_450, 280, 64


def kinds_to_try(kind: str, count: int, dimension: int, memory_mb: int) -> tuple[str, ...]:
    """Resolve ``auto`` by size and memory: the first of these that finds what is wanted is taken.

    Parameters
    ----------
    kind : str
        ``auto`` or one of `KINDS`.
    count : int
        Number of recordings.
    dimension : int
        Of their vectors.
    memory_mb : int
        That a published index may take, in MiB.

    Returns
    -------
    tuple of str
        The kind itself; for ``auto`` ``flat`` up to `FLAT_LIMIT` recordings. Beyond ``keys``, whose work per query does
        not grow with the catalogue, then ``ivfpq`` and ``flat``, whose does, as far as they fit into the memory;
        ``ivfpq``, the smallest, where nothing does. ``hnsw`` takes by far the longest to build, and is never tried.
    """
    if kind != AUTO:
        return (kind,)
    if count <= FLAT_LIMIT:
        return (FLAT,)
    smaller = (IVFPQ,) if dimension % 2 == 0 else ()  # two dimensions make a code
    fitting = tuple(each for each in (KEYS, *smaller, FLAT) if needed_mb(each, count, dimension) <= memory_mb)
    return fitting or smaller or (FLAT,)


def needed_mb(kind: str, count: int, dimension: int) -> int:
    """Estimate the memory of a published index: of what is searched, of the exact vectors, and of ids.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    count : int
        Number of recordings.
    dimension : int
        Of their vectors.

    Returns
    -------
    int
        MiB. Keys, vectors and ids are mapped from files: with less memory than that they are read from the disk.
    """
    searched = {FLAT: 4 * dimension, KEYS: _BYTES_OF_KEYS, HNSW: dimension + _BYTES_OF_LINKS, IVFPQ: dimension // 4}
    return count * (searched[kind] + 2 * dimension + _BYTES_OF_AN_ID) >> 20
