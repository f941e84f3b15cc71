"""What tests share: no network, and one small sample catalogue with its model and its index."""

import os
import signal
from dataclasses import dataclass

# Set before any test module imports sentence_transformers, which reads it once.
os.environ["HF_HUB_OFFLINE"] = "1"

import numpy as np
import pytest
import tiny
from fastapi.testclient import TestClient
from hypothesis import settings

from catalog.artefacts import current_version
from catalog.paths import DataFolder
from catalog.sample import write_sample
from catalog.store import Catalog
from embeddings.encoder import Encoder
from index.exact import pair_cosines
from index.rebuild import rebuild
from matching.matcher import Matcher
from matching.model import Model
from service.app import create_app
from service.settings import Settings
from training.default import default_model
from training.further import further_lessons
from training.holdout import TrainingData
from training.train import TrainOptions, train

# How long an example takes says nothing here: machines are shared.
settings.register_profile("shared machines", deadline=None)
settings.load_profile("shared machines")


@pytest.fixture
def interruptible():
    """Lets SIGINT reach the processes that a test starts: shells start background jobs with it ignored, for good."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def sample_folder(tmp_path_factory):
    """A data folder as `onemaster sample`, `train` and `rebuild` leave it, with fewer lessons; tests only read it."""
    folder = DataFolder.at(tmp_path_factory.mktemp("sample"))
    write_sample(folder.root, 3_000, 1_600, 20)
    with Catalog.open(folder.catalog, folder.copies) as catalog:
        data, options = (
            TrainingData(catalog, folder.groundtruth, folder.root),
            TrainOptions(further=further_lessons(1_000)),
        )
        model = train(data, None, folder.models, options).model
        rebuild(catalog, Encoder.load(model.encoder_folder), model.version, folder.index)
    return folder


@pytest.fixture(scope="session")
def matcher(sample_folder):
    opened = Matcher.open(sample_folder)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def default_model_folder(tmp_path_factory):
    """The data folder of the default model, trained on the whole sample as on a fresh machine; it takes minutes."""
    home = tmp_path_factory.mktemp("home")
    default_model(home)
    return DataFolder.at(home / "default")


@dataclass(frozen=True)
class Judge:
    """The default model: two columns of recordings to match probabilities, without a catalogue or an index."""

    model: Model
    encoder: Encoder

    @property
    def threshold(self):
        return self.model.classifier.threshold

    def __call__(self, q, m):
        vectors = [self.encoder.encode(side).astype(np.float16) for side in (q, m)]
        return self.model.classifier.match_probabilities(self.model.features(q, m, pair_cosines(*vectors)))


@pytest.fixture(scope="session")
def default_judge(default_model_folder):
    model = Model.load(current_version(default_model_folder.models))
    return Judge(model, Encoder.load(model.encoder_folder))


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory):
    """A trained and indexed data folder of chosen recordings for the service; tests only read it."""
    return tiny.build(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def unlabelled_data(tiny_data, tmp_path_factory):
    """A data folder without labelled pairs, which has taken over the model of `tiny_data`; tests only read it."""
    return tiny.build_without_labels(tmp_path_factory.mktemp("unlabelled"), tiny_data)


@pytest.fixture(scope="module")  # a service that runs on looks, logs and fails amid the next module's tests
def client(tiny_data):
    """An HTTP client of the service on the tiny data folder; what the service fails to answer raises here."""
    with TestClient(create_app(Settings(tiny_data))) as started:
        yield started
