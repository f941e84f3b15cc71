"""What an encoder is fine-tuned on: a recording, its duplicate, and one that only looks like it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from catalog.recording import Recording
from embeddings.encoder import Encoder
from training.pairs import LabelledPairs

Rows = npt.NDArray[np.int64]

_BLOCK = 1_024
_NEIGHBOURS = 50
# A neighbour this near, as a share of the duplicate's cosine, may be a duplicate that nobody has labelled.
_TOO_NEAR = 0.95


@dataclass(frozen=True, eq=False)
class Triples:
    """Recordings to be drawn together and pushed apart.

    Attributes
    ----------
    recordings : list of Recording
        Of all pairs.
    anchors, positives, negatives : numpy.ndarray
        Shape (n,), int64, places in `recordings`.
    masters : numpy.ndarray
        Shape (n,), int64; triples of one number are linked by valid pairs.
    """

    recordings: list[Recording]
    anchors: Rows
    positives: Rows
    negatives: Rows
    masters: Rows

    def __len__(self) -> int:
        return len(self.anchors)

    def in_rounds(self, seed: int, most: int) -> Rows:
        """Order the triples so that those of one master stand far apart.

        All recordings of a batch pass for different masters, and two triples of one master would be pushed apart.

        Parameters
        ----------
        seed : int
            Another seed gives another order.
        most : int
            Triples to keep at most.

        Returns
        -------
        numpy.ndarray
            Shape (min(n, most),), int64. Round by round, each master once a round.
        """
        generator = np.random.default_rng(seed)
        shuffled = generator.permutation(len(self))
        by_master = shuffled[np.argsort(self.masters[shuffled], kind="stable")]
        masters = self.masters[by_master]
        first = np.flatnonzero(np.diff(masters, prepend=-1))
        rounds = np.arange(len(masters)) - np.repeat(first, np.diff(first, append=len(masters)))
        order: Rows = by_master[np.lexsort((generator.random(len(masters)), rounds))]
        return order[:most]


def triples_of(pairs: LabelledPairs, encoder: Encoder) -> Triples:
    """Give every valid pair, both ways round, a hard negative.

    Parameters
    ----------
    pairs : LabelledPairs
        To learn from.
    encoder : Encoder
        As it is before it learns: it says what is hard.

    Returns
    -------
    Triples
        The negative is the nearest of the recordings that the anchor makes an invalid pair with. Where there are none,
        it is the nearest among all recordings of these pairs that no chain of valid pairs links to the anchor, but none
        nearly as near as the duplicate. Empty without valid pairs.
    """
    recordings = list({each.sr_id: each for side in (pairs.q, pairs.m) for each in side}.values())
    places = {each.sr_id: place for place, each in enumerate(recordings)}
    q, m = (np.array([places[each.sr_id] for each in side], dtype=np.int64) for side in (pairs.q, pairs.m))
    vectors = encoder.encode(recordings)
    valid = np.flatnonzero(pairs.valid)
    masters = _masters(q[valid], m[valid], len(recordings))
    labelled = _labelled_negatives(q[~pairs.valid], m[~pairs.valid], vectors)
    anchors, positives = np.concatenate((q[valid], m[valid])), np.concatenate((m[valid], q[valid]))
    negatives = np.array([labelled.get(int(anchor), -1) for anchor in anchors], dtype=np.int64)
    bare = np.flatnonzero(negatives < 0)
    negatives[bare] = _mined(anchors[bare], positives[bare], vectors, masters)
    kept = np.flatnonzero(negatives >= 0)
    return Triples(recordings, anchors[kept], positives[kept], negatives[kept], masters[anchors[kept]])


def _masters(q: Rows, m: Rows, count: int) -> Rows:
    graph = coo_array((np.ones(len(q), dtype=np.int8), (q, m)), shape=(count, count))
    _, labels = connected_components(graph, directed=False)
    return np.asarray(labels, dtype=np.int64)


def _labelled_negatives(q: Rows, m: Rows, vectors: npt.NDArray[np.float32]) -> dict[int, int]:
    """Map each recording with an invalid pair to the nearest of those it makes one with."""
    cosines = np.einsum("nd,nd->n", vectors[q], vectors[m])
    farthest_first = np.argsort(cosines, kind="stable")
    sides: Iterable[tuple[int, int]] = zip(q[farthest_first].tolist(), m[farthest_first].tolist(), strict=True)
    nearest: dict[int, int] = {}
    for one, other in sides:
        nearest[one] = other
        nearest[other] = one
    return nearest


def _mined(anchors: Rows, positives: Rows, vectors: npt.NDArray[np.float32], masters: Rows) -> Rows:
    found = np.full(len(anchors), -1, dtype=np.int64)
    reach = min(_NEIGHBOURS, len(vectors))
    for start in range(0, len(anchors), _BLOCK):
        block, duplicates = anchors[start : start + _BLOCK], positives[start : start + _BLOCK]
        cosines = vectors[block] @ vectors.T
        limits = _TOO_NEAR * np.take_along_axis(cosines, duplicates[:, None], axis=1)
        near = np.argpartition(-cosines, reach - 1, axis=1)[:, :reach]
        values = np.take_along_axis(cosines, near, axis=1)
        values[(masters[near] == masters[block][:, None]) | (values >= limits)] = -np.inf
        best = values.argmax(axis=1)
        chosen = near[np.arange(len(block)), best]
        found[start : start + _BLOCK] = np.where(np.isfinite(values.max(axis=1)), chosen, -1)
    return found
