"""A decision in words: what spoke for a match, what against, and how much."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from matching.decision import Decision
from matching.features import FEATURES

# About one percent of certainty at even odds; less is not worth a word.
_LEAST = 0.05
_BY_NAME = {feature.name: feature for feature in FEATURES}
_EXACT = (0.0, 1.0)
_MISSING = {"version": "no version words", "numbers": "no numbers in the titles"}


@dataclass(frozen=True)
class Reason:
    """What one topic did to the log-odds of a match.

    Attributes
    ----------
    topic : str
        What it is about.
    words : str
        Such as "same ISRC".
    log_odds : float
        What all features of the topic add; positive speaks for a match.
    """

    topic: str
    words: str
    log_odds: float

    def __str__(self) -> str:
        return f"{self.words} {self.log_odds:+.1f}"


def reasons(decision: Decision) -> list[Reason]:
    """Sum up a decision by topic, in the words of the feature that weighed most in each.

    Parameters
    ----------
    decision : Decision
        With features and contributions.

    Returns
    -------
    list of Reason
        The weightiest first; topics that add next to nothing are left out. What is left to the log-odds is the bias,
        and those.
    """
    topics: dict[str, dict[str, float]] = {}
    for name, part in decision.contributions.items():
        if name in _BY_NAME:
            topics.setdefault(_BY_NAME[name].topic, {})[name] = part
    found = [_reason(topic, parts, decision.features) for topic, parts in topics.items()]
    return sorted((each for each in found if abs(each.log_odds) >= _LEAST), key=lambda each: -abs(each.log_odds))


def _reason(topic: str, parts: Mapping[str, float], values: Mapping[str, float | None]) -> Reason:
    total = sum(parts.values())
    # The words of a feature that pulled the other way would contradict the sum.
    there = [name for name in parts if values[name] is not None] or list(parts)
    heaviest = max(there, key=lambda name: parts[name] if total > 0 else -parts[name])
    feature, value = _BY_NAME[heaviest], values[heaviest]
    if value is None:
        return Reason(topic, _MISSING.get(topic, f"no {topic} to compare"), total)
    words = feature.agree if value >= 0.5 else feature.differ
    return Reason(topic, words if value in _EXACT else f"{words} ({value:.2f})", total)
