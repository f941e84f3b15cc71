"""The whole training: a catalogue and a ground truth become a published model with its report."""

from __future__ import annotations

import logging
import platform
import time
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from catalog.artefacts import build_aside, one_at_a_time, publish, put_on_shelf
from catalog.libraries import installed_versions
from catalog.manifest import sha256_file, write_json
from embeddings.encoder import FITTED_ON, Encoder
from matching.baseline import baseline_features
from matching.classifier import PairClassifier
from matching.features import NAMES, Features, names_without
from matching.held_out import HeldOut
from matching.model import (
    BASELINE_FILE,
    CLASSIFIER_FILE,
    ENCODER_FOLDER,
    FORMAT,
    HELD_OUT_FILE,
    LESSONS_FILE,
    RARITY_FILE,
    REPORT_FILE,
    Model,
)
from matching.rarity import Rarity
from training.card import encoder_provenance, write_card
from training.classifier import Fitted, fit_baseline, fit_classifier
from training.encoder_choice import Candidate, Choice, choose_encoder
from training.evaluate import Evaluation
from training.evidence import Evidence
from training.fitting import Start
from training.holdout import LEARNT_FROM, Split, TrainingData, hold_out
from training.lessons import Lessons, labelled_features, lessons_of
from training.model_card import MODEL_CARD_FILE, write_model_card
from training.pairs import LabelledPairs
from training.phenomena import read_phenomena
from training.policy import Policy
from training.promotion import name_candidate
from training.report import write_report
from training.reviewed import Reviewed, Reviews, of_labels_alone, with_labels
from training.verdicts import Judged, Verdicts

logger = logging.getLogger(__name__)

_LIBRARIES = ("faiss-cpu", "numpy", "rapidfuzz", "scikit-learn", "sentence-transformers", "torch")


@dataclass(frozen=True)
class TrainOptions:
    """How to train.

    Attributes
    ----------
    seed : int
        Of the split and of scikit-learn's generator; the same seed and data give the same model.
    policy : Policy
        What the owner wants of the decisions.
    without : tuple of str
        Feature groups that are switched off.
    start : Model or None
        The default model, to start from if that does better; ``None`` learns from the labelled pairs alone.
    further : Lessons or None
        Of other catalogues, learnt from as well; for the default model itself, which starts from none.
    encoders : tuple of Candidate
        To choose the encoder from; none takes the one that `train` is given.
    labels : Reviews or None
        Reviewers' verdicts to learn from, too; the model is then the candidate for `training.promotion.promote`.
    """

    seed: int = 20
    policy: Policy = field(default_factory=Policy)
    without: tuple[str, ...] = ()
    start: Model | None = None
    further: Lessons | None = None
    encoders: tuple[Candidate, ...] = ()
    labels: Reviews | None = None


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


def train(
    data: TrainingData, encoder: Encoder | None, shelf: Path, options: TrainOptions | None = None
) -> TrainingReport:
    """Train the classifier and the baseline, measure both, and publish them with the encoder.

    Parameters
    ----------
    data : TrainingData
        Catalogue and ground truth.
    encoder : Encoder or None
        An encoder to take as it is; ``None`` fits the default one on the catalogue.
    shelf : Path
        The folder of model versions.
    options : TrainOptions, optional
        Those by default.

    Returns
    -------
    TrainingReport
        With the figures on the test pairs; ``tested_on`` in the model's card says what nothing was learnt from.

    Raises
    ------
    GroundTruthError
        If no usable pairs of both kinds are left, or they cannot promise the wanted precision.
    InputError
        If there is no such feature group.
    """
    began, options = time.monotonic(), options or TrainOptions()
    names, start = names_without(options.without), _start(options)
    reviewed = _split(data, options)
    split = reviewed.split
    shown = read_phenomena(data.test_groundtruth or data.groundtruth)
    with build_aside(shelf) as building:
        choice = choose_encoder(data.catalog, split, options.encoders or (Candidate("", encoder),), options.seed)
        encoder = choice.encoder.save(building / ENCODER_FOLDER)
        (rarity := Rarity.fit(data.catalog.drawn(FITTED_ON))).save(building / RARITY_FILE)
        logger.info("encoder ready after %.1f s", time.monotonic() - began)
        lessons = lessons_of(split.learnt, split.positions, encoder, rarity)
        if options.start is None:  # others may start from it
            (lessons + options.further if options.further else lessons).save(building / LESSONS_FILE)
        fitted = fit_classifier(lessons, names, start, options.policy)
        logger.info("classifier ready after %.1f s", time.monotonic() - began)
        baseline = fit_baseline(baseline_features(split.learnt.q, split.learnt.m), split.learnt.valid, options.seed)
        judged = _judge(split.test, labelled_features(split.test, encoder, rarity), fitted.classifier, baseline)
        evidence = Evidence.gather(judged, fitted, options.policy, shown)
        evaluation = judged.onemaster.evaluate(split.test.valid)
        baseline_evaluation = judged.baseline.evaluate(split.test.valid)
        _write(building, fitted.classifier, baseline, split)
        card = {
            "format": FORMAT,
            "trained_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "seconds": round(time.monotonic() - began, 1),
            "figures": {"classifier": evaluation.to_json(), "baseline": baseline_evaluation.to_json()},
            **evidence.to_json(),
            **_choices(options, split, choice, fitted),
            "labels": reviewed.to_json(),
            **_provenance(data, encoder),
        }
        write_report(building / REPORT_FILE, evidence, card)
        write_model_card(building / MODEL_CARD_FILE, card)
        model = _published(building, shelf, write_card(building, card), is_candidate=options.labels is not None)
    logger.info("published model %s after %.1f s", model.version, time.monotonic() - began)
    return TrainingReport(model, evaluation, baseline_evaluation)


