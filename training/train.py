"""The whole training: a catalogue and a ground truth become a published model with its report."""

from __future__ import annotations

import logging
import platform
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version as library_version
from pathlib import Path

import numpy as np
import numpy.typing as npt

from catalog.artefacts import build_aside, checksums, new_version, publish, sha256_file, write_json
from catalog.normalize import NORMALIZER_VERSION
from catalog.store import Catalog
from embeddings.encoder import Encoder
from embeddings.text import TEMPLATE_VERSION
from index.snapshot import pair_cosines
from matching.baseline import baseline_features
from matching.classifier import PairClassifier
from matching.features import Features, pair_features
from matching.model import BASELINE_FILE, CARD_FILE, CLASSIFIER_FILE, ENCODER_FOLDER, FORMAT, REPORT_FILE, Model
from training.classifier import fit_baseline, fit_classifier
from training.evaluate import Evaluation, evaluate_probabilities
from training.pairs import LabelledPairs, component_positions, read_groundtruth, write_problems
from training.report import Judged, write_report

logger = logging.getLogger(__name__)

# Without a file of test pairs a fifth of the components is held out for the test, and of the rest a quarter for
# calibration and threshold.
_TEST_SHARE, _VALIDATION_SHARE = 0.2, 0.25
_FEW_PAIRS = 200
_BATCH = 8_192
_LIBRARIES = ("faiss-cpu", "numpy", "rapidfuzz", "scikit-learn", "sentence-transformers", "torch")


@dataclass(frozen=True)
class TrainingData:
    """What a model is trained from.

    Attributes
    ----------
    catalog : Catalog
        Holds the recordings of the pairs.
    groundtruth : Path
        Labelled pairs to learn from.
    test_groundtruth : Path or None
        Labelled pairs to measure on; part of `groundtruth` is held out if there are none.
    """

    catalog: Catalog
    groundtruth: Path
    test_groundtruth: Path | None = None


@dataclass(frozen=True)
class TrainingReport:
    """What a training gave.

    Attributes
    ----------
    model : Model
        The published model.
    evaluation : Evaluation
        Of the classifier on the test pairs.
    baseline : Evaluation
        Of the baseline on the same pairs.
    """

    model: Model
    evaluation: Evaluation
    baseline: Evaluation


@dataclass(frozen=True)
class _Split:
    train: LabelledPairs
    validation: LabelledPairs
    test: LabelledPairs


def train(data: TrainingData, encoder: Encoder | None, shelf: Path, seed: int = 20) -> TrainingReport:
    """Train the classifier and the baseline, measure both, and publish them with the encoder.

    Parameters
    ----------
    data : TrainingData
        Catalogue and ground truth.
    encoder : Encoder or None
        An encoder to take as it is; ``None`` fits the default one on the catalogue.
    shelf : Path
        The folder of model versions; lines of the ground truths that are not used are listed beside it.
    seed : int
        Of the split and of scikit-learn's generator; the same seed and data give the same model.

    Returns
    -------
    TrainingReport
        With the figures on pairs that nothing was learnt from.

    Raises
    ------
    GroundTruthError
        If no usable pairs of both kinds are left.
    """
    began = time.monotonic()
    split = _split(data, shelf.parent, seed)
    with build_aside(shelf) as building:
        encoder = (encoder or Encoder.fit(data.catalog)).save(building / ENCODER_FOLDER)
        logger.info("encoder ready after %.1f s", time.monotonic() - began)
        features = {name: _features(getattr(split, name), encoder) for name in ("train", "validation", "test")}
        classifier = fit_classifier(
            features["train"], split.train.valid, features["validation"], split.validation.valid, seed
        )
        baseline = _baseline(split, seed)
        judged = Judged(split.test, features["test"], classifier.match_probabilities(features["test"]))
        test_baseline = baseline.match_probabilities(baseline_features(split.test.q, split.test.m))
        evaluation = evaluate_probabilities(judged.probabilities, split.test.valid, classifier.threshold)
        baseline_evaluation = evaluate_probabilities(test_baseline, split.test.valid, baseline.threshold)
        write_json(building / CLASSIFIER_FILE, classifier.to_json())
        write_json(building / BASELINE_FILE, baseline.to_json())
        card = {
            "format": FORMAT,
            "trained_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "seconds": round(time.monotonic() - began, 1),
            "seed": seed,
            "pairs": {name: _counts(getattr(split, name)) for name in ("train", "validation", "test")},
            "figures": {"classifier": evaluation.to_json(), "baseline": baseline_evaluation.to_json()},
            **_provenance(data, encoder),
        }
        write_report(building / REPORT_FILE, judged, classifier, card, test_baseline)
        model = publish_model(building, shelf, card)
    logger.info("published model %s after %.1f s", model.version, time.monotonic() - began)
    return TrainingReport(model, evaluation, baseline_evaluation)


