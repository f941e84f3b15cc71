"""Which pairs a reviewer should look at next: those whose verdict would teach most."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from catalog.errors import DamagedArtefactError, UnknownRecordingError
from matching.decision import Decision
from matching.explain import reasons
from matching.matcher import Matcher
from matching.model import BASELINE, Model

PAIRS_FILE = "pairs.parquet"

Pair = tuple[str, str]

# Of pairs as certain as this nothing is to be learnt.
_FROM, _BELOW = 0.02, 0.98
_IS_UNCERTAIN = (pc.field("match_probability") > _FROM) & (pc.field("match_probability") < _BELOW)
_MOST_PAIRS = 2_000
_DRAWN, _CANDIDATES = 100, 5
_OTHERWISE = "nothing in particular"


@dataclass(frozen=True)
class Question:
    """A pair to be asked about.

    Attributes
    ----------
    decision : Decision
        Of the model in charge.
    baseline_probability : float
        What the baseline says, 0 to 1.
    topic : str
        What weighed most in the decision.
    """

    decision: Decision
    baseline_probability: float
    topic: str

    @property
    def worth(self) -> float:
        """How much its verdict would teach: uncertainty, and disagreement of the two classifiers; 0 to 2."""
        probability = self.decision.match_probability
        return 1 - abs(2 * probability - 1) + abs(probability - self.baseline_probability)


def questions(matcher: Matcher, pairs: Path, labelled: Collection[Pair], count: int, seed: int) -> list[Question]:
    """Choose pairs that nobody has judged: uncertain ones, on which the two classifiers disagree, of all sorts.

    Pairs that touch the model's test pairs are left out, since nothing is learnt from them.

    Parameters
    ----------
    matcher : Matcher
        With the model that is to be taught.
    pairs : Path
        Judged pairs of the last de-duplication (Parquet with q_sr_id, m_sr_id and match_probability); where there is
        no such file, candidates of recordings drawn at random are taken.
    labelled : collection of (str, str)
        Pairs that have a verdict, the smaller id first.
    count : int
        How many, at most.
    seed : int
        Of what is drawn: another one gives other questions.

    Returns
    -------
    list of Question
        No recording twice. In turn of every topic that decided, so that no sort of doubt fills the list; of each topic
        those that teach most come first.
    """
    chance = random.Random(seed)
    proposed = _uncertain(pairs, chance) if pairs.is_file() else _drawn(matcher, chance)
    left = [pair for pair in dict.fromkeys(proposed) if pair not in labelled and _teaches(matcher.model, pair)]
    asked = sorted(_judged(matcher, left), key=lambda each: -each.worth)
    by_topic: dict[str, list[Question]] = {}
    for each in asked:
        by_topic.setdefault(each.topic, []).append(each)
    chosen: list[Question] = []
    seen: set[str] = set()
    for each in (each for turn in zip_longest(*by_topic.values()) for each in turn if each):
        ids = {each.decision.q.sr_id, each.decision.m.sr_id}
        if len(chosen) < count and seen.isdisjoint(ids):
            chosen.append(each)
            seen |= ids
    return chosen


def count_uncertain(pairs: Path) -> int | None:
    """Count the pairs that the last de-duplication left uncertain, whoever has judged them since.

    Parameters
    ----------
    pairs : Path
        As in `questions`.

    Returns
    -------
    int or None
        ``None`` where there is no such file.
    """
    if not pairs.is_file():
        return None
    return int(_read(pairs, ["match_probability"]).num_rows)


def is_uncertain(match_probability: float) -> bool:
    """Tell whether a pair's verdict would teach something.

    Parameters
    ----------
    match_probability : float
        Of the model that is to be taught, 0 to 1.

    Returns
    -------
    bool
        Whether reviewers may be asked about it.
    """
    return _FROM < match_probability < _BELOW


def drawn_candidates(matcher: Matcher, chance: random.Random, recordings: int, k: int) -> Iterator[dict[Pair, float]]:
    """Draw recordings at random and find their candidates.

    Parameters
    ----------
    matcher : Matcher
        With the index.
    chance : random.Random
        Draws.
    recordings : int
        How many, at most.
    k : int
        Candidates of each, at most.

    Yields
    ------
    dict
        Of a recording: pairs, the smaller id first, with their match probabilities.
    """
    index = matcher.snapshot
    rows = chance.sample(range(len(index.snapshot)), min(recordings, len(index.snapshot)))
    for sr_id in index.ids_of(np.array(rows, dtype=np.int64)):
        if index.find([sr_id])[0] >= 0:  # not gone since
            yield {_pair(sr_id, each.m.sr_id): each.match_probability for each in matcher.candidates(sr_id, k)}


def _drawn(matcher: Matcher, chance: random.Random) -> Iterable[Pair]:
    for candidates in drawn_candidates(matcher, chance, _DRAWN, _CANDIDATES):
        yield from (pair for pair, probability in candidates.items() if is_uncertain(probability))


def _pair(one: str, other: str) -> Pair:
    return min(one, other), max(one, other)


def _read(path: Path, columns: list[str]) -> pa.Table:
    try:
        return pq.read_table(path, columns=columns, filters=_IS_UNCERTAIN)
    except (pa.ArrowException, OSError) as error:
        raise DamagedArtefactError(
            f"expected judged pairs in {path}, they cannot be read: run onemaster dedupe --data {path.parents[1]}"
        ) from error


def _uncertain(path: Path, chance: random.Random) -> list[Pair]:
    found = _read(path, ["q_sr_id", "m_sr_id"])
    drawn = sorted(chance.sample(range(found.num_rows), min(_MOST_PAIRS, found.num_rows)))
    rows = np.array(drawn, dtype=np.int64)  # an empty list has no type
    q, m = (found.column(name).take(rows).to_pylist() for name in ("q_sr_id", "m_sr_id"))
    return [_pair(*pair) for pair in zip(q, m, strict=True)]


def _teaches(model: Model, pair: Pair) -> bool:
    return pair[0] != pair[1] and not any(map(model.held_out.holds, pair))


def _judged(matcher: Matcher, pairs: list[Pair]) -> list[Question]:
    there = matcher.snapshot.find([sr_id for pair in pairs for sr_id in pair]).reshape(-1, 2).min(axis=1) >= 0
    known = [pair for pair, is_there in zip(pairs, there.tolist(), strict=True) if is_there]
    try:
        decisions = matcher.classify_many(known)
        by_baseline = matcher.judge(known, BASELINE).probabilities.tolist()
    except UnknownRecordingError:  # the catalogue has just changed
        return []
    return [
        Question(decision, probability, _topic(decision))
        for decision, probability in zip(decisions, by_baseline, strict=True)
    ]


def _topic(decision: Decision) -> str:
    found = reasons(decision)
    return found[0].topic if found else _OTHERWISE
