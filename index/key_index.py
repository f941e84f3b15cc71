"""Which recordings share rare keys: an inverted index in blocks of rows, asked for many recordings at once.

A block is a sparse matrix of key buckets by recordings; the product of the queries' keys with it, of which only the
greatest are kept, says how alike the keys of two recordings are. It costs as much as there are shared keys, and a rare
key is shared by `index.rare_keys.MOST` recordings at most: what is compared grows with the catalogue, not with its
square.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix
from sparse_dot_topn import sp_matmul_topn, zip_sp_matmul_topn

from index.key_weights import Shared, Similarities, asked_keys, information, squared_lengths
from index.rare_keys import Keys

_BUCKETS_A_RECORDING = 32
_LEAST_BITS, _MOST_BITS = 16, 26

ARRAYS = ("data", "indices", "indptr", "about")


@dataclass(frozen=True, eq=False)
class KeyBlock:
    """An inverted index of consecutive rows of a catalogue.

    Attributes
    ----------
    first_row : int
        Where they begin.
    recordings : int
        Of the whole catalogue, which the weights are relative to.
    shared : scipy.sparse.csr_matrix
        Shape (n_buckets, n_rows), float32: the weight of each key in each row. Every row's weights that can be shared
        have length 1.
    """

    first_row: int
    recordings: int
    shared: csr_matrix

    @classmethod
    def build(cls, parts: Sequence[Keys], first_row: int, recordings: int) -> KeyBlock:
        """Turn the keys of consecutive rows around.

        Parameters
        ----------
        parts : sequence of Keys
            One behind the other.
        first_row : int
            Of the first part.
        recordings : int
            Of the whole catalogue.

        Returns
        -------
        KeyBlock
            Ready to search.
        """
        sizes = [len(keys.starts) - 1 for keys in parts]
        bits = min(max(_LEAST_BITS, (recordings * _BUCKETS_A_RECORDING).bit_length()), _MOST_BITS)
        columns, buckets, weights = [], [], []
        for first, keys in zip(np.cumsum([0, *sizes]).tolist(), parts, strict=False):
            kept = keys.frequencies > 1  # nobody shares the others
            columns.append((keys.owners[kept] + first).astype(np.int32))
            buckets.append(_buckets(keys.hashes[kept], bits))
            weights.append(_weights(keys, recordings)[kept])
        entries = (np.concatenate(weights), (np.concatenate(buckets), np.concatenate(columns)))
        return cls(first_row, recordings, csr_matrix(entries, shape=(1 << bits, sum(sizes))))

    def arrays(self) -> dict[str, npt.NDArray[np.generic]]:
        """Take the block apart, to be written.

        Returns
        -------
        dict
            Name to array, `ARRAYS` all of them.
        """
        about = np.array([self.first_row, self.recordings, self.shared.shape[1]], dtype=np.int64)
        shared = self.shared
        return {"data": shared.data, "indices": shared.indices, "indptr": shared.indptr, "about": about}

    @classmethod
    def of(cls, arrays: Mapping[str, npt.NDArray[np.generic]]) -> KeyBlock:
        """Put a block together.

        Parameters
        ----------
        arrays : mapping
            As from `arrays`; they may be mapped from files.

        Returns
        -------
        KeyBlock
            The same.
        """
        first_row, recordings, n_rows = (int(number) for number in arrays["about"])
        parts = (arrays["data"], arrays["indices"], arrays["indptr"])
        return cls(first_row, recordings, csr_matrix(parts, shape=(len(arrays["indptr"]) - 1, n_rows)))


def most_alike(keys: Keys, blocks: Iterable[KeyBlock], count: int) -> Shared:
    """Find the recordings whose rare keys are most like those of some queries.

    Parameters
    ----------
    keys : Keys
        Of the queries.
    blocks : iterable of KeyBlock
        Of a whole catalogue, in the order of its rows; one is looked at after the other.
    count : int
        Recordings per query, at most.

    Returns
    -------
    Shared
        The queries themselves among them, if they stand in the catalogue.
    """
    found = [_most_alike_in(keys, block, count) for block in blocks]
    merged = found[0] if len(found) == 1 else zip_sp_matmul_topn(count, found)
    q = np.repeat(np.arange(len(keys.starts) - 1), np.diff(merged.indptr))
    return Shared(q, merged.indices[: len(q)].astype(np.int64), np.minimum(merged.data[: len(q)], 1))


def _most_alike_in(keys: Keys, block: KeyBlock, count: int) -> csr_matrix:
    n_buckets = block.shared.shape[0]
    asked = asked_keys(keys) & (keys.frequencies > 1)  # the others would only meet strangers of their bucket
    ends = np.concatenate(([0], np.cumsum(asked)))[keys.starts].astype(np.int32)
    entries = (_weights(keys, block.recordings)[asked], _buckets(keys.hashes[asked], n_buckets.bit_length() - 1), ends)
    queries = csr_matrix(entries, shape=(len(keys.starts) - 1, n_buckets))
    return sp_matmul_topn(queries, block.shared, top_n=count, threshold=0.0, sort=True)


def _buckets(hashes: npt.NDArray[np.uint32], bits: int) -> npt.NDArray[np.int32]:
    return (hashes >> np.uint32(32 - bits)).astype(np.int32)


def _weights(keys: Keys, recordings: int) -> Similarities:
    """Weigh keys so that a row's keys that somebody else has come to length 1."""
    lengths = np.maximum(np.sqrt(squared_lengths(keys, recordings)), np.finfo(np.float32).eps)
    return (information(keys, recordings) / lengths[keys.owners]).astype(np.float32)
