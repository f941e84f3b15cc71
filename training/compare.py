"""Two models on the same labelled pairs: side by side, with a paired test."""

from __future__ import annotations

import csv
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.stats import binomtest

from catalog.aside import write_aside
from catalog.recording import Recording
from matching.classifier import INVALID, VALID
from training.contenders import Contender
from training.counts import f1
from training.evaluate import Evaluation, evaluate_probabilities
from training.intervals import Interval, Resampling, count_difference_interval, resampling_units
from training.pairs import COLUMNS, LabelledPairs

# Below this chance of being luck a difference is called real, as is usual.
_SIGNIFICANT = 0.05

Labels = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class McNemar:
    """McNemar's exact test (McNemar 1947): whether one of two models is right more often where they differ.

    It takes pairs for independent. Linked pairs are not quite, and make the chance look smaller than it is; the
    interval of `Comparison` heeds them.

    Attributes
    ----------
    both_right, only_a, only_b, both_wrong : int
        Pairs by who judged them right.
    p_value : float
        Chance of so uneven a split of the pairs on which they differ, were both equally good; two-sided.
    """

    both_right: int
    only_a: int
    only_b: int
    both_wrong: int
    p_value: float

    @classmethod
    def of(cls, right_a: Labels, right_b: Labels) -> McNemar:
        """Count and test.

        Parameters
        ----------
        right_a : numpy.ndarray
            Shape (n_pairs,), bool: where A is right.
        right_b : numpy.ndarray
            Shape (n_pairs,), bool: where B is right.

        Returns
        -------
        McNemar
            With the p-value, 1 where they never differ.
        """
        only_a, only_b = int((right_a & ~right_b).sum()), int((right_b & ~right_a).sum())
        p_value = float(binomtest(only_a, only_a + only_b).pvalue) if only_a + only_b else 1.0
        return cls(int((right_a & right_b).sum()), only_a, only_b, int((~right_a & ~right_b).sum()), p_value)


@dataclass(frozen=True)
class Disagreement:
    """A pair that one model decides valid and the other invalid.

    Attributes
    ----------
    q, m : Recording
        The pair.
    tag : str
        Its label, ``valid`` or ``invalid``.
    probability_a, probability_b : float
        Match probabilities.
    decided_a, decided_b : str
        ``valid`` or ``invalid``.
    """

    q: Recording
    m: Recording
    tag: str
    probability_a: float
    probability_b: float
    decided_a: str
    decided_b: str

    @property
    def right(self) -> str:
        """Which of the two is right, ``a`` or ``b``."""
        return "a" if self.decided_a == self.tag else "b"


@dataclass(frozen=True)
class Comparison:
    """Two models on the same pairs.

    Attributes
    ----------
    a, b : Contender
        The models.
    evaluation_a, evaluation_b : Evaluation
        Their figures.
    learnt_from_a, learnt_from_b : bool
        Whether a model learnt from this very file of pairs, which makes it look better than it is.
    mcnemar : McNemar
        The paired test.
    f1_difference : Interval
        B's F1 less A's; 95 %, resampling groups of linked pairs.
    disagreements : list of Disagreement
        Those whose match probabilities lie furthest apart first.
    """

    a: Contender
    b: Contender
    evaluation_a: Evaluation
    evaluation_b: Evaluation
    learnt_from_a: bool
    learnt_from_b: bool
    mcnemar: McNemar
    f1_difference: Interval
    disagreements: list[Disagreement]

    @property
    def figures(self) -> dict[str, dict[str, object]]:
        """Every figure of A and of B, and B's less A's; ``None`` where one is not defined."""
        a, b = self.evaluation_a, self.evaluation_b
        values = {field.name: (getattr(a, field.name), getattr(b, field.name)) for field in fields(Evaluation)}
        difference = {
            name: None if one is None or other is None else round(other - one, 6)
            for name, (one, other) in values.items()
        }
        return {"a": a.to_json(), "b": b.to_json(), "difference": difference}

    def to_json(self) -> dict[str, object]:
        """Write the comparison as JSON values.

        Returns
        -------
        dict
            Everything but the disagreements themselves, of which it has the number.
        """
        return {
            "a": self.a.name,
            "b": self.b.name,
            "figures": self.figures,
            "learnt_from": {"a": self.learnt_from_a, "b": self.learnt_from_b},
            "mcnemar": {field.name: getattr(self.mcnemar, field.name) for field in fields(McNemar)},
            "f1_difference": self.f1_difference.to_json(),
            "disagreements": len(self.disagreements),
        }

    def in_words(self) -> list[str]:
        """Say what the figures mean.

        Returns
        -------
        list of str
            Warnings first, then the test and the interval; a line each.
        """
        test, interval = self.mcnemar, self.f1_difference
        luck = "that may well be chance" if self.disagreements else "they decide every pair alike"
        luck = "chance alone hardly explains that" if test.p_value < _SIGNIFICANT else luck
        return [
            *(
                f"warning: {name} learnt from this file and looks better than it is: give pairs that it never saw"
                for name, learnt in (("A", self.learnt_from_a), ("B", self.learnt_from_b))
                if learnt
            ),
            f"of {self.evaluation_a.n_pairs} pairs {test.both_right} are judged rightly by both, "
            f"{test.only_a} only by A, {test.only_b} only by B, {test.both_wrong} by neither",
            f"McNemar's exact test: p = {test.p_value:.3g}; {luck}",
            f"F1 of B less A: {interval.value:+.4f}, {interval.level:.0%} interval {interval.low:+.4f} to "
            f"{interval.high:+.4f} (resampling {interval.n_units} groups of linked pairs)",
        ]


