"""Which labelled pairs are learnt from, and which are held out for the test."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from catalog.errors import GroundTruthError
from catalog.store import Catalog
from matching.held_out import HELD_OUT, LEARNT_FROM, LINKED
from training.pairs import LabelledPairs, read_groundtruth, write_problems
from training.splits import component_positions, pair_positions

__all__ = ["HELD_OUT", "LEARNT_FROM", "LINKED", "Split", "TrainingData", "hold_out", "positions_of", "split_of"]

logger = logging.getLogger(__name__)

# Without a file of test pairs a fifth of the components is held out for the test.
_TEST_SHARE = 0.2
# A part smaller than this says nothing; the split is then made in another way.
_FEWEST, _LEAST_SHARE = 20, 0.05


@dataclass(frozen=True)
class TrainingData:
    """What a model is trained from.

    Attributes
    ----------
    catalog : Catalog
        Holds the recordings of the pairs.
    groundtruth : Path or None
        Labelled pairs to learn from; ``None`` if reviewers' verdicts are all there is.
    rejected : Path
        Folder in which the lines that are not used are listed.
    test_groundtruth : Path or None
        Labelled pairs to measure on; part of those to learn from is held out if there are none.
    """

    catalog: Catalog
    groundtruth: Path | None
    rejected: Path
    test_groundtruth: Path | None = None


@dataclass(frozen=True, eq=False)
class Split:
    """Labelled pairs, cut.

    Attributes
    ----------
    learnt : LabelledPairs
        To learn from, in cross-validation too.
    positions : numpy.ndarray
        Shape (n_learnt,), float64: pairs that share one stay together in cross-validation.
    test : LabelledPairs
        To measure on.
    tested_on : str
        What the test pairs have to do with those learnt from.
    """

    learnt: LabelledPairs
    positions: npt.NDArray[np.float64]
    test: LabelledPairs
    tested_on: str


def hold_out(data: TrainingData, seed: int) -> Split:
    """Hold back pairs of the ground truth to test on.

    Parameters
    ----------
    data : TrainingData
        Catalogue and ground truth.
    seed : int
        Another seed gives another split.

    Returns
    -------
    Split
        As of `split_of`. The lines that are not used are listed in the folder for rejected ones.

    Raises
    ------
    GroundTruthError
        If no usable pair is left.
    """
    if data.groundtruth is None:
        raise GroundTruthError("expected labelled pairs or reviewers' verdicts to learn from, got neither")
    return split_of(_read(data.groundtruth, "groundtruth", data), data, seed)


def split_of(pairs: LabelledPairs, data: TrainingData, seed: int) -> Split:
    """Hold back pairs to test on: by component, else pair by pair, else none; and say which.

    Parameters
    ----------
    pairs : LabelledPairs
        To learn from.
    data : TrainingData
        Catalogue, and test pairs if there are any.
    seed : int
        Another seed gives another split.

    Returns
    -------
    Split
        The lines of the test pairs that are not used are listed in the folder for rejected ones.

    Raises
    ------
    GroundTruthError
        If no usable test pair is left.
    """
    if data.test_groundtruth is not None:
        split = _tested_on(pairs, positions_of(pairs, seed), _read(data.test_groundtruth, "test-groundtruth", data))
    else:
        split = _cut(pairs, seed)
    logger.info("learning from %d pairs, testing on %d (%s)", len(split.learnt), len(split.test), split.tested_on)
    return split


def _read(path: Path, role: str, data: TrainingData) -> LabelledPairs:
    pairs = read_groundtruth(path, data.catalog)
    rejected = data.rejected / f"{role}.rejected.csv"
    write_problems(pairs.problems, rejected)
    if pairs.problems:
        logger.warning("%s: the %d lines left out are listed in %s", path, len(pairs.problems), rejected)
    return pairs


def _cut(pairs: LabelledPairs, seed: int) -> Split:
    for positions, tested_on in ((component_positions(pairs, seed), HELD_OUT), (pair_positions(pairs, seed), LINKED)):
        tested = positions < _TEST_SHARE
        test, learnt = pairs.take(np.flatnonzero(tested)), pairs.take(np.flatnonzero(~tested))
        if all(part.has_both_kinds and len(part) >= max(_FEWEST, _LEAST_SHARE * len(pairs)) for part in (test, learnt)):
            return Split(learnt, _spread(learnt, positions[~tested], seed), test, tested_on)
        logger.warning("too few pairs can be held back as %s", tested_on)
    return Split(pairs, positions_of(pairs, seed), pairs, LEARNT_FROM)


def positions_of(pairs: LabelledPairs, seed: int) -> npt.NDArray[np.float64]:
    """Give pairs positions to split by, so that those which share a recording stay together if that makes folds.

    Parameters
    ----------
    pairs : LabelledPairs
        n_pairs pairs.
    seed : int
        Another seed gives another split.

    Returns
    -------
    numpy.ndarray
        Shape (n_pairs,), float64.
    """
    return _spread(pairs, component_positions(pairs, seed), seed)


def _spread(pairs: LabelledPairs, positions: npt.NDArray[np.float64], seed: int) -> npt.NDArray[np.float64]:
    """Fall back to positions pair by pair where most pairs are tied into one component, which makes no folds."""
    _, counts = np.unique(positions, return_counts=True)
    return pair_positions(pairs, seed) if counts.max() > len(pairs) / 2 else positions


def _tested_on(pairs: LabelledPairs, positions: npt.NDArray[np.float64], test: LabelledPairs) -> Split:
    """Take somebody's own test pairs, and say what they share with the pairs to learn from."""
    fresh = _without_learnt(test, pairs)
    if not len(fresh):
        return Split(pairs, positions, pairs, LEARNT_FROM)
    linked = not fresh.sr_ids.isdisjoint(pairs.sr_ids)
    return Split(pairs, positions, fresh, LINKED if linked else HELD_OUT)


def _without_learnt(test: LabelledPairs, learnt: LabelledPairs) -> LabelledPairs:
    """Drop test pairs that are also among the pairs to learn from, so that no figure rests on them."""
    seen = {frozenset((q.sr_id, m.sr_id)) for q, m in zip(learnt.q, learnt.m, strict=True)}
    fresh = [
        row for row, (q, m) in enumerate(zip(test.q, test.m, strict=True)) if frozenset((q.sr_id, m.sr_id)) not in seen
    ]
    if len(fresh) < len(test):
        logger.warning("%d test pairs are also among the pairs to learn from and do not count", len(test) - len(fresh))
    return test.take(np.array(fresh, dtype=np.int64))
