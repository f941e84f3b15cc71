"""The tasks by which candidates are judged: dealt out by neighbourhood, and scored part by part.

candidates | codes -> all -> sampled -> judged -> parts -> scores
"""

from __future__ import annotations

import gc
import logging
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from batch.dealing import by_neighbourhood
from batch.plan import MODEL_FOLDER, Plan, numbered
from batch.records import Rows, read_numbers, read_rows
from batch.stages import cosines_of
from index.codes import MOST_WITH_A_CODE
from matching.features import features_of
from matching.model import Model
from matching.pairs import Pairs
from matching.screen import Looks, Screen, looks_at
from matching.table import RecordingTable

logger = logging.getLogger(__name__)

# Pairs below this match probability are not kept: they count as 0 where clusters are made.
LEAST_PROBABILITY = 0.01
BY_KEYS, BY_CODE, BY_TEXT = 1, 2, 4
ALL, SAMPLES, PARTS = "pairs", "sampled/count", "parts/count"

_PAIRS_IN_A_PART = 1_000_000
# Candidates beyond one part are looked at cheaply first; so many of them, in so many tasks, are judged to learn how.
_SAMPLED, _SAMPLES = 65_536, 4
_ODD = np.uint64(0x9E3779B97F4A7C15)  # multiplicative hashing: the golden ratio
_PAIRS_AT_ONCE = 65_536


class Candidates(NamedTuple):
    """Pairs to be judged, each once.

    Attributes
    ----------
    q, m : numpy.ndarray
        Shape (n_pairs,), int64, rows of the catalogue, q before m.
    cosine : numpy.ndarray
        Shape (n_pairs,), float32, of their vectors; NaN where one has no text.
    alike : numpy.ndarray
        Shape (n_pairs,), float32, of their rare keys, in [0, 1].
    source : numpy.ndarray
        Shape (n_pairs,), uint8: `BY_KEYS`, `BY_CODE` or `BY_TEXT`, or the sum of several.
    """

    q: Rows
    m: Rows
    cosine: npt.NDArray[np.float32]
    alike: npt.NDArray[np.float32]
    source: npt.NDArray[np.uint8]


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


def gather(plan: Plan, _: int) -> None:
    """Bring all candidates together, and draw some of them if there are many.

    Parameters
    ----------
    plan : Plan
        Of the run.
    """
    pairs = _distinct(plan, [*(_by_keys(plan, shard) for shard in range(plan.shards)), *_in_common(plan)])
    plan.storage.write_arrays(ALL, pairs._asdict())
    samples = _SAMPLES if len(pairs.q) > _PAIRS_IN_A_PART else 0
    if samples:
        mixed = (pairs.q.astype(np.uint64) * np.uint64(plan.recordings) + pairs.m.astype(np.uint64)) * _ODD
        drawn = np.sort(np.argpartition(mixed, _SAMPLED)[:_SAMPLED])
        for number, rows in enumerate(np.array_split(drawn, samples)):
            plan.storage.write_arrays(numbered("sampled", number), _take(pairs, rows)._asdict())
    plan.storage.write_array(SAMPLES, np.array([samples]))


def judge_sample(plan: Plan, number: int) -> None:
    """Judge some of the pairs that were drawn.

    Parameters
    ----------
    plan : Plan
        Of the run.
    number : int
        Which.
    """
    probabilities = _judged(plan, _read(plan, numbered("sampled", number)))
    plan.storage.write_array(numbered("judged", number), probabilities)


