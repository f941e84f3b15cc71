"""Half-precision numbers made single-precision."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

# Sign, exponent and fraction of a half, moved by 13 bits to where a single has them; what stands between is cleared.
_MOVED, _KEPT = np.int32(13), np.uint32(0x8FFFE000).view(np.int32)
# The exponent of a single counts from 127, that of a half from 15.
_SCALE = np.float32(2.0**112)


def widened(halves: npt.NDArray[np.float16]) -> npt.NDArray[np.float32]:
    """Make halves singles: the same numbers as of ``astype``, by three steps over all of them instead of one by one.

    Parameters
    ----------
    halves : numpy.ndarray
        Any shape; finite, as vectors are.

    Returns
    -------
    numpy.ndarray
        Same shape, float32.
    """
    bits = np.ascontiguousarray(halves).view(np.int16).astype(np.int32)
    bits <<= _MOVED
    bits &= _KEPT
    singles = bits.view(np.float32)
    singles *= _SCALE
    return singles
