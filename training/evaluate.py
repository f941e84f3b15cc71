"""Measuring decisions on labelled pairs."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    brier_score_loss,
    f1_score,
    precision_score,
    recall_score,
    roc_auc_score,
)

from index.completeness import pair_completeness
from matching.matcher import Matcher
from training.calibration import calibration_error
from training.pairs import LabelledPairs

_DECISION_BATCH = 8_192


@dataclass(frozen=True)
class Evaluation:
    """Figures of a classifier on labelled pairs; ``None`` where they are not defined for the labels at hand.

    Attributes
    ----------
    n_pairs, n_valid : int
        Pairs, and those labelled valid.
    accuracy, precision, recall, f1 : float
        Of the class ``valid`` at the threshold, 0 to 1.
    roc_auc, average_precision : float or None
        Of the match probabilities, 0 to 1.
    brier : float
        Mean squared error of the match probabilities; lower is better.
    calibration_error : float
        Expected calibration error over ten equal bins (Naeini et al. 2015); lower is better.
    threshold : float
        Match probability from which a pair is valid.
    """

    n_pairs: int
    n_valid: int
    accuracy: float
    precision: float
    recall: float
    f1: float
    roc_auc: float | None
    average_precision: float | None
    brier: float
    calibration_error: float
    threshold: float

    def to_json(self) -> dict[str, object]:
        """Write the figures as JSON values.

        Returns
        -------
        dict
            Name to value, floats rounded to six digits.
        """
        return {name: round(value, 6) if isinstance(value, float) else value for name, value in asdict(self).items()}


def evaluate_probabilities(
    probabilities: npt.NDArray[np.float64], valid: npt.NDArray[np.bool_], threshold: float
) -> Evaluation:
    """Measure match probabilities against labels.

    Parameters
    ----------
    probabilities : numpy.ndarray
        Shape (n_pairs,), in [0, 1]; at least one pair.
    valid : numpy.ndarray
        Shape (n_pairs,), bool.
    threshold : float
        Pairs with at least this probability are decided valid.

    Returns
    -------
    Evaluation
        All figures.
    """
    decided = probabilities >= threshold
    both = len(np.unique(valid)) == 2
    return Evaluation(
        n_pairs=len(valid),
        n_valid=int(valid.sum()),
        accuracy=float(accuracy_score(valid, decided)),
        precision=float(precision_score(valid, decided, zero_division=0)),
        recall=float(recall_score(valid, decided, zero_division=0)),
        f1=float(f1_score(valid, decided, zero_division=0)),
        roc_auc=float(roc_auc_score(valid, probabilities)) if both else None,
        average_precision=float(average_precision_score(valid, probabilities)) if both else None,
        brier=float(brier_score_loss(valid, probabilities, labels=[False, True])),
        calibration_error=calibration_error(probabilities, valid, threshold),
        threshold=threshold,
    )


def evaluate_matcher(matcher: Matcher, pairs: LabelledPairs) -> dict[str, object]:
    """Measure a model and an index on labelled pairs, through the path that the service takes.

    Parameters
    ----------
    matcher : Matcher
        The model and the index.
    pairs : LabelledPairs
        Of recordings in its catalogue.

    Returns
    -------
    dict
        The figures of `Evaluation`, pair completeness, and which model and index were measured; JSON values.
    """
    ids = [(q.sr_id, m.sr_id) for q, m in zip(pairs.q, pairs.m, strict=True)]
    decisions = [
        decision
        for start in range(0, len(ids), _DECISION_BATCH)
        for decision in matcher.classify_many(ids[start : start + _DECISION_BATCH])
    ]
    probabilities = np.array([decision.match_probability for decision in decisions])
    evaluation = evaluate_probabilities(probabilities, pairs.valid, matcher.model.classifier.threshold)
    true_pairs = [pair for pair, valid in zip(ids, pairs.valid, strict=True) if valid]
    survived = pair_completeness(matcher.snapshot, [q for q, _ in true_pairs], [m for _, m in true_pairs])
    return {
        **evaluation.to_json(),
        "needs_review": sum(decision.needs_review for decision in decisions),
        "pair_completeness": None if survived.value is None else round(survived.value, 6),
        "pair_completeness_k": survived.k,
        "model": matcher.model.version,
        "index": matcher.snapshot.version,
    }
