"""/quality: figures, curves and thresholds of the model in charge."""

import json
import math
import shutil

import numpy as np
import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from test_pages import IN_A_BROWSER, Page

from catalog.artefacts import current_version, put_in_charge
from catalog.manifest import read_json, write_json
from catalog.paths import DataFolder
from matching.model import CARD_FILE
from service.app import create_app
from service.metrics import MeasuredDrift, by_chance, drift
from service.pages.thresholds import STEPS, Counts
from service.settings import Settings
from training.calibration import FINE_BINS, counts_by_probability

pairs = st.lists(st.tuples(st.integers(0, STEPS).map(lambda step: step / STEPS), st.booleans()), max_size=60)


@given(pairs)
def test_outcomes_are_those_of_judging_by_each_threshold(judged):
    probabilities, valid = np.array([p for p, _ in judged], float), np.array([v for _, v in judged], bool)
    counts = Counts.of({"by_probability": {"onemaster": counts_by_probability(probabilities, valid)}}, "onemaster")
    assert FINE_BINS == STEPS
    for outcome in counts.outcomes()[:-1]:
        decided = probabilities >= outcome.threshold
        assert outcome.right_valid == (decided & valid).sum()
        assert outcome.wrong_valid == (decided & ~valid).sum()
        assert outcome.right_invalid == (~decided & ~valid).sum()
        assert outcome.wrong_invalid == (~decided & valid).sum()
        assert outcome.cost(3, 2) == 3 * outcome.wrong_valid + 2 * outcome.wrong_invalid
    assert all(
        0 <= point.x <= 300 and 0 <= point.y <= 300 for point in counts.precision_recall() + counts.calibration()
    )


def test_a_calibrated_model_lies_on_the_diagonal():
    counts = Counts(tuple(range(STEPS)), tuple(STEPS - 1 - step for step in range(STEPS)))
    assert all(abs(point.x + point.y - 300) < 3 for point in counts.calibration())


@pytest.mark.parametrize(
    "kept",
    [
        None,
        [],
        {},
        {"onemaster": []},
        {"onemaster": {"valid": [1]}},
        {"onemaster": {"valid": ["1"] * 200, "invalid": []}},
    ],
)
def test_what_an_older_model_lacks_is_not_made_up(kept):
    assert Counts.of({"by_probability": kept}, "onemaster") is None
    assert Counts.of({}, "onemaster") is None


def test_the_page_shows_what_a_threshold_would_cost(client, tiny_data):
    card = read_json(current_version(tiny_data.models) / CARD_FILE)
    page = Page(client.get("/quality", headers=IN_A_BROWSER))
    assert f"{card['figures']['classifier']['accuracy']:.4f}" in page.text
    everything = Page(client.get("/quality", params={"threshold": 0, "wrong_valid": 7, "wrong_invalid": 1}))
    test = card["pairs"]["test"]
    wrong = test["n_pairs"] - test["n_valid"]
    assert f"{wrong * 7:,.0f}" in everything.text
    assert everything.fields["wrong_valid"] == "7.0"
    for wanted in ({"threshold": 2}, {"wrong_valid": "much"}, {"wrong_invalid": -1}):
        refused = client.get("/quality", params=wanted)
        assert refused.status_code == 422
        Page(refused)


@pytest.mark.parametrize("has_the_pairs", [False, True])
def test_figures_of_another_catalogue_are_told_from_ones_own(tiny_data, unlabelled_data, tmp_path, has_the_pairs):
    folder = DataFolder.at(shutil.copytree(unlabelled_data.root, tmp_path / "data"))
    if has_the_pairs:
        shutil.copy(tiny_data.groundtruth, folder.groundtruth)
    with TestClient(create_app(Settings(folder))) as client:
        shown = Page(client.get("/quality")).text
    warned = (
        "Nothing was measured on this catalogue",
        "embedded sample",
        f"evaluate --groundtruth FILE --data {folder.root}",
    )
    for words in (*warned, "The answers are compared with the sample's pairs"):
        assert (words in shown) is not has_the_pairs
    assert ("that it did not learn from" in shown) is has_the_pairs


def test_a_model_that_was_trained_on_the_catalogue_gets_no_warning(client):
    assert "Nothing was measured" not in Page(client.get("/quality")).text


def test_the_report_is_shown_as_it_was_written(client, tiny_data):
    answer = client.get("/quality/report")
    assert answer.content == (current_version(tiny_data.models) / "report.html").read_bytes()
    assert "script-src" not in answer.headers["content-security-policy"]
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_drift_is_shown_with_what_it_rests_on(tiny_data, tmp_path):
    # Another model, since what was counted is counted for as long as this process lives.
    folder = DataFolder.at(shutil.copytree(tiny_data.root, tmp_path / "data"))
    version = current_version(folder.models).name
    (folder.models / version).rename(folder.models / f"{version}x")
    put_in_charge(folder.models, f"{version}x")
    with TestClient(create_app(Settings(folder))) as client:
        client.app.state.matcher_source.opened.matcher.recordings.take(["123"])
        assert "No match probability was counted" in Page(client.get("/quality")).text
        client.get("/", params={"q_sr_id": "123", "m_sr_id": "456"})
        shown = Page(client.get("/quality")).text
        assert "Too few answers to tell" in shown
        assert "over one match probability counted" in shown
        pairs = [{"q_sr_id": f"q{n % 48}", "m_sr_id": f"{side}{n % 48}"} for n in range(500) for side in "mc"]
        client.post("/pairs", json={"pairs": pairs})
        assert "over 1,001 match probabilities" in Page(client.get("/quality")).text


@pytest.mark.parametrize(("n", "m"), [(300, 3_000), (2_000, 2_000)])
def test_by_chance_drift_is_seldom_larger_than_is_said(n, m):
    random = np.random.default_rng(7)
    for shares in (np.full(10, 0.1), np.array([0.55, 0.03, 0.02, 0.01, 0.01, 0.01, 0.01, 0.02, 0.04, 0.3])):
        drifts = [drift(random.multinomial(n, shares), random.multinomial(m, shares)) for _ in range(400)]
        exceeded = np.mean(np.array(drifts) > by_chance(n, m))
        assert 0 < exceeded < 0.09


def test_few_answers_and_an_unknown_distribution_tell_nothing():
    assert MeasuredDrift(0.2, 50, by_chance(50, 3_000)).is_too_thin
    assert not MeasuredDrift(0.2, 1_000, by_chance(1_000, 3_000)).is_too_thin
    assert MeasuredDrift(math.nan, 0, by_chance(0, 3_000)).is_too_thin


def test_a_model_without_curves_says_how_to_get_them(tiny_data, tmp_path):
    folder = DataFolder.at(shutil.copytree(tiny_data.root, tmp_path / "data"))
    path = current_version(folder.models) / CARD_FILE
    card = read_json(path)
    assert json.dumps(card["by_probability"])
    path.unlink()
    write_json(
        path, {name: value for name, value in card.items() if name not in {"by_probability", "phenomena", "intervals"}}
    )
    with TestClient(create_app(Settings(folder))) as client:
        assert "train again to see them" in Page(client.get("/quality")).text
