"""What a threshold would have meant on the test pairs of a model, from how many of them lie at which probability."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate

from service.pages.drawings import Point
from service.pages.rendering import counted

STEPS = 200
_SQUARE, _BANDS = 300.0, 10


@dataclass(frozen=True)
class Outcome:
    """What a threshold makes of the test pairs.

    Attributes
    ----------
    threshold : float
        Pairs with at least this match probability are valid.
    right_valid, wrong_valid, right_invalid, wrong_invalid : int
        Pairs: taken for one master rightly and wrongly, and for two rightly and wrongly.
    """

    threshold: float
    right_valid: int
    wrong_valid: int
    right_invalid: int
    wrong_invalid: int

    @property
    def precision(self) -> float:
        """Share of those taken for one master that are; NaN if none is."""
        return _share(self.right_valid, self.right_valid + self.wrong_valid)

    @property
    def recall(self) -> float:
        """Share of those that are one master that are taken for it; NaN if none is."""
        return _share(self.right_valid, self.right_valid + self.wrong_invalid)

    def cost(self, wrong_valid: float, wrong_invalid: float) -> float:
        """Sum up what mistakes cost.

        Parameters
        ----------
        wrong_valid : float
            Of two masters taken for one.
        wrong_invalid : float
            Of a duplicate that is missed.

        Returns
        -------
        float
            In their currency.
        """
        return wrong_valid * self.wrong_valid + wrong_invalid * self.wrong_invalid


@dataclass(frozen=True)
class Counts:
    """Test pairs of a model by match probability.

    Attributes
    ----------
    valid, invalid : tuple of int
        200 counts each, from the least probability on.
    """

    valid: tuple[int, ...]
    invalid: tuple[int, ...]

    @classmethod
    def of(cls, card: Mapping[str, object], judge: str) -> Counts | None:
        """Read them from the card of a model.

        Parameters
        ----------
        card : mapping
            Its model.json.
        judge : str
            ``onemaster`` or ``baseline``.

        Returns
        -------
        Counts or None
            ``None`` if it was trained before they were kept.
        """
        kept = card.get("by_probability")
        counts = kept.get(judge) if isinstance(kept, dict) else None
        if not isinstance(counts, dict):
            return None
        valid, invalid = (tuple(counts.get(tag, ())) for tag in ("valid", "invalid"))
        fits = len(valid) == len(invalid) == STEPS and all(isinstance(each, int) for each in (*valid, *invalid))
        return cls(valid, invalid) if fits else None

    def outcomes(self) -> list[Outcome]:
        """Work out every threshold.

        Returns
        -------
        list of Outcome
            201, from 0 to 1.
        """
        valid, invalid = ([0, *accumulate(counts)] for counts in (self.valid, self.invalid))
        return [
            Outcome(
                threshold=step / STEPS,
                right_valid=valid[-1] - valid[step],
                wrong_valid=invalid[-1] - invalid[step],
                right_invalid=invalid[step],
                wrong_invalid=valid[step],
            )
            for step in range(STEPS + 1)
        ]

    def precision_recall(self) -> list[Point]:
        """Draw precision over recall.

        Returns
        -------
        list of Point
            In a square of 300 units, recall to the right, precision up.
        """
        defined = [each for each in self.outcomes() if not math.isnan(each.precision) and not math.isnan(each.recall)]
        return [
            Point(
                round(_SQUARE * each.recall, 1),
                round(_SQUARE * (1 - each.precision), 1),
                f"from {each.threshold:.3f} on: precision {each.precision:.3f}, recall {each.recall:.3f}",
            )
            for each in defined
        ]

    def calibration(self) -> list[Point]:
        """Draw how many pairs are one master over what was predicted, in ten bands of probability.

        Returns
        -------
        list of Point
            In a square of 300 units, for bands that have pairs: the middle of their pairs' steps to the right, the
            share of valid ones up.
        """
        points = []
        width = STEPS // _BANDS
        for begin in range(0, STEPS, width):
            band = range(begin, begin + width)
            valid, pairs = sum(self.valid[step] for step in band), sum(self.valid[s] + self.invalid[s] for s in band)
            if pairs:
                predicted = sum((step + 0.5) / STEPS * (self.valid[step] + self.invalid[step]) for step in band) / pairs
                words = f"{counted(pairs, 'pair')}, {predicted:.2f} expected, {valid / pairs:.2f} are one master"
                points.append(Point(round(_SQUARE * predicted, 1), round(_SQUARE * (1 - valid / pairs), 1), words))
        return points


def _share(part: int, whole: int) -> float:
    return part / whole if whole else math.nan
