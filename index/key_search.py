"""The rare keys of a whole catalogue, published: any recording is asked within a millisecond or two.

`index.key_index` compares all recordings with all and keeps weights for it; here a query looks its few dozen keys up in
mapped files, and the weights follow from how frequent the keys are.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from catalog.errors import DamagedArtefactError
from index.exact import nearest_of_all
from index.halves import widened
from index.key_weights import POOL, Shared, asked_keys, best_by_both, information, squared_lengths
from index.postings import Postings, map_arrays, ranges
from index.rare_keys import KeyCounts, Keys
from index.vectors import Queries, Rows, Vectors

STARTS, HASHES, FREQUENCIES = "keys-starts.npy", "keys-hashes.npy", "keys-frequencies.npy"
POSTED, POSTED_ROWS = "keys-posted.npy", "keys-posted-rows.npy"
SQUARES, COUNTS = "keys-squares.npy", "keys-counts.npy"
KEY_FILES = (STARTS, HASHES, FREQUENCIES, POSTED, POSTED_ROWS, SQUARES, COUNTS)

# Queries looked at together: enough to spread NumPy's overhead, few enough for a few dozen megabytes.
_AT_ONCE = 256
_PAIRS_AT_ONCE = 16_384


@dataclass(frozen=True, eq=False)
class KeyIndex:
    """The rare keys of a catalogue, in both directions.

    Attributes
    ----------
    keys : Keys
        Of every row.
    postings : Postings
        The same turned around: which rows have a key.
    squares : numpy.ndarray
        Shape (n,), float32, `squared_lengths` of every row.
    counts : KeyCounts
        Of the catalogue: they tell the keys of a text that it does not hold.
    """

    keys: Keys
    postings: Postings
    squares: npt.NDArray[np.float32]
    counts: KeyCounts

    @classmethod
    def load(cls, folder: Path) -> KeyIndex:
        """Map the files, whose checksums were verified.

        Parameters
        ----------
        folder : Path
            The version's folder.

        Returns
        -------
        KeyIndex
            Ready to search.

        Raises
        ------
        DamagedArtefactError
            If they do not fit each other.
        """
        starts, hashes, frequencies, posted, rows, squares, counts = map_arrays(folder, KEY_FILES)
        entries = {array.shape for array in (hashes, frequencies, posted, rows)}
        if entries != {(int(starts[-1]),)} or starts.shape != (len(squares) + 1,):
            raise DamagedArtefactError(
                f"expected {starts[-1]} keys of {len(starts) - 1} recordings in {folder}, found {sorted(entries)} of "
                f"{len(squares)}: run onemaster rebuild"
            )
        return cls(Keys(starts, hashes, frequencies), Postings(posted, rows), squares, KeyCounts(counts))

    def __len__(self) -> int:
        return len(self.squares)

    @property
    def shape(self) -> tuple[int, ...]:
        """Recordings."""
        return (len(self),)

    def keys_at(self, rows: Rows) -> Keys:
        """Look up the keys of stored recordings.

        Parameters
        ----------
        rows : numpy.ndarray
            Shape (n,), int64, each from 0 to ``len(self) - 1``.

        Returns
        -------
        Keys
            In the order of `rows`.
        """
        first, last = self.keys.starts[rows], self.keys.starts[rows + 1]
        places = ranges(first, last)
        starts = np.concatenate(([0], np.cumsum(last - first)))
        return Keys(starts, self.keys.hashes[places], self.keys.frequencies[places])

    def propose(self, keys: Keys, vectors: Vectors, queries: Queries, k: int, own_rows: Rows | None = None) -> Rows:
        """Find the rows that are nearest by keys and vectors together.

        Parameters
        ----------
        keys : Keys
            Of the queries.
        vectors : numpy.ndarray
            Shape (n, dim), float16, of all rows.
        queries : numpy.ndarray
            Shape (n_queries, dim), float32.
        k : int
            Rows per query.
        own_rows : numpy.ndarray, optional
            Shape (n_queries,): the queries' own rows, which are left out.

        Returns
        -------
        numpy.ndarray
            Shape (n_queries, min(k, n)), int64, nearest first; -1 where fewer share a key. A text of which nothing is
            rare, as when more than `index.rare_keys.MOST` recordings have it, is compared with every vector.
        """
        found = self.search(keys, POOL * k + 1)
        other = np.ones(len(found.q), dtype=np.bool_) if own_rows is None else own_rows[found.q] != found.rows
        q, rows = found.q[other], found.rows[other]
        cosines = np.empty(len(q), dtype=np.float32)
        for start in range(0, len(q), _PAIRS_AT_ONCE):
            part = slice(start, start + _PAIRS_AT_ONCE)
            cosines[part] = np.einsum("nd,nd->n", queries[q[part]], widened(vectors[rows[part]]))
        chosen = best_by_both(q, rows, cosines, found.similarities[other], k)
        proposed = np.full((len(queries), min(k, len(self))), -1, dtype=np.int64)
        q = q[chosen]
        proposed[q, np.arange(len(q)) - np.searchsorted(q, q)] = rows[chosen]
        common = np.flatnonzero((np.diff(keys.starts) == 0) & queries.any(axis=1))
        if len(common):
            own_rows = None if own_rows is None else own_rows[common]
            proposed[common] = nearest_of_all(vectors, queries[common], k, own_rows)
        return proposed

    def search(self, keys: Keys, count: int) -> Shared:
        """Find the recordings whose rare keys are most like those of some queries.

        Parameters
        ----------
        keys : Keys
            Of the queries: stored ones, or of any text by `counts`.
        count : int
            Recordings per query, at most.

        Returns
        -------
        Shared
            As `index.key_index.most_alike` finds them; a key that one recording has counts where a query shares it.
        """
        n_queries = len(keys.starts) - 1
        starts = range(0, n_queries, _AT_ONCE)
        found = [self._search(keys.part(start, min(start + _AT_ONCE, n_queries)), count) for start in starts]
        return Shared(
            np.concatenate(
                [np.zeros(0, dtype=np.int64), *(each.q + start for start, each in zip(starts, found, strict=True))]
            ),
            np.concatenate([np.zeros(0, dtype=np.int64), *(each.rows for each in found)]),
            np.concatenate([np.zeros(0, dtype=np.float32), *(each.similarities for each in found)]),
        )

    def _search(self, keys: Keys, count: int) -> Shared:
        asked = asked_keys(keys)
        first, last = self.postings.find(keys.hashes[asked])
        pairs = np.repeat(keys.owners[asked] * len(self), last - first) + self.postings.rows[ranges(first, last)]
        squares = information(keys, len(self))[asked] ** 2
        pairs, which = np.unique(pairs, return_inverse=True)
        common = np.bincount(which, np.repeat(squares, last - first))
        # What only the query and this recording have belongs to the length of both.
        only = np.bincount(which, np.repeat(np.where(keys.frequencies[asked] > 1, 0, squares), last - first))
        q, rows = np.divmod(pairs, len(self))
        lengths = (squared_lengths(keys, len(self))[q] + only) * (self.squares[rows].astype(np.float64) + only)
        similarities = np.minimum(common / np.sqrt(np.maximum(lengths, np.finfo(np.float64).tiny)), 1)
        best = np.argsort(q - similarities / 2, kind="stable")  # by query, then by similarity, then by row
        best = best[np.arange(len(q)) - np.searchsorted(q, q) < count]
        return Shared(q[best], rows[best], similarities[best].astype(np.float32))
