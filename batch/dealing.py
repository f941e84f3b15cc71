"""The tasks by which candidates are dealt out to be judged, group by group; only the order of recordings is one task.

candidates -> pairs, sampled | judged -> worth -> order -> parts
"""

from __future__ import annotations

import logging
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from batch.candidates import BY_KEYS, FOUND_BY_KEYS, IN_COMMON, Candidates, read_candidates, read_pieces, write_pieces
from batch.neighbourhood import Order, by_neighbourhood, most_alike_first, places_of_pairs
from batch.plan import Plan, numbered
from batch.records import read_numbers
from batch.scoring import JUDGED, ORDER, PARTS, SAMPLED, SAMPLES, drawn, judging_model, sampled_pairs
from matching.screen import Looks, Screen, looks_at

logger = logging.getLogger(__name__)

PAIRS, FOUND, WORTH, DEALT = "pairs", "found", "worth", "dealt"

_PAIRS_IN_A_PART = 1_000_000
# Of fewer pairs than so many parts hold there is still something for several processes to do.
_PARTS, _FEWEST_IN_A_PART = 4, 65_536
# Groups are of about one size; each draws so many times its share of the sample.
_GENEROUS = 4


def gather(plan: Plan, group: int) -> None:
    """Bring the candidates of a group together, each pair once, and draw some of them.

    Parameters
    ----------
    plan : Plan
        Of the run.
    group : int
        Which.
    """
    read = (FOUND_BY_KEYS, plan.shards), (IN_COMMON, plan.groups)
    found = (Candidates(**read_pieces(plan, kind, group, range(writers))) for kind, writers in read)
    pairs = _distinct(plan, Candidates.joined(found))
    plan.storage.write_arrays(numbered(SAMPLED, group), drawn(plan, pairs, share=_GENEROUS / plan.groups)._asdict())
    plan.storage.write_arrays(numbered(PAIRS, group), pairs._asdict())
    plan.storage.write_array(numbered(FOUND, group), np.array([len(pairs.q)]))


def found_pairs(plan: Plan) -> int:
    """Count the candidates.

    Parameters
    ----------
    plan : Plan
        Of a run whose candidates were gathered.

    Returns
    -------
    int
        Of all groups.
    """
    return sum(int(plan.storage.map_array(numbered(FOUND, group))[0]) for group in range(plan.groups))


def samples(plan: Plan) -> int:
    """Say in how many tasks a sample is judged.

    Parameters
    ----------
    plan : Plan
        Of a run whose candidates were gathered.

    Returns
    -------
    int
        0 where all candidates together are one part: they are all judged.
    """
    return SAMPLES if found_pairs(plan) > _PAIRS_IN_A_PART else 0


def leave_out(plan: Plan, group: int) -> None:
    """Leave out what a cheap look shows to be hopeless; candidates that have a code or a text in common all stay.

    Parameters
    ----------
    plan : Plan
        Of the run.
    group : int
        Which.
    """
    pairs = read_candidates(plan, numbered(PAIRS, group))
    screen = _screen(plan) if samples(plan) else None
    if screen is not None:
        worth = screen.worth_judging(_looks(plan, pairs)) | (pairs.source != BY_KEYS)
        logger.info("%d of %d candidates are worth judging", worth.sum(), len(worth))
        pairs = pairs.take(worth)
    plan.storage.write_arrays(numbered(WORTH, group), pairs._asdict())


def order(plan: Plan, _: int) -> None:
    """Order recordings so that those that are alike stand together, and cut that order into parts.

    Parameters
    ----------
    plan : Plan
        Of the run.
    """
    places = by_neighbourhood(plan.recordings, *most_alike_first(*edges_of(plan)))
    pairs_at = np.zeros(plan.recordings, dtype=np.int64)
    for group in range(plan.groups):
        pairs = read_candidates(plan, numbered(WORTH, group))
        np.add.at(pairs_at, places_of_pairs(places, pairs.q, pairs.m), 1)
    until = np.cumsum(pairs_at)
    pairs_dealt = int(until[-1])
    parts = max(1, -(-pairs_dealt // _PAIRS_IN_A_PART), min(_PARTS, -(-pairs_dealt // _FEWEST_IN_A_PART)))
    # The places at which the second and every later part begins.
    bounds = np.searchsorted(until, np.arange(1, parts) * pairs_dealt // parts, side="right")
    plan.storage.write_array(ORDER, places)
    plan.storage.write_array(DEALT, np.array([*bounds, pairs_dealt]))


def edges_of(plan: Plan) -> tuple[Order, Order, npt.NDArray[np.float32]]:
    """Read what recordings are ordered by, in few bytes: one task holds it all.

    Parameters
    ----------
    plan : Plan
        Of a run whose hopeless candidates were left out.

    Returns
    -------
    tuple of numpy.ndarray
        Rows of both sides of all pairs, int32, and how unlike they are, float32; each of shape (n_pairs,).
    """
    read = (read_candidates(plan, numbered(WORTH, group)) for group in range(plan.groups))
    edges = [
        (each.q.astype(np.int32), each.m.astype(np.int32), -np.nan_to_num(each.cosine) - each.alike) for each in read
    ]
    q, m, unlike = map(np.concatenate, zip(*edges, strict=True))
    return q, m, unlike


def deal(plan: Plan, group: int) -> None:
    """Deal the candidates of a group out into parts of one neighbourhood each.

    Parameters
    ----------
    plan : Plan
        Of the run.
    group : int
        Which.
    """
    pairs = read_candidates(plan, numbered(WORTH, group))
    bounds = plan.storage.map_array(DEALT)[:-1]
    part = np.searchsorted(bounds, places_of_pairs(plan.storage.map_array(ORDER), pairs.q, pairs.m), side="right")
    write_pieces(plan, PARTS, group, pairs._asdict(), part, len(bounds) + 1)


def dealt(plan: Plan) -> tuple[int, int]:
    """Count what was dealt out.

    Parameters
    ----------
    plan : Plan
        Of a run whose recordings were ordered.

    Returns
    -------
    (int, int)
        Parts, and pairs in all of them.
    """
    cut = plan.storage.map_array(DEALT)
    return len(cut), int(cut[-1])


def _distinct(plan: Plan, pairs: Candidates) -> Candidates:
    """Keep each pair once."""
    key = pairs.q * plan.recordings + pairs.m
    in_order = np.argsort(key, kind="stable")
    pairs, key = pairs.take(in_order), key[in_order]
    first = np.flatnonzero(np.diff(key, prepend=-1))
    if not len(first):
        return pairs
    alike, source = np.maximum.reduceat(pairs.alike, first), np.bitwise_or.reduceat(pairs.source, first)
    return Candidates(pairs.q[first], pairs.m[first], pairs.cosine[first], alike, source)


@lru_cache(maxsize=1)
def _screen(plan: Plan) -> Screen | None:
    judged = [plan.storage.map_array(numbered(JUDGED, number)) for number in range(SAMPLES)]
    looks = _looks(plan, sampled_pairs(plan))
    return Screen.learn(looks, np.concatenate(judged).astype(np.float64), judging_model(plan).classifier.threshold)


def _looks(plan: Plan, pairs: Candidates) -> Looks:
    columns = ("duration_ms", "release_year")
    apart = (np.abs(read_numbers(plan, name, pairs.q) - read_numbers(plan, name, pairs.m)) for name in columns)
    return looks_at(pairs.cosine, pairs.alike, tuple(apart))
