"""/quality: figures, curves and thresholds of the model in charge."""

import html
import json
import math
import re
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
from catalog.sample.phenomena import IN_WORDS
from matching.model import CARD_FILE, Model
from service.app import create_app
from service.metrics import MeasuredDrift, by_chance, drift
from service.pages.quality import _MEASURES
from service.pages.thresholds import STEPS, Counts
from service.settings import Settings
from training.calibration import FINE_BINS, counts_by_probability
from training.holdout import HELD_OUT, LEARNT_FROM, LINKED

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


@pytest.fixture
def served_sample(sample_folder):
    with TestClient(create_app(Settings(sample_folder))) as started:
        yield started


def test_figures_curves_and_phenomena_are_on_the_page(served_sample, sample_folder):
    card = read_json(current_version(sample_folder.models) / CARD_FILE)
    answer = served_sample.get("/quality", params={"threshold": 0.25})
    page, counts = Page(answer), Counts.of(card, "onemaster")
    for name, words in _MEASURES.items():
        assert f'{words}</th><td class="interval">{card["intervals"][name]["onemaster"]["value"]:.4f}' in answer.text
    assert (answer.text.count('<polyline class="curve-onemaster"'), answer.text.count('class="curve-baseline"')) == (
        2,
        1,
    )
    for point in (counts.precision_recall()[3], counts.calibration()[0]):
        assert f"{point.x},{point.y} " in answer.text
    assert answer.text.count("<circle") == len(counts.calibration()) > 3
    assert counts.calibration()[0].words in page.text
    assert '<strong id="from">0.250</strong>' in answer.text
    assert "0.250 (where the slider stands)" in page.text
    assert f"(the model's own, {card_threshold(sample_folder):.4f}, to the nearest step)" in page.text


def card_threshold(folder):
    return Model.load(current_version(folder.models)).classifier.threshold


def test_the_ten_worst_phenomena_are_seen_and_the_others_folded_up(served_sample, sample_folder):
    listed = read_json(current_version(sample_folder.models) / CARD_FILE)["phenomena"]
    seen, folded = served_sample.get("/quality").text.split("<details>")
    rows = re.compile(r'<th scope="row">([^<]*) <code>(\w+)</code></th><td class="number">(\d+)</td>')
    shown = [(name, int(pairs)) for _, name, pairs in rows.findall(seen) + rows.findall(folded)]
    assert shown == [(each["phenomenon"], each["n_pairs"]) for each in listed]
    assert len(rows.findall(seen)) == 10
    assert f"<summary>{len(listed) - 10} more" in folded
    assert all(html.unescape(words) == IN_WORDS[name] for words, name, _ in rows.findall(seen + folded))


def test_phenomena_of_ones_own_keep_their_names(tiny_data, tmp_path):
    folder = DataFolder.at(shutil.copytree(tiny_data.root, tmp_path / "data"))
    path = current_version(folder.models) / CARD_FILE
    card, right = read_json(path), {"right": {"value": 0.5, "low": 0.1, "high": 0.9}}
    own = {"phenomenon": "our_own_kind", "n_pairs": 4, "onemaster": right, "baseline": right}
    path.unlink()
    write_json(path, {**card, "phenomena": [own]})
    with TestClient(create_app(Settings(folder))) as client:
        shown = client.get("/quality").text
    assert (
        '<th scope="row">our_own_kind</th><td class="number">4</td><td class="interval">0.5000 (0.1000 to 0.9000)'
        in shown
    )
    assert "<details>" not in shown


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


@pytest.mark.parametrize(
    ("tested_on", "said"),
    [
        (HELD_OUT, "that it did not learn from. "),
        (LINKED, "that it did not learn from, of recordings that other pairs were learnt from. "),
        (LEARNT_FROM, "that it learnt from, since there were too few to hold any back: it may do worse on others. "),
    ],
)
def test_what_the_figures_were_measured_on_is_said(tiny_data, tmp_path, tested_on, said):
    folder = DataFolder.at(shutil.copytree(tiny_data.root, tmp_path / "data"))
    path = current_version(folder.models) / CARD_FILE
    card = read_json(path)
    path.unlink()
    write_json(path, card | {"tested_on": tested_on})
    with TestClient(create_app(Settings(folder))) as client:
        assert said in Page(client.get("/quality")).text


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


def without_curves(model):
    card = read_json(model / CARD_FILE)
    assert json.dumps(card["by_probability"])
    (model / CARD_FILE).unlink()
    older = {"by_probability", "phenomena", "intervals", "probability_histogram"}
    write_json(model / CARD_FILE, {name: value for name, value in card.items() if name not in older})


def test_a_model_without_curves_says_how_to_get_them(tiny_data, tmp_path):
    folder = DataFolder.at(shutil.copytree(tiny_data.root, tmp_path / "data"))
    without_curves(current_version(folder.models))
    with TestClient(create_app(Settings(folder))) as client:
        page = client.get("/quality")
    assert f"train again with onemaster train --data {folder.root} to see them" in Page(page).text
    assert page.text.count("<circle") == page.text.count("<polyline") == 0


def test_who_has_no_labels_is_not_told_to_train_but_how_the_default_model_is_renewed(unlabelled_data, tmp_path):
    folder = DataFolder.at(shutil.copytree(unlabelled_data.root, tmp_path / "data"))
    without_curves(current_version(folder.models))
    with TestClient(create_app(Settings(folder))) as client:
        shown = Page(client.get("/quality")).text
    assert f"run onemaster rebuild --data {folder.root}, which makes the default model anew, to see them" in shown
    assert "train again" not in shown
