"""The whole training, and the one path that every decision takes."""

import json
import re
import shutil
from itertools import pairwise

import numpy as np
import pytest

from catalog.artefacts import current_version
from catalog.errors import DamagedArtefactError, GroundTruthError, MismatchedArtefactError, UnknownRecordingError
from catalog.paths import DataFolder
from catalog.recording import Recording
from catalog.store import Catalog, write_catalog
from embeddings.encoder import Encoder
from index.rebuild import rebuild
from index.snapshot import pair_cosines
from matching.features import pair_features
from matching.matcher import Matcher, decide
from matching.model import Model
from training.default import adapted, default_model
from training.evaluate import evaluate_matcher, evaluate_probabilities, pair_completeness
from training.pairs import read_groundtruth
from training.train import TrainingData, train


@pytest.fixture(scope="module")
def pairs(sample_folder, matcher):
    return read_groundtruth(sample_folder.groundtruth, matcher.catalog)


def test_the_users_example_comes_out_right(matcher):
    assert matcher.classify("123", "456").decided == "valid"
    assert matcher.classify("123", "789").decided == "invalid"
    assert matcher.classify("456", "789").decided == "invalid"
    assert matcher.candidates("123", 5)[0].m.sr_id == "456"


def test_the_example_is_not_among_the_pairs_learnt_from(pairs):
    example = {"123", "456", "789"}
    assert not any({q.sr_id, m.sr_id} <= example for q, m in zip(pairs.q, pairs.m, strict=True))


def test_the_order_of_the_two_never_changes_the_answer(matcher, pairs):
    ids = [(q.sr_id, m.sr_id) for q, m in zip(pairs.q[:300], pairs.m[:300], strict=True)]
    forth, back = matcher.classify_many(ids), matcher.classify_many([(m, q) for q, m in ids])
    assert [d.match_probability for d in forth] == [d.match_probability for d in back]
    assert [d.features for d in forth] == [d.features for d in back]


def test_one_pair_is_judged_the_same_alone_in_a_batch_and_as_a_candidate(matcher, pairs):
    ids = [(q.sr_id, m.sr_id) for q, m in zip(pairs.q[:100], pairs.m[:100], strict=True)]
    assert [matcher.classify(*pair) for pair in ids] == matcher.classify_many(ids)
    for q, _ in ids[:20]:
        candidates = matcher.candidates(q, 100)
        assert len(candidates) == 100
        assert candidates == matcher.classify_many([(q, candidate.m.sr_id) for candidate in candidates])


def test_a_recording_and_itself_are_valid_even_without_any_text(tmp_path, sample_folder):
    folder = DataFolder.at(tmp_path, models=sample_folder.models)
    write_catalog(folder.catalog, [{"sr_id": "empty"}, {"sr_id": "other", "title": "Other"}])
    model = Model.load(current_version(folder.models))
    with Catalog.open(folder.catalog, folder.copies) as catalog:
        rebuild(catalog, Encoder.load(model.encoder_folder), model.version, folder.index)
    with Matcher.open(folder) as matcher:
        decision = matcher.classify("empty", "empty")
        assert matcher.candidates("empty", 5) == []
    assert (decision.decided, decision.match_probability, decision.needs_review) == ("valid", 1.0, False)
    assert decision.features["cosine"] is None


def indexed(folder, rows):
    """A catalogue of these rows, indexed with the encoder of the folder's model."""
    write_catalog(folder.catalog, rows)
    model = Model.load(current_version(folder.models))
    with Catalog.open(folder.catalog, folder.copies) as catalog:
        rebuild(catalog, Encoder.load(model.encoder_folder), model.version, folder.index)
    return Matcher.open(folder)


