"""How far a figure could be off: bootstrap intervals that draw linked pairs together."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

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
    """A figure, and the percentile bootstrap interval around it (Efron 1979).

    Attributes
    ----------
    value : float
        The figure on the pairs as they are.
    low, high : float
        Ends of the interval; NaN if no resample had the figure.
    level : float
        Share of the resampled figures that it holds, 0 to 1.
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
        From probabilities, labels and threshold to the figure; NaN where it is not defined, a resample that does not
        count then.
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
        By calling `metric` for every resample; `count_interval` is far faster where counts are enough.
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
    return _interval(metric(probabilities, valid, threshold), figures, len(sizes), resampling)


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
        Around the figure.
    """
    counts = Counts.of(decided, valid).columns
    value, figures = (metric(_as_counts(sums)) for sums in (counts.sum(axis=0), _resampled(counts, units, resampling)))
    return _interval(float(value), figures, int(units.max()) + 1, resampling)


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
        Around B's figure less A's; every resample holds the same pairs for both.
    """
    counts = np.hstack([Counts.of(decided, valid).columns for decided in (decided_a, decided_b)])
    value, figures = (
        metric(_as_counts(sums[..., 4:])) - metric(_as_counts(sums[..., :4]))
        for sums in (counts.sum(axis=0), _resampled(counts, units, resampling))
    )
    return _interval(float(value), figures, int(units.max()) + 1, resampling)


def _resampled(counts: Numbers, units: Units, resampling: Resampling) -> Numbers:
    """Sum counts of shape (n_pairs, n_columns) over every resample: shape (n_resamples, n_columns)."""
    n_units = int(units.max()) + 1
    sums = np.zeros((n_units, counts.shape[1]))
    np.add.at(sums, units, counts)
    # Units with the same counts are interchangeable: how often each kind is drawn is all that a resample can show.
    kinds, sizes = np.unique(sums, axis=0, return_counts=True)
    generator = np.random.default_rng(resampling.seed)
    resampled: Numbers = generator.multinomial(n_units, sizes / n_units, size=resampling.n_resamples) @ kinds
    return resampled


def _as_counts(columns: Numbers) -> Counts:
    return Counts(*np.moveaxis(columns, -1, 0))


def _interval(value: float, figures: Numbers, n_units: int, resampling: Resampling) -> Interval:
    known = figures[~np.isnan(figures)]
    tail = (1 - resampling.level) / 2
    low, high = np.quantile(known, (tail, 1 - tail)) if len(known) else (np.nan, np.nan)
    return Interval(value, float(low), float(high), resampling.level, n_units)