def _split(data: TrainingData, options: TrainOptions) -> Reviewed:
    if options.labels and data.groundtruth is None:
        return of_labels_alone(options.labels, data, options.seed)
    split = hold_out(data, options.seed)
    return with_labels(split, options.labels, data.catalog, options.seed) if options.labels else Reviewed(split)


def _published(building: Path, shelf: Path, version: str, *, is_candidate: bool) -> Model:
    if not is_candidate:
        with one_at_a_time(shelf):
            return Model.load(publish(building, shelf, version))
    published = put_on_shelf(building, shelf, version)
    name_candidate(shelf, version)
    return Model.load(published)


def _start(options: TrainOptions) -> Start | None:
    if options.start:
        return Start(Lessons.load(options.start.folder / LESSONS_FILE), options.start.classifier)
    return Start(options.further) if options.further else None


def _judge(test: LabelledPairs, features: Features, classifier: PairClassifier, baseline: PairClassifier) -> Judged:
    features = features[:, [NAMES.index(name) for name in classifier.features]]
    by_baseline = baseline.match_probabilities(baseline_features(test.q, test.m))
    return Judged(
        test,
        features,
        Verdicts(classifier.match_probabilities(features), classifier.threshold),
        Verdicts(by_baseline, baseline.threshold),
    )


def _write(building: Path, classifier: PairClassifier, baseline: PairClassifier, split: Split) -> None:
    for name, each in ((CLASSIFIER_FILE, classifier), (BASELINE_FILE, baseline)):
        write_json(building / name, each.to_json())
    HeldOut.of(split.test.sr_ids if split.tested_on != LEARNT_FROM else ()).write(building / HELD_OUT_FILE)


def _choices(options: TrainOptions, split: Split, choice: Choice, fitted: Fitted) -> dict[str, object]:
    """Say what was wanted, and what was chosen."""
    return {
        "seed": options.seed,
        "policy": asdict(options.policy),
        "without": list(options.without),
        "started_from": options.start.version if options.start else None,
        "start_groundtruth_digest": options.start.card.get("groundtruth_digest") if options.start else None,
        "further_lessons": len(options.further) if options.further else 0,
        "tested_on": split.tested_on,
        "pairs": {name: _counts(getattr(split, name)) for name in ("learnt", "test")},
        "encoders": [asdict(row) for row in choice.tried],
        "setting": asdict(fitted.selection.setting),
        "cross_validation": [asdict(fold) for fold in fitted.selection.folds],
    }


def _counts(pairs: LabelledPairs) -> dict[str, int]:
    return {"n_pairs": len(pairs), "n_valid": int(pairs.valid.sum())}


def _provenance(data: TrainingData, encoder: Encoder) -> dict[str, object]:
    files = {"groundtruth": data.groundtruth, "test_groundtruth": data.test_groundtruth}
    return {
        **encoder_provenance(encoder, data.catalog),
        **{f"{name}_digest": None if path is None else sha256_file(path) for name, path in files.items()},
        "versions": {"python": platform.python_version()} | installed_versions(_LIBRARIES),
    }
