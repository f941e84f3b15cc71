"""The tasks by which pairs are judged: a sample of them to learn how to look, and part by part what was dealt out.

sampled -> judged; parts -> scores
"""

from __future__ import annotations

import gc
import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from batch.candidates import Candidates, cosines_of, piece, read_candidates, read_pieces
from batch.neighbourhood import places_of_pairs
from batch.plan import MODEL_FOLDER, Plan, numbered
from batch.records import Rows, read_rows
from matching.features import features_of
from matching.model import Model
from matching.pairs import Pairs
from matching.table import RecordingTable

# Pairs below this match probability are not kept: they count as 0 where clusters are made.
LEAST_PROBABILITY = 0.01
SAMPLED, JUDGED, PARTS, SCORES, ORDER = "sampled", "judged", "parts", "scores", "order"
# Tasks that judge the sample.
SAMPLES = 4

_SAMPLE = 65_536
_ODD = np.uint64(0x9E3779B97F4A7C15)  # multiplicative hashing: the golden ratio
_PAIRS_AT_ONCE = 65_536


class Scores(NamedTuple):
    """Pairs that may be duplicates.

    Attributes
    ----------
    q, m : numpy.ndarray
        Shape (n_pairs,), int64, rows of the catalogue, q before m.
    probability : numpy.ndarray
        Shape (n_pairs,), float64, at least `LEAST_PROBABILITY`.
    cosine : numpy.ndarray
        Shape (n_pairs,), float32.
    source : numpy.ndarray
        Shape (n_pairs,), uint8, as of `Candidates`.
    """

    q: Rows
    m: Rows
    probability: npt.NDArray[np.float64]
    cosine: npt.NDArray[np.float32]
    source: npt.NDArray[np.uint8]


def drawn(plan: Plan, pairs: Candidates, share: float = 1.0) -> Candidates:
    """Draw pairs, by nothing but themselves.

    Parameters
    ----------
    plan : Plan
        Of the run.
    pairs : Candidates
        Each once.
    share : float
        Of the 65,536 that are wanted.

    Returns
    -------
    Candidates
        Those of them, or all that there are, by q and m.
    """
    wanted = math.ceil(share * _SAMPLE)
    if wanted < len(pairs.q):
        mixed = (pairs.q.astype(np.uint64) * np.uint64(plan.recordings) + pairs.m.astype(np.uint64)) * _ODD
        pairs = pairs.take(np.argpartition(mixed, wanted)[:wanted])
    return pairs.take(np.lexsort((pairs.m, pairs.q)))


def sampled_pairs(plan: Plan) -> Candidates:
    """Read the pairs that were drawn.

    Parameters
    ----------
    plan : Plan
        Of a run whose candidates were gathered.

    Returns
    -------
    Candidates
        Out of all groups, the same however pairs were spread over them.
    """
    read = (read_candidates(plan, numbered(SAMPLED, group)) for group in range(plan.groups))
    return drawn(plan, Candidates.joined(read))


def judge_sample(plan: Plan, number: int) -> None:
    """Judge some of the pairs that were drawn.

    Parameters
    ----------
    plan : Plan
        Of the run.
    number : int
        Which of `SAMPLES`.
    """
    pairs = sampled_pairs(plan)
    rows = np.array_split(np.arange(len(pairs.q)), SAMPLES)[number]
    plan.storage.write_array(numbered(JUDGED, number), _judged(plan, pairs.take(rows)))


def add_part(plan: Plan, part: int, q: Rows, m: Rows) -> None:
    """Add pairs that nobody proposed.

    Parameters
    ----------
    plan : Plan
        Of the run.
    part : int
        A number that no other part has.
    q : numpy.ndarray
        Shape (n_pairs,), int64, rows.
    m : numpy.ndarray
        Shape (n_pairs,), int64, rows.
    """
    nothing = np.zeros(len(q))
    pairs = Candidates(q, m, cosines_of(plan, q, m), nothing.astype(np.float32), nothing.astype(np.uint8))
    for group, rows in enumerate(np.array_split(np.arange(len(q)), plan.groups)):
        plan.storage.write_arrays(piece(PARTS, part, group), pairs.take(rows)._asdict())


def score(plan: Plan, part: int) -> None:
    """Judge the pairs of a part.

    Parameters
    ----------
    plan : Plan
        Of the run.
    part : int
        Which.
    """
    pairs = Candidates(**read_pieces(plan, PARTS, part, range(plan.groups)))
    # Values are compared once in so many pairs that stand together.
    places = places_of_pairs(plan.storage.map_array(ORDER), pairs.q, pairs.m)
    pairs = pairs.take(np.argsort(places, kind="stable"))
    probabilities = _judged(plan, pairs)
    kept = probabilities >= LEAST_PROBABILITY
    scores = Scores(pairs.q[kept], pairs.m[kept], probabilities[kept], pairs.cosine[kept], pairs.source[kept])
    plan.storage.write_arrays(numbered(SCORES, part), scores._asdict())


def read_scores(plan: Plan, parts: int) -> Scores:
    """Read what was judged.

    Parameters
    ----------
    plan : Plan
        Of the run.
    parts : int
        How many parts there are.

    Returns
    -------
    Scores
        Of all of them, by q and m.
    """
    read = [plan.storage.read_arrays(numbered(SCORES, part)) for part in range(parts)]
    columns = [np.concatenate([arrays[name] for arrays in read]) for name in Scores._fields]
    order = np.lexsort((columns[1], columns[0]))
    return Scores(*(column[order] for column in columns))


@lru_cache(maxsize=1)
def judging_model(plan: Plan) -> Model:
    """Load the run's model, once in a process.

    Parameters
    ----------
    plan : Plan
        Of the run.

    Returns
    -------
    Model
        Without its encoder.
    """
    return Model.load(plan.storage.local_folder(MODEL_FOLDER))


def _judged(plan: Plan, pairs: Candidates) -> npt.NDArray[np.float64]:
    """Work out match probabilities; shape (n_pairs,)."""
    rows, places = np.unique(np.concatenate((pairs.q, pairs.m)), return_inverse=True)
    q, m = places[: len(pairs.q)], places[len(pairs.q) :]
    model = judging_model(plan)
    gc.disable()  # millions of small objects come to stay; looking through them again takes a fifth of the time
    try:
        table = RecordingTable(read_rows(plan.storage, rows, plan.shard_size), model.rarity)
    finally:
        gc.enable()
    probabilities = np.empty(len(q))
    for start in range(0, len(q), _PAIRS_AT_ONCE):
        some = slice(start, start + _PAIRS_AT_ONCE)
        block = Pairs(table, q[some], m[some], pairs.cosine[some])
        features = features_of(block, model.classifier.features, model.classifier.looked_at)
        probabilities[some] = model.classifier.match_probabilities(features)
    return probabilities
