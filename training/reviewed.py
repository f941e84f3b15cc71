"""Reviewers' verdicts among the pairs to learn from, and beside them what nobody is asked about."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from catalog.errors import GroundTruthError
from catalog.paths import DataFolder
from catalog.store import Catalog
from matching.classifier import VALID
from matching.labels import AgreedTag, agreed_tags, require_labels, to_learn_from
from matching.questions import Pair
from training.holdout import HELD_OUT, Split, TrainingData, positions_of, split_of
from training.pairs import LabelledPairs
from training.sure import sure_pairs

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Reviews:
    """Reviewers' verdicts to learn from.

    Attributes
    ----------
    labels : Path
        Where they are kept.
    folder : DataFolder
        With the index and the model by which reviewers were asked.
    """

    labels: Path
    folder: DataFolder


@dataclass(frozen=True)
class Reviewed:
    """Labelled pairs with reviewers' verdicts among those to learn from.

    Attributes
    ----------
    split : Split
        With the same test pairs as without verdicts.
    learnt : int
        Verdicts that are learnt from.
    until : int
        Number of the newest of all verdicts that may have been learnt from; later ones were not seen.
    sure : int
        Pairs beside them that are learnt from as the model in charge decides them, since it is sure.
    """

    split: Split
    learnt: int = 0
    until: int = 0
    sure: int = 0

    def to_json(self) -> dict[str, int]:
        """Write the counts as JSON values.

        Returns
        -------
        dict
            Part of model.json.
        """
        return {"learnt": self.learnt, "until": self.until, "sure": self.sure}


def with_labels(split: Split, reviews: Reviews, catalog: Catalog, seed: int) -> Reviewed:
    """Add what reviewers agreed on to the pairs to learn from.

    The newest fifth is left for the promotion. A pair that both a reviewer and the ground truth judged counts as the
    reviewer has it. What touches the test pairs is left out: no figure may rest on it. Pairs that the model in charge
    is sure of are added, see `training.sure`.

    Parameters
    ----------
    split : Split
        Of the ground truth.
    reviews : Reviews
        Verdicts.
    catalog : Catalog
        Where the recordings stand.
    seed : int
        Of the split.

    Returns
    -------
    Reviewed
        The split, and what of the verdicts went into it.

    Raises
    ------
    MissingArtefactError
        If there are no verdicts, or no index.
    """
    agreed = agreed_tags(require_labels(reviews.labels))
    older = to_learn_from(agreed)
    until = max((each.number for each in older), default=0)
    # Where test pairs are held out by their recordings, so is what touches one of these.
    tested = split.test.sr_ids if split.tested_on == HELD_OUT else frozenset()
    test_pairs = set(_ids(split.test))
    apart = [each for each in older if tested.isdisjoint(each.pair) and each.pair not in test_pairs]
    added = labelled_pairs(apart, catalog)
    # What is kept for the promotion is not learnt from the ground truth either.
    said = {each.pair for each in agreed if each.number > until} | {each.pair for each in apart}
    rows = [row for row, pair in enumerate(_ids(split.learnt)) if pair not in said]
    learnt = _joined(split.learnt.take(np.array(rows, dtype=np.int64)), added)
    logger.info(
        "%d verdicts of reviewers are learnt from; left out: %d that touch the test pairs, %d of recordings that are "
        "gone, %d newest for the promotion",
        *(len(added), len(older) - len(apart), len(apart) - len(added), len(agreed) - len(older)),
    )
    reviewed = Reviewed(replace(split, learnt=learnt), len(added), until)
    return _beside_sure_ones(reviewed, added, agreed, reviews.folder, seed)


def of_labels_alone(reviews: Reviews, data: TrainingData, seed: int) -> Reviewed:
    """Take what reviewers agreed on for all there is to learn from, and hold part of it out for the test.

    The newest fifth is left for the promotion. Pairs that the model in charge is sure of are added to what is learnt
    from, see `training.sure`.

    Parameters
    ----------
    reviews : Reviews
        Verdicts.
    data : TrainingData
        Catalogue, and test pairs if there are any.
    seed : int
        Of the split.

    Returns
    -------
    Reviewed
        The split, and what of the verdicts went into it.

    Raises
    ------
    MissingArtefactError
        If there are no verdicts, or no index.
    GroundTruthError
        If they are all of one kind.
    """
    agreed = agreed_tags(require_labels(reviews.labels))
    older = to_learn_from(agreed)
    pairs = labelled_pairs(older, data.catalog)
    if not pairs.has_both_kinds:
        raise GroundTruthError(
            f"expected verdicts of both kinds to learn from in {reviews.labels}, found {int(pairs.valid.sum())} valid "
            f"and {int((~pairs.valid).sum())} invalid, besides the {len(agreed) - len(older)} newest, which are for "
            "the promotion: judge more pairs, or name labelled ones with --groundtruth FILE"
        )
    split = split_of(pairs, data, seed)
    reviewed = Reviewed(split, len(split.learnt), max(each.number for each in older))
    return _beside_sure_ones(reviewed, split.learnt, agreed, reviews.folder, seed)


def _beside_sure_ones(
    reviewed: Reviewed, verdicts: LabelledPairs, agreed: Sequence[AgreedTag], folder: DataFolder, seed: int
) -> Reviewed:
    """Add pairs that the model in charge is sure of, none of those that anybody judged or that touch the test."""
    split = reviewed.split
    tested = split.test.sr_ids if split.tested_on == HELD_OUT else frozenset[str]()
    known = {*(each.pair for each in agreed), *_ids(split.learnt), *_ids(split.test)}
    sure = sure_pairs(folder, set(_ids(verdicts)), known, tested, seed)
    every = _joined(split.learnt, sure)
    return replace(reviewed, split=replace(split, learnt=every, positions=positions_of(every, seed)), sure=len(sure))


def labelled_pairs(agreed: Sequence[AgreedTag], catalog: Catalog) -> LabelledPairs:
    """Look up the recordings of pairs that reviewers judged.

    Parameters
    ----------
    agreed : sequence of AgreedTag
        What they agreed on.
    catalog : Catalog
        Where the recordings stand.

    Returns
    -------
    LabelledPairs
        Those of which both recordings are there.
    """
    sides = [catalog.get_many([each.pair[side] for each in agreed]) for side in (0, 1)]
    known = [
        (q, m, each.tag == VALID) for each, q, m in zip(agreed, *sides, strict=True) if q is not None and m is not None
    ]
    valid = np.array([is_valid for _, _, is_valid in known], dtype=np.bool_)
    return LabelledPairs([q for q, _, _ in known], [m for _, m, _ in known], valid, [])


def _ids(pairs: LabelledPairs) -> list[Pair]:
    sides = ((q.sr_id, m.sr_id) for q, m in zip(pairs.q, pairs.m, strict=True))
    return [(min(pair), max(pair)) for pair in sides]


def _joined(one: LabelledPairs, other: LabelledPairs) -> LabelledPairs:
    return LabelledPairs(one.q + other.q, one.m + other.m, np.concatenate((one.valid, other.valid)), [])
