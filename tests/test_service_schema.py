"""Whatever the OpenAPI document allows, and what it does not: no 5xx, and every answer as it says."""

import shutil

import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from batch.dedupe import dedupe
from batch.local import LocalEngine
from catalog.artefacts import current_version
from catalog.paths import DataFolder
from catalog.store import Catalog
from matching.model import Model
from service.app import create_app
from service.settings import Settings

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
WITHOUT_PARAMETERS = ("/live", "/ready", "/version", "/metrics")
OPERATIONS = [
    *(("GET", path) for path in ("/", "/pairs", "/candidates", "/clusters", "/recordings/{sr_id}", "/labels/queue")),
    *(("GET", path) for path in WITHOUT_PARAMETERS),
    *(("POST", path) for path in ("/pairs", "/candidates", "/labels")),
]


@pytest.fixture(scope="module")
def document(tiny_data, tmp_path_factory):
    folder = DataFolder.at(shutil.copytree(tiny_data.root, tmp_path_factory.mktemp("schema") / "data"))
    with Catalog.open(folder.catalog, folder.copies) as catalog, LocalEngine(1) as engine:
        dedupe(catalog, Model.load(current_version(folder.models)), folder.dedupe, engine)
    app = create_app(Settings(folder))
    with TestClient(app):  # starts the application
        yield schemathesis.openapi.from_asgi("/openapi.json", app)


def test_every_route_is_tried(document):
    found = {(result.ok().method.upper(), result.ok().path) for result in document.get_all_operations()}
    assert found == set(OPERATIONS)


@pytest.mark.parametrize(
    ("method", "path", "mode"),
    [
        (*operation, mode)
        for operation in OPERATIONS
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
        if mode == GenerationMode.POSITIVE or operation[1] not in WITHOUT_PARAMETERS
    ],
)
def test_answers_are_what_the_document_says(document, method, path, mode):
    @given(case=document[path][method].as_strategy(generation_mode=mode))
    @settings(
        max_examples=100,
        deadline=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def ask(case):
        case.call_and_validate(checks=CHECKS)

    ask()
