"""The model for those who have no labels: the classifier trained on the embedded sample."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from catalog.artefacts import build_aside, current_version, one_at_a_time, publish
from catalog.errors import DamagedArtefactError, MismatchedArtefactError, MissingArtefactError
from catalog.manifest import read_json, sha256_file
from catalog.paths import DataFolder
from catalog.sample import holds_its_pairs, write_sample
from catalog.store import Catalog
from embeddings.encoder import FITTED, FITTED_ON, Encoder
from matching.model import (
    BASELINE_FILE,
    CARD_FILE,
    CLASSIFIER_FILE,
    ENCODER_FOLDER,
    LESSONS_FILE,
    RARITY_FILE,
    REPORT_FILE,
    Model,
)
from matching.rarity import Rarity
from training.card import encoder_provenance, write_card
from training.further import further_lessons
from training.holdout import TrainingData
from training.model_card import MODEL_CARD_FILE, write_model_card
from training.policy import Policy

if TYPE_CHECKING:
    from training.train import TrainOptions

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
        The checkout's data folder. If it holds no model of the sample, one is trained in its subfolder ``default``.

    Returns
    -------
    Model
        The default model.
    """
    own = DataFolder.at(home / "default")
    for folder in (own, DataFolder.at(home)):
        try:
            model = model_in_charge(folder)
        except (DamagedArtefactError, MismatchedArtefactError) as error:  # of an earlier version of onemaster, mostly
            logger.warning("the default model in %s cannot be used: %s", folder.models, error)
        else:
            if model and _is_of_the_sample(model, folder):
                return model
    logger.info("training the default classifier on the embedded sample, once, in %s", own.root)
    from training.train import TrainOptions, train  # noqa: PLC0415 - seconds, which only the first run needs

    write_sample(own.root)
    with Catalog.open(own.catalog, own.copies) as catalog:
        data = TrainingData(catalog, own.groundtruth, own.root)
        return train(data, None, own.models, TrainOptions(further=further_lessons())).model


def options_for(folder: DataFolder, home: Path, given: TrainOptions) -> TrainOptions:
    """Add what a training of a data folder starts from: the default model, or what the default model learns further.

    Parameters
    ----------
    folder : DataFolder
        Whose ground truth is to be learnt from.
    home : Path
        The checkout's data folder, for `default_model`.
    given : TrainOptions
        Everything else.

    Returns
    -------
    TrainOptions
        The embedded sample is what the default model itself is trained on.
    """
    if holds_its_pairs(folder.root, folder.groundtruth):
        return replace(given, further=further_lessons())
    return replace(given, start=default_model(home))


def _is_of_the_sample(model: Model, folder: DataFolder) -> bool:
    """Tell a model of the sample and the default encoder from one that somebody trained on other data there."""
    if not holds_its_pairs(folder.root, folder.groundtruth):
        return False
    card = model.card
    on_sample = card.get("groundtruth_digest") == sha256_file(folder.groundtruth) and card.get("encoder") == FITTED
    as_ever = card.get("policy") == asdict(Policy()) and not card.get("without") and card.get("further_lessons")
    return bool(on_sample and as_ever) and _has_curves(model) and (model.folder / LESSONS_FILE).is_file()


def _has_curves(model: Model) -> bool:
    """Tell whether its card has what /quality draws: that of a default model from before that was kept has not."""
    return bool(model.card.get("by_probability"))


@dataclass(frozen=True)
class IndexingModel:
    """What an index is built with.

    Attributes
    ----------
    encoder : Encoder
        With its digest.
    version : str
        Of the model that the encoder belongs to.
    publish : callable
        Puts the model in charge, if it is not yet.
    """

    encoder: Encoder
    version: str
    publish: Callable[[], Model]


@contextmanager
def model_to_index_with(folder: DataFolder, catalog: Catalog, home: Path) -> Iterator[IndexingModel]:
    """Take the model in charge of a data folder or, where it is none or an outdated default, make one of the default.

    Parameters
    ----------
    folder : DataFolder
        Where the model stands, or will.
    catalog : Catalog
        The catalogue to index.
    home : Path
        The checkout's data folder, for `default_model`.

    Yields
    ------
    IndexingModel
        One that was made is removed when the block ends, unless it was published.
    """
    try:
        model = model_in_charge(folder)
    except MismatchedArtefactError:
        if not _is_adapted(folder):
            raise
        model = None  # of an earlier version of onemaster, and made without labels: so is the next one
    if model and _is_adapted(folder) and not _has_curves(model):
        logger.info("the model in %s is an earlier default model, without curves: it is made anew", folder.models)
        model = None
    if model:
        yield IndexingModel(Encoder.load(model.encoder_folder), model.version, lambda: model)
    else:
        with adapted(default_model(home), catalog, folder.models) as new:
            yield new


def _is_adapted(folder: DataFolder) -> bool:
    return "adapted_from" in read_json(current_version(folder.models) / CARD_FILE)


@contextmanager
def adapted(default: Model, catalog: Catalog, shelf: Path) -> Iterator[IndexingModel]:
    """Make a model for a catalogue without labels: the default classifier on an encoder fitted to the catalogue.

    Parameters
    ----------
    default : Model
        Trained elsewhere, on the sample say.
    catalog : Catalog
        The catalogue to fit the encoder on.
    shelf : Path
        The folder of model versions of that catalogue.

    Yields
    ------
    IndexingModel
        With the default's classifier, baseline, figures and report, and its own encoder and rarity of words. What
        is not published when the block ends is removed.
    """
    logger.info("no model in %s: taking the default classifier and fitting an encoder on this catalogue", shelf)
    with build_aside(shelf) as building:
        encoder = Encoder.fit(catalog.drawn(FITTED_ON)).save(building / ENCODER_FOLDER)
        Rarity.fit(catalog.drawn(FITTED_ON)).save(building / RARITY_FILE)
        for name in (CLASSIFIER_FILE, BASELINE_FILE, REPORT_FILE):
            (building / name).write_bytes((default.folder / name).read_bytes())
        kept = {name: value for name, value in default.card.items() if name != "files"}
        card = {**kept, "adapted_from": default.version, **encoder_provenance(encoder, catalog)}
        write_model_card(building / MODEL_CARD_FILE, card)
        version = write_card(building, card)
        yield IndexingModel(encoder, version, lambda: _published(building, shelf, version))


def _published(building: Path, shelf: Path, version: str) -> Model:
    with one_at_a_time(shelf):
        return Model.load(publish(building, shelf, version))
