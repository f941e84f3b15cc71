"""Pairs of recordings in memory to judge: those of a search for duplicates, and labelled ones."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchmarks.datasets import Dataset
from benchmarks.record import ROOT
from benchmarks.study import search_exactly
from catalog.recording import Recording
from catalog.store import Catalog
from embeddings.encoder import Encoder
from matching.baseline import baseline_features
from matching.classifier import PairClassifier
from matching.features import features_of
from matching.pairs import Pairs
from matching.rarity import Rarity
from matching.table import RecordingTable
from training.default import default_model
from training.pairs import read_groundtruth

NEIGHBOURS = 20

_ROOMS = ("catalog", "embeddings", "index", "matching")

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Work:
    """Pairs to judge, and what judges them.

    Attributes
    ----------
    recordings : list of Recording
        Those that stand in pairs, at least.
    q, m : numpy.ndarray
        Shape (n_pairs,), int64, places in `recordings`.
    cosines : numpy.ndarray
        Shape (n_pairs,), float32.
    rarity : Rarity
        Of the catalogue's words.
    classifier, baseline : PairClassifier
        To judge with.
    """

    recordings: list[Recording]
    q: Rows
    m: Rows
    cosines: npt.NDArray[np.float32]
    rarity: Rarity
    classifier: PairClassifier
    baseline: PairClassifier

    def take(self, rows: slice) -> Work:
        """Keep some of the pairs.

        Parameters
        ----------
        rows : slice
            Of the pairs.

        Returns
        -------
        Work
            With those.
        """
        rest = (self.rarity, self.classifier, self.baseline)
        return Work(self.recordings, self.q[rows], self.m[rows], self.cosines[rows], *rest)

    def alone(self) -> Work:
        """Keep the recordings that stand in pairs only.

        Returns
        -------
        Work
            The same pairs.
        """
        used, places = np.unique(np.concatenate((self.q, self.m)), return_inverse=True)
        q, m = places[: len(self.q)], places[len(self.q) :]
        recordings = [self.recordings[row] for row in used.tolist()]
        return Work(recordings, q, m, self.cosines, self.rarity, self.classifier, self.baseline)

    def sides(self) -> tuple[list[Recording], list[Recording]]:
        """Look up both sides.

        Returns
        -------
        tuple of list of Recording
            Queries and candidates.
        """
        return [self.recordings[row] for row in self.q.tolist()], [self.recordings[row] for row in self.m.tolist()]


def prepare_work(dataset: Dataset) -> tuple[Work, Work]:
    """Find the pairs to judge.

    Parameters
    ----------
    dataset : Dataset
        With labelled pairs.

    Returns
    -------
    (Work, Work)
        Every recording with its nearest, each pair once, in the order of the recordings; and the labelled pairs.
    """
    model = default_model(ROOT / "data")
    with Catalog.open(dataset.folder.catalog, dataset.folder.copies) as catalog:
        encoder, rarity = Encoder.fit(catalog), Rarity.fit(catalog)
        snapshot = search_exactly(catalog, encoder)
        recordings = [
            recording for recording in catalog.get_many(snapshot.ids_of(np.arange(len(snapshot)))) if recording
        ]
        pairs = read_groundtruth(dataset.train_pairs, catalog)
    own = np.arange(len(recordings))
    found = snapshot.nearest(snapshot.vectors.astype(np.float32), NEIGHBOURS, own_rows=own).rows
    q, m = np.repeat(own, found.shape[1])[found.ravel() >= 0], found.ravel()[found.ravel() >= 0]
    q, m = np.unique(np.sort(np.column_stack((q, m)), axis=1), axis=0).T
    q_labelled, m_labelled = (snapshot.rows_of([recording.sr_id for recording in side]) for side in (pairs.q, pairs.m))
    near, labelled = (
        Work(recordings, one, other, snapshot.cosines(one, other), rarity, model.classifier, model.baseline).alone()
        for one, other in ((q, m), (q_labelled, m_labelled))
    )
    return near, labelled


def judge_all_features(work: Work, batch: int) -> Iterator[npt.NDArray[np.float64]]:
    """Judge pairs by all features; what is read off the recordings is read once.

    Parameters
    ----------
    work : Work
        The pairs.
    batch : int
        Pairs at once.

    Yields
    ------
    numpy.ndarray
        Shape (n_batch,), float64, match probabilities.
    """
    table = RecordingTable(work.recordings, work.rarity)
    for start in range(0, len(work.q), batch):
        part = work.take(slice(start, start + batch))
        pairs = Pairs(table, part.q, part.m, part.cosines)
        yield work.classifier.match_probabilities(
            features_of(pairs, work.classifier.features, work.classifier.looked_at)
        )


def judge_by_baseline(work: Work, batch: int) -> Iterator[npt.NDArray[np.float64]]:
    """Judge pairs by the nineteen features of the baseline.

    Parameters
    ----------
    work : Work
        The pairs.
    batch : int
        Pairs at once.

    Yields
    ------
    numpy.ndarray
        Shape (n_batch,), float64, match probabilities.
    """
    for start in range(0, len(work.q), batch):
        yield work.baseline.match_probabilities(baseline_features(*work.take(slice(start, start + batch)).sides()))


def forget() -> None:
    """Empty the caches of texts in all rooms: a catalogue is searched once, and not three times."""
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in _ROOMS:
            for value in list(vars(module).values()):
                # Others hold what is loaded once in the life of a process, such as a dictionary.
                if hasattr(value, "cache_clear") and (value.cache_parameters()["maxsize"] or 0) > 1:
                    value.cache_clear()
