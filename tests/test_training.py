"""The whole training, and the one path that every decision takes."""

import json
import shutil
from itertools import pairwise

import numpy as np
import pytest

from catalog.artefacts import current_version
from catalog.errors import (
    DamagedArtefactError,
    GroundTruthError,
    InputError,
    MismatchedArtefactError,
    UnknownRecordingError,
)
from catalog.paths import DataFolder
from catalog.recording import Recording
from catalog.store import Catalog, write_catalog
from embeddings.encoder import Encoder
from index.completeness import pair_completeness
from index.exact import pair_cosines
from index.rebuild import rebuild
from matching.decision import decide
from matching.features import GROUPS, NAMES
from matching.matcher import Matcher
from matching.model import CARD_FILE, LESSONS_FILE, Model
from training.default import adapted, default_model, model_to_index_with, options_for
from training.evaluate import evaluate_matcher, evaluate_probabilities
from training.holdout import HELD_OUT, LEARNT_FROM, LINKED, TrainingData, hold_out
from training.model_card import MODEL_CARD_FILE
from training.pairs import read_groundtruth
from training.splits import component_positions
from training.train import TrainOptions, train
from training.views import VIEWS

# For the many trainings whose figures do not matter: half of the features cost half of the time.
QUICKLY = TrainOptions(without=("versions", "sound", "rarity", "fields"))


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
        assert are_judged_as_pairs(matcher, q, candidates)


def are_judged_as_pairs(matcher, q, candidates):
    asked = matcher.classify_many([(q, candidate.m.sr_id) for candidate in candidates])
    said = [(each.m, each.decided, each.match_probability, each.cosine) for each in candidates]
    return said == [(each.m, each.decided, each.match_probability, each.features["cosine"]) for each in asked]


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
            assert are_judged_as_pairs(matcher, q, matcher.candidates(q, 5))
        assert "b" in [candidate.m.sr_id for candidate in matcher.candidates("c", 5)]
        assert [candidate.m.sr_id for candidate in matcher.candidates("b", 5)] == ["c"]
        assert pair_completeness(matcher.snapshot, ["b"], ["b"]).value == 0


def some_rows(sample_folder, count):
    return sample_folder.groundtruth.read_text().splitlines()[: count + 1]


def test_with_few_pairs_nothing_is_tested_on_what_was_learnt(sample_folder, tmp_path):
    (tmp_path / "some.csv").write_text("\n".join(some_rows(sample_folder, 150)))
    with Catalog.open(sample_folder.catalog, tmp_path) as catalog:
        data = TrainingData(catalog, tmp_path / "some.csv", tmp_path)
        card = train(data, None, tmp_path / "models", QUICKLY).model.card
        split = hold_out(data, QUICKLY.seed)
    assert card["pairs"] == {
        name: {"n_pairs": len(part), "n_valid": part.valid.sum()}
        for name, part in (("learnt", split.learnt), ("test", split.test))
    }
    assert card["tested_on"] == split.tested_on == HELD_OUT
    assert len(split.learnt) + len(split.test) == 150
    assert split.learnt.sr_ids.isdisjoint(split.test.sr_ids)


def test_pairs_that_are_all_linked_are_split_pair_by_pair_and_the_figures_say_so(sample_folder, tmp_path, matcher):
    ids = matcher.snapshot.ids_of(np.arange(300))
    lines = [f"{q},{m},{'valid' if row % 2 else 'invalid'}" for row, (q, m) in enumerate(pairwise(ids))]
    (tmp_path / "chain.csv").write_text("\n".join(["q_source_id,m_source_id,tag", *lines]))
    with Catalog.open(sample_folder.catalog, tmp_path) as catalog:
        data = TrainingData(catalog, tmp_path / "chain.csv", tmp_path)
        card = train(data, None, tmp_path / "models", QUICKLY).model.card
        split = hold_out(data, QUICKLY.seed)
    assert card["tested_on"] == split.tested_on == LINKED
    assert len(split.learnt) + len(split.test) == 299
    assert min(len(split.learnt), len(split.test)) > 30
    assert len(np.unique(split.positions)) == len(split.learnt), "one component would make no folds"


