"""Sorted keys and the rows that have them: asked with a binary search, however many there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from catalog.errors import DamagedArtefactError

Integers = npt.NDArray[np.integer[Any]]
Places = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Postings:
    """Which rows have which keys.

    Attributes
    ----------
    keys : numpy.ndarray
        Shape (n,), unsigned, ascending: an entry for every row that has the key.
    rows : numpy.ndarray
        Shape (n,), the rows, ascending where the key is the same.
    """

    keys: Integers
    rows: Integers

    def find(self, keys: Integers) -> tuple[Places, Places]:
        """Find the entries of some keys.

        Parameters
        ----------
        keys : numpy.ndarray
            Shape (n_asked,), of the dtype of `keys`.

        Returns
        -------
        (numpy.ndarray, numpy.ndarray)
            Shape (n_asked,), int64 each: where the entries of each key begin, and where they end.
        """
        return self.keys.searchsorted(keys, "left"), self.keys.searchsorted(keys, "right")


def ranges(first: Places, last: Places) -> Places:
    """Count up from each beginning to its end.

    Parameters
    ----------
    first : numpy.ndarray
        Shape (n,), int64.
    last : numpy.ndarray
        Shape (n,), int64, not below `first`; not included.

    Returns
    -------
    numpy.ndarray
        Shape (sum of the lengths,), int64, one range behind the other.
    """
    sizes = last - first
    before = np.cumsum(sizes) - sizes
    return np.repeat(first - before, sizes) + np.arange(sizes.sum())


class GrowingArray:
    """A file that `numpy.load` maps, of one dimension, written piece by piece.

    Parameters
    ----------
    path : Path
        The file, in a folder that is not published yet.
    dtype : dtype
        Of its elements.
    """

    def __init__(self, path: Path, dtype: npt.DTypeLike) -> None:
        self._stream = path.open("wb")
        self._dtype = np.dtype(dtype)
        self._length = 0
        self._write_header()

    def append(self, piece: npt.NDArray[Any]) -> None:
        """Write some more.

        Parameters
        ----------
        piece : numpy.ndarray
            Shape (n,), of any dtype whose values fit.
        """
        self._stream.write(np.ascontiguousarray(piece, dtype=self._dtype).data)
        self._length += len(piece)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._stream:
            self._stream.seek(0)
            self._write_header()

    def _write_header(self) -> None:
        # NumPy leaves room in it, so that the length may be written again when it is known.
        about = {"descr": self._dtype.str, "fortran_order": False, "shape": (self._length,)}
        np.lib.format.write_array_header_1_0(self._stream, about)


def map_arrays(folder: Path, names: Sequence[str]) -> list[npt.NDArray[Any]]:
    """Map arrays whose checksums were verified.

    Parameters
    ----------
    folder : Path
        The version's folder.
    names : sequence of str
        Of the files.

    Returns
    -------
    list of numpy.ndarray
        Read from the files when they are looked at.

    Raises
    ------
    DamagedArtefactError
        If a file is none that NumPy can map.
    """
    try:
        mapped = [np.load(folder / name, mmap_mode="r", allow_pickle=False) for name in names]
    except ValueError as error:
        raise DamagedArtefactError(
            f"expected arrays in {folder}, {', '.join(names)}, got: {error}; run onemaster rebuild"
        ) from error
    return [each.view(np.ndarray) for each in mapped]  # every step with a memmap makes another one, and takes longer
