"""One published build of the index, opened for reading."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from catalog.errors import DamagedArtefactError, UnknownRecordingError
from catalog.manifest import read_json, require, verify
from catalog.normalize import NORMALIZER_VERSION
from embeddings.text import TEMPLATE_VERSION
from index.codes import CODE_FILES, CodeIndex
from index.exact import nearest_of_all, pair_cosines, row_cosines
from index.key_search import KEY_FILES, KeyIndex
from index.kinds import KEYS, VECTORS
from index.postings import map_arrays
from index.vectors import Queries, Rows, VectorIndex, Vectors

MANIFEST_FILE = "manifest.json"
FAISS_FILE = "index.faiss"
VECTORS_FILE = "vectors.npy"
IDS_FILE = "ids.npy"
FORMAT = 2

_EXPECTED = {"format": FORMAT, "template_version": TEMPLATE_VERSION, "normalizer_version": NORMALIZER_VERSION}


@dataclass(frozen=True)
class Neighbours:
    """The nearest recordings of some queries.

    Attributes
    ----------
    rows : numpy.ndarray
        Shape (n_queries, k), int64, nearest first; -1 where there are fewer than k.
    cosines : numpy.ndarray
        Shape (n_queries, k), float32, exact; NaN where `rows` is -1.
    """

    rows: Rows
    cosines: npt.NDArray[np.float32]


@dataclass(frozen=True)
class Snapshot:
    """Ids, exact vectors, codes and the index of one build.

    Attributes
    ----------
    version : str
        Name of the build.
    ids : numpy.ndarray
        Shape (n,), bytes (UTF-8), ascending; row numbers are positions in it.
    vectors : numpy.ndarray
        Shape (n, dim), float16, memory-mapped.
    searcher : VectorIndex or KeyIndex
        Proposes neighbours.
    widening : int
        How many rows a `VectorIndex` proposes for every neighbour wanted, before the exact cosines decide.
    manifest : dict
        As published.
    codes : CodeIndex
        Who has which ISRC.
    """

    version: str
    ids: npt.NDArray[np.bytes_]
    vectors: Vectors
    searcher: VectorIndex | KeyIndex
    widening: int
    manifest: dict[str, object]
    codes: CodeIndex

    @classmethod
    def load(cls, folder: Path) -> Snapshot:
        """Open a published build and check all of it.

        Parameters
        ----------
        folder : Path
            The version's folder.

        Returns
        -------
        Snapshot
            Ready to search; vectors and ids are mapped, not read.

        Raises
        ------
        DamagedArtefactError
            If a file is absent, altered or not what the manifest says.
        MismatchedArtefactError
            If it was built with another text template or normaliser.
        """
        manifest = read_json(folder / MANIFEST_FILE)
        kind = str(manifest.get("kind"))
        require(manifest, folder, _EXPECTED, published_files(kind), "run onemaster rebuild")
        verify(folder, manifest["files"])  # type: ignore[arg-type]  # required to be a mapping
        ids, vectors = map_arrays(folder, (IDS_FILE, VECTORS_FILE))
        searcher = KeyIndex.load(folder) if kind == KEYS else VectorIndex.load(kind, folder / FAISS_FILE)
        widening = manifest.get("widening")
        shape = (manifest.get("count"), manifest.get("dimension"))
        fits = shape == (len(ids), vectors.shape[1]) == vectors.shape and searcher.shape == shape[: len(searcher.shape)]
        if not isinstance(widening, int) or not fits:
            raise DamagedArtefactError(
                f"expected {shape} recordings and dimensions in {folder}, found {len(ids)} ids, vectors of "
                f"{vectors.shape} and an index of {searcher.shape}: run onemaster rebuild"
            )
        return cls(folder.name, ids, vectors, searcher, widening, manifest, CodeIndex.load(folder))

    def __len__(self) -> int:
        return len(self.ids)

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
        wanted = np.array([sr_id.encode() for sr_id in sr_ids], dtype=np.bytes_)
        rows = np.searchsorted(self.ids, wanted)
        for sr_id, row, key in zip(sr_ids, rows, wanted, strict=True):
            if row == len(self.ids) or self.ids[row] != key:
                raise UnknownRecordingError(sr_id)
        return rows.astype(np.int64)

    def ids_of(self, rows: Rows) -> list[str]:
        """Name the recordings at some rows.

        Parameters
        ----------
        rows : numpy.ndarray
            Shape (n,), each from 0 to ``len(self) - 1``.

        Returns
        -------
        list of str
            Their ids.
        """
        return [key.decode() for key in self.ids[rows].tolist()]

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
        return pair_cosines(self.vectors[q_rows], self.vectors[m_rows])

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
            Shape (n,), int64; see `CodeIndex.rows_with`.
        """
        return self.codes.rows_with(isrcs, own_row)

    @property
    def kind(self) -> str:
        """Of the index, one of `index.kinds.KINDS`."""
        return KEYS if isinstance(self.searcher, KeyIndex) else self.searcher.kind

    @property
    def source(self) -> str:
        """What `nearest` finds neighbours by: ``keys`` or ``vectors``."""
        return KEYS if self.kind == KEYS else VECTORS

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
            Shape (n_queries,): the queries' own rows, which are never their neighbours; -1 for one that has none.
        texts : sequence of str, optional
            The queries' `embeddings.text.recording_text`, wanted if not all have rows of their own. An index of rare
            keys that is told neither compares with every vector.

        Returns
        -------
        Neighbours
            By exact cosine; equal cosines in the order of rows, that is of ids. A query of zeros, a recording without
            text, has none. An index of rare keys finds those that are nearest by keys and vectors together.
        """
        if isinstance(self.searcher, VectorIndex):
            rows = self.searcher.propose(queries, k + 1, self.widening)
        elif own_rows is not None and (own_rows >= 0).all():
            rows = self.searcher.propose(self.searcher.keys_at(own_rows), self.vectors, queries, k, own_rows)
        elif texts is not None:
            rows = self.searcher.propose(self.searcher.counts.keys(texts), self.vectors, queries, k, own_rows)
        else:
            rows = nearest_of_all(self.vectors, queries, k, own_rows)
        if own_rows is not None:
            rows = np.where(rows == own_rows[:, None], -1, rows)
        rows[~queries.any(axis=1)] = -1
        return rank(self.vectors, queries, rows, k)


def rank(vectors: Vectors, queries: Queries, rows: Rows, k: int) -> Neighbours:
    """Order proposed rows by their exact cosine and keep the best.

    Parameters
    ----------
    vectors : numpy.ndarray
        Shape (n, dim), float16.
    queries : numpy.ndarray
        Shape (n_queries, dim), float32.
    rows : numpy.ndarray
        Shape (n_queries, n_proposed), int64; -1 for none.
    k : int
        Neighbours to keep per query.

    Returns
    -------
    Neighbours
        Shape (n_queries, min(k, n_proposed)).
    """
    cosines = row_cosines(queries, rows, vectors.__getitem__)
    order = np.lexsort((rows, -cosines), axis=1)[:, :k]
    best_rows = np.take_along_axis(rows, order, axis=1)
    best = np.take_along_axis(cosines, order, axis=1)
    return Neighbours(best_rows, np.clip(np.where(best_rows < 0, np.nan, best), -1, 1))


def published_files(kind: str) -> tuple[str, ...]:
    """Name the files by which a published index is searched.

    Parameters
    ----------
    kind : str
        Of the index.

    Returns
    -------
    tuple of str
        In the version's folder.
    """
    return (VECTORS_FILE, IDS_FILE, *CODE_FILES, *(KEY_FILES if kind == KEYS else (FAISS_FILE,)))