def test_one_large_component_is_learnt_from_not_tested_on(sample_folder, tmp_path, matcher):
    """Invalid pairs drawn at random tie many recordings together; the rest is enough to test on."""
    ids = matcher.snapshot.ids_of(np.arange(2_000))
    tied = [f"{q},{m},{'valid' if row % 2 else 'invalid'}" for row, (q, m) in enumerate(pairwise(ids[:200]))]
    rows = sample_folder.groundtruth.read_text().splitlines()
    (tmp_path / "tied.csv").write_text("\n".join([*rows, *tied]))
    for seed in range(4):
        with Catalog.open(sample_folder.catalog, tmp_path) as catalog:
            split = hold_out(TrainingData(catalog, tmp_path / "tied.csv", tmp_path), seed)
        assert split.tested_on == HELD_OUT
        assert len(split.learnt) > len(split.test) > 100
        assert split.test.sr_ids.isdisjoint(ids[:200])


def test_pairs_that_share_a_recording_share_a_position(sample_folder, tmp_path):
    with Catalog.open(sample_folder.catalog, tmp_path) as catalog:
        split = hold_out(TrainingData(catalog, sample_folder.groundtruth, tmp_path), 20)
    position_of = {}
    for q, m, position in zip(split.learnt.q, split.learnt.m, split.positions.tolist(), strict=True):
        assert position_of.setdefault(q.sr_id, position) == position_of.setdefault(m.sr_id, position) == position
    np.testing.assert_array_equal(np.unique(split.positions), np.unique(component_positions(split.learnt, 20)))
    assert len(np.unique(split.positions)) > 100


@pytest.mark.parametrize("view", [view for view in VIEWS if "without" in view.name or view.name == "texts_only"])
def test_a_catalogue_that_lacks_whole_columns_is_judged_all_the_same(matcher, pairs, view):
    """The sample's own habits of leaving fields out must not pass for evidence elsewhere."""
    encoder = Encoder.load(matcher.model.encoder_folder)
    q, m = (list(map(view.change, side)) for side in (pairs.q, pairs.m))
    cosines = pair_cosines(*(encoder.encode(side).astype(np.float16) for side in (q, m)))
    classifier = matcher.model.classifier
    given = classifier.match_probabilities(matcher.model.features(q, m, cosines))
    figures = evaluate_probabilities(given, pairs.valid, classifier.threshold)
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


def without_curves(model):
    card = json.loads((model / CARD_FILE).read_text())
    (model / CARD_FILE).write_text(json.dumps({name: card[name] for name in card if name != "by_probability"}))


def test_a_default_model_from_before_curves_were_kept_is_made_anew(sample_folder, tmp_path):
    home, folder = tmp_path / "home", DataFolder.at(tmp_path / "data")
    shutil.copytree(sample_folder.root, home)
    shutil.copytree(home, home / "default")
    without_curves(current_version(home / "default" / "models"))
    assert default_model(home).folder == current_version(home / "models")
    folder.root.mkdir()
    write_catalog(folder.catalog, ({"sr_id": f"{n}", "title": f"Melodie {n}"} for n in range(50)))
    with Catalog.open(folder.catalog, folder.copies) as catalog:

        def in_charge():
            with model_to_index_with(folder, catalog, home) as made:
                return made.publish()

        first = in_charge()
        assert in_charge().version == first.version
        without_curves(first.folder)
        renewed = in_charge()
    assert renewed.version != first.version
    assert renewed.card["by_probability"]


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
    assert (card["started_from"], card["without"]) == (None, [])
    tried = {
        (fold["leaves"], fold["rounds"], fold["start_weight"], fold["blended"]) for fold in card["cross_validation"]
    }
    assert tuple(card["setting"].values()) in tried
    assert len(card["cross_validation"]) == 5 * len(tried)
    assert not list(matcher.model.folder.rglob("*.pkl"))


