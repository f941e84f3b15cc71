"""What tests share: no network, and one small sample catalogue with its model and its index."""

import os

# Set before any test module imports sentence_transformers, which reads it once.
os.environ["HF_HUB_OFFLINE"] = "1"

import pytest
import tiny
from fastapi.testclient import TestClient

from catalog.paths import DataFolder
from catalog.sample import write_sample
from catalog.store import Catalog
from embeddings.encoder import Encoder
from index.rebuild import rebuild
from matching.matcher import Matcher
from service.app import create_app
from service.settings import Settings
from training.train import TrainingData, train


@pytest.fixture(scope="session")
def sample_folder(tmp_path_factory):
    """A data folder as `onemaster sample`, `train` and `rebuild` leave it; tests only read it."""
    folder = DataFolder.at(tmp_path_factory.mktemp("sample"))
    write_sample(folder.root, 3_000, 1_600, 20)
    with Catalog.open(folder.catalog, folder.copies) as catalog:
        model = train(TrainingData(catalog, folder.groundtruth, folder.root), None, folder.models).model
        rebuild(catalog, Encoder.load(model.encoder_folder), model.version, folder.index)
    return folder


@pytest.fixture(scope="session")
def matcher(sample_folder):
    opened = Matcher.open(sample_folder)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory):
    """A trained and indexed data folder of chosen recordings for the service; tests only read it."""
    return tiny.build(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def client(tiny_data):
    """An HTTP client of the service on the tiny data folder; what the service fails to answer raises here."""
    with TestClient(create_app(Settings(tiny_data))) as started:
        yield started
