"""The page that sums a run up: how many duplicates, and the clusters to look at first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from jinja2 import Environment, PackageLoader, StrictUndefined

from batch.outputs import Clustered
from batch.plan import Plan
from batch.records import Rows, read_rows
from catalog.recording import Recording
from matching.classifier import PairClassifier

_SHOWN_CLUSTERS = 20
_SHOWN_RECORDINGS = 12
_SHOWN_SIZES = 15
_WIDEST_BAR = 100.0


@dataclass(frozen=True)
class ShownCluster:
    """A cluster on the page.

    Attributes
    ----------
    name, representative : str
        Its cluster_id, and the recording that stands for it.
    size : int
        Its recordings.
    weakest, mean : float
        Match probability of its least alike pair, and the mean over all pairs.
    recordings : list of Recording
        The first of them.
    """

    name: str
    representative: str
    size: int
    weakest: float
    mean: float
    recordings: list[Recording]


def summary_page(
    plan: Plan, found: Clustered, classifier: PairClassifier, pairs: Mapping[str, int], seconds: Mapping[str, float]
) -> str:
    """Write the page.

    Parameters
    ----------
    plan : Plan
        Of the run.
    found : Clustered
        The clustered catalogue.
    classifier : PairClassifier
        That judged.
    pairs : mapping
        ``candidate_pairs``, ``judged_pairs`` out of them, and ``added_pairs`` that were judged besides.
    seconds : mapping
        Part of the run to what it took.

    Returns
    -------
    str
        HTML that needs nothing else.
    """
    sizes, scores = np.bincount(found.labels), found.scores
    weakest, means = _certainty(found, sizes)
    several = np.flatnonzero(sizes > 1)
    review = (scores.probability > classifier.review_low) & (scores.probability < classifier.review_high)
    counts = {
        "records": plan.recordings,
        "clusters": len(sizes),
        "several": len(several),
        "duplicates": plan.recordings - len(sizes),
        **pairs,
        "matched_pairs": int((scores.probability >= classifier.threshold).sum()),
        "review": int(review.sum()),
    }
    orders = {"doubtful": np.lexsort((several, means[several])), "largest": np.lexsort((several, -sizes[several]))}
    shown = {name: several[order[:_SHOWN_CLUSTERS]] for name, order in orders.items()}
    page = Environment(loader=PackageLoader("batch", "."), autoescape=True, undefined=StrictUndefined)
    return page.get_template("summary.html.j2").render(
        counts=counts,
        model=plan.model,
        threshold=classifier.threshold,
        sizes=_histogram(sizes),
        seconds=seconds,
        stopped=[
            {"sr_id": found.sr_ids[each.row].as_py(), "size": each.size, "largest": each.largest}
            for each in found.stopped
        ],
        **{name: [_shown(plan, found, label, weakest, means) for label in labels] for name, labels in shown.items()},
    )


def _certainty(found: Clustered, sizes: Rows) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Weakest and mean match probability over all pairs of every cluster; pairs that were not kept count as 0."""
    labels, scores = found.labels, found.scores
    inside = np.flatnonzero(labels[scores.q] == labels[scores.m])
    owners, probability = labels[scores.q[inside]], scores.probability[inside]
    pairs = sizes * (sizes - 1) // 2
    means = np.bincount(owners, weights=probability, minlength=len(sizes)) / np.maximum(pairs, 1)
    weakest = np.ones(len(sizes))
    np.minimum.at(weakest, owners, probability)
    return np.where(np.bincount(owners, minlength=len(sizes)) < pairs, 0.0, weakest), means


def _histogram(sizes: Rows) -> list[tuple[str, int, float]]:
    numbers = np.bincount(np.minimum(sizes, _SHOWN_SIZES))
    return [
        (f"{size}{' or more' if size == _SHOWN_SIZES else ''}", int(number), _WIDEST_BAR * number / numbers.max())
        for size, number in enumerate(numbers.tolist())
        if number
    ]


def _shown(
    plan: Plan, found: Clustered, label: int, weakest: npt.NDArray[np.float64], means: npt.NDArray[np.float64]
) -> ShownCluster:
    rows = np.flatnonzero(found.labels == label)
    return ShownCluster(
        name=found.names[label].as_py(),
        representative=found.sr_ids[found.representatives[label]].as_py(),
        size=len(rows),
        weakest=float(weakest[label]),
        mean=float(means[label]),
        recordings=read_rows(plan.storage, rows[:_SHOWN_RECORDINGS], plan.shard_size),
    )