def test_training_twice_gives_the_same_model(sample_folder, tmp_path):
    (tmp_path / "some.csv").write_text("\n".join(some_rows(sample_folder, 150)))
    models = []
    for name in "ab":
        with Catalog.open(sample_folder.catalog, tmp_path) as catalog:
            data = TrainingData(catalog, tmp_path / "some.csv", tmp_path)
            models.append(train(data, None, tmp_path / name, QUICKLY).model)
    first, again = models
    assert again.classifier.to_json() == first.classifier.to_json()
    assert again.encoder_digest == first.encoder_digest
    assert again.card["figures"] == first.card["figures"]
    assert again.card["files"]["rarity.safetensors"] == first.card["files"]["rarity.safetensors"]
    assert again.card["files"][LESSONS_FILE] == first.card["files"][LESSONS_FILE]


def test_the_stored_threshold_was_not_chosen_on_the_test_pairs(sample_folder, tmp_path):
    """Turning every label of the test part around changes the figures and nothing of the model."""
    header, *rows = some_rows(sample_folder, 250)
    turned = [row.replace(",valid", ",?").replace(",invalid", ",valid").replace(",?", ",invalid") for row in rows[150:]]
    models = []
    for name, test in (("as it is", rows[150:]), ("turned", turned)):
        (tmp_path / "train.csv").write_text("\n".join([header, *rows[:150]]))
        (tmp_path / "test.csv").write_text("\n".join([header, *test]))
        with Catalog.open(sample_folder.catalog, tmp_path) as catalog:
            data = TrainingData(catalog, tmp_path / "train.csv", tmp_path, tmp_path / "test.csv")
            models.append(train(data, None, tmp_path / name, QUICKLY))
    assert models[0].model.classifier.to_json() == models[1].model.classifier.to_json()
    assert models[0].evaluation.accuracy == pytest.approx(1 - models[1].evaluation.accuracy)


def test_groups_of_features_can_be_switched_off(sample_folder, tmp_path):
    (tmp_path / "some.csv").write_text("\n".join(some_rows(sample_folder, 100)))
    shelf = tmp_path / "models"
    with Catalog.open(sample_folder.catalog, tmp_path) as catalog:
        data = TrainingData(catalog, tmp_path / "some.csv", tmp_path)
        for unknown in ("core", "shoes"):
            with pytest.raises(InputError, match="expected feature groups out of"):
                train(data, None, shelf, TrainOptions(without=(unknown,)))
        assert not shelf.exists()
        model = train(data, None, shelf, TrainOptions(without=("rarity", "release", "versions"))).model
    assert model.card["without"] == ["rarity", "release", "versions"]
    left_out = {feature.name for group in model.card["without"] for feature in GROUPS[group].features}
    assert model.classifier.features == tuple(name for name in NAMES if name not in left_out)
    q, m = Recording("1", "Yesterday"), Recording("2", "Yesterday (Live)")
    assert model.features([q], [m], np.ones(1, np.float32)).shape == (1, len(NAMES) - len(left_out))


def test_a_training_may_start_from_the_default_model(sample_folder, tmp_path):
    default = default_model(sample_folder.root)
    (tmp_path / "some.csv").write_text("\n".join(some_rows(sample_folder, 60)))
    options = options_for(DataFolder.at(tmp_path), sample_folder.root, TrainOptions(seed=3))
    assert (options.seed, options.start.folder) == (3, default.folder)
    with Catalog.open(sample_folder.catalog, tmp_path) as catalog:
        data = TrainingData(catalog, tmp_path / "some.csv", tmp_path)
        model = train(data, None, tmp_path / "models", options).model
    assert model.card["started_from"] == default.version
    assert not (model.folder / LESSONS_FILE).exists(), "others start from the default model itself"
    weights = {fold["start_weight"] for fold in model.card["cross_validation"]}
    assert 0 in {fold["leaves"] for fold in model.card["cross_validation"]}
    assert len(weights) >= 2


