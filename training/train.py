"""The whole training: a catalogue and a ground truth become a published model with its report."""

from __future__ import annotations

import logging
import platform
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version as library_version
from pathlib import Path

import numpy as np
import numpy.typing as npt

from catalog.artefacts import build_aside, new_version, publish
from catalog.manifest import checksums, sha256_file, write_json
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
from training.pairs import LabelledPairs, read_groundtruth, write_problems
from training.report import Judged, write_report
from training.splits import component_positions, pair_positions

logger = logging.getLogger(__name__)

# Without a file of test pairs a fifth of the components is held out for the test, and of the rest a quarter for
# calibration and threshold.
_TEST_SHARE, _VALIDATION_SHARE = 0.2, 0.25
# A part smaller than this says nothing; the split is then made in another way.
_FEWEST, _LEAST_SHARE = 20, 0.05
HELD_OUT, LINKED, LEARNT_FROM = (
    "held-out pairs",
    "held-out pairs of recordings that other pairs were learnt from",
    "the pairs learnt from",
)
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
    rejected : Path
        Folder in which the lines that are not used are listed.
    test_groundtruth : Path or None
        Labelled pairs to measure on; part of `groundtruth` is held out if there are none.
    """

    catalog: Catalog
    groundtruth: Path
    rejected: Path
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
    tested_on: str


def train(data: TrainingData, encoder: Encoder | None, shelf: Path, seed: int = 20) -> TrainingReport:
    """Train the classifier and the baseline, measure both, and publish them with the encoder.

    Parameters
    ----------
    data : TrainingData
        Catalogue and ground truth.
    encoder : Encoder or None
        An encoder to take as it is; ``None`` fits the default one on the catalogue.
    shelf : Path
        The folder of model versions.
    seed : int
        Of the split and of scikit-learn's generator; the same seed and data give the same model.

    Returns
    -------
    TrainingReport
        With the figures on the test pairs; ``tested_on`` in the model's card says what nothing was learnt from.

    Raises
    ------
    GroundTruthError
        If no usable pairs of both kinds are left.
    """
    began = time.monotonic()
    split = _split(data, seed)
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
            "tested_on": split.tested_on,
            "pairs": {name: _counts(getattr(split, name)) for name in ("train", "validation", "test")},
            "figures": {"classifier": evaluation.to_json(), "baseline": baseline_evaluation.to_json()},
            **_provenance(data, encoder),
        }
        write_report(building / REPORT_FILE, judged, classifier, card, test_baseline)
        version = write_card(building, card)
        model = Model.load(publish(building, shelf, version))
    logger.info("published model %s after %.1f s", model.version, time.monotonic() - began)
    return TrainingReport(model, evaluation, baseline_evaluation)


def write_card(building: Path, card: Mapping[str, object]) -> str:
    """Write a finished model's card, and name its version.

    Parameters
    ----------
    building : Path
        Folder with every other file of the model.
    card : mapping
        Content of model.json but for the checksums.

    Returns
    -------
    str
        The version to publish it under.
    """
    write_json(building / CARD_FILE, {**card, "files": checksums(building)})
    return new_version(sha256_file(building / CARD_FILE))


def encoder_provenance(encoder: Encoder, catalog: Catalog) -> dict[str, object]:
    """Say which encoder a model has, and for which catalogue it was made.

    Parameters
    ----------
    encoder : Encoder
        As saved.
    catalog : Catalog
        The catalogue.

    Returns
    -------
    dict
        Part of model.json.
    """
    return {
        "encoder": encoder.source,
        "encoder_digest": encoder.digest,
        "dimension": encoder.dimension,
        "template_version": TEMPLATE_VERSION,
        "normalizer_version": NORMALIZER_VERSION,
        "catalog_digest": catalog.digest(),
    }


def _split(data: TrainingData, seed: int) -> _Split:
    """Hold back pairs to calibrate and to test on, by component, else pair by pair, else none; and say which."""
    pairs = _read(data.groundtruth, "groundtruth", data)
    test_share = _TEST_SHARE if data.test_groundtruth is None else 0.0
    for positions, tested_on in ((component_positions, HELD_OUT), (pair_positions, LINKED)):
        split = _cut(pairs, positions(pairs, seed), test_share, tested_on)
        if all(_is_enough(part, pairs) for part in (split.train, split.validation)) and (
            not test_share or _is_enough(split.test, pairs)
        ):
            break
        logger.warning("too few pairs can be held back as %s", tested_on)
    else:
        split = _Split(pairs, pairs, pairs, LEARNT_FROM)
    if data.test_groundtruth is not None:
        split = _tested_on(split, _read(data.test_groundtruth, "test-groundtruth", data), pairs)
    parts = (len(split.train), len(split.validation), len(split.test), split.tested_on)
    logger.info("learning from %d pairs, calibrating on %d, testing on %d (%s)", *parts)
    return split


def _cut(pairs: LabelledPairs, positions: npt.NDArray[np.float64], test_share: float, tested_on: str) -> _Split:
    validation_end = test_share + (1 - test_share) * _VALIDATION_SHARE
    return _Split(
        pairs.take(np.flatnonzero(positions >= validation_end)),
        pairs.take(np.flatnonzero((positions >= test_share) & (positions < validation_end))),
        pairs.take(np.flatnonzero(positions < test_share)),
        tested_on,
    )


def _is_enough(part: LabelledPairs, pairs: LabelledPairs) -> bool:
    return part.has_both_kinds and len(part) >= max(_FEWEST, _LEAST_SHARE * len(pairs))


def _read(path: Path, role: str, data: TrainingData) -> LabelledPairs:
    pairs = read_groundtruth(path, data.catalog)
    rejected = data.rejected / f"{role}.rejected.csv"
    write_problems(pairs.problems, rejected)
    if pairs.problems:
        logger.warning("%s: the %d lines left out are listed in %s", path, len(pairs.problems), rejected)
    return pairs


def _tested_on(split: _Split, test: LabelledPairs, pairs: LabelledPairs) -> _Split:
    """Take somebody's own test pairs, and say what they share with the pairs to learn from."""
    fresh = _without_learnt(test, pairs)
    if not len(fresh):
        return replace(split, test=pairs, tested_on=LEARNT_FROM)
    linked = not fresh.sr_ids.isdisjoint(pairs.sr_ids)
    return replace(split, test=fresh, tested_on=LINKED if linked else HELD_OUT)


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
        **encoder_provenance(encoder, data.catalog),
        **{f"{name}_digest": None if path is None else sha256_file(path) for name, path in files.items()},
        "versions": {"python": platform.python_version()} | {name: library_version(name) for name in _LIBRARIES},
    }
