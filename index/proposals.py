"""Candidates of a recording from everywhere: the index's nearest, and those with an ISRC in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from index.kinds import ISRC
from index.snapshot import Snapshot
from index.vectors import Rows


@dataclass(frozen=True)
class Proposals:
    """Candidates, the nearest first.

    Attributes
    ----------
    rows : numpy.ndarray
        Shape (n,), int64, each once.
    cosines : numpy.ndarray
        Shape (n,), float32, exact; NaN, and last, where a recording has no text.
    sources : list of str
        Where each comes from: ``vectors`` or ``keys``, ``isrc``, or both with ``+`` between them.
    """

    rows: Rows
    cosines: npt.NDArray[np.float32]
    sources: list[str]


def propose(snapshot: Snapshot, row: int, k: int, isrcs: Sequence[str]) -> Proposals:
    """Find the candidates of a stored recording.

    Parameters
    ----------
    snapshot : Snapshot
        To be asked.
    row : int
        Of the recording.
    k : int
        Nearest recordings wanted.
    isrcs : sequence of str
        The recording's codes as delivered: those who share one are candidates, too, at most
        `index.codes.MOST_WITH_A_CODE` for each code.

    Returns
    -------
    Proposals
        Equally near ones in the order of rows.
    """
    own = np.array([row])
    nearest = snapshot.nearest(snapshot.vectors[own].astype(np.float32), k, own_rows=own).rows[0]
    with_code = snapshot.rows_with_isrc(isrcs, row)
    rows = np.union1d(nearest[nearest >= 0], with_code)
    cosines = snapshot.cosines(np.repeat(own, len(rows)), rows)
    # Among very few recordings, those without text are the nearest, too.
    found_by = {snapshot.source: np.isin(rows, nearest) & ~np.isnan(cosines), ISRC: np.isin(rows, with_code)}
    order = np.argsort(-cosines, kind="stable")  # NaN sorts last
    order = order[np.logical_or.reduce(list(found_by.values()))[order]]
    sources = ["+".join(name for name, found in found_by.items() if found[place]) for place in order.tolist()]
    return Proposals(rows[order], cosines[order], sources)