def test_a_recording_without_text_is_judged_the_same_as_a_candidate(tmp_path, sample_folder):
    rows = [
        {"sr_id": "a", "title": "Yesterday", "artists": "Beatles"},
        {"sr_id": "b", "isrcs": "GBAYE6500521"},
        {"sr_id": "c", "title": "Help", "artists": "Beatles", "isrcs": "GBAYE6500521"},
    ]
    with indexed(DataFolder.at(tmp_path, models=sample_folder.models), rows) as matcher:
        for q in "abc":
            candidates = matcher.candidates(q, 5)
            assert candidates == matcher.classify_many([(q, candidate.m.sr_id) for candidate in candidates])
        assert "b" in [candidate.m.sr_id for candidate in matcher.candidates("c", 5)]
        assert matcher.candidates("b", 5) == []
        assert pair_completeness(matcher.snapshot, ["b"], ["b"]).value == 0


def test_with_few_pairs_nothing_is_tested_on_what_was_learnt(sample_folder, tmp_path):
    rows = sample_folder.groundtruth.read_text().splitlines()
    (tmp_path / "some.csv").write_text("\n".join(rows[:151]))
    with Catalog.open(sample_folder.catalog, tmp_path) as catalog:
        card = train(TrainingData(catalog, tmp_path / "some.csv", tmp_path), None, tmp_path / "models").model.card
    assert sum(part["n_pairs"] for part in card["pairs"].values()) == 150
    assert card["tested_on"] == "held-out pairs"


def test_pairs_that_are_all_linked_are_split_pair_by_pair_and_the_figures_say_so(sample_folder, tmp_path, matcher):
    ids = matcher.snapshot.ids_of(np.arange(300))
    lines = [f"{q},{m},{'valid' if row % 2 else 'invalid'}" for row, (q, m) in enumerate(pairwise(ids))]
    (tmp_path / "chain.csv").write_text("\n".join(["q_source_id,m_source_id,tag", *lines]))
    with Catalog.open(sample_folder.catalog, tmp_path) as catalog:
        report = train(TrainingData(catalog, tmp_path / "chain.csv", tmp_path), None, tmp_path / "models")
    assert report.model.card["tested_on"] == "held-out pairs of recordings that other pairs were learnt from"
    assert sum(part["n_pairs"] for part in report.model.card["pairs"].values()) == 299
    assert min(part["n_pairs"] for part in report.model.card["pairs"].values()) > 30


def test_one_large_component_is_learnt_from_not_tested_on(sample_folder, tmp_path, matcher):
    """Invalid pairs drawn at random tie many recordings together; the rest is enough to test on."""
    ids = matcher.snapshot.ids_of(np.arange(2_000))
    tied = [f"{q},{m},{'valid' if row % 2 else 'invalid'}" for row, (q, m) in enumerate(pairwise(ids[:200]))]
    rows = sample_folder.groundtruth.read_text().splitlines()
    (tmp_path / "tied.csv").write_text("\n".join([*rows, *tied]))
    for seed in range(4):
        with Catalog.open(sample_folder.catalog, tmp_path) as catalog:
            data = TrainingData(catalog, tmp_path / "tied.csv", tmp_path)
            card = train(data, None, tmp_path / "models", seed).model.card
        assert card["tested_on"] == "held-out pairs"
        assert card["pairs"]["train"]["n_pairs"] > card["pairs"]["validation"]["n_pairs"] > 100
        assert card["pairs"]["train"]["n_pairs"] > card["pairs"]["test"]["n_pairs"] > 100


def test_a_catalogue_that_lacks_whole_columns_is_judged_all_the_same(matcher, pairs):
    """The sample's own habits of leaving fields out must not pass for evidence elsewhere."""
    q_rows = matcher.snapshot.rows_of([recording.sr_id for recording in pairs.q])
    m_rows = matcher.snapshot.rows_of([recording.sr_id for recording in pairs.m])
    features = pair_features(pairs.q, pairs.m, matcher.snapshot.cosines(q_rows, m_rows))
    classifier = matcher.model.classifier
    for columns in ([3], [4], [3, 4]):
        masked = features.copy()
        masked[:, columns] = np.nan
        figures = evaluate_probabilities(classifier.match_probabilities(masked), pairs.valid, classifier.threshold)
        assert figures.recall > 0.85
        assert figures.precision > 0.85


