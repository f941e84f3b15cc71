"""What names the content of a catalogue, and of each of its rows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from operator import attrgetter

import numpy as np
import numpy.typing as npt

from catalog.columns import COLUMNS
from catalog.recording import Recording

RowDigests = npt.NDArray[np.uint64]

# One JSON array per chunk is a third faster than one per recording; the digest depends on the size of chunks.
_CHUNK = 900
# So many bytes mistake a changed row for the one before once in 2 ** 64 changes.
_ROW_BYTES = 8
_encode = json.JSONEncoder(separators=(",", ":")).encode
_values = attrgetter(*COLUMNS)


class Digested:
    """Recordings on their way through; when all have passed, their digest is known.

    Parameters
    ----------
    recordings : iterable of Recording
        In the order of their ids; read once.
    """

    def __init__(self, recordings: Iterable[Recording]) -> None:
        self._recordings = iter(recordings)
        self._digest = hashlib.sha256()

    def __iter__(self) -> Iterator[Recording]:
        while chunk := list(islice(self._recordings, _CHUNK)):
            self._digest.update(_encode(list(map(_values, chunk))).encode("ascii"))
            yield from chunk

    def hexdigest(self) -> str:
        """Digest what has passed.

        Returns
        -------
        str
            SHA-256 over ids and all fields, hexadecimal; that of the whole once the iteration has ended.
        """
        return self._digest.hexdigest()


def row_digests(recordings: Sequence[Recording]) -> RowDigests:
    """Digest recordings one by one, over the same fields.

    Parameters
    ----------
    recordings : sequence of Recording
        Any number.

    Returns
    -------
    numpy.ndarray
        Shape (n,), uint64: 8 bytes of BLAKE2b each.
    """
    hashes = (hashlib.blake2b(_encode(_values(each)).encode("ascii"), digest_size=_ROW_BYTES) for each in recordings)
    return np.array([int.from_bytes(each.digest()) for each in hashes], dtype=np.uint64)
