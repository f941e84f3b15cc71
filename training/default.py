"""The model for those who have no labels: the classifier trained on the embedded sample."""

from __future__ import annotations

import logging
from pathlib import Path

from catalog.artefacts import build_aside, current_version
from catalog.errors import MissingArtefactError
from catalog.paths import DataFolder
from catalog.sample import write_sample
from catalog.store import Catalog
from embeddings.encoder import Encoder
from matching.model import BASELINE_FILE, CLASSIFIER_FILE, ENCODER_FOLDER, REPORT_FILE, Model
from training.train import TrainingData, publish_model, train

logger = logging.getLogger(__name__)


def model_in_charge(folder: DataFolder) -> Model | None:
    """Open the published model of a data folder.

    Parameters
    ----------
    folder : DataFolder
        Where it stands.

    Returns
    -------
    Model or None
        ``None`` if none is published there yet.

    Raises
    ------
    DamagedArtefactError
        If a file of it is absent or altered.
    """
    try:
        return Model.load(current_version(folder.models))
    except MissingArtefactError:
        return None


def default_model(home: Path) -> Model:
    """Find the model that setup trained on the sample, or train it, once.

    Parameters
    ----------
    home : Path
        The checkout's data folder. If it holds no model, one is trained in its subfolder ``default``.

    Returns
    -------
    Model
        The default model.
    """
    own = DataFolder.at(home / "default")
    for folder in (own, DataFolder.at(home)):
        if model := model_in_charge(folder):
            return model
    logger.info("training the default classifier on the embedded sample, once, in %s", own.root)
    write_sample(own.root)
    with Catalog.open(own.catalog, own.copies) as catalog:
        return train(TrainingData(catalog, own.groundtruth), None, own.models).model


def adapt(default: Model, catalog: Catalog, shelf: Path) -> Model:
    """Publish a model for a catalogue without labels: the default classifier on an encoder fitted to the catalogue.

    Parameters
    ----------
    default : Model
        Trained elsewhere, on the sample say.
    catalog : Catalog
        The catalogue to fit the encoder on.
    shelf : Path
        The folder of model versions of that catalogue.

    Returns
    -------
    Model
        With the default's classifier, baseline, figures and report, and its own encoder.
    """
    logger.info("no model in %s: taking the default classifier and fitting an encoder on this catalogue", shelf)
    with build_aside(shelf) as building:
        encoder = Encoder.fit(catalog).save(building / ENCODER_FOLDER)
        for name in (CLASSIFIER_FILE, BASELINE_FILE, REPORT_FILE):
            (building / name).write_bytes((default.folder / name).read_bytes())
        kept = {name: value for name, value in default.card.items() if name != "files"}
        card = {**kept, "adapted_from": default.version, "encoder_digest": encoder.digest}
        return publish_model(building, shelf, card)
