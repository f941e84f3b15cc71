"""What the service counts, for Prometheus."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import psutil
from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, Metric, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from starlette.types import Scope

from matching.model import SIAMESE, Model
from service.shared_counts import share_counts

router = APIRouter(tags=["service"])

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""Of the environment: where several processes keep what they count, read when this module is imported."""

_BINS = tuple(round(0.1 * each, 1) for each in range(1, 11))
# Quantile of chi-square with as many degrees of freedom as there are bins but one.
_CHI_SQUARE_95, _SMALL_CHANGE = 16.919, 0.1
_SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
_REGISTRY = CollectorRegistry()
share_counts()
_requests = Counter("onemaster_requests", "Requests", ("route", "method", "status"), registry=_REGISTRY)
_latency = Histogram(
    "onemaster_request_seconds", "Time to answer", ("route", "method"), buckets=_SECONDS, registry=_REGISTRY
)
_decisions = Counter("onemaster_decisions", "Pairs decided", ("judge", "decided"), registry=_REGISTRY)
_probability = Histogram(
    "onemaster_match_probability", "Match probabilities of pairs", ("model",), buckets=_BINS, registry=_REGISTRY
)
_exchanges = Counter("onemaster_exchanges", "Models and indexes put in the place of others", registry=_REGISTRY)
_refused = Gauge(
    "onemaster_refused",
    "1 where what was published last cannot be served",
    multiprocess_mode="livemax",
    registry=_REGISTRY,
)
_in_charge = Gauge(
    "onemaster_in_charge",
    "1 for the model, the index and the delta that answer",
    ("kind", "version"),
    multiprocess_mode="livemax",
    registry=_REGISTRY,
)
_recordings = Gauge(
    "onemaster_recordings", "Recordings that the index holds", multiprocess_mode="livemax", registry=_REGISTRY
)
_logged = Counter("onemaster_logged_decisions", "Decisions that were to be kept", ("outcome",), registry=_REGISTRY)
_were_in_charge: list[tuple[str, str]] = []
_drift = Gauge(
    "onemaster_probability_drift",
    "Population stability index of match probabilities against those of the model's test pairs",
    multiprocess_mode="livemostrecent",
    registry=_REGISTRY,
)


def observe_decisions(probabilities: Sequence[float], model: Model, judge: str) -> None:
    """Count decisions.

    Parameters
    ----------
    probabilities : sequence of float
        Match probabilities.
    model : Model
        That judged.
    judge : str
        Which of its classifiers; the histogram is of `SIAMESE`.
    """
    threshold = model.judge(judge).threshold
    valid = sum(each >= threshold for each in probabilities)
    for decided, count in (("valid", valid), ("invalid", len(probabilities) - valid)):
        if count:
            _decisions.labels(judge, decided).inc(count)
    if judge == SIAMESE:
        histogram = _probability.labels(model.version)
        for each in probabilities:
            histogram.observe(each)


def observe_in_charge(versions: Iterable[tuple[str, str]], recordings: int, exchanged: bool) -> None:
    """Note what answers from now on.

    Parameters
    ----------
    versions : iterable of (str, str)
        Kind and version of each part.
    recordings : int
        That the index holds.
    exchanged : bool
        Whether it took the place of another.
    """
    for known in _were_in_charge:
        if os.environ.get(FOLDER_VARIABLE):
            _in_charge.labels(*known).set(0)  # which no process tells: rows of several cannot be removed
        else:
            _in_charge.remove(*known)
    _were_in_charge[:] = versions
    for known in _were_in_charge:
        _in_charge.labels(*known).set(1)
    _recordings.set(recordings)
    if exchanged:
        _exchanges.inc()


def observe_logged(count: int, kept: bool) -> None:
    """Count decisions that were to be kept.

    Parameters
    ----------
    count : int
        Pairs.
    kept : bool
        Whether they were; else there was no room.
    """
    _logged.labels("kept" if kept else "lost").inc(count)


def observe_refusal(refused: bool) -> None:
    """Note whether what was published last can be served.

    Parameters
    ----------
    refused : bool
        Whether it cannot.
    """
    _refused.set(refused)


def drift(found: Sequence[float], expected: Sequence[float]) -> float:
    """Compare two distributions over the same bins.

    Parameters
    ----------
    found : sequence of float
        Counts.
    expected : sequence of float
        Counts, as many.

    Returns
    -------
    float
        Population stability index (Siddiqi 2006, half a count added to each bin): 0 for the same shares; about 0.1 is
        commonly taken for a small change and 0.25 for a large one. NaN where nothing was counted on a side.
    """
    if not sum(found) or not sum(expected):
        return math.nan
    ours, theirs = (
        [(each + 0.5) / (sum(counts) + 0.5 * len(counts)) for each in counts] for counts in (found, expected)
    )
    return sum((one - other) * math.log(one / other) for one, other in zip(ours, theirs, strict=True))


