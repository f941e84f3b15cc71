"""A published model: the encoder's folder, the classifier, the baseline and what is known of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from catalog.artefacts import read_json, verify
from catalog.errors import DamagedArtefactError
from matching.baseline import BASELINE_FEATURES
from matching.classifier import PairClassifier
from matching.features import FEATURES

CARD_FILE = "model.json"
CLASSIFIER_FILE = "classifier.json"
BASELINE_FILE = "baseline.json"
REPORT_FILE = "report.html"
ENCODER_FOLDER = "encoder"
FORMAT = 1


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
        On the five features.
    baseline : PairClassifier
        On the nineteen fuzzy features, for comparison.
    card : dict
        Content of model.json: figures, digests, seeds, versions.
    """

    version: str
    folder: Path
    classifier: PairClassifier
    baseline: PairClassifier
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
            If the classifier was trained on other features than this version of onemaster computes.
        """
        card = read_json(folder / CARD_FILE)
        files = card.get("files")
        if card.get("format") != FORMAT or not isinstance(files, dict):
            raise DamagedArtefactError(
                f"expected a model of format {FORMAT} in {folder}, found format {card.get('format')!r}: "
                "run onemaster train"
            )
        verify(folder, files)
        classifier = PairClassifier.from_json(read_json(folder / CLASSIFIER_FILE), FEATURES)
        baseline = PairClassifier.from_json(read_json(folder / BASELINE_FILE), BASELINE_FEATURES)
        return cls(folder.name, folder, classifier, baseline, card)

    @property
    def encoder_folder(self) -> Path:
        """Where the encoder stands, a SentenceTransformer folder."""
        return self.folder / ENCODER_FOLDER

    @property
    def encoder_digest(self) -> str:
        """Digest that names the encoder; an index must have been built with the same."""
        return str(self.card["encoder_digest"])
