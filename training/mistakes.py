"""The worst errors in words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from catalog.recording import Recording
from matching.classifier import INVALID, VALID, PairClassifier
from matching.decision import BIAS, decide
from matching.explain import Reason, reasons
from training.phenomena import Shown
from training.verdicts import Judged


@dataclass(frozen=True)
class Mistake:
    """A pair that the classifier got wrong.

    Attributes
    ----------
    q, m : Recording
        The two sides.
    label, decided : str
        ``valid`` or ``invalid``.
    match_probability : float
        Calibrated, 0 to 1.
    reasons : tuple of Reason
        What spoke for and against, the weightiest first.
    rest : float
        What else makes up the log-odds: the bias, and topics that add next to nothing.
    shown : tuple of str
        The phenomena that the pair is said to show.
    baseline_right : bool
        Whether the baseline decided it rightly.
    """

    q: Recording
    m: Recording
    label: str
    decided: str
    match_probability: float
    reasons: tuple[Reason, ...]
    rest: float
    shown: tuple[str, ...]
    baseline_right: bool


def worst_mistakes(judged: Judged, classifier: PairClassifier, shown: Shown, count: int = 20) -> list[Mistake]:
    """Describe the pairs on which the classifier was most wrong.

    Parameters
    ----------
    judged : Judged
        The test pairs.
    classifier : PairClassifier
        That judged them.
    shown : mapping
        From `training.phenomena.read_phenomena`.
    count : int
        How many at most.

    Returns
    -------
    list of Mistake
        Only wrong decisions, the most certain ones first.
    """
    valid = judged.pairs.valid
    wrong = np.flatnonzero(judged.onemaster.decided != valid)
    distance = np.abs(judged.onemaster.probabilities - valid)[wrong]
    rows = wrong[np.argsort(-distance, kind="stable")][:count]
    chosen = judged.pairs.take(rows)
    baseline_right = (judged.baseline.decided == valid)[rows].tolist()
    mistakes = []
    for place, decision in enumerate(decide(classifier, chosen.q, chosen.m, judged.features[rows])):
        said = tuple(reasons(decision))
        whole = sum(decision.contributions[name] for name in (*classifier.features, BIAS))
        mistakes.append(
            Mistake(
                q=decision.q,
                m=decision.m,
                label=VALID if chosen.valid[place] else INVALID,
                decided=decision.decided,
                match_probability=decision.match_probability,
                reasons=said,
                rest=whole - sum(reason.log_odds for reason in said),
                shown=tuple(sorted(shown.get(frozenset((decision.q.sr_id, decision.m.sr_id)), ()))),
                baseline_right=baseline_right[place],
            )
        )
    return mistakes