def deal(plan: Plan, _: int) -> None:
    """Leave out what is hopeless, and deal the other candidates out into parts of one neighbourhood.

    Parameters
    ----------
    plan : Plan
        Of the run.
    """
    pairs = _read(plan, ALL)
    found = len(pairs.q)
    pairs = _worth_judging(plan, pairs)
    alike = np.nan_to_num(pairs.cosine) + pairs.alike
    places = by_neighbourhood(plan.recordings, pairs.q, pairs.m, alike)
    pairs = _take(pairs, np.argsort(np.minimum(places[pairs.q], places[pairs.m]), kind="stable"))
    parts = max(1, -(-len(pairs.q) // _PAIRS_IN_A_PART))
    for part, rows in enumerate(np.array_split(np.arange(len(pairs.q)), parts)):
        plan.storage.write_arrays(numbered("parts", part), _take(pairs, rows)._asdict())
    plan.storage.write_array(PARTS, np.array([parts, found, len(pairs.q)]))


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
    plan.storage.write_arrays(numbered("parts", part), pairs._asdict())


def score(plan: Plan, part: int) -> None:
    """Judge the pairs of a part.

    Parameters
    ----------
    plan : Plan
        Of the run.
    part : int
        Which.
    """
    pairs = _read(plan, numbered("parts", part))
    probabilities = _judged(plan, pairs)
    kept = probabilities >= LEAST_PROBABILITY
    scores = Scores(pairs.q[kept], pairs.m[kept], probabilities[kept], pairs.cosine[kept], pairs.source[kept])
    plan.storage.write_arrays(numbered("scores", part), scores._asdict())


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
    read = [plan.storage.read_arrays(numbered("scores", part)) for part in range(parts)]
    columns = [np.concatenate([arrays[name] for arrays in read]) for name in Scores._fields]
    order = np.lexsort((columns[1], columns[0]))
    return Scores(*(column[order] for column in columns))


def _judged(plan: Plan, pairs: Candidates) -> npt.NDArray[np.float64]:
    """Work out match probabilities; shape (n_pairs,)."""
    rows, places = np.unique(np.concatenate((pairs.q, pairs.m)), return_inverse=True)
    q, m = places[: len(pairs.q)], places[len(pairs.q) :]
    model = _model(plan)
    gc.disable()  # millions of small objects come to stay; looking through them again takes a fifth of the time
    table = RecordingTable(read_rows(plan.storage, rows, plan.shard_size), model.rarity)
    gc.enable()
    probabilities = np.empty(len(q))
    for start in range(0, len(q), _PAIRS_AT_ONCE):
        some = slice(start, start + _PAIRS_AT_ONCE)
        features = features_of(Pairs(table, q[some], m[some], pairs.cosine[some]), model.classifier.features)
        probabilities[some] = model.classifier.match_probabilities(features)
    return probabilities


def _worth_judging(plan: Plan, pairs: Candidates) -> Candidates:
    """Leave out what a cheap look shows to be hopeless; candidates that have a code or a text in common all stay."""
    samples = int(plan.storage.map_array(SAMPLES)[0])
    if not samples:
        return pairs
    numbers = [read_numbers(plan, column) for column in ("duration_ms", "release_year")]
    drawn = [_read(plan, numbered("sampled", number)) for number in range(samples)]
    judged = np.concatenate([plan.storage.map_array(numbered("judged", number)) for number in range(samples)])
    looks = np.concatenate([_looks(numbers, each) for each in drawn])
    screen = Screen.learn(looks, judged.astype(np.float64), _model(plan).classifier.threshold)
    if screen is None:
        return pairs
    worth = screen.worth_judging(_looks(numbers, pairs)) | (pairs.source != BY_KEYS)
    logger.info("%d of %d candidates are worth judging", worth.sum(), len(worth))
    return _take(pairs, np.flatnonzero(worth))


def _looks(numbers: Sequence[Looks], pairs: Candidates) -> Looks:
    return looks_at(pairs.cosine, pairs.alike, tuple(np.abs(each[pairs.q] - each[pairs.m]) for each in numbers))


def _read(plan: Plan, name: str) -> Candidates:
    return Candidates(**plan.storage.read_arrays(name))  # type: ignore[arg-type]  # as they were written


def _by_keys(plan: Plan, shard: int) -> Candidates:
    arrays: dict[str, Any] = dict(plan.storage.read_arrays(numbered("candidates", shard)))
    q, m = arrays.pop("q"), arrays.pop("m")
    source = np.full(len(q), BY_KEYS, dtype=np.uint8)
    return Candidates(np.minimum(q, m), np.maximum(q, m), source=source, **arrays)


def _in_common(plan: Plan) -> list[Candidates]:
    """Pair recordings with those that have an ISRC, or all of their text, in common: with so many that follow them.

    A text that many recordings have word for word has no rare key.
    """
    return [_sharing(plan, "codes", BY_CODE), _sharing(plan, "texts", BY_TEXT)]


def _sharing(plan: Plan, what: str, source: int) -> Candidates:
    read = [plan.storage.read_arrays(numbered(what, shard)) for shard in range(plan.shards)]
    rows, hashes = (np.concatenate([arrays[name] for arrays in read]) for name in ("rows", "hashes"))
    order = np.lexsort((rows, hashes))
    rows, hashes = rows[order], hashes[order]
    pairs = [_apart(rows, hashes, distance) for distance in range(1, MOST_WITH_A_CODE + 1)]
    q, m = (np.concatenate(side) for side in zip(*pairs, strict=True))
    nothing = np.zeros(len(q), dtype=np.float32)
    return Candidates(q, m, cosines_of(plan, q, m), nothing, np.full(len(q), source, dtype=np.uint8))


def _apart(rows: Rows, codes: Rows, distance: int) -> tuple[Rows, Rows]:
    same = codes[distance:] == codes[:-distance]
    return rows[:-distance][same], rows[distance:][same]


def _distinct(plan: Plan, found: list[Candidates]) -> Candidates:
    """Put candidates from everywhere together, each pair once."""
    pairs = Candidates(*(np.concatenate(column) for column in zip(*found, strict=True)))
    key = pairs.q * plan.recordings + pairs.m
    order = np.argsort(key, kind="stable")
    pairs, key = _take(pairs, order), key[order]
    first = np.flatnonzero(np.diff(key, prepend=-1))
    if not len(first):
        return pairs
    alike, source = np.maximum.reduceat(pairs.alike, first), np.bitwise_or.reduceat(pairs.source, first)
    return Candidates(pairs.q[first], pairs.m[first], pairs.cosine[first], alike, source)


def _take(pairs: Candidates, rows: Rows) -> Candidates:
    return Candidates(pairs.q[rows], pairs.m[rows], pairs.cosine[rows], pairs.alike[rows], pairs.source[rows])


@lru_cache(maxsize=1)
def _model(plan: Plan) -> Model:
    return Model.load(plan.storage.local_folder(MODEL_FOLDER))
