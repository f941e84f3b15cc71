"""What is decided on a pair, and why."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from catalog.recording import Recording
from index.proposals import Proposals
from matching.classifier import PairClassifier
from matching.features import Features

BIAS = "bias"


@dataclass(frozen=True)
class Decision:
    """What was decided on a pair, and why.

    Attributes
    ----------
    q, m : Recording
        Query and candidate.
    features : dict
        Name to value; ``None`` is missing.
    contributions : dict
        Feature name, or ``bias``, to what it adds to the log-odds of a match. They sum to them, but for a recording
        paired with itself, whose match probability is 1 without being judged.
    match_probability : float
        Calibrated, 0 to 1.
    decided : str
        ``valid`` (the same master) or ``invalid``.
    needs_review : bool
        Whether the probability lies where a person should look.
    """

    q: Recording
    m: Recording
    features: dict[str, float | None]
    contributions: dict[str, float]
    match_probability: float
    decided: str
    needs_review: bool


@dataclass(frozen=True)
class Candidate:
    """A recording that may be the same master as a query.

    Attributes
    ----------
    m : Recording
        It.
    cosine : float or None
        Of its vector and the query's, -1 to 1; ``None`` if one has no text.
    match_probability : float
        Calibrated, 0 to 1.
    decided : str
        ``valid`` (the same master) or ``invalid``.
    source : str
        Where it comes from, see `index.proposals`.
    """

    m: Recording
    cosine: float | None
    match_probability: float
    decided: str
    source: str


@dataclass(frozen=True, eq=False)
class Judged:
    """Pairs, and what one of a model's classifiers says of them.

    Attributes
    ----------
    pairs : sequence of (str, str)
        Ids of both sides, n_pairs long.
    by : str
        Which classifier.
    probabilities : numpy.ndarray
        Shape (n_pairs,), float64, match probabilities; 1 for a recording and itself.
    """

    pairs: Sequence[tuple[str, str]]
    by: str
    probabilities: npt.NDArray[np.float64]


def decide(
    classifier: PairClassifier, q: Sequence[Recording], m: Sequence[Recording], features: Features
) -> list[Decision]:
    """Turn the features of pairs into decisions.

    Parameters
    ----------
    classifier : PairClassifier
        That judges.
    q : sequence of Recording
        Queries, n_pairs long.
    m : sequence of Recording
        Candidates, n_pairs long.
    features : numpy.ndarray
        Shape (n_pairs, n_features), from `Model.features`.

    Returns
    -------
    list of Decision
        One per pair.
    """
    contributions = classifier.contributions(features)
    probabilities = classifier.match_probabilities(features)
    return [
        _decision(classifier, pair, values, parts, float(match_probability))
        for pair, values, parts, match_probability in zip(
            zip(q, m, strict=True), features.tolist(), contributions.tolist(), probabilities, strict=True
        )
    ]


def rank(
    classifier: PairClassifier,
    m: Callable[[int], Recording],
    proposed: Proposals,
    match_probabilities: npt.NDArray[np.float64],
    k: int,
) -> list[Candidate]:
    """Choose the best candidates.

    Parameters
    ----------
    classifier : PairClassifier
        That judged.
    m : callable
        Gives a candidate by its place in `proposed`.
    proposed : Proposals
        Where they come from.
    match_probabilities : numpy.ndarray
        Shape (n_candidates,), float64.
    k : int
        How many are wanted.

    Returns
    -------
    list of Candidate
        At most k, most probable first, equal ones as proposed.
    """
    order = np.argsort(-match_probabilities, kind="stable")[:k].tolist()
    cosines, probabilities = proposed.cosines.tolist(), match_probabilities.tolist()
    return [
        Candidate(
            m=m(place),
            cosine=None if math.isnan(cosines[place]) else cosines[place],
            match_probability=probabilities[place],
            decided=classifier.decide(probabilities[place]),
            source=proposed.sources[place],
        )
        for place in order
    ]


def _decision(
    classifier: PairClassifier,
    pair: tuple[Recording, Recording],
    values: list[float],
    parts: list[float],
    match_probability: float,
) -> Decision:
    q, m = pair
    # Whether a recording is itself is no question of likeness.
    match_probability = 1.0 if q.sr_id == m.sr_id else match_probability
    return Decision(
        q=q,
        m=m,
        features={
            name: None if math.isnan(value) else value for name, value in zip(classifier.features, values, strict=True)
        },
        contributions=dict(zip((*classifier.features, BIAS), parts, strict=True)),
        match_probability=match_probability,
        decided=classifier.decide(match_probability),
        needs_review=classifier.needs_review(match_probability),
    )