def _split(data: TrainingData, folder: Path, seed: int) -> _Split:
    pairs = _read(data.groundtruth, data.catalog, folder)
    positions = component_positions(pairs, seed)
    if data.test_groundtruth is None:
        in_test = positions < _TEST_SHARE
        rest = (positions - _TEST_SHARE) / (1 - _TEST_SHARE)
    else:
        in_test = np.zeros(len(pairs), dtype=np.bool_)
        rest = positions
    in_validation = ~in_test & (rest < _VALIDATION_SHARE)
    learnt = pairs.take(np.flatnonzero(~in_test & ~in_validation))
    validation, test = pairs.take(np.flatnonzero(in_validation)), pairs.take(np.flatnonzero(in_test))
    if data.test_groundtruth is not None:
        test = _without_learnt(_read(data.test_groundtruth, data.catalog, folder), pairs)
    if len(pairs) < _FEW_PAIRS or len(np.unique(learnt.valid)) < 2:
        logger.warning("%d labelled pairs are few: all of them are learnt from and calibrated on", len(pairs))
        learnt = validation = pairs
    if not len(test):
        logger.warning("no pairs are left for the test: the figures are those of the pairs learnt from")
        test = pairs
    return _Split(learnt, validation, test)


def _read(path: Path, catalog: Catalog, folder: Path) -> LabelledPairs:
    pairs = read_groundtruth(path, catalog)
    write_problems(pairs.problems, folder / f"{path.stem}.rejected.csv")
    return pairs


def _without_learnt(test: LabelledPairs, learnt: LabelledPairs) -> LabelledPairs:
    """Drop test pairs that are also among the pairs to learn from, so that no figure rests on them."""
    seen = {frozenset((q.sr_id, m.sr_id)) for q, m in zip(learnt.q, learnt.m, strict=True)}
    fresh = [
        row for row, (q, m) in enumerate(zip(test.q, test.m, strict=True)) if frozenset((q.sr_id, m.sr_id)) not in seen
    ]
    if len(fresh) < len(test):
        logger.warning("%d test pairs are also among the pairs to learn from and do not count", len(test) - len(fresh))
    return test.take(np.array(fresh, dtype=np.int64))


def _features(pairs: LabelledPairs, encoder: Encoder) -> Features:
    """Compute the five features as the service will: cosines from float16 vectors."""
    cosines: list[npt.NDArray[np.float32]] = [np.zeros(0, dtype=np.float32)]
    for start in range(0, len(pairs), _BATCH):
        q, m = pairs.q[start : start + _BATCH], pairs.m[start : start + _BATCH]
        cosines.append(pair_cosines(encoder.encode(q).astype(np.float16), encoder.encode(m).astype(np.float16)))
    return pair_features(pairs.q, pairs.m, np.concatenate(cosines))


def _baseline(split: _Split, seed: int) -> PairClassifier:
    # The baseline needs no validation pairs, so it may learn from them too.
    both = [split.train] if split.train is split.validation else [split.train, split.validation]
    features = np.concatenate([baseline_features(pairs.q, pairs.m) for pairs in both if len(pairs)])
    return fit_baseline(features, np.concatenate([pairs.valid for pairs in both if len(pairs)]), seed)


def _counts(pairs: LabelledPairs) -> dict[str, int]:
    return {"n_pairs": len(pairs), "n_valid": int(pairs.valid.sum())}


def _provenance(data: TrainingData, encoder: Encoder) -> dict[str, object]:
    files = {"groundtruth": data.groundtruth, "test_groundtruth": data.test_groundtruth}
    return {
        "encoder_digest": encoder.digest,
        "dimension": encoder.dimension,
        "template_version": TEMPLATE_VERSION,
        "normalizer_version": NORMALIZER_VERSION,
        "catalog_digest": data.catalog.digest(),
        **{f"{name}_digest": None if path is None else sha256_file(path) for name, path in files.items()},
        "versions": {"python": platform.python_version()} | {name: library_version(name) for name in _LIBRARIES},
    }


def publish_model(building: Path, shelf: Path, card: Mapping[str, object]) -> Model:
    """Write a finished model's card and put the model in charge.

    Parameters
    ----------
    building : Path
        Folder made by `build_aside` in `shelf`, with every other file in it.
    shelf : Path
        The folder of model versions.
    card : mapping
        Content of model.json but for the checksums.

    Returns
    -------
    Model
        As published.
    """
    write_json(building / CARD_FILE, {**card, "files": checksums(building)})
    return Model.load(publish(building, shelf, new_version(sha256_file(building / CARD_FILE))))