def observe_request(scope: Scope, status: int, seconds: float) -> None:
    """Count a request that was answered.

    Parameters
    ----------
    scope : Scope
        Of the request.
    status : int
        Of the answer.
    seconds : float
        That it took.
    """
    # Whatever callers invent, there are as many rows as there are routes.
    route, method = "none", "any"
    if scope["method"] in (getattr(scope.get("route"), "methods", None) or ()):
        route, method = scope["route"].path, scope["method"]
    counted, timed = _of_route(route, method, status)
    counted.inc()
    timed.observe(seconds)


@lru_cache(maxsize=1_024)
def _of_route(route: str, method: str, status: int) -> tuple[Counter, Histogram]:
    return _requests.labels(route, method, str(status)), _latency.labels(route, method)


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def metrics(request: Request) -> Response:
    """Give what was counted since the service was started, by all of its processes, as Prometheus reads it."""
    registry, source = _counted_by_all(), request.app.state.matcher_source
    model = source.opened.matcher.model.version if source.opened else ""
    _drift.set(drift(_counts(registry, model), source.expected_probabilities))
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


@dataclass(frozen=True)
class MeasuredDrift:
    """How far match probabilities have drifted from those of test pairs, and what that rests on.

    Attributes
    ----------
    index : float
        As of `drift`.
    answers : int
        Match probabilities that were counted.
    by_chance : float
        As of `by_chance`.
    """

    index: float
    answers: int
    by_chance: float

    @property
    def is_too_thin(self) -> bool:
        """Whether chance alone makes it as large as what is commonly taken for a small change, 0.1."""
        return not self.by_chance < _SMALL_CHANGE


def by_chance(answers: float, test_pairs: float) -> float:
    """Tell how large a drift is in one of twenty cases where nothing has changed.

    Parameters
    ----------
    answers : float
        Match probabilities that were counted, in ten bins.
    test_pairs : float
        Those that they are compared with.

    Returns
    -------
    float
        The index is distributed about as (1/n + 1/m) times chi-square with nine degrees of freedom (Yurdakul 2018),
        less widely where bins are nearly empty. NaN if there is nothing on a side.
    """
    return _CHI_SQUARE_95 * (1 / answers + 1 / test_pairs) if answers and test_pairs else math.nan


def measured_drift(model: str, expected: Sequence[float]) -> MeasuredDrift:
    """Compare the match probabilities that were given since the service was started with those of test pairs.

    Parameters
    ----------
    model : str
        Version of the model that gave them.
    expected : sequence of float
        Ten counts.

    Returns
    -------
    MeasuredDrift
        Of all processes of the service.
    """
    found = _counts(_counted_by_all(), model)
    return MeasuredDrift(drift(found, expected), int(sum(found)), by_chance(sum(found), sum(expected)))


def _counted_by_all() -> CollectorRegistry:
    """Give what this process counted, or all processes if there are several."""
    folder = os.environ.get(FOLDER_VARIABLE)
    if not folder:
        return _REGISTRY
    _forget_the_dead(Path(folder))
    registry = CollectorRegistry()
    _CountedByAll(registry)  # type: ignore[no-untyped-call]
    return registry


class _CountedByAll(MultiProcessCollector):
    def collect(self) -> Iterator[Metric]:
        for metric in super().collect():  # type: ignore[no-untyped-call]
            if metric.name == "onemaster_in_charge":
                metric.samples = [sample for sample in metric.samples if sample.value]
            yield metric


def _forget_the_dead(folder: Path) -> None:
    """Leave out what processes that are gone said of themselves; what they counted stays."""
    for pid in {int(path.stem.rpartition("_")[2]) for path in folder.glob("gauge_live*.db")}:
        if not psutil.pid_exists(pid):
            with suppress(FileNotFoundError):  # another process was quicker
                mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call]


def _counts(registry: CollectorRegistry, model: str) -> list[float]:
    """Read how many match probabilities of a model fell into each bin."""
    cumulative = {
        float(sample.labels["le"]): sample.value
        for metric in registry.collect()
        if metric.name == "onemaster_match_probability"
        for sample in metric.samples
        if sample.name.endswith("_bucket") and sample.labels["model"] == model
    }
    return [high - low for low, high in pairwise((0.0, *(cumulative.get(edge, 0.0) for edge in _BINS)))]
