"""The page that shows how good a model is, and why: one HTML file that needs nothing else."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from catalog.recording import LIST_SEPARATOR, Recording
from training.drawing import Picture
from training.evidence import Evidence
from training.figures import (
    phenomena_picture,
    precision_recall_picture,
    reliability_picture,
    shapes_picture,
    threshold_picture,
)
from training.fitting import Setting
from training.importance import group_weights, shapes, topic_weights
from training.intervals import Interval
from training.mistakes import worst_mistakes
from training.policy import promised_precision
from training.review import review_table
from training.selection import FoldFigures

_FIELDS = tuple(name for name in Recording.__dataclass_fields__ if name != "sr_id")


@dataclass(frozen=True)
class TriedSetting:
    """A row of the cross-validation.

    Attributes
    ----------
    setting : Setting
        Tried.
    folds : list of FoldFigures
        In their order.
    log_loss, f1 : float
        Mean over the folds, by their pairs.
    chosen : bool
        Whether the model was fitted so.
    """

    setting: Setting
    folds: list[FoldFigures]
    log_loss: float
    f1: float
    chosen: bool


@dataclass(frozen=True)
class HeldOut:
    """What the threshold means on the held-out pairs of the cross-validation.

    Attributes
    ----------
    n_pairs, n_decided, n_right : int
        Pairs, those decided valid, and those of them that are.
    precision, recall : float
        Of the class ``valid``, 0 to 1; precision NaN if nothing is decided valid.
    promised : float
        What precision on new pairs of the same kind will hardly fall short of, with 95 % confidence, 0 to 1.
    """

    n_pairs: int
    n_decided: int
    n_right: int
    precision: float
    recall: float
    promised: float


def write_report(path: Path, evidence: Evidence, card: Mapping[str, object]) -> None:
    """Write the report.

    Parameters
    ----------
    path : Path
        File in a folder that is not published yet.
    evidence : Evidence
        All of it.
    card : mapping
        Content of model.json: what was learnt from, and how it was tested.
    """
    environment = Environment(
        loader=PackageLoader("training", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"interval": _interval, "number": _number, "cell": _cell}
    page = environment.get_template("report.html.j2").render(
        card=card, evidence=evidence, fields=_FIELDS, pictures=_pictures(evidence), **_tables(evidence)
    )
    path.write_text(page, encoding="utf-8")


def tried_settings(evidence: Evidence) -> list[TriedSetting]:
    """Sort the figures of the cross-validation by setting.

    Parameters
    ----------
    evidence : Evidence
        Of a fitted classifier.

    Returns
    -------
    list of TriedSetting
        In the order in which they were tried.
    """
    selection = evidence.fitted.selection
    found: dict[Setting, list[FoldFigures]] = {}
    for fold in selection.folds:
        found.setdefault(Setting(fold.leaves, fold.rounds, fold.start_weight, fold.blended), []).append(fold)
    tried = []
    for setting, folds in found.items():
        sizes = [max(fold.n_pairs, 1e-9) for fold in folds]
        loss = float(np.average([fold.log_loss for fold in folds], weights=sizes))
        f1 = float(np.average([fold.f1 for fold in folds], weights=sizes))
        tried.append(TriedSetting(setting, folds, loss, f1, setting == selection.setting))
    return tried


def held_out(evidence: Evidence) -> HeldOut:
    """Measure the threshold on the pairs that it was chosen on.

    Parameters
    ----------
    evidence : Evidence
        Of a fitted classifier.

    Returns
    -------
    HeldOut
        Each pair judged by a fit that had not seen it.
    """
    fitted = evidence.fitted
    decided = fitted.probabilities >= fitted.classifier.threshold
    n_right, n_decided, n_valid = int((decided & fitted.valid).sum()), int(decided.sum()), int(fitted.valid.sum())
    return HeldOut(
        n_pairs=len(decided),
        n_decided=n_decided,
        n_right=n_right,
        precision=n_right / n_decided if n_decided else math.nan,
        recall=n_right / n_valid,
        promised=promised_precision(n_right, n_decided),
    )


def _tables(evidence: Evidence) -> dict[str, object]:
    fitted, judged = evidence.fitted, evidence.judged
    explained = fitted.classifier.contributions(judged.features)
    threshold, costs = fitted.classifier.threshold, evidence.policy.costs
    return {
        "tried": tried_settings(evidence),
        "held_out": held_out(evidence),
        "reviews": review_table(fitted.probabilities, fitted.valid, threshold, costs),
        "topics": topic_weights(fitted.classifier, explained),
        "groups": group_weights(fitted.classifier, explained),
        "shapes": shapes(fitted.classifier, judged.features, explained),
        "mistakes": worst_mistakes(judged, fitted.classifier, evidence.shown),
        "n_wrong": int((judged.onemaster.decided != judged.pairs.valid).sum()),
        "n_wrong_baseline": int((judged.baseline.decided != judged.pairs.valid).sum()),
    }


def _pictures(evidence: Evidence) -> dict[str, Picture]:
    fitted, judged = evidence.fitted, evidence.judged
    classifier = fitted.classifier
    wanted = evidence.policy.min_precision
    pictures = {
        "reliability": reliability_picture(judged),
        "threshold": threshold_picture(fitted.probabilities, fitted.valid, classifier.threshold, wanted),
    }
    if judged.pairs.has_both_kinds:
        pictures["precision_recall"] = precision_recall_picture(judged)
    if evidence.phenomena:
        pictures["phenomena"] = phenomena_picture(evidence.phenomena)
    if found := shapes(classifier, judged.features, classifier.contributions(judged.features)):
        pictures["shapes"] = shapes_picture(found)
    return pictures


def _number(value: float | None, digits: int = 4) -> str:
    return "–" if value is None or math.isnan(value) else f"{value:.{digits}f}"


def _interval(interval: Interval | None, digits: int = 3) -> str:
    if interval is None or math.isnan(interval.value):
        return "–"
    if math.isnan(interval.low):
        return _number(interval.value, digits)
    return f"{interval.value:.{digits}f} [{interval.low:.{digits}f}, {interval.high:.{digits}f}]"


def _cell(value: object) -> str:
    """Write a field of a recording."""
    if isinstance(value, tuple):
        value = f" {LIST_SEPARATOR} ".join(value)
    return "–" if value in (None, "") else str(value)
