"""Which fields of two recordings are in scripts that can have words in common."""

from __future__ import annotations

import numpy as np

from matching.columns import Flags, Integers
from matching.prepared import Prepared

FIELDS = ("title", "artists", "contributors", "all")
_SHIFTS = np.arange(0, 2 * len(FIELDS), 2)
_SIDE = 2 * len(FIELDS)


def scripts_of(prepared: Prepared) -> int:
    """Write the scripts of all fields as one number.

    Parameters
    ----------
    prepared : Prepared
        A recording.

    Returns
    -------
    int
        Two bits for each of `FIELDS`, as in `Prepared.scripts`.
    """
    return sum(prepared.scripts[field] << 2 * place for place, field in enumerate(FIELDS))


def comparable(q: Integers, m: Integers) -> Flags:
    """Tell whether the words of fields can be the same: not those of two scripts.

    Parameters
    ----------
    q : numpy.ndarray
        Shape (n_pairs,), int64, from `scripts_of`: one side.
    m : numpy.ndarray
        Shape (n_pairs,), int64: the other.

    Returns
    -------
    numpy.ndarray
        Shape (n_fields, n_pairs), bool, for each of `FIELDS`; true where a side is missing.
    """
    found: Flags = _COMPARABLE.take((q << _SIDE) | m, axis=0).T
    return found


def _of_all_scripts() -> Flags:
    both = np.arange(1 << 2 * _SIDE)[:, None]
    q, m = (both >> _SIDE + _SHIFTS) & 3, (both >> _SHIFTS) & 3
    result: Flags = ((q & m) > 0) | (np.minimum(q, m) == 0)
    return result


_COMPARABLE = _of_all_scripts()
