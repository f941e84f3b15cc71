"""A published model: the encoder's folder, the classifier, the baseline and what is known of them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from catalog.artefacts import current_version
from catalog.errors import MismatchedArtefactError, MissingArtefactError
from catalog.manifest import read_json, require, sha256_file, verify
from catalog.normalize import NORMALIZER_VERSION
from catalog.recording import Recording
from embeddings.text import TEMPLATE_VERSION
from matching.baseline import BASELINE_FEATURES
from matching.classifier import PairClassifier
from matching.features import NAMES, Features, pair_features
from matching.held_out import HeldOut
from matching.rarity import Rarity

logger = logging.getLogger(__name__)

CARD_FILE = "model.json"
CLASSIFIER_FILE = "classifier.json"
BASELINE_FILE = "baseline.json"
REPORT_FILE = "report.html"
RARITY_FILE = "rarity.safetensors"
LESSONS_FILE = "lessons.safetensors"
HELD_OUT_FILE = "held_out.safetensors"
ENCODER_FOLDER = "encoder"
FORMAT = 2
SIAMESE: Final = "siamese"
BASELINE: Final = "baseline"
"""Which classifier of a model judges: that on the pair features, or that on the nineteen fuzzy ones."""

_FILES = (CLASSIFIER_FILE, BASELINE_FILE, RARITY_FILE, REPORT_FILE, f"{ENCODER_FOLDER}/modules.json")
_EXPECTED = {"format": FORMAT, "template_version": TEMPLATE_VERSION, "normalizer_version": NORMALIZER_VERSION}


@dataclass(frozen=True)
class Model:
    """A published model, checked and ready to judge pairs.

    The encoder is not loaded: pairs of stored recordings need only their stored vectors.

    Attributes
    ----------
    version : str
        Name of the published folder.
    folder : Path
        The published folder.
    classifier : PairClassifier
        On the pair features.
    baseline : PairClassifier
        On the nineteen fuzzy features, for comparison.
    rarity : Rarity
        Of the words of the catalogue that the model was made for.
    card : dict
        Content of model.json: figures, digests, seeds, versions.
    """

    version: str
    folder: Path
    classifier: PairClassifier
    baseline: PairClassifier
    rarity: Rarity
    card: dict[str, object]

    @classmethod
    def load(cls, folder: Path) -> Model:
        """Open a published model and check all of it.

        Parameters
        ----------
        folder : Path
            The version's folder.

        Returns
        -------
        Model
            With both classifiers.

        Raises
        ------
        DamagedArtefactError
            If a file is absent, altered or of another form.
        MismatchedArtefactError
            If it was trained with another text template or normaliser, or on other features, than this version of
            onemaster has.
        """
        card = read_json(folder / CARD_FILE)
        require(card, folder, _EXPECTED, _FILES, "run onemaster train")
        verify(folder, card["files"])  # type: ignore[arg-type]  # required to be a mapping
        classifier = PairClassifier.from_json(read_json(folder / CLASSIFIER_FILE), NAMES)
        baseline = PairClassifier.from_json(read_json(folder / BASELINE_FILE), BASELINE_FEATURES)
        return cls(folder.name, folder, classifier, baseline, Rarity.load(folder / RARITY_FILE), card)

    def features(self, q: Sequence[Recording], m: Sequence[Recording], cosines: npt.NDArray[np.float32]) -> Features:
        """Compute what the classifier looks at.

        Parameters
        ----------
        q : sequence of Recording
            Queries, n_pairs long.
        m : sequence of Recording
            Candidates, n_pairs long.
        cosines : numpy.ndarray
            Shape (n_pairs,), float32, of their vectors; NaN where a side has no text.

        Returns
        -------
        numpy.ndarray
            Shape (n_pairs, n_features), float32, columns as the classifier's features.
        """
        return pair_features(q, m, cosines, self.rarity, self.classifier.features)

    def judge(self, by: str) -> PairClassifier:
        """Choose a classifier.

        Parameters
        ----------
        by : str
            `SIAMESE` or `BASELINE`.

        Returns
        -------
        PairClassifier
            On the features of that name.
        """
        return {SIAMESE: self.classifier, BASELINE: self.baseline}[by]

    @cached_property
    def held_out(self) -> HeldOut:
        """Recordings of its test pairs."""
        return HeldOut.load(self.folder / HELD_OUT_FILE)

    @property
    def labelled_share(self) -> float:
        """Valid pairs among those learnt from, 0.01 to 0.99; a half if the card does not say."""
        pairs = self.card.get("pairs")
        learnt = pairs.get("learnt") if isinstance(pairs, dict) else None
        if not isinstance(learnt, dict) or not learnt.get("n_pairs"):
            return 0.5
        return float(min(max(learnt["n_valid"] / learnt["n_pairs"], 0.01), 0.99))

    @property
    def learnt_until(self) -> int:
        """Number of the newest of reviewers' verdicts that it may have learnt from; 0 if it has learnt from none."""
        labels = self.card.get("labels")
        return int(labels.get("until", 0)) if isinstance(labels, dict) else 0

    def was_measured_elsewhere(self, groundtruth: Path) -> bool:
        """Tell whether its figures are of another catalogue's pairs, as those of the default model mostly are.

        Parameters
        ----------
        groundtruth : Path
            Labelled pairs of the catalogue that it judges; need not be there.

        Returns
        -------
        bool
            Whether it was adapted to a catalogue without labelled pairs, and these are not the pairs it was made with.
        """
        is_adapted = bool(self.card.get("adapted_from"))
        return is_adapted and not (
            groundtruth.is_file() and sha256_file(groundtruth) == self.card.get("groundtruth_digest")
        )

    @property
    def encoder_folder(self) -> Path:
        """Where the encoder stands, a SentenceTransformer folder."""
        return self.folder / ENCODER_FOLDER

    @property
    def encoder_digest(self) -> str:
        """Digest that names the encoder; an index must have been built with the same."""
        return str(self.card.get("encoder_digest"))


def encoder_of(version: Path) -> str:
    """Read which encoder a model has, without loading it.

    Parameters
    ----------
    version : Path
        Its folder.

    Returns
    -------
    str
        The encoder's digest.

    Raises
    ------
    DamagedArtefactError
        If its card cannot be read.
    """
    return str(read_json(version / CARD_FILE).get("encoder_digest"))


def model_with_encoder(shelf: Path, digest: str, built_with: str) -> Model:
    """Take the model in charge if it has an index's encoder, else the model that the index was built with.

    Parameters
    ----------
    shelf : Path
        The folder of model versions.
    digest : str
        Of the encoder that the index was built with.
    built_with : str
        Version of the model that the index was built with.

    Returns
    -------
    Model
        With that encoder.

    Raises
    ------
    MismatchedArtefactError
        If neither is there with that encoder.
    DamagedArtefactError
        If a file of a model is absent or altered.
    """
    try:
        current = Model.load(current_version(shelf))
    except MissingArtefactError as error:
        problem = str(error)
    else:
        if current.encoder_digest == digest:
            return current
        problem = f"the model in charge, {current.version}, has another encoder than the index"
    if (shelf / built_with).is_dir():
        earlier = Model.load(shelf / built_with)
        if earlier.encoder_digest == digest:
            logger.warning("%s; using %s until onemaster rebuild is run", problem, earlier.version)
            return earlier
    raise MismatchedArtefactError(
        f"no model fits the index, which was built with the encoder {digest} of model {built_with} in {shelf}: "
        f"{problem}: run onemaster rebuild"
    )