def test_a_model_that_somebody_trained_there_is_not_the_default(sample_folder, tmp_path):
    home = tmp_path / "home"
    shutil.copytree(sample_folder.root, home)
    assert default_model(home).folder == current_version(home / "models")
    shutil.copytree(current_version(home / "models"), home / "default" / "models" / "theirs")
    (home / "default" / "models" / "CURRENT").write_text("theirs")
    shutil.copy(home / "truth.csv", home / "default")
    (home / "default" / "groundtruth.csv").write_text("q_source_id,m_source_id,tag\n1,2,valid\n")
    assert default_model(home).folder == current_version(home / "models")


def test_candidates_are_most_probable_first_and_never_the_query(matcher):
    decisions = matcher.candidates("456", 30)
    probabilities = [decision.match_probability for decision in decisions]
    assert probabilities == sorted(probabilities, reverse=True)
    assert len(decisions) == 30
    assert "456" not in [decision.m.sr_id for decision in decisions]


@pytest.mark.parametrize("unknown", ["nobody", "", "\ud800", "a\0b"])
def test_unknown_ids_are_named(matcher, unknown):
    with pytest.raises(UnknownRecordingError):
        matcher.classify("123", unknown)
    with pytest.raises(UnknownRecordingError):
        matcher.candidates(unknown, 5)


def test_contributions_explain_every_decision(matcher, pairs):
    for decision in matcher.classify_many([("123", "456"), ("123", "789"), (pairs.q[0].sr_id, pairs.m[0].sr_id)]):
        log_odds = np.log(decision.match_probability / (1 - decision.match_probability))
        assert sum(decision.contributions.values()) == pytest.approx(log_odds, abs=1e-6)


def test_the_model_card_says_what_the_model_was_made_from(sample_folder, matcher):
    card = matcher.model.card
    assert card["seed"] == 20
    assert card["catalog_digest"] == matcher.catalog.digest()
    assert card["encoder_digest"] == matcher.snapshot.manifest["encoder_digest"]
    assert set(card["versions"]) >= {"python", "torch", "scikit-learn"}
    assert sum(part["n_pairs"] for part in card["pairs"].values()) == 1_600
    assert set(card["figures"]) == {"classifier", "baseline"}
    assert not list(matcher.model.folder.rglob("*.pkl"))


