"""The page that shows how good a model is: figures, curves, and its worst errors in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
from jinja2 import Environment, PackageLoader, StrictUndefined
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.calibration import calibration_curve
from sklearn.metrics import precision_recall_curve

from catalog.recording import Recording
from matching.classifier import INVALID, VALID, PairClassifier
from matching.features import FEATURES, Features
from matching.matcher import BIAS, Decision, decide
from training.pairs import LabelledPairs

_WORST = 20
_CALIBRATION_BINS = 10


@dataclass(frozen=True)
class Judged:
    """Labelled pairs and what the classifier made of them.

    Attributes
    ----------
    pairs : LabelledPairs
        n_pairs pairs.
    features : numpy.ndarray
        Shape (n_pairs, 5), float32.
    probabilities : numpy.ndarray
        Shape (n_pairs,), float64.
    """

    pairs: LabelledPairs
    features: Features
    probabilities: npt.NDArray[np.float64]


@dataclass(frozen=True)
class WorstError:
    """A pair that the classifier got wrong.

    Attributes
    ----------
    q, m : Recording
        The two sides.
    words : str
        What the label says, what was decided, and what spoke for and against.
    """

    q: Recording
    m: Recording
    words: str


def write_report(
    path: Path,
    judged: Judged,
    classifier: PairClassifier,
    card: Mapping[str, object],
    baseline_probabilities: npt.NDArray[np.float64],
) -> None:
    """Write the report as one HTML page that needs nothing else.

    Parameters
    ----------
    path : Path
        File in a folder that is not published yet.
    judged : Judged
        The test pairs.
    classifier : PairClassifier
        That judged them.
    card : mapping
        Content of model.json, for the figures.
    baseline_probabilities : numpy.ndarray
        Shape (n_pairs,), the baseline's on the same pairs.
    """
    environment = Environment(loader=PackageLoader("training", "."), autoescape=True, undefined=StrictUndefined)
    valid = judged.pairs.valid
    both = len(np.unique(valid)) == 2
    curves = {"five features": judged.probabilities, "baseline": baseline_probabilities}
    page = environment.get_template("report.html.j2").render(
        card=card,
        precision_recall=_svg(precision_recall_figure(curves, valid)) if both else "",
        calibration=_svg(calibration_figure(curves, valid)) if both else "",
        errors=worst_errors(judged, classifier),
    )
    path.write_text(page, encoding="utf-8")


def worst_errors(judged: Judged, classifier: PairClassifier, count: int = _WORST) -> list[WorstError]:
    """Describe the pairs on which the classifier was most wrong.

    Parameters
    ----------
    judged : Judged
        The test pairs.
    classifier : PairClassifier
        That judged them.
    count : int
        How many at most.

    Returns
    -------
    list of WorstError
        Only wrong decisions, the most certain ones first.
    """
    distance = np.abs(judged.probabilities - judged.pairs.valid)
    wrong = (judged.probabilities >= classifier.threshold) != judged.pairs.valid
    rows = np.argsort(-np.where(wrong, distance, -1), kind="stable")[: min(count, int(wrong.sum()))]
    chosen = judged.pairs.take(rows)
    decisions = decide(classifier, chosen.q, chosen.m, judged.features[rows])
    return [
        WorstError(decision.q, decision.m, _in_words(decision, bool(label)))
        for decision, label in zip(decisions, chosen.valid, strict=True)
    ]


def precision_recall_figure(curves: Mapping[str, npt.NDArray[np.float64]], valid: npt.NDArray[np.bool_]) -> Figure:
    """Draw precision against recall.

    Parameters
    ----------
    curves : mapping
        Name of a classifier to its match probabilities, shape (n_pairs,).
    valid : numpy.ndarray
        Shape (n_pairs,), bool, both kinds.

    Returns
    -------
    matplotlib.figure.Figure
        One line per classifier.
    """
    figure, axes = _axes("recall", "precision")
    for name, probabilities in curves.items():
        precision, recall, _ = precision_recall_curve(valid, probabilities)
        axes.step(recall, precision, where="post", label=name)
    axes.set_ylim(0, 1.02)
    axes.legend(loc="lower left")
    return figure


def calibration_figure(curves: Mapping[str, npt.NDArray[np.float64]], valid: npt.NDArray[np.bool_]) -> Figure:
    """Draw the share of valid pairs against the match probability they were given.

    Parameters
    ----------
    curves : mapping
        Name of a classifier to its match probabilities, shape (n_pairs,).
    valid : numpy.ndarray
        Shape (n_pairs,), bool, both kinds.

    Returns
    -------
    matplotlib.figure.Figure
        One line per classifier; a calibrated one follows the diagonal.
    """
    figure, axes = _axes("match probability", "share of valid pairs")
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    for name, probabilities in curves.items():
        share, given = calibration_curve(valid, probabilities, n_bins=_CALIBRATION_BINS)
        axes.plot(given, share, marker="o", label=name)
    axes.legend(loc="upper left")
    return figure


def _axes(x_label: str, y_label: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(5, 4), layout="constrained")
    axes = figure.subplots()
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    axes.grid(visible=True, color="0.9")
    return figure, axes


def _svg(figure: Figure) -> str:
    target = StringIO()
    figure.savefig(target, format="svg")
    text = target.getvalue()
    return text[text.index("<svg") :]


def _in_words(decision: Decision, label: bool) -> str:
    parts = [
        f"{name} {'missing' if decision.features[name] is None else format(decision.features[name], '.2f')} "
        f"({decision.contributions[name]:+.1f})"
        for name in sorted(FEATURES, key=lambda name: -abs(decision.contributions[name]))
    ]
    return (
        f"Labelled {VALID if label else INVALID}, decided {decision.decided} at probability "
        f"{decision.match_probability:.3f}: {', '.join(parts)}; bias {decision.contributions[BIAS]:+.1f} log-odds."
    )