def compare(
    a: Contender, b: Contender, pairs: LabelledPairs, groundtruth_digest: str, resampling: Resampling
) -> Comparison:
    """Let two models judge the same pairs.

    Parameters
    ----------
    a : Contender
        The one, usually the older.
    b : Contender
        The other.
    pairs : LabelledPairs
        At least one.
    groundtruth_digest : str
        SHA-256 of the file they came from.
    resampling : Resampling
        For the interval.

    Returns
    -------
    Comparison
        Figures, tests and disagreements.
    """
    probabilities_a, probabilities_b = a.judge(pairs), b.judge(pairs)
    decided_a, decided_b = probabilities_a >= a.threshold, probabilities_b >= b.threshold
    differ = np.flatnonzero(decided_a != decided_b)
    order = np.argsort(-np.abs(probabilities_a - probabilities_b)[differ], kind="stable")
    return Comparison(
        a=a,
        b=b,
        evaluation_a=evaluate_probabilities(probabilities_a, pairs.valid, a.threshold),
        evaluation_b=evaluate_probabilities(probabilities_b, pairs.valid, b.threshold),
        learnt_from_a=groundtruth_digest in a.groundtruth_digests,
        learnt_from_b=groundtruth_digest in b.groundtruth_digests,
        mcnemar=McNemar.of(decided_a == pairs.valid, decided_b == pairs.valid),
        f1_difference=count_difference_interval(
            f1, decided_a, decided_b, pairs.valid, resampling_units(pairs), resampling
        ),
        disagreements=[
            Disagreement(
                q=pairs.q[row],
                m=pairs.m[row],
                tag=_in_word(pairs.valid[row]),
                probability_a=float(probabilities_a[row]),
                probability_b=float(probabilities_b[row]),
                decided_a=_in_word(decided_a[row]),
                decided_b=_in_word(decided_b[row]),
            )
            for row in differ[order]
        ],
    )


def write_disagreements(comparison: Comparison, path: Path) -> None:
    """Write the pairs on which two models disagree as a CSV file.

    Parameters
    ----------
    comparison : Comparison
        From `compare`.
    path : Path
        Replaced; without disagreements it has its header only.
    """
    probabilities = (f"{model.name} probability" for model in (comparison.a, comparison.b))
    with write_aside(path) as aside, aside.open("w", newline="", encoding="utf-8", errors="replace") as stream:
        writer = csv.writer(stream)
        writer.writerow((*COLUMNS, *probabilities, "decided_a", "decided_b", "which_is_right"))
        for pair in comparison.disagreements:
            shown = (f"{pair.probability_a:.6f}", f"{pair.probability_b:.6f}")
            writer.writerow((pair.q.sr_id, pair.m.sr_id, pair.tag, *shown, pair.decided_a, pair.decided_b, pair.right))


def _in_word(valid: np.bool_) -> str:
    return VALID if valid else INVALID
