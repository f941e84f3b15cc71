"""Pairs that the model in charge is sure of, which nobody is asked about.

Reviewers are asked about uncertain pairs. What learns from their verdicts alone knows no easy pair: on an invented
catalogue, F1 fell from 0.97 to 0.74 after 256 of them (docs/decisions/0026-verdicts-and-sure-pairs.md).
"""

from __future__ import annotations

import logging
import random
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass

from catalog.paths import DataFolder
from matching.matcher import Matcher
from matching.questions import Pair, drawn_candidates, is_uncertain
from training.pairs import LabelledPairs

logger = logging.getLogger(__name__)

# Recordings whose candidates are looked at: so many at least, so that shares are known, and at most.
_FEWEST, _MOST = 250, 2_000
_CANDIDATES = 10


@dataclass(frozen=True)
class Drawn:
    """Candidate pairs of a catalogue as the model in charge judges them.

    Attributes
    ----------
    sure : list of (str, str)
        Those that reviewers are not asked about, in the order in which they were drawn.
    uncertain : int
        How many others were drawn.
    """

    sure: list[Pair]
    uncertain: int

    def beside(self, uncertain: int, others: int) -> int:
        """Say how many sure pairs make verdicts what candidate pairs are as a whole.

        Parameters
        ----------
        uncertain : int
            Verdicts on pairs that the model is not sure of.
        others : int
            Verdicts on those that it is.

        Returns
        -------
        int
            At least 0.
        """
        return max(0, round(uncertain * len(self.sure) / max(self.uncertain, 1)) - others)


def sure_pairs(folder: DataFolder, verdicts: Set[Pair], known: Set[Pair], tested: Set[str], seed: int) -> LabelledPairs:
    """Draw candidate pairs that the model in charge is sure of, in proportion to verdicts on those that it is not.

    Parameters
    ----------
    folder : DataFolder
        With an index and its model.
    verdicts : set of (str, str)
        Pairs that are learnt from by their verdict, the smaller id first.
    known : set of (str, str)
        Pairs that are not drawn, the smaller id first.
    tested : set of str
        Recordings that are not drawn.
    seed : int
        Of what is drawn.

    Returns
    -------
    LabelledPairs
        Tagged as that model decides.

    Raises
    ------
    MissingArtefactError
        If there is no index.
    StaleIndexError
        If the catalogue changed since it was built.
    """
    with Matcher.open(folder) as matcher:
        here = [pair for pair in verdicts if (matcher.snapshot.find(pair) >= 0).all()]
        uncertain = sum(map(is_uncertain, matcher.judge(here).probabilities.tolist()))
        others = len(here) - uncertain
        for drawn in _drawn(matcher, seed):
            if len(drawn.sure) >= drawn.beside(uncertain, others):
                break
        free = [pair for pair in drawn.sure if pair not in known and tested.isdisjoint(pair)]
        taken = free[: drawn.beside(uncertain, others)]
        q, m = (matcher.recordings.take([pair[side] for pair in taken]).recordings() for side in (0, 1))
        valid = matcher.judge(taken).probabilities >= matcher.model.classifier.threshold
    logger.info(
        "%d of %d verdicts are on pairs that %s is not sure of, as %d of %d candidate pairs are: %d others are learnt "
        "from as it decides them",
        *(uncertain, len(here), matcher.model.version, drawn.uncertain, len(drawn.sure) + drawn.uncertain, len(taken)),
    )
    return LabelledPairs(q, m, valid, [])


def _drawn(matcher: Matcher, seed: int) -> Iterator[Drawn]:
    """Draw candidates of more and more recordings, in the same order for the same seed."""
    chance = random.Random(seed)
    known = dict[Pair, float]()
    for n_recordings, candidates in enumerate(drawn_candidates(matcher, chance, _MOST, _CANDIDATES), start=1):
        known |= candidates
        if n_recordings % _FEWEST == 0:
            yield _shuffled(known, chance)
    yield _shuffled(known, chance)


def _shuffled(known: Mapping[Pair, float], chance: random.Random) -> Drawn:
    sure = [pair for pair, probability in known.items() if not is_uncertain(probability)]
    chance.shuffle(sure)  # those of one recording stand together
    return Drawn(sure, len(known) - len(sure))
