"""The kinds of index that may be published, which of them is chosen, and what their candidates are called."""

from __future__ import annotations

FLAT, KEYS, HNSW, IVFPQ = "flat", "keys", "hnsw", "ivfpq"
KINDS = (FLAT, KEYS, HNSW, IVFPQ)
AUTO = "auto"

# Where a candidate comes from: rare keys (`KEYS`), the nearest vectors, or an ISRC in common.
VECTORS, ISRC = "vectors", "isrc"

# Up to here an exact scan of all vectors answers within about ten milliseconds (benchmarks/results/index.json).
FLAT_LIMIT = 20_000


def choose_kind(kind: str, count: int) -> str:
    """Resolve ``auto`` by size.

    Parameters
    ----------
    kind : str
        ``auto`` or one of `KINDS`.
    count : int
        Number of recordings.

    Returns
    -------
    str
        The kind itself; for ``auto`` ``flat`` up to `FLAT_LIMIT` recordings, and ``keys`` beyond, whose work per query
        does not grow with the catalogue.
    """
    if kind != AUTO:
        return kind
    return FLAT if count <= FLAT_LIMIT else KEYS
