"""Models to compare: how they are found, and how they judge labelled pairs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from catalog.artefacts import current_version
from catalog.errors import MissingArtefactError
from embeddings.encoder import Encoder
from index.exact import pair_cosines
from matching.baseline import baseline_features
from matching.model import CARD_FILE, Model
from training.pairs import LabelledPairs

CURRENT, BASELINE = "current", "baseline"
_BATCH = 8_192

Judge = Callable[[LabelledPairs], npt.NDArray[np.float64]]


@dataclass(frozen=True)
class Contender:
    """A model to compare.

    Attributes
    ----------
    name : str
        For people.
    judge : callable
        From labelled pairs to match probabilities, shape (n_pairs,), float64; never looks at the labels.
    threshold : float
        Pairs with at least this match probability are valid, 0 to 1.
    groundtruth_digests : frozenset of str
        Of the files that it learnt from, and that the model it started from did.
    """

    name: str
    judge: Judge
    threshold: float
    groundtruth_digests: frozenset[str]


def contender(choice: str, shelf: Path) -> Contender:
    """Find a model by what was typed.

    Parameters
    ----------
    choice : str
        A version in the shelf, the path of a model's folder, ``current`` (the model in charge), or ``baseline`` (the
        nineteen-feature baseline of the model in charge).
    shelf : Path
        The folder of model versions.

    Returns
    -------
    Contender
        Checked; its encoder is loaded when it judges.

    Raises
    ------
    MissingArtefactError
        If there is no such model.
    """
    if choice in (CURRENT, BASELINE):
        try:
            model = Model.load(current_version(shelf))
        except MissingArtefactError as error:
            raise MissingArtefactError(f"{error}: run onemaster train first") from error
    else:
        places = [folder for folder in (shelf / choice, Path(choice)) if (folder / CARD_FILE).is_file()]
        if not places:
            versions = sorted(card.parent.name for card in shelf.glob(f"[!.]*/{CARD_FILE}"))
            raise MissingArtefactError(
                f"expected {CURRENT}, {BASELINE}, a version in {shelf} or the folder of a model, got {choice!r}; "
                f"{shelf} holds {', '.join(versions) or 'no models'}"
            )
        model = Model.load(places[0].resolve())
    digests = (model.card.get(name) for name in ("groundtruth_digest", "start_groundtruth_digest"))
    learnt = frozenset(str(digest) for digest in digests if digest is not None)
    if choice == BASELINE:
        return Contender(f"baseline of {model.version}", baseline_judge(model), model.baseline.threshold, learnt)
    return Contender(model.version, model_judge(model), model.classifier.threshold, learnt)


def model_judge(model: Model) -> Judge:
    """Judge pairs as the service would: cosines from float16 vectors.

    Parameters
    ----------
    model : Model
        With its encoder's folder.

    Returns
    -------
    callable
        Loads the encoder at every call, so that two models are never in memory together.
    """

    def judge(pairs: LabelledPairs) -> npt.NDArray[np.float64]:
        encoder = Encoder.load(model.encoder_folder)
        judged = []
        for start in range(0, len(pairs), _BATCH):
            q, m = pairs.q[start : start + _BATCH], pairs.m[start : start + _BATCH]
            cosines = pair_cosines(encoder.encode(q).astype(np.float16), encoder.encode(m).astype(np.float16))
            judged.append(model.classifier.match_probabilities(model.features(q, m, cosines)))
        return np.concatenate(judged)

    return judge


def baseline_judge(model: Model) -> Judge:
    """Judge pairs by a model's baseline.

    Parameters
    ----------
    model : Model
        With its baseline.

    Returns
    -------
    callable
        Needs no encoder.
    """
    return lambda pairs: model.baseline.match_probabilities(baseline_features(pairs.q, pairs.m))
