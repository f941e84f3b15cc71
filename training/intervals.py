"""How far a figure could be off: bootstrap intervals that draw linked pairs together, Wilson's where they are points.

A resample of pairs that all are judged rightly has no error either, so the bootstrap would promise certainty. There an
interval has the width that as many groups of linked pairs leave open when none of them shows an error.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import binomtest

from training.counts import CountMetric, Counts
from training.pairs import LabelledPairs
from training.splits import components

logger = logging.getLogger(__name__)

Numbers = npt.NDArray[np.float64]
Labels = npt.NDArray[np.bool_]
Units = npt.NDArray[np.int64]
Metric = Callable[[Numbers, Labels, float], float]


@dataclass(frozen=True)
class Resampling:
    """How a bootstrap is made.

    Attributes
    ----------
    n_resamples : int
        Resamples, at least 1.
    level : float
        Share of the resampled figures that the interval holds, between 0 and 1.
    seed : int
        Of the generator; the same seed gives the same interval.
    """

    n_resamples: int = 2_000
    level: float = 0.95
    seed: int = 20


@dataclass(frozen=True)
class Interval:
    """A figure, and an interval around it: the percentile bootstrap's (Efron 1979) if that has a width.

    Attributes
    ----------
    value : float
        The figure on the pairs as they are.
    low, high : float
        Ends of the interval; NaN if no resample had the figure.
    level : float
        Of confidence, 0 to 1.
    n_units : int
        What was drawn: groups of linked pairs.
    """

    value: float
    low: float
    high: float
    level: float
    n_units: int

    def to_json(self) -> dict[str, object]:
        """Write the interval as JSON values.

        Returns
        -------
        dict
            Name to value, floats rounded to six digits; NaN is ``None``.
        """
        return {
            name: value if isinstance(value, int) else None if np.isnan(value) else round(value, 6)
            for name, value in asdict(self).items()
        }


def wilson(right: int, n_pairs: int, level: float = 0.95) -> Interval:
    """Bound a share by the interval of Wilson (1927).

    Parameters
    ----------
    right : int
        From 0 to `n_pairs`.
    n_pairs : int
        At least 1.
    level : float
        Of confidence, between 0 and 1.

    Returns
    -------
    Interval
        Around the share, with a width even where all are right.
    """
    bounds = binomtest(right, n_pairs).proportion_ci(level, method="wilson")
    share = right / n_pairs
    # Rounding may put an end a hair inside the share where all or none are right.
    return Interval(share, min(float(bounds.low), share), max(float(bounds.high), share), level, n_pairs)


def resampling_units(pairs: LabelledPairs) -> Units:
    """Group the pairs that share a recording, directly or through others: they are right or wrong together.

    Parameters
    ----------
    pairs : LabelledPairs
        n_pairs pairs.

    Returns
    -------
    numpy.ndarray
        Shape (n_pairs,), int64, from 0. The pairs of a group that holds more than a tenth of them (people who draw
        invalid pairs at random make one), which would decide alone what a resample looks like, stand alone; intervals
        then are narrower than they should be, and a warning says so.
    """
    found = components(pairs)
    units, alone = found.of_pairs.copy(), found.large
    if alone.any():
        logger.warning(
            "%d of %d pairs hang together through shared recordings: resampling these one by one, which makes "
            "intervals narrower than they should be",
            int(alone.sum()),
            len(units),
        )
    units[alone] = len(found.least_ids) + np.arange(int(alone.sum()))
    return np.unique(units, return_inverse=True)[1].astype(np.int64)


def bootstrap_interval(
    metric: Metric, probabilities: Numbers, valid: Labels, threshold: float, units: Units, resampling: Resampling
) -> Interval:
    """Measure how far any figure of match probabilities could be off.

    Parameters
    ----------
    metric : callable
        From probabilities, labels and threshold to the figure, 0 to 1; NaN where it is not defined, a resample that
        does not count then.
    probabilities : numpy.ndarray
        Shape (n_pairs,), float64.
    valid : numpy.ndarray
        Shape (n_pairs,), bool.
    threshold : float
        Handed to `metric`.
    units : numpy.ndarray
        Shape (n_pairs,), int64, from `resampling_units`.
    resampling : Resampling
        How it is made.

    Returns
    -------
    Interval
        By calling `metric` for every resample; `count_interval` is far faster where counts are enough. Where all
        resamples agree, that of Wilson over the units with valid pairs: if every one of n valid pairs stands above all
        invalid ones, the share of such pairs is a lower bound of the area under the curve and of average precision.
    """
    order = np.argsort(units, kind="stable")
    sizes = np.bincount(units)
    starts = np.concatenate(([0], np.cumsum(sizes)[:-1]))
    generator = np.random.default_rng(resampling.seed)
    figures = np.empty(resampling.n_resamples)
    for row in range(resampling.n_resamples):
        drawn = generator.integers(len(sizes), size=len(sizes))
        lengths = sizes[drawn]
        within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        rows = order[np.repeat(starts[drawn], lengths) + within]
        figures[row] = metric(probabilities[rows], valid[rows], threshold)
    supporting = len(np.unique(units[valid])) or len(sizes)
    return _interval(metric(probabilities, valid, threshold), figures, len(sizes), supporting, resampling)


def count_interval(
    metric: CountMetric, decided: Labels, valid: Labels, units: Units, resampling: Resampling
) -> Interval:
    """Measure how far a figure of decisions could be off.

    Parameters
    ----------
    metric : callable
        `accuracy`, `precision`, `recall`, `f1`, or another over counts.
    decided : numpy.ndarray
        Shape (n_pairs,), bool.
    valid : numpy.ndarray
        Shape (n_pairs,), bool.
    units : numpy.ndarray
        Shape (n_pairs,), int64, from `resampling_units`.
    resampling : Resampling
        How it is made.

    Returns
    -------
    Interval
        Around the figure; where all resamples agree, that of Wilson over the units whose own
        figure is not 0.
    """
    sums = _by_unit(Counts.of(decided, valid).columns, units)
    value, alone, figures = (
        metric(_as_counts(each)) for each in (sums.sum(axis=0), sums, _resampled(sums, resampling))
    )
    return _interval(float(value), figures, len(sums), int(np.count_nonzero(alone)) or len(sums), resampling)


def count_difference_interval(
    metric: CountMetric, decided_a: Labels, decided_b: Labels, valid: Labels, units: Units, resampling: Resampling
) -> Interval:
    """Measure how far the difference of a figure between two models on the same pairs could be off.

    Parameters
    ----------
    metric : callable
        `accuracy`, `precision`, `recall`, `f1`, or another over counts.
    decided_a : numpy.ndarray
        Shape (n_pairs,), bool, by the one model.
    decided_b : numpy.ndarray
        Shape (n_pairs,), bool, by the other.
    valid : numpy.ndarray
        Shape (n_pairs,), bool.
    units : numpy.ndarray
        Shape (n_pairs,), int64, from `resampling_units`.
    resampling : Resampling
        How it is made.

    Returns
    -------
    Interval
        Around B's figure less A's; every resample holds the same pairs for both. Where all resamples agree, as wide to
        both sides as that of Wilson over the units whose own figure is not 0 is to one.
    """
    sums = _by_unit(np.hstack([Counts.of(decided, valid).columns for decided in (decided_a, decided_b)]), units)
    (value_a, value_b), (alone_a, alone_b), (figures_a, figures_b) = (
        [metric(_as_counts(half)) for half in np.split(each, 2, axis=-1)]
        for each in (sums.sum(axis=0), sums, _resampled(sums, resampling))
    )
    supporting = int(np.count_nonzero(alone_a + alone_b)) or len(sums)
    return _interval(float(value_b - value_a), figures_b - figures_a, len(sums), supporting, resampling, least=-1.0)


def unseen_share(n_units: int, level: float) -> float:
    """Bound how many units could be wrong although none of those seen is.

    Parameters
    ----------
    n_units : int
        Seen, at least 1.
    level : float
        Of confidence, between 0 and 1.

    Returns
    -------
    float
        Upper end of the interval of Wilson around none, 0 to 1.
    """
    return wilson(0, n_units, level).high


def _by_unit(counts: Numbers, units: Units) -> Numbers:
    """Sum counts of shape (n_pairs, n_columns) over every unit: shape (n_units, n_columns)."""
    sums = np.zeros((int(units.max()) + 1, counts.shape[1]))
    np.add.at(sums, units, counts)
    return sums


def _resampled(sums: Numbers, resampling: Resampling) -> Numbers:
    """Sum counts of shape (n_units, n_columns) over every resample: shape (n_resamples, n_columns)."""
    n_units = len(sums)
    # Units with the same counts are interchangeable: how often each kind is drawn is all that a resample can show.
    kinds, sizes = np.unique(sums, axis=0, return_counts=True)
    generator = np.random.default_rng(resampling.seed)
    resampled: Numbers = generator.multinomial(n_units, sizes / n_units, size=resampling.n_resamples) @ kinds
    return resampled


def _as_counts(columns: Numbers) -> Counts:
    return Counts(*np.moveaxis(columns, -1, 0))


def _interval(
    value: float, figures: Numbers, n_units: int, supporting: int, resampling: Resampling, least: float = 0.0
) -> Interval:
    known = figures[~np.isnan(figures)]
    if not len(known):
        return Interval(value, np.nan, np.nan, resampling.level, n_units)
    tail = (1 - resampling.level) / 2
    low, high = np.quantile(known, (tail, 1 - tail))
    if low == high:
        off = unseen_share(supporting, resampling.level)
        low, high = max(value - off, least), min(value + off, 1.0)
    return Interval(value, float(low), float(high), resampling.level, n_units)
