"""The report's pictures, one function each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.special import expit, logit
from sklearn.metrics import precision_recall_curve

from training.calibration import CALIBRATION_BINS
from training.drawing import BASELINE, FAINT, INK, OURS, Picture, draw
from training.importance import FeatureShape
from training.intervals import Interval
from training.measures import reliability
from training.phenomena import PhenomenonFigures
from training.verdicts import Judged, Verdicts

_TICKS = (0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999)
_MOST_DRAWN, _LONGEST = 100, 40  # phenomena in a picture, and letters of a name
_FARTHEST = 8.0  # log-odds at which pictures over thresholds end, a probability of 0.9997

Numbers = npt.NDArray[np.float64]
Labels = npt.NDArray[np.bool_]


def precision_recall_picture(judged: Judged) -> Picture:
    """Draw precision against recall: all of it, and the corner that matters.

    Parameters
    ----------
    judged : Judged
        Test pairs of both kinds.

    Returns
    -------
    Picture
        One line per classifier, a dot where it decides.
    """

    def paint(figure: Figure) -> None:
        whole, corner = figure.subplots(1, 2)
        for axes, least in ((whole, 0.0), (corner, 0.9)):
            for name, verdicts, look in _sides(judged):
                precision, recall, _ = precision_recall_curve(judged.pairs.valid, verdicts.probabilities)
                axes.step(recall, precision, where="post", label=name, **look)
                right = (verdicts.decided & judged.pairs.valid).sum()
                chosen = (right / judged.pairs.valid.sum(), right / max(verdicts.decided.sum(), 1))
                axes.plot(*chosen, marker="o", color=look["color"])
            axes.set(xlim=(least, 1.004), ylim=(least, 1.004), xlabel="recall", ylabel="precision")
        whole.legend(loc="lower left")
        corner.set_title("the corner above 0.9", fontsize=9)

    return draw(
        "precision-recall", (8, 3.6), paint, "Precision against recall of the class valid; dots mark the thresholds."
    )


def reliability_picture(judged: Judged) -> Picture:
    """Draw what probabilities promise against what came true, and how often each was given.

    Parameters
    ----------
    judged : Judged
        The test pairs.

    Returns
    -------
    Picture
        A reliability curve and a histogram.
    """

    def paint(figure: Figure) -> None:
        curve, histogram = figure.subplots(1, 2)
        curve.plot([0, 1], [0, 1], color=FAINT, linewidth=1)
        edges = np.linspace(0, 1, 2 * CALIBRATION_BINS + 1)
        for name, verdicts, look in _sides(judged):
            bins = reliability(verdicts.probabilities, judged.pairs.valid)
            marker = {"marker": "o", "markersize": 4, "label": name}
            curve.plot([each.probability for each in bins], [each.share for each in bins], **marker, **look)
            heights, _ = np.histogram(verdicts.probabilities, edges)
            histogram.stairs(heights, edges, label=name, **look)
        curve.set(xlabel="match probability", ylabel="share of valid pairs")
        curve.legend(loc="lower right")
        histogram.set(xlabel="match probability", ylabel="test pairs", yscale="symlog")
        histogram.yaxis.set_major_formatter("{x:g}")

    return draw(
        "reliability",
        (8, 3.6),
        paint,
        "Left: share of valid pairs among those given about one match probability; the grey diagonal is what a "
        "probability promises. Right: how many test pairs were given which probability (upright axis logarithmic).",
    )


def threshold_picture(probabilities: Numbers, valid: Labels, threshold: float, wanted: float | None) -> Picture:
    """Draw precision and recall over the threshold.

    Parameters
    ----------
    probabilities : numpy.ndarray
        Shape (n_pairs,), float64, of held-out pairs.
    valid : numpy.ndarray
        Shape (n_pairs,), bool, some valid.
    threshold : float
        The chosen one.
    wanted : float or None
        The precision that was asked for.

    Returns
    -------
    Picture
        Thresholds spread by their log-odds.
    """
    steps = np.linspace(-_FARTHEST, _FARTHEST, 161)
    decided = [probabilities >= least for least in expit(steps)]
    precision = [valid[each].mean() if each.any() else np.nan for each in decided]
    recall = [(valid & each).sum() / valid.sum() for each in decided]

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        axes.plot(steps, precision, color=OURS, label="precision")
        axes.plot(steps, recall, color=BASELINE, linestyle="--", label="recall")
        place = float(np.clip(logit(threshold), -_FARTHEST, _FARTHEST))
        axes.axvline(place, color=INK, linewidth=1, label=f"threshold {threshold:.4f}")
        if wanted is not None:
            axes.axhline(wanted, color=INK, linewidth=1, linestyle=":", label=f"wanted precision {wanted:g}")
        axes.set(xlabel="threshold (match probability)", ylabel="of the class valid")
        axes.set_xticks(logit(_TICKS), [f"{tick:g}" for tick in _TICKS])
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=4)

    return draw(
        "threshold",
        (7, 3.4),
        paint,
        f"Precision and recall on the {len(valid)} held-out pairs of the cross-validation, by threshold.",
    )


def phenomena_picture(figures: Sequence[PhenomenonFigures]) -> Picture:
    """Draw the share of wrong decisions by phenomenon.

    Parameters
    ----------
    figures : sequence of PhenomenonFigures
        At least one, the most wrong first; drawn from the top.

    Returns
    -------
    Picture
        Dots with intervals, the baseline's below ours; of the first hundred.
    """
    drawn = figures[:_MOST_DRAWN]

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        rows = np.arange(len(drawn))
        for name, shift, look in (("onemaster", -0.17, (OURS, "o")), ("baseline", 0.17, (BASELINE, "s"))):
            shares: list[Interval] = [getattr(each, name).right for each in drawn]
            wrong = np.array([1 - share.value for share in shares])
            reach = [[share.high - share.value for share in shares], [share.value - share.low for share in shares]]
            axes.errorbar(
                wrong, rows + shift, xerr=reach, fmt=look[1], color=look[0], markersize=3, linewidth=1, label=name
            )
        axes.set_yticks(rows, [f"{each.phenomenon[:_LONGEST]} ({each.n_pairs})" for each in drawn])
        axes.set(xlim=(-0.01, None), ylim=(len(drawn) - 0.5, -0.5), xlabel="share of the pairs decided wrongly")
        axes.legend(loc="lower right")

    return draw(
        "phenomena",
        (8, 1.2 + 0.21 * len(drawn)),
        paint,
        "Share of the test pairs decided wrongly, by what they show (in brackets how many do), with 95 % intervals"
        + (f"; the {_MOST_DRAWN} worst of {len(figures)}." if len(figures) > _MOST_DRAWN else "."),
    )


def shapes_picture(shapes: Sequence[FeatureShape]) -> Picture:
    """Draw what the weightiest features add by their value.

    Parameters
    ----------
    shapes : sequence of FeatureShape
        At least one.

    Returns
    -------
    Picture
        A small picture for each.
    """
    rows = -(-len(shapes) // 2)

    def paint(figure: Figure) -> None:
        grid = figure.subplots(rows, 2, squeeze=False).ravel()
        for axes, shape in zip(grid, shapes, strict=False):
            _paint_shape(axes, shape)
        for axes in grid[len(shapes) :]:
            axes.remove()

    return draw(
        "shapes",
        (8, 1.9 * rows),
        paint,
        "What the weightiest features add to the log-odds of a match, by value: the mean over the test pairs, and "
        "bars from the lowest to the highest tenth. Above zero speaks for a match. The square is what a missing value "
        "adds.",
    )


def _paint_shape(axes: Axes, shape: FeatureShape) -> None:
    known = [point for point in shape.points if point.value is not None]
    values = [point.value or 0.0 for point in known]
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    aside = low - 0.15 * max(high - low, 0.1)
    axes.axhline(0, color=FAINT, linewidth=1)
    for points, places, look in (
        (known, values, "o-"),
        ([point for point in shape.points if point.value is None], [aside], "s"),
    ):
        if points:
            means = [point.mean for point in points]
            # The mean of skewed parts may lie beyond the tenths.
            reach = [
                [max(point.mean - point.low, 0.0) for point in points],
                [max(point.high - point.mean, 0.0) for point in points],
            ]
            axes.errorbar(places, means, yerr=reach, fmt=look, color=OURS, markersize=3, linewidth=1)
    axes.locator_params(nbins=5)
    axes.set_title(shape.feature.name, fontsize=9)


def _sides(judged: Judged) -> list[tuple[str, Verdicts, dict[str, str]]]:
    return [
        ("onemaster", judged.onemaster, {"color": OURS}),
        ("baseline", judged.baseline, {"color": BASELINE, "linestyle": "--"}),
    ]