def test_the_report_needs_nothing_else_and_names_errors_in_words(matcher):
    page = (matcher.model.folder / "report.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 2
    assert not re.search(r"<(script|link|img|iframe)\b", page)
    assert re.search(r"Labelled (in)?valid, decided (in)?valid at probability \d\.\d{3}: ", page)


def test_training_twice_gives_the_same_model(sample_folder, tmp_path):
    with Catalog.open(sample_folder.catalog, tmp_path) as catalog:
        again = train(TrainingData(catalog, sample_folder.groundtruth, tmp_path), None, tmp_path / "models").model
    first = Model.load(current_version(sample_folder.models))
    assert again.classifier.to_json() == first.classifier.to_json()
    assert again.encoder_digest == first.encoder_digest
    assert again.card["figures"] == first.card["figures"]


def test_the_stored_threshold_was_not_chosen_on_the_test_pairs(matcher, sample_folder, tmp_path):
    """Turning every label of the test part around changes the figures and nothing of the model."""
    folder = DataFolder.at(tmp_path, catalog=sample_folder.catalog)
    rows = sample_folder.groundtruth.read_text().splitlines()
    with Catalog.open(folder.catalog, folder.copies) as catalog:
        parts = {"train": rows[1:1_200], "test": rows[1_200:]}
        turned = [
            row.replace(",valid", ",?").replace(",invalid", ",valid").replace(",?", ",invalid") for row in parts["test"]
        ]
        models = []
        for name, test in (("as it is", parts["test"]), ("turned", turned)):
            (tmp_path / "train.csv").write_text("\n".join([rows[0], *parts["train"]]))
            (tmp_path / "test.csv").write_text("\n".join([rows[0], *test]))
            data = TrainingData(catalog, tmp_path / "train.csv", tmp_path, tmp_path / "test.csv")
            models.append(train(data, None, tmp_path / name))
    assert models[0].model.classifier.to_json() == models[1].model.classifier.to_json()
    assert models[0].evaluation.accuracy == pytest.approx(1 - models[1].evaluation.accuracy)


def test_test_pairs_that_were_learnt_from_do_not_count(sample_folder, tmp_path, caplog):
    rows = sample_folder.groundtruth.read_text().splitlines()
    (tmp_path / "test.csv").write_text("\n".join([rows[0], *rows[1_100:1_400]]))
    (tmp_path / "train.csv").write_text("\n".join(rows[:1_201]))
    with Catalog.open(sample_folder.catalog, tmp_path) as catalog:
        report = train(
            TrainingData(catalog, tmp_path / "train.csv", tmp_path, tmp_path / "test.csv"), None, tmp_path / "models"
        )
    assert report.evaluation.n_pairs == 199
    assert "101 test pairs are also among the pairs to learn from" in caplog.text


@pytest.mark.parametrize(
    ("test_pair", "tested_on"),
    [
        ("c,d", "held-out pairs"),
        ("a,d", "held-out pairs of recordings that other pairs were learnt from"),
        ("b,a", "the pairs learnt from"),
    ],
)
def test_what_test_pairs_share_with_those_learnt_from_is_said(tmp_path, test_pair, tested_on):
    write_catalog(tmp_path / "catalog.db", ({"sr_id": letter, "title": f"Title {letter}"} for letter in "abcdefg"))
    (tmp_path / "train.csv").write_text("q_source_id,m_source_id,tag\na,b,valid\ne,f,invalid\n")
    (tmp_path / "test.csv").write_text(f"q_source_id,m_source_id,tag\n{test_pair},valid\n")
    with Catalog.open(tmp_path / "catalog.db", tmp_path) as catalog:
        data = TrainingData(catalog, tmp_path / "train.csv", tmp_path, tmp_path / "test.csv")
        assert train(data, None, tmp_path / "models").model.card["tested_on"] == tested_on


def test_a_handful_of_pairs_is_enough_to_train(sample_folder, tmp_path, caplog):
    rows = sample_folder.groundtruth.read_text().splitlines()
    valid = [row for row in rows if row.endswith(",valid")][:3]
    invalid = [row for row in rows if row.endswith(",invalid")][:3]
    (tmp_path / "few.csv").write_text("\n".join([rows[0], *valid, *invalid, "123,nobody,valid"]))
    with Catalog.open(sample_folder.catalog, tmp_path) as catalog:
        report = train(TrainingData(catalog, tmp_path / "few.csv", tmp_path), None, tmp_path / "models")
    assert report.model.card["pairs"]["train"] == {"n_pairs": 6, "n_valid": 3}
    assert "too few pairs can be held back" in caplog.text
    assert "nobody" in (tmp_path / "groundtruth.rejected.csv").read_text()
    assert report.model.card["tested_on"] == "the pairs learnt from"


def test_one_kind_of_pairs_stops_the_training_and_publishes_nothing(sample_folder, tmp_path):
    rows = sample_folder.groundtruth.read_text().splitlines()
    (tmp_path / "one.csv").write_text("\n".join([rows[0], *(row for row in rows if row.endswith(",valid"))]))
    with Catalog.open(sample_folder.catalog, tmp_path) as catalog, pytest.raises(GroundTruthError, match="0 invalid"):
        train(TrainingData(catalog, tmp_path / "one.csv", tmp_path), None, tmp_path / "models")
    assert list((tmp_path / "models").iterdir()) == []


@pytest.mark.parametrize(
    "name", ["classifier.json", "baseline.json", "model.json", "report.html", "encoder/idf.safetensors"]
)
def test_a_damaged_model_is_refused(sample_folder, tmp_path, name):
    folder = tmp_path / "model"
    shutil.copytree(current_version(sample_folder.models), folder)
    path = folder / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x55
    path.write_bytes(content)
    if name == "model.json":
        card = json.loads((current_version(sample_folder.models) / name).read_text())
        path.write_text(json.dumps({**card, "format": 99}))
    with pytest.raises((DamagedArtefactError, MismatchedArtefactError)):
        Model.load(folder)


def test_a_catalogue_without_labels_gets_the_default_classifier_on_its_own_encoder(sample_folder, tmp_path):
    write_catalog(tmp_path / "catalog.db", ({"sr_id": f"{n}", "title": f"Melodie {n}"} for n in range(50)))
    default = default_model(sample_folder.root)
    assert default.folder == current_version(sample_folder.models)
    shelf = tmp_path / "models"
    with Catalog.open(tmp_path / "catalog.db", tmp_path) as catalog, adapted(default, catalog, shelf) as new:
        assert not (shelf / "CURRENT").exists()
        model = new.publish()
    assert model.version == new.version
    assert model.card["catalog_digest"] != default.card["catalog_digest"]
    assert model.classifier.to_json() == default.classifier.to_json()
    assert model.encoder_digest != default.encoder_digest
    assert model.card["adapted_from"] == default.version


def test_figures_agree_with_counting_by_hand():
    probabilities = np.array([0.9, 0.8, 0.6, 0.4, 0.2, 0.1])
    valid = np.array([True, False, True, True, False, False])
    figures = evaluate_probabilities(probabilities, valid, 0.5)
    assert (figures.n_pairs, figures.n_valid, figures.threshold) == (6, 3, 0.5)
    assert figures.accuracy == pytest.approx(4 / 6)
    assert figures.precision == pytest.approx(2 / 3)
    assert figures.recall == pytest.approx(2 / 3)
    assert figures.roc_auc == pytest.approx(7 / 9)
    assert figures.brier == pytest.approx((0.1**2 + 0.8**2 + 0.4**2 + 0.6**2 + 0.2**2 + 0.1**2) / 6)
    assert evaluate_probabilities(probabilities, np.ones(6, dtype=bool), 0.5).roc_auc is None


def test_pair_completeness_counts_a_pair_if_either_side_finds_the_other(matcher):
    ids = matcher.snapshot.ids_of(np.arange(200))
    nearest = [matcher.candidates(sr_id, 100) for sr_id in ids[:40]]
    by_cosine = [max(found, key=lambda decision: decision.features["cosine"]).m.sr_id for found in nearest]
    assert pair_completeness(matcher.snapshot, ids[:40], by_cosine, k=1).value == 1.0
    assert pair_completeness(matcher.snapshot, by_cosine, ids[:40], k=1).value == 1.0
    assert pair_completeness(matcher.snapshot, [], []).value is None
    far = pair_completeness(matcher.snapshot, ids[:100], ids[100:], k=1).value
    assert far < 0.5


def test_evaluation_takes_the_path_of_the_service(matcher, pairs):
    figures = evaluate_matcher(matcher, pairs)
    decided = [d.decided == "valid" for d in matcher.classify_many([("123", "456")])]
    assert decided == [True]
    assert figures["n_pairs"] == 1_600
    assert figures["accuracy"] > 0.93
    assert figures["pair_completeness"] > 0.9
    assert (figures["model"], figures["index"]) == (matcher.model.version, matcher.snapshot.version)


def test_training_and_serving_compute_the_same_features(matcher, pairs):
    encoder = Encoder.load(matcher.model.encoder_folder)
    q, m = pairs.q[:200], pairs.m[:200]
    cosines = pair_cosines(encoder.encode(q).astype(np.float16), encoder.encode(m).astype(np.float16))
    trained = decide(matcher.model.classifier, q, m, pair_features(q, m, cosines))
    served = matcher.classify_many([(a.sr_id, b.sr_id) for a, b in zip(q, m, strict=True)])
    assert [d.match_probability for d in trained] == [d.match_probability for d in served]
    assert isinstance(served[0].q, Recording)
