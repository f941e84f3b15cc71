"""Candidates of a recording from everywhere: the index's nearest, and those with an ISRC in common."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from catalog.recording import Recording
from embeddings.text import recording_text
from index.exact import pair_cosines
from index.halves import widened
from index.kinds import ISRC
from index.live import LiveIndex
from index.vectors import Rows, Vectors


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
    return propose_by(index, query, index.vectors_of(own), k, own)


def propose_by(index: LiveIndex, query: Recording, vector: Vectors, k: int, own: Rows | None = None) -> Proposals:
    """Find the candidates of any recording.

    Parameters
    ----------
    index : LiveIndex
        To be asked.
    query : Recording
        Whoever shares an ISRC with it is a candidate, too, as in `propose`.
    vector : numpy.ndarray
        Shape (1, dim), float16, of the encoder that the index was built with.
    k : int
        Nearest recordings wanted.
    own : numpy.ndarray, optional
        Shape (1,), int64, its row, which is no candidate; none if the index does not hold it.

    Returns
    -------
    Proposals
        Equally near ones in the order of ids.
    """
    nearest = index.nearest(widened(vector), k, own_rows=own, texts=[recording_text(query)]).rows[0]
    nearest = nearest[nearest >= 0]
    with_code = index.rows_with_isrc(query.isrcs, -1 if own is None else int(own[0]))
    rows = np.concatenate((nearest, with_code[~np.isin(with_code, nearest)])) if len(with_code) else nearest
    cosines = pair_cosines(np.repeat(vector, len(rows), axis=0), index.vectors_of(rows))
    # Among very few recordings, those without text are the nearest, too.
    by_source = (np.arange(len(rows)) < len(nearest)) & ~np.isnan(cosines)
    by_code = np.isin(rows, with_code) if len(with_code) else np.zeros(len(rows), dtype=np.bool_)
    order = np.lexsort((rows, index.order_of_ids(rows), -cosines))  # NaN sorts last
    order = order[(by_source | by_code)[order]]
    names = ("", index.source, ISRC, f"{index.source}+{ISRC}")
    found_by = by_source + 2 * by_code
    return Proposals(rows[order], cosines[order], [names[each] for each in found_by[order].tolist()])
