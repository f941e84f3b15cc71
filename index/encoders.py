"""What the index asks of an encoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from catalog.recording import Recording


class RecordingEncoder(Protocol):
    """What turns recordings into vectors: an `Encoder`, or what stands for one.

    Attributes
    ----------
    digest : str
        Names the exact encoder.
    dimension : int
        Length of its vectors.
    """

    digest: str
    dimension: int

    def encode(self, recordings: Sequence[Recording]) -> npt.NDArray[np.float32]:
        """Turn recordings into vectors.

        Parameters
        ----------
        recordings : sequence of Recording
            Any number.

        Returns
        -------
        numpy.ndarray
            Shape (n, dimension), float32, rows of length 1; zeros for a recording without any text.
        """
