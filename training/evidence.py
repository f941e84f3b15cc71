"""All evidence on a new model, gathered once: for its card and for its report."""

from __future__ import annotations

from dataclasses import dataclass

from training.calibration import counts_by_probability, probability_histogram
from training.classifier import Fitted
from training.intervals import Interval
from training.measures import Measure, error_ratio, measures
from training.phenomena import PhenomenonFigures, Shown, figures_by_phenomenon
from training.policy import Policy
from training.verdicts import Judged


@dataclass(frozen=True, eq=False)
class Evidence:
    """What is known of a new model.

    Attributes
    ----------
    judged : Judged
        The test pairs.
    fitted : Fitted
        The classifier that judged them.
    policy : Policy
        What was wanted of its decisions.
    shown : mapping
        What labelled pairs show, from `training.phenomena.read_phenomena`.
    measures : list of Measure
        Figures on the test pairs with their intervals.
    error_ratio : Interval
        Its wrong decisions divided by the baseline's; NaN where the baseline makes none.
    phenomena : list of PhenomenonFigures
        Figures by phenomenon, those with most errors first.
    """

    judged: Judged
    fitted: Fitted
    policy: Policy
    shown: Shown
    measures: list[Measure]
    error_ratio: Interval
    phenomena: list[PhenomenonFigures]

    @classmethod
    def gather(cls, judged: Judged, fitted: Fitted, policy: Policy, shown: Shown) -> Evidence:
        """Measure everything.

        Parameters
        ----------
        judged : Judged
            The test pairs; at least one.
        fitted : Fitted
            The classifier that judged them.
        policy : Policy
            What was wanted of its decisions.
        shown : mapping
            What labelled pairs show.

        Returns
        -------
        Evidence
            The same for the same arguments.
        """
        decided, by_baseline = judged.onemaster.decided, judged.baseline.decided
        by_phenomenon = figures_by_phenomenon(judged.pairs, decided, by_baseline, shown)
        return cls(judged, fitted, policy, shown, measures(judged), error_ratio(judged), by_phenomenon)

    def to_json(self) -> dict[str, object]:
        """Write the figures as JSON values.

        Returns
        -------
        dict
            Part of model.json: ``intervals``, ``phenomena``, how many match probabilities of the test pairs fall into
            each of ten equal bins, and, of classifier and baseline, how many of valid and invalid test pairs fall into
            each of 200.
        """
        intervals = {measure.name: measure.to_json() for measure in self.measures}
        return {
            "intervals": {**intervals, "error_ratio": self.error_ratio.to_json()},
            "phenomena": [each.to_json() for each in self.phenomena],
            "probability_histogram": probability_histogram(self.judged.onemaster.probabilities),
            "by_probability": {
                "onemaster": counts_by_probability(self.judged.onemaster.probabilities, self.judged.pairs.valid),
                "baseline": counts_by_probability(self.judged.baseline.probabilities, self.judged.pairs.valid),
            },
        }
