"""Which pairs are worth a person's look, by what mistakes and looks cost."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from catalog.errors import InputError

Numbers = npt.NDArray[np.float64]
Labels = npt.NDArray[np.bool_]

# Bands to choose from: those that would be right if a look cost this many times what it does.
_PRICES = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0)


class ReviewBand(NamedTuple):
    """Match probabilities between which a person should look.

    Attributes
    ----------
    low, high : float
        A pair is looked at if its probability lies between them and is neither; the threshold lies in ``[low, high]``.
    """

    low: float
    high: float


@dataclass(frozen=True)
class ReviewCosts:
    """What decisions cost, in any one currency: only their proportions matter.

    Attributes
    ----------
    wrong_valid : float
        Of two masters taken for one, at least 0.
    wrong_invalid : float
        Of a duplicate that is kept, at least 0.
    review : float
        Of a person's look at one pair, at least 0. Whoever looks is taken to be right.

    Raises
    ------
    InputError
        If a cost is negative or no finite number.
    """

    wrong_valid: float = 10.0
    wrong_invalid: float = 10.0
    review: float = 1.0

    def __post_init__(self) -> None:
        for name, cost in (
            ("a wrong valid", self.wrong_valid),
            ("a wrong invalid", self.wrong_invalid),
            ("a review", self.review),
        ):
            if not math.isfinite(cost) or cost < 0:
                raise InputError(f"expected the cost of {name} to be a number from 0 on, got {cost}: give another")


@dataclass(frozen=True)
class ReviewOption:
    """A review band and what it would have meant on held-out pairs.

    Attributes
    ----------
    band : ReviewBand
        Pairs to look at.
    reviewed : float
        Share of the pairs that would be looked at, 0 to 1.
    wrong_valid, wrong_invalid : int
        Wrong decisions among the other pairs.
    expected_cost : float
        Per pair, if every probability is right; the policy's own band has the least.
    measured_cost : float
        Per pair, by the labels.
    chosen : bool
        Whether it is the policy's band.
    cheapest : bool
        Whether its measured cost is the least; of equals the one with the fewest looks.
    """

    band: ReviewBand
    reviewed: float
    wrong_valid: int
    wrong_invalid: int
    expected_cost: float
    measured_cost: float
    chosen: bool
    cheapest: bool = False


def review_band(threshold: float, costs: ReviewCosts) -> ReviewBand:
    """Find the pairs whose expected cost of a wrong decision is more than that of looking (Chow 1970).

    A pair of match probability p that is decided valid costs ``(1 - p) * wrong_valid`` on average, one decided invalid
    ``p * wrong_invalid``; this takes calibrated probabilities.

    Parameters
    ----------
    threshold : float
        Pairs with at least this probability are decided valid, 0 to 1.
    costs : ReviewCosts
        What things cost.

    Returns
    -------
    ReviewBand
        Ending at the threshold on a side where looking never pays.
    """
    high = 1 - costs.review / costs.wrong_valid if costs.wrong_valid > costs.review else threshold
    low = costs.review / costs.wrong_invalid if costs.wrong_invalid > costs.review else threshold
    return ReviewBand(min(low, threshold), max(high, threshold))


def review_table(probabilities: Numbers, valid: Labels, threshold: float, costs: ReviewCosts) -> list[ReviewOption]:
    """Work out what review bands of several widths would have meant.

    Parameters
    ----------
    probabilities : numpy.ndarray
        Shape (n_pairs,), float64, of held-out pairs; at least one.
    valid : numpy.ndarray
        Shape (n_pairs,), bool.
    threshold : float
        Pairs with at least this probability are decided valid.
    costs : ReviewCosts
        What things cost.

    Returns
    -------
    list of ReviewOption
        From no look at all to the widest band: the policy's own, and those that would be right if looks were
        cheaper or dearer.
    """
    chosen = review_band(threshold, costs)
    bands = {review_band(threshold, replace(costs, review=price * costs.review)) for price in _PRICES}
    bands |= {ReviewBand(threshold, threshold), chosen}
    options = [
        _option(probabilities, valid, threshold, costs, band)
        for band in sorted(bands, key=lambda band: (band.high - band.low, band))
    ]
    options = [replace(option, chosen=option.band == chosen) for option in options]
    cheapest = min(options, key=lambda option: (option.measured_cost, option.reviewed))
    return [replace(option, cheapest=option is cheapest) for option in options]


def _option(
    probabilities: Numbers, valid: Labels, threshold: float, costs: ReviewCosts, band: ReviewBand
) -> ReviewOption:
    reviewed = (probabilities > band.low) & (probabilities < band.high)
    decided = probabilities >= threshold
    wrong_valid = int((decided & ~valid & ~reviewed).sum())
    wrong_invalid = int((~decided & valid & ~reviewed).sum())
    expected = np.where(decided, (1 - probabilities) * costs.wrong_valid, probabilities * costs.wrong_invalid)
    measured = wrong_valid * costs.wrong_valid + wrong_invalid * costs.wrong_invalid + reviewed.sum() * costs.review
    return ReviewOption(
        band=band,
        reviewed=float(reviewed.mean()),
        wrong_valid=wrong_valid,
        wrong_invalid=wrong_invalid,
        expected_cost=float(np.where(reviewed, costs.review, expected).mean()),
        measured_cost=float(measured / len(valid)),
        chosen=False,
    )
