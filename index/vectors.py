"""The only file that knows FAISS: from vectors to the rows of the likely nearest ones."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import faiss
import numpy as np
import numpy.typing as npt

from catalog.errors import DamagedArtefactError, InputError

FLAT = "flat"
PQ = "pq"
KINDS = (FLAT, PQ)

# Up to here an exact scan of all vectors answers within about ten milliseconds (benchmarks/results/index.json).
FLAT_LIMIT = 100_000
# k-means with 16 centroids wants at least this many points (faiss warns below 39 per centroid).
PQ_MINIMUM = 39 * 16
_PQ_TRAINING_ROWS = 65_536
_BLOCK = 65_536

Vectors = npt.NDArray[np.float16]
Queries = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class VectorIndex:
    """A FAISS index over the rows of a vector file.

    It proposes rows; the cosines that leave the system are computed from the exact vectors by `index.snapshot`.

    Attributes
    ----------
    kind : str
        ``flat``: every vector is compared. ``pq``: 4-bit product quantisation with fast-scan, two dimensions a code.
    faiss_index : faiss.Index
        Inner-product metric, one entry per row.
    """

    kind: str
    faiss_index: faiss.Index

    @classmethod
    def build(cls, kind: str, vectors: Vectors, training_rows: Rows) -> VectorIndex:
        """Build an index over all vectors.

        Parameters
        ----------
        kind : str
            One of `KINDS`.
        vectors : numpy.ndarray
            Shape (n, dim), float16; may be memory-mapped, is read in blocks.
        training_rows : numpy.ndarray
            Rows from which quantisers may be learnt.

        Returns
        -------
        VectorIndex
            With n entries.

        Raises
        ------
        InputError
            If this kind cannot be built from these vectors.
        """
        dimension = vectors.shape[1]
        faiss_index: faiss.Index
        if kind == FLAT:
            faiss_index = faiss.IndexFlatIP(dimension)
        elif kind == PQ:
            faiss_index = _trained_pq(vectors, training_rows)
        else:
            raise InputError(f"expected an index kind out of {', '.join(KINDS)}, got {kind!r}")
        for start in range(0, len(vectors), _BLOCK):
            faiss_index.add(vectors[start : start + _BLOCK].astype(np.float32))
        return cls(kind, faiss_index)

    def propose(self, queries: Queries, count: int) -> Rows:
        """Find the rows that are likely the nearest.

        Parameters
        ----------
        queries : numpy.ndarray
            Shape (n_queries, dim), float32.
        count : int
            Rows per query.

        Returns
        -------
        numpy.ndarray
            Shape (n_queries, count), int64, likely nearest first; -1 where the index holds fewer rows.
        """
        _, rows = self.faiss_index.search(np.ascontiguousarray(queries, dtype=np.float32), count)
        return np.asarray(rows, dtype=np.int64)

    def save(self, path: Path) -> None:
        """Write the index as a FAISS file.

        Parameters
        ----------
        path : Path
            In a folder that is not published yet.
        """
        faiss.write_index(self.faiss_index, str(path))

    @classmethod
    def load(cls, kind: str, path: Path) -> VectorIndex:
        """Read a FAISS file whose checksum was verified.

        Parameters
        ----------
        kind : str
            As in the manifest.
        path : Path
            The file.

        Returns
        -------
        VectorIndex
            As it was saved.

        Raises
        ------
        DamagedArtefactError
            If FAISS cannot read it, or the kind is none.
        """
        if kind not in KINDS:
            raise DamagedArtefactError(
                f"expected an index kind out of {', '.join(KINDS)}, got {kind!r}: run onemaster rebuild"
            )
        try:
            return cls(kind, faiss.read_index(str(path)))
        except RuntimeError as error:
            raise DamagedArtefactError(f"FAISS cannot read {path}: {error}; run onemaster rebuild") from error


def choose_kind(kind: str, count: int, dimension: int) -> str:
    """Resolve ``auto`` by size.

    Parameters
    ----------
    kind : str
        ``auto`` or one of `KINDS`.
    count : int
        Number of vectors.
    dimension : int
        Their length.

    Returns
    -------
    str
        The kind itself; for ``auto`` ``flat`` up to `FLAT_LIMIT` vectors and ``pq`` beyond (``flat`` for an odd
        dimension, which cannot be cut into pairs).
    """
    if kind != "auto":
        return kind
    return FLAT if count <= FLAT_LIMIT or dimension % 2 else PQ


def _trained_pq(vectors: Vectors, training_rows: Rows) -> faiss.Index:
    dimension = vectors.shape[1]
    if dimension % 2 or len(training_rows) < PQ_MINIMUM:
        raise InputError(
            f"a pq index needs an even dimension and at least {PQ_MINIMUM} recordings to learn from, got dimension "
            f"{dimension} and {len(training_rows)} recordings: use --kind flat"
        )
    faiss_index = faiss.index_factory(dimension, f"PQ{dimension // 2}x4fs", faiss.METRIC_INNER_PRODUCT)
    step = max(1, len(training_rows) // _PQ_TRAINING_ROWS)
    chosen = training_rows[::step][:_PQ_TRAINING_ROWS]
    faiss_index.train(vectors[np.sort(chosen)].astype(np.float32))
    return faiss_index
