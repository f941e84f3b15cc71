"""The only file that knows FAISS: from vectors to the rows of the likely nearest ones."""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from catalog.errors import ArtefactError, DamagedArtefactError, InputError
from index.halves import widened
from index.kinds import FLAT, HNSW, IVFPQ

# k-means wants at least so many points a centroid (faiss warns below); a 4-bit code has 16.
_POINTS_A_CENTROID = 39
IVFPQ_MINIMUM = 16 * _POINTS_A_CENTROID
_TRAINING_ROWS = 65_536
_BLOCK = 65_536
# An inverted file is searched whole at this widening.
WIDEST = 32
_FACTORY = {FLAT: "Flat", HNSW: "HNSW32,SQ8", IVFPQ: "IVF{lists},PQ{half}x4fs"}

_faiss: Any = faiss  # whose type information lacks the parameters of a search

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
        ``flat``: every vector is compared. ``hnsw``: a graph of neighbours (Malkov and Yashunin 2018) over 8-bit
        vectors. ``ivfpq``: 4-bit product quantisation with fast-scan, two dimensions a code, in an inverted file.
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
            ``flat``, ``hnsw`` or ``ivfpq``.
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
        if kind not in _FACTORY:
            raise InputError(f"expected an index kind out of {', '.join(_FACTORY)}, got {kind!r}")
        faiss_index = _empty(kind, vectors, training_rows)
        for start in range(0, len(vectors), _BLOCK):
            faiss_index.add(widened(vectors[start : start + _BLOCK]))
        return cls(kind, faiss_index)

    @property
    def shape(self) -> tuple[int, int]:
        """Recordings and dimensions."""
        return self.faiss_index.ntotal, self.faiss_index.d

    def propose(self, queries: Queries, count: int, widening: int = 1) -> Rows:
        """Find the rows that are likely the nearest.

        Parameters
        ----------
        queries : numpy.ndarray
            Shape (n_queries, dim), float32.
        count : int
            Rows wanted per query.
        widening : int
            How much wider to look, up to `WIDEST`: an inexact index proposes so many times more rows, out of so much
            of a larger part of itself.

        Returns
        -------
        numpy.ndarray
            Shape (n_queries, n_proposed), int64, likely nearest first; -1 where the index finds fewer rows.
        """
        proposed = min(count if self.kind == FLAT else count * widening, self.faiss_index.ntotal)
        parameters = None
        if self.kind == HNSW:
            parameters = _faiss.SearchParametersHNSW(efSearch=proposed)
        elif self.kind == IVFPQ:
            lists: int = _faiss.downcast_index(self.faiss_index).nlist
            parameters = _faiss.SearchParametersIVF(nprobe=min(lists, -(-lists * widening // WIDEST)))
        queries = np.ascontiguousarray(queries, dtype=np.float32)
        _, rows = self.faiss_index.search(queries, proposed, params=parameters)
        return np.asarray(rows, dtype=np.int64)

    def save(self, path: Path) -> None:
        """Write the index as a FAISS file.

        Parameters
        ----------
        path : Path
            In a folder that is not published yet.

        Raises
        ------
        ArtefactError
            If it cannot be written.
        """
        try:
            faiss.write_index(self.faiss_index, str(path))
        except RuntimeError as error:  # FAISS names the file and why
            raise ArtefactError(
                f"could not write the index: {error}; make room on the disk and run it again"
            ) from error

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
        if kind not in _FACTORY:
            raise DamagedArtefactError(
                f"expected an index kind out of {', '.join(_FACTORY)}, got {kind!r}: run onemaster rebuild"
            )
        try:
            return cls(kind, faiss.read_index(str(path)))
        except RuntimeError as error:
            raise DamagedArtefactError(f"FAISS cannot read {path}: {error}; run onemaster rebuild") from error


def _empty(kind: str, vectors: Vectors, training_rows: Rows) -> faiss.Index:
    """Make an index without entries; what has to be learnt is learnt."""
    dimension = vectors.shape[1]
    if kind == IVFPQ and (dimension % 2 or len(training_rows) < IVFPQ_MINIMUM):
        raise InputError(
            f"an ivfpq index needs an even dimension and at least {IVFPQ_MINIMUM} recordings to learn from, got "
            f"dimension {dimension} and {len(training_rows)} recordings: use --kind flat"
        )
    training_rows = training_rows if len(training_rows) else np.arange(len(vectors))
    step = max(1, len(training_rows) // _TRAINING_ROWS)
    chosen = np.sort(training_rows[::step][:_TRAINING_ROWS])
    lists = max(1, min(isqrt(len(vectors)), len(chosen) // _POINTS_A_CENTROID))
    description = _FACTORY[kind].format(lists=lists, half=dimension // 2)
    faiss_index = faiss.index_factory(dimension, description, faiss.METRIC_INNER_PRODUCT)
    if not faiss_index.is_trained:
        with threadpool_limits(1):  # on a busy machine more of them spend their time waiting for each other
            faiss_index.train(widened(vectors[chosen]))
    return faiss_index
