"""Settings come from the environment once, and go to worker processes unchanged."""

from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from service.settings import Settings, environment


def test_without_an_environment_everything_stands_in_data():
    folder = Settings.from_environment({}).folder
    assert folder.root == Path("data")
    assert folder.catalog == Path("data/catalog.db")
    assert folder.models == Path("data/models")
    assert folder.index == Path("data/index")


def test_the_data_folder_moves_all_places_and_single_places_move_alone():
    folder = Settings.from_environment({"ONEMASTER_DATA": "/somewhere", "ONEMASTER_CATALOG": "/else/where.db"}).folder
    assert folder.catalog == Path("/else/where.db")
    assert folder.models == Path("/somewhere/models")
    assert folder.copies == Path("/somewhere/copies")


def test_empty_values_count_as_not_set():
    empty = dict.fromkeys(("ONEMASTER_DATA", "ONEMASTER_CATALOG", "ONEMASTER_MODELS", "ONEMASTER_INDEX"), "")
    assert Settings.from_environment(empty) == Settings.from_environment({})


def test_a_worker_process_reads_what_its_parent_wrote():
    named = {
        "ONEMASTER_DATA": "/somewhere",
        "ONEMASTER_CATALOG": "/a.db",
        "ONEMASTER_MODELS": "/models",
        "ONEMASTER_INDEX": "/index",
    }
    settings = Settings.from_environment(named)
    assert environment(settings.folder) == named
    assert Settings.from_environment(environment(settings.folder)) == settings


def test_settings_do_not_change():
    with pytest.raises(FrozenInstanceError):
        Settings.from_environment({}).folder = None
