"""How alike the rare keys of two recordings are, and which of those that share some are candidates.

The same for a whole catalogue at once (`index.key_index`) and for a published index (`index.key_search`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from index.rare_keys import Keys
from index.vectors import Rows

# Recordings that a query's keys may lead to, its rarest keys first. More find little more: docs/decisions/0014.
BUDGET = 600
# Recordings that rare keys propose for each that is wanted; the vectors choose among them: docs/decisions/0014.
POOL = 8
# So that a key that all recordings have, in a catalogue of a few, still has a weight.
_LEAST_RATIO = 1.1

Similarities = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Shared:
    """Recordings that share rare keys.

    Attributes
    ----------
    q : numpy.ndarray
        Shape (n_pairs,), int64, places of the queries, ascending.
    rows : numpy.ndarray
        Shape (n_pairs,), int64, rows of the catalogue; a query's most alike first.
    similarities : numpy.ndarray
        Shape (n_pairs,), float32, in [0, 1]: the cosine of both sides' keys, weighed by rarity.
    """

    q: Rows
    rows: Rows
    similarities: Similarities


def best_by_both(q: Rows, rows: Rows, cosines: Similarities, similarities: Similarities, count: int) -> Rows:
    """Choose the candidates that are nearest by keys and vectors together.

    Parameters
    ----------
    q : numpy.ndarray
        Shape (n_pairs,), int64, places of the queries, ascending.
    rows : numpy.ndarray
        Shape (n_pairs,), int64, candidates: `POOL` times as many as wanted.
    cosines : numpy.ndarray
        Shape (n_pairs,), of the vectors; NaN counts as 0.
    similarities : numpy.ndarray
        Shape (n_pairs,), of the keys.
    count : int
        Candidates wanted per query.

    Returns
    -------
    numpy.ndarray
        Shape (n_chosen,), int64, places of the chosen pairs: by query, the greatest mean of both cosines first, equal
        ones in the order of rows.
    """
    order = np.lexsort((rows, -(np.nan_to_num(cosines) + similarities), q))
    chosen: Rows = order[np.arange(len(q)) - np.searchsorted(q, q) < count]
    return chosen


def asked_keys(keys: Keys) -> npt.NDArray[np.bool_]:
    """Choose the keys that a query is asked by: its rarest, until they lead to `BUDGET` recordings.

    Parameters
    ----------
    keys : Keys
        Of the queries.

    Returns
    -------
    numpy.ndarray
        Shape (n_keys,), bool.
    """
    reach = np.concatenate(([0], np.cumsum(keys.frequencies - 1, dtype=np.int64)))
    asked: npt.NDArray[np.bool_] = reach[:-1] - reach[keys.starts[:-1]][keys.owners] < BUDGET
    return asked


def information(keys: Keys, recordings: int) -> npt.NDArray[np.float64]:
    """Weigh keys by their inverse frequency.

    Parameters
    ----------
    keys : Keys
        Any.
    recordings : int
        Of the catalogue.

    Returns
    -------
    numpy.ndarray
        Shape (n_keys,), float64, above 0: natural logarithms.
    """
    weights: npt.NDArray[np.float64] = np.log(
        np.maximum(recordings / keys.frequencies.astype(np.float64), _LEAST_RATIO)
    )
    return weights


def squared_lengths(keys: Keys, recordings: int) -> npt.NDArray[np.float64]:
    """Sum up the squared weights of each text's keys that somebody else has.

    Parameters
    ----------
    keys : Keys
        Any.
    recordings : int
        Of the catalogue.

    Returns
    -------
    numpy.ndarray
        Shape (n_texts,), float64.
    """
    squares = np.where(keys.frequencies > 1, information(keys, recordings) ** 2, 0)
    return np.bincount(keys.owners, weights=squares, minlength=len(keys.starts) - 1).astype(np.float64)
