"""The recordings of a model's test pairs: verdicts on them are kept, and never learnt from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from catalog.errors import DamagedArtefactError

_NAME = "recordings"

HELD_OUT, LINKED, LEARNT_FROM = (
    "held-out pairs",
    "held-out pairs of recordings that other pairs were learnt from",
    "the pairs learnt from",
)
"""What the test pairs of a model have to do with those that it learnt from."""


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Recordings by the hashes of their ids.

    Attributes
    ----------
    hashes : numpy.ndarray
        Shape (n_recordings,), uint64, sorted.
    """

    hashes: npt.NDArray[np.uint64]

    @classmethod
    def of(cls, sr_ids: Iterable[str]) -> HeldOut:
        """Note recordings.

        Parameters
        ----------
        sr_ids : iterable of str
            Their ids, repetitions allowed.

        Returns
        -------
        HeldOut
            Of all of them.
        """
        return cls(np.unique(np.fromiter(map(_hash, sr_ids), dtype=np.uint64)))

    @classmethod
    def load(cls, path: Path) -> HeldOut:
        """Read what `write` wrote.

        Parameters
        ----------
        path : Path
            The file; models of before have none.

        Returns
        -------
        HeldOut
            Without recordings if there is no file.

        Raises
        ------
        DamagedArtefactError
            If it is no such file.
        """
        if not path.is_file():
            return cls.of(())
        try:
            hashes = load_file(path)[_NAME]
        except (OSError, KeyError, SafetensorError) as error:
            raise DamagedArtefactError(
                f"expected hashes of ids in {path}, got: {error!r}: run onemaster train"
            ) from error
        if hashes.dtype != np.uint64 or hashes.ndim != 1:
            raise DamagedArtefactError(
                f"expected hashes in {path}, got {hashes.dtype} {hashes.shape}: run onemaster train"
            )
        return cls(hashes)

    def write(self, path: Path) -> None:
        """Write the hashes.

        Parameters
        ----------
        path : Path
            File in a folder that is not published yet.
        """
        path.write_bytes(save({_NAME: self.hashes}))

    def holds(self, sr_id: str) -> bool:
        """Tell whether a recording is among them.

        Parameters
        ----------
        sr_id : str
            Its id.

        Returns
        -------
        bool
            Once in 10^19 also for another one.
        """
        sought = np.uint64(_hash(sr_id))
        place = int(np.searchsorted(self.hashes, sought))
        return place < len(self.hashes) and bool(self.hashes[place] == sought)


def _hash(sr_id: str) -> int:
    return int.from_bytes(blake2b(sr_id.encode("utf-8", "surrogatepass"), digest_size=8).digest())
