"""Candidates of a recording from everywhere: the index's nearest, and those with an ISRC in common."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from catalog.recording import Recording
from embeddings.text import recording_text
from index.kinds import ISRC
from index.live import LiveIndex
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


def propose(index: LiveIndex, query: Recording, k: int) -> Proposals:
    """Find the candidates of a stored recording.

    Parameters
    ----------
    index : LiveIndex
        To be asked.
    query : Recording
        As the index holds it. Those who share an ISRC with it are candidates, too, at most
        `index.codes.MOST_WITH_A_CODE` for each code.
    k : int
        Nearest recordings wanted.

    Returns
    -------
    Proposals
        Equally near ones in the order of ids.
    """
    own = index.rows_of([query.sr_id])
    texts = [recording_text(query)]
    nearest = index.nearest(index.vectors_of(own).astype(np.float32), k, own_rows=own, texts=texts).rows[0]
    with_code = index.rows_with_isrc(query.isrcs, int(own[0]))
    rows = np.union1d(nearest[nearest >= 0], with_code)
    cosines = index.cosines(np.repeat(own, len(rows)), rows)
    # Among very few recordings, those without text are the nearest, too.
    found_by = {index.source: np.isin(rows, nearest) & ~np.isnan(cosines), ISRC: np.isin(rows, with_code)}
    order = np.lexsort((rows, index.order_of_ids(rows), -cosines))  # NaN sorts last
    order = order[np.logical_or.reduce(list(found_by.values()))[order]]
    sources = ["+".join(name for name, found in found_by.items() if found[place]) for place in order.tolist()]
    return Proposals(rows[order], cosines[order], sources)
