"""Labelled pairs turned into features once, for every classifier that is to be fitted or measured on them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.datasets import Dataset, music20, sample
from catalog.store import Catalog
from embeddings.encoder import Encoder
from index.codes import CodeIndex, Codes
from index.completeness import PairCompleteness, pair_completeness
from index.kinds import FLAT
from index.live import LiveIndex
from index.snapshot import Snapshot
from index.vectors import VectorIndex
from matching.baseline import baseline_features
from matching.classifier import PairClassifier
from matching.features import NAMES, Features
from matching.rarity import Rarity
from training.holdout import Split, TrainingData, hold_out
from training.intervals import Units, resampling_units
from training.lessons import Lessons, labelled_features, lessons_of

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Study:
    """A dataset with its pairs as features; can be handed to another process.

    Attributes
    ----------
    name : str
        Of the dataset.
    digests : dict
        SHA-256 of the delivered files.
    split : Split
        Pairs to learn from and to measure on, as a training would cut them.
    lessons : Lessons
        The pairs to learn from, in all views and all columns.
    features : numpy.ndarray
        Shape (n_test, n_features), float32, of the test pairs; columns as `matching.features.NAMES`.
    baseline : numpy.ndarray
        Shape (n_test, 19), float32, the baseline's features of the test pairs.
    units : numpy.ndarray
        Shape (n_test,), int64, groups of linked test pairs, for intervals.
    completeness : PairCompleteness
        Of the valid test pairs, by exact search.
    """

    name: str
    digests: dict[str, str]
    split: Split
    lessons: Lessons
    features: Features
    baseline: Features
    units: Units
    completeness: PairCompleteness

    @property
    def valid(self) -> npt.NDArray[np.bool_]:
        """Labels of the test pairs, shape (n_test,)."""
        return self.split.test.valid

    def judge(self, classifier: PairClassifier) -> Numbers:
        """Judge the test pairs.

        Parameters
        ----------
        classifier : PairClassifier
            Trained here or elsewhere.

        Returns
        -------
        numpy.ndarray
            Shape (n_test,), float64, match probabilities.
        """
        return classifier.match_probabilities(self.features[:, [NAMES.index(name) for name in classifier.features]])


def study_sample(scratch: Path, seed: int, records: int) -> Study:
    """Write a sample and turn its pairs into features.

    Parameters
    ----------
    scratch : Path
        A folder of its own is made in here.
    seed : int
        Of the generator and of the split.
    records : int
        Rows of the catalogue.

    Returns
    -------
    Study
        A fifth of the labelled pairs held out.
    """
    return _study(sample(scratch / f"sample-{seed}", seed, records), seed)


def study_music20(scratch: Path, source: Path) -> Study:
    """Import Music-20 and turn its pairs into features.

    Parameters
    ----------
    scratch : Path
        A folder of its own is made in here.
    source : Path
        Folder of Music-20.

    Returns
    -------
    Study
        With Music-20's own test pairs.
    """
    return _study(music20(source, scratch / "music20"), 20)


def search_exactly(catalog: Catalog, encoder: Encoder) -> Snapshot:
    """Encode a catalogue and keep it in memory for exact search.

    Parameters
    ----------
    catalog : Catalog
        The catalogue.
    encoder : Encoder
        Fitted on it.

    Returns
    -------
    Snapshot
        As `index.rebuild` would publish it, vectors in float16.
    """
    recordings = sorted(catalog, key=lambda recording: recording.sr_id.encode())
    ids = np.array([recording.sr_id.encode() for recording in recordings], dtype=np.bytes_)
    vectors = encoder.encode(recordings).astype(np.float16)
    index = VectorIndex.build(FLAT, vectors, np.arange(len(ids)))
    codes = CodeIndex.build([Codes.of(recording.isrcs for recording in recordings)])
    return Snapshot("in memory", ids, vectors, index, 1, {}, codes)


def _study(dataset: Dataset, seed: int) -> Study:
    folder = dataset.folder
    with Catalog.open(folder.catalog, folder.copies) as catalog:
        split = hold_out(TrainingData(catalog, dataset.train_pairs, folder.root, dataset.test_pairs), seed)
        encoder, rarity = Encoder.fit(catalog), Rarity.fit(catalog)
        snapshot = search_exactly(catalog, encoder)
    test = split.test
    valid = test.take(np.flatnonzero(test.valid))
    q_ids, m_ids = ([recording.sr_id for recording in side] for side in (valid.q, valid.m))
    return Study(
        name=dataset.name,
        digests=dataset.digests,
        split=split,
        lessons=lessons_of(split.learnt, split.positions, encoder, rarity),
        features=labelled_features(test, encoder, rarity),
        baseline=baseline_features(test.q, test.m),
        units=resampling_units(test),
        completeness=pair_completeness(LiveIndex(snapshot), q_ids, m_ids),
    )
