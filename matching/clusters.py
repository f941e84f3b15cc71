"""From judged pairs to clusters: recordings that are one master, without chains of doubtful links."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import squareform

# Recordings of a cluster, at most; a master is seldom delivered more often, and what goes beyond is mostly a chain.
LARGEST = 500
# Of what a component is too large by, this share of its weakest links is let go at a time.
_LET_GO = 0.2

Rows = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Links:
    """Pairs that may be duplicates, each once.

    Attributes
    ----------
    q, m : numpy.ndarray
        Shape (n_pairs,), int64, rows of recordings, q before m.
    probability : numpy.ndarray
        Shape (n_pairs,), float64, match probabilities; pairs that are not here count as 0.
    """

    q: Rows
    m: Rows
    probability: Numbers

    def take(self, which: npt.NDArray[np.bool_] | Rows) -> Links:
        """Keep some of them.

        Parameters
        ----------
        which : numpy.ndarray
            Flags or places.

        Returns
        -------
        Links
            Those.
        """
        return Links(self.q[which], self.m[which], self.probability[which])


@dataclass(frozen=True)
class Stopped:
    """A component that was too large to be a cluster.

    Attributes
    ----------
    row : int
        Of one of its recordings.
    size : int
        Its recordings.
    largest : int
        Recordings in the largest of the pieces that it was cut into.
    """

    row: int
    size: int
    largest: int


def components(recordings: int, links: Links) -> Rows:
    """Find what hangs together.

    Parameters
    ----------
    recordings : int
        How many there are.
    links : Links
        All of them count.

    Returns
    -------
    numpy.ndarray
        Shape (recordings,), int64, from 0: which component each is in.
    """
    shape = (recordings, recordings)
    edges = coo_array((np.ones(len(links.q), dtype=np.int8), (links.q, links.m)), shape=shape)
    labels: Rows = connected_components(edges, directed=False)[1].astype(np.int64)
    return labels


def unlinked_pairs(recordings: int, links: Links, threshold: float, largest: int = LARGEST) -> tuple[Rows, Rows]:
    """List the pairs within what hangs together that are not among the links: chains want their ends compared.

    Parameters
    ----------
    recordings : int
        How many there are.
    links : Links
        What was judged.
    threshold : float
        Match probability from which a pair is valid.
    largest : int
        No cluster has more recordings.

    Returns
    -------
    tuple of numpy.ndarray
        Rows of q and of m, each of shape (n_pairs,), int64, q before m, in this order.
    """
    labels, _ = _cut_to_size(recordings, links.take(links.probability >= threshold), largest)
    members = _members(labels, least=3, most=largest)
    found = [(rows[one], rows[other]) for rows in members for one, other in [np.triu_indices(len(rows), 1)]]
    if not found:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    q, m = (np.concatenate(side) for side in zip(*found, strict=True))
    keys = q * len(labels) + m
    keys = np.setdiff1d(keys, links.q * len(labels) + links.m, assume_unique=True)
    return keys // len(labels), keys % len(labels)


def average_link(recordings: int, links: Links, threshold: float, largest: int = LARGEST) -> tuple[Rows, list[Stopped]]:
    """Make clusters: of what hangs together by valid pairs, what is alike on average.

    Two clusters are one only if the mean match probability over all pairs between them reaches the threshold (average
    linkage, Sokal and Michener 1958): one doubtful link does not chain two masters together.

    Parameters
    ----------
    recordings : int
        How many there are.
    links : Links
        Judged pairs, those below the threshold too.
    threshold : float
        Match probability from which a pair is valid.
    largest : int
        No cluster has more recordings.

    Returns
    -------
    (numpy.ndarray, list of Stopped)
        Shape (recordings,), int64, from 0: which cluster each is in; and what was too large.
    """
    valid = links.take(links.probability >= threshold)
    labels, whole = _cut_to_size(recordings, valid, largest)
    inside = links.take(labels[links.q] == labels[links.m])
    order = np.argsort(labels[inside.q], kind="stable")
    inside, owners = inside.take(order), labels[inside.q][order]
    next_label = int(labels.max()) + 1 if recordings else 0
    for rows in _members(labels, least=3, most=largest):
        label = labels[rows[0]]
        linked = inside.take(np.arange(*np.searchsorted(owners, (label, label + 1))))
        if (linked.probability >= threshold).sum() == len(rows) * (len(rows) - 1) // 2:
            continue
        pieces = _pieces(rows, linked, threshold)
        labels[rows] = np.where(pieces == 0, label, next_label + pieces - 1)
        next_label += int(pieces.max())
    labels = np.unique(labels, return_inverse=True)[1]
    return labels, _stopped(whole, labels, largest)


def representatives(labels: Rows, links: Links, fullness: Rows) -> Rows:
    """Choose the recording of each cluster that stands for it.

    Parameters
    ----------
    labels : numpy.ndarray
        Shape (recordings,), int64, from 0: clusters.
    links : Links
        Judged pairs.
    fullness : numpy.ndarray
        Shape (recordings,), int64, how much is known of each recording.

    Returns
    -------
    numpy.ndarray
        Shape (n_clusters,), int64, rows: the one that is most like the others, to two digits of the mean match
        probability; of several the fullest, and of these the first.
    """
    inside = links.take(labels[links.q] == labels[links.m])
    alike = np.bincount(inside.q, weights=inside.probability, minlength=len(labels))
    alike += np.bincount(inside.m, weights=inside.probability, minlength=len(labels))
    means = np.round(alike / np.maximum(np.bincount(labels)[labels] - 1, 1), 2)
    order = np.lexsort((np.arange(len(labels)), -fullness, -means, labels))
    chosen: Rows = order[np.flatnonzero(np.diff(labels[order], prepend=-1))]
    return chosen


def _members(labels: Rows, least: int, most: int) -> Iterator[Rows]:
    """List the rows of every label that has from `least` to `most` of them."""
    order = np.argsort(labels, kind="stable")
    sizes = np.bincount(labels)
    starts = np.cumsum(sizes) - sizes
    for label in np.flatnonzero((sizes >= least) & (sizes <= most)).tolist():
        yield order[starts[label] : starts[label] + sizes[label]]


def _pieces(rows: Rows, links: Links, threshold: float) -> Rows:
    """Cut a component into clusters: a number for each row, from 0 in the order of their first rows."""
    distances = np.ones((len(rows), len(rows)))
    q, m = np.searchsorted(rows, links.q), np.searchsorted(rows, links.m)
    distances[q, m] = distances[m, q] = 1 - links.probability
    np.fill_diagonal(distances, 0)
    tree = linkage(squareform(distances, checks=False), method="average")
    labels = fcluster(tree, 1 - threshold, criterion="distance")
    _, first, pieces = np.unique(labels, return_index=True, return_inverse=True)
    ranks: Rows = np.argsort(np.argsort(first))[pieces]
    return ranks


def _cut_to_size(recordings: int, valid: Links, largest: int) -> tuple[Rows, Rows]:
    """Let the weakest links of components that are too large go, until none is: labels after it and before."""
    labels = whole = components(recordings, valid)
    while True:
        sizes = np.bincount(labels)
        weak = _weakest(labels, valid, sizes > largest)
        if not weak.any():
            break
        valid = valid.take(~weak)
        labels = components(recordings, valid)
    # What is left of a component's links is of one probability: nothing tells its recordings apart but their order.
    order = np.argsort(labels, kind="stable")
    places = np.empty(recordings, dtype=np.int64)
    places[order] = np.arange(recordings) - (np.cumsum(sizes) - sizes)[labels[order]]
    labels = np.unique(labels * (recordings // largest + 1) + places // largest, return_inverse=True)[1]
    return labels, whole


def _weakest(labels: Rows, valid: Links, too_large: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    weak = np.zeros(len(valid.q), dtype=np.bool_)
    concerned = np.flatnonzero(too_large[labels[valid.q]])
    for places in _members(labels[valid.q[concerned]], least=1, most=len(concerned)):
        inside = concerned[places]
        probabilities = valid.probability[inside]
        if probabilities.min() < probabilities.max():
            bound = np.quantile(probabilities, _LET_GO, method="lower")
            weak[inside] = probabilities <= bound if bound < probabilities.max() else probabilities < bound
    return weak


def _stopped(whole: Rows, labels: Rows, largest: int) -> list[Stopped]:
    return [
        Stopped(int(rows[0]), len(rows), int(np.unique(labels[rows], return_counts=True)[1].max()))
        for rows in _members(whole, least=largest + 1, most=len(whole))
    ]