def test_test_pairs_that_were_learnt_from_do_not_count(sample_folder, tmp_path, caplog):
    rows = sample_folder.groundtruth.read_text().splitlines()
    (tmp_path / "test.csv").write_text("\n".join([rows[0], *rows[200:500]]))
    (tmp_path / "train.csv").write_text("\n".join(rows[:301]))
    with Catalog.open(sample_folder.catalog, tmp_path) as catalog:
        data = TrainingData(catalog, tmp_path / "train.csv", tmp_path, tmp_path / "test.csv")
        report = train(data, None, tmp_path / "models", QUICKLY)
    assert report.evaluation.n_pairs == 199
    assert "101 test pairs are also among the pairs to learn from" in caplog.text


@pytest.mark.parametrize(("test_pair", "tested_on"), [("c,d", HELD_OUT), ("a,d", LINKED), ("b,a", LEARNT_FROM)])
def test_what_test_pairs_share_with_those_learnt_from_is_said(tmp_path, test_pair, tested_on):
    write_catalog(tmp_path / "catalog.db", ({"sr_id": letter, "title": f"Title {letter}"} for letter in "abcdefg"))
    (tmp_path / "train.csv").write_text("q_source_id,m_source_id,tag\na,b,valid\ne,f,invalid\n")
    (tmp_path / "test.csv").write_text(f"q_source_id,m_source_id,tag\n{test_pair},valid\n")
    with Catalog.open(tmp_path / "catalog.db", tmp_path) as catalog:
        data = TrainingData(catalog, tmp_path / "train.csv", tmp_path, tmp_path / "test.csv")
        assert hold_out(data, 20).tested_on == tested_on


def test_a_handful_of_pairs_is_enough_to_train(sample_folder, tmp_path, caplog):
    rows = sample_folder.groundtruth.read_text().splitlines()
    valid = [row for row in rows if row.endswith(",valid")][:3]
    invalid = [row for row in rows if row.endswith(",invalid")][:3]
    (tmp_path / "few.csv").write_text("\n".join([rows[0], *valid, *invalid, "123,nobody,valid"]))
    with Catalog.open(sample_folder.catalog, tmp_path) as catalog:
        report = train(TrainingData(catalog, tmp_path / "few.csv", tmp_path), None, tmp_path / "models", QUICKLY)
    assert report.model.card["pairs"] == {key: {"n_pairs": 6, "n_valid": 3} for key in ("learnt", "test")}
    assert "too few pairs can be held back" in caplog.text
    assert "nobody" in (tmp_path / "groundtruth.rejected.csv").read_text()
    assert report.model.card["tested_on"] == "the pairs learnt from"


def test_one_kind_of_pairs_stops_the_training_and_publishes_nothing(sample_folder, tmp_path):
    rows = sample_folder.groundtruth.read_text().splitlines()
    (tmp_path / "one.csv").write_text("\n".join([rows[0], *[row for row in rows if row.endswith(",valid")][:40]]))
    told = "got 40 valid and 0 invalid"  # pairs, however many lessons they give
    with Catalog.open(sample_folder.catalog, tmp_path) as catalog, pytest.raises(GroundTruthError, match=told):
        train(TrainingData(catalog, tmp_path / "one.csv", tmp_path), None, tmp_path / "models")
    assert list((tmp_path / "models").iterdir()) == []


@pytest.mark.parametrize(
    "name",
    [
        *("classifier.json", "baseline.json", "model.json", "report.html", "encoder/weights.safetensors"),
        *("rarity.safetensors", LESSONS_FILE),
    ],
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
    assert model.rarity.recordings == 50 != default.rarity.recordings
    assert model.card["adapted_from"] == default.version
    said = (model.folder / MODEL_CARD_FILE).read_text(encoding="utf-8")
    assert f"the classifier of model {default.version}" in said
    assert "Nothing was measured on this catalogue" in said
    assert model.card["catalog_digest"] in said
    assert default.card["catalog_digest"] not in said


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
    by_cosine = [max(found, key=lambda candidate: candidate.cosine).m.sr_id for found in nearest]
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
    trained = decide(matcher.model.classifier, q, m, matcher.model.features(q, m, cosines))
    served = matcher.classify_many([(a.sr_id, b.sr_id) for a, b in zip(q, m, strict=True)])
    assert [d.match_probability for d in trained] == [d.match_probability for d in served]
    assert isinstance(served[0].q, Recording)
