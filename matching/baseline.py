"""The baseline that every model is compared with: nineteen fuzzy features of the fields as they stand.

After the published practice on a real catalogue (accuracy 0.968 there): no normalisation, no vectors.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from rapidfuzz import fuzz, process

from catalog.recording import LIST_SEPARATOR, Recording
from matching.features import Features

_SCORERS = (
    fuzz.ratio,
    fuzz.partial_ratio,
    fuzz.token_sort_ratio,
    fuzz.token_set_ratio,
    fuzz.partial_token_sort_ratio,
    fuzz.partial_token_set_ratio,
)
_FIELDS = ("title", "artists", "contributors")
BASELINE_FEATURES = (*(f"{field}_{scorer.__name__}" for field in _FIELDS for scorer in _SCORERS), "isrc_equal")


def baseline_features(q: Sequence[Recording], m: Sequence[Recording]) -> Features:
    """Compute the baseline's features of pairs.

    Parameters
    ----------
    q : sequence of Recording
        Queries, n_pairs long.
    m : sequence of Recording
        Candidates, n_pairs long.

    Returns
    -------
    numpy.ndarray
        Shape (n_pairs, 19), float32, columns as `BASELINE_FEATURES`, in [0, 1]; a missing field is the empty text.
        Every pair is put in one order first, since partial ratios are not symmetric.
    """
    columns: list[npt.NDArray[np.float64]] = []
    for field in _FIELDS:
        texts = [
            sorted((_as_text(getattr(one, field)), _as_text(getattr(other, field))))
            for one, other in zip(q, m, strict=True)
        ]
        firsts, seconds = [first for first, _ in texts], [second for _, second in texts]
        columns.extend(process.cpdist(firsts, seconds, scorer=scorer, dtype=np.float64) / 100 for scorer in _SCORERS)
    equal = [bool(one.isrcs) and one.isrcs == other.isrcs for one, other in zip(q, m, strict=True)]
    return np.column_stack((*columns, np.array(equal, dtype=np.float64))).astype(np.float32)


def _as_text(value: str | tuple[str, ...] | None) -> str:
    return LIST_SEPARATOR.join(value) if isinstance(value, tuple) else value or ""
