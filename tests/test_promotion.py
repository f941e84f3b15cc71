"""From reviewers' verdicts to a model in charge, and back."""

import json
import re
import shutil
from dataclasses import replace

import numpy as np
import pytest
import tiny
from fastapi.testclient import TestClient

import training.promotion
from catalog.artefacts import CANDIDATE, CURRENT, current_version, put_in_charge, roll_back
from catalog.errors import (
    GroundTruthError,
    InputError,
    MismatchedArtefactError,
    MissingArtefactError,
    RejectedBuildError,
)
from catalog.manifest import checksums, read_json, sha256_file, write_json
from catalog.paths import DataFolder
from catalog.store import Catalog
from matching.labels import Verdict, append_label, read_labels
from matching.matcher import Matcher
from matching.model import CARD_FILE, CLASSIFIER_FILE, Model
from matching.reviewing import undo
from onemaster import main
from service.app import create_app
from service.settings import Settings
from training.holdout import HELD_OUT, LEARNT_FROM, TrainingData, hold_out
from training.promotion import promote
from training.reviewed import Reviews, labelled_pairs, with_labels
from training.train import TrainOptions, train


@pytest.fixture
def folder(sample_folder, tmp_path):
    return DataFolder.at(shutil.copytree(sample_folder.root, tmp_path / "data"))


@pytest.fixture
def catalog(folder):
    with Catalog.open(folder.catalog, folder.copies) as opened:
        yield opened


@pytest.fixture
def data(folder, catalog):
    return TrainingData(catalog, folder.groundtruth, folder.root)


def say(folder, q, m, tag, reviewer="r"):
    return append_label(folder.labels, Verdict(q, m, tag, reviewer, "2026-11-28T10:00:00.000+00:00"))


def say_rightly(folder, pairs, rows):
    for row in rows:
        say(folder, pairs.q[row].sr_id, pairs.m[row].sr_id, "valid" if pairs.valid[row] else "invalid")


def altered(folder, model, version, change):
    """A copy of a model with another classifier, as if it had been trained so."""
    copy = shutil.copytree(model.folder, folder.models / version)
    classifier = read_json(copy / CLASSIFIER_FILE)
    write_json(copy / CLASSIFIER_FILE, classifier | change)
    card = read_json(copy / CARD_FILE)
    (copy / CARD_FILE).unlink()
    write_json(copy / CARD_FILE, card | {"files": checksums(copy)})
    return version


def test_verdicts_are_learnt_but_for_the_newest_and_those_that_touch_the_test(folder, catalog, data):
    split = hold_out(data, 20)
    assert split.tested_on == HELD_OUT
    say_rightly(folder, split.test, range(5))
    free = sorted({recording.sr_id for recording in catalog} - split.test.sr_ids - split.learnt.sr_ids)
    for one, other in zip(free[:20:2], free[1:20:2], strict=True):
        say(folder, one, other, "invalid")
    contradicted = (split.learnt.q[0].sr_id, split.learnt.m[0].sr_id)
    say(folder, *contradicted, "invalid" if split.learnt.valid[0] else "valid")
    for number in range(4):
        say(folder, free[30 + number], free[40 + number], "valid")
    reviewed = with_labels(split, Reviews(folder.labels, folder), catalog, 20)
    assert reviewed.learnt == 11, "the newest fifth of 20 is left, and 5 touch the test"
    assert reviewed.until == read_labels(folder.labels)[15].number
    assert reviewed.split.test is split.test
    assert len(reviewed.split.learnt) == len(split.learnt) + 10 == len(reviewed.split.positions)
    ids = [{q.sr_id, m.sr_id} for q, m in zip(reviewed.split.learnt.q, reviewed.split.learnt.m, strict=True)]
    assert reviewed.split.learnt.valid[ids.index({*contradicted})] != split.learnt.valid[0]


def test_recordings_that_are_gone_teach_nothing(folder, catalog, data):
    say(folder, "123", "gone", "valid")
    say(folder, "123", "456", "valid")
    split = hold_out(data, 20)
    pairs = with_labels(split, Reviews(folder.labels, folder), catalog, 20)
    assert pairs.learnt <= 1
    assert len(labelled_pairs([], catalog)) == 0


def test_without_verdicts_there_is_nothing_to_add(folder, data):
    with pytest.raises(MissingArtefactError, match="POST /labels"):
        train(data, None, folder.models, TrainOptions(labels=Reviews(folder.labels, folder)))


def test_a_candidate_is_trained_promoted_and_sent_back(folder, catalog, data):
    before = current_version(folder.models).name
    split = hold_out(data, 20)
    say_rightly(folder, split.learnt, range(40))
    model = train(data, None, folder.models, TrainOptions(labels=Reviews(folder.labels, folder))).model
    assert current_version(folder.models).name == before, "a candidate is not in charge"
    assert (folder.models / CANDIDATE).read_text().strip() == model.version
    assert model.card["labels"] == {"learnt": 32, "until": read_labels(folder.labels)[31].number, "sure": 0}, (
        "the model in charge is sure of what it learnt from"
    )
    done = promote(data, folder.labels, folder.models)
    assert (done.candidate, done.in_charge) == (model.version, before)
    assert [(trial.name, trial.n_pairs) for trial in done.trials] == [
        ("frozen test pairs", len(split.test)),
        ("verdicts that neither learnt from", 8),
    ]
    assert current_version(folder.models).name == model.version
    with pytest.raises(InputError, match="in charge already"):
        promote(data, folder.labels, folder.models)
    assert roll_back(folder.models) == before


def test_verdicts_alone_are_enough(folder, data, capsys):
    before, at = current_version(folder.models).name, ["--data", str(folder.root)]
    say_rightly(folder, hold_out(data, 20).learnt, range(300))
    folder.groundtruth.unlink()
    assert main(["train", "--labels", "--alone", *at]) == 0
    assert f"it is a candidate: onemaster promote {' '.join(at)} puts it in charge" in capsys.readouterr().out
    folder.groundtruth.write_text("q_source_id,m_source_id,tag\n")
    assert main(["promote", *at]) == 1, "trained without labelled pairs"
    folder.groundtruth.unlink()
    assert main(["promote", *at]) == 0
    model = Model.load(current_version(folder.models))
    assert model.version != before
    assert (model.card["tested_on"], model.card["groundtruth_digest"]) == (HELD_OUT, None)
    pairs = {name: each["n_pairs"] for name, each in model.card["pairs"].items()}
    assert pairs["learnt"] + pairs["test"] == 240, "the newest fifth is for the promotion"
    assert model.card["labels"]["learnt"] == pairs["learnt"]
    assert f"verdicts that neither learnt from: of {60 + pairs['test']} pairs" in capsys.readouterr().out


def test_on_few_pairs_nothing_can_be_told(folder, data):
    before = current_version(folder.models).name
    learnt = hold_out(data, 20).learnt
    say_rightly(folder, learnt, [*np.flatnonzero(learnt.valid)[:10], *np.flatnonzero(~learnt.valid)[:10]])
    alone = replace(data, groundtruth=None)
    model = train(alone, None, folder.models, TrainOptions(labels=Reviews(folder.labels, folder))).model
    with pytest.raises(RejectedBuildError, match=r"expected at least 20 pairs .* found 4: .* --on-few"):
        promote(alone, folder.labels, folder.models)
    assert current_version(folder.models).name == before
    assert promote(alone, folder.labels, folder.models, on_few=True).candidate == model.version


def test_what_a_candidate_learnt_from_is_no_test_of_it(folder, data):
    lines = folder.groundtruth.read_text().splitlines(keepends=True)
    folder.groundtruth.write_text("".join(lines[:41]))
    say_rightly(folder, hold_out(data, 20).learnt, range(10))
    model = train(data, None, folder.models, TrainOptions(labels=Reviews(folder.labels, folder))).model
    assert model.card["tested_on"] == LEARNT_FROM
    with pytest.raises(RejectedBuildError, match="found 2: on so few"):
        promote(data, folder.labels, folder.models)


@pytest.mark.parametrize(("n_valid", "n_invalid"), [(5, 0), (0, 5)])
def test_verdicts_of_one_kind_are_not_enough(folder, data, n_valid, n_invalid):
    learnt = hold_out(data, 20).learnt
    say_rightly(folder, learnt, [*np.flatnonzero(learnt.valid)[:n_valid], *np.flatnonzero(~learnt.valid)[:n_invalid]])
    alone = replace(data, groundtruth=None)
    kept = f"found {4 * n_valid // 5} valid and {4 * n_invalid // 5} invalid, besides the 1 newest"
    with pytest.raises(GroundTruthError, match=kept):
        train(alone, None, folder.models, TrainOptions(labels=Reviews(folder.labels, folder)))
    with pytest.raises(GroundTruthError, match="got neither"):
        train(alone, None, folder.models, TrainOptions())


def test_a_handful_of_verdicts_is_learnt_from_and_holds_nothing_out(folder, data):
    learnt = hold_out(data, 20).learnt
    say_rightly(folder, learnt, [*np.flatnonzero(learnt.valid)[:4], *np.flatnonzero(~learnt.valid)[:4]])
    model = train(
        replace(data, groundtruth=None), None, folder.models, TrainOptions(labels=Reviews(folder.labels, folder))
    ).model
    assert (model.card["tested_on"], len(model.held_out.hashes)) == (LEARNT_FROM, 0)


def test_a_candidate_that_nothing_was_kept_for_is_refused(folder, data):
    model = Model.load(current_version(folder.models))
    same = altered(folder, model, "20990101T000000Z-00000000", {})
    card = read_json(folder.models / same / CARD_FILE) | {"groundtruth_digest": None}
    (folder.models / same / CARD_FILE).unlink()
    write_json(folder.models / same / CARD_FILE, card)
    with pytest.raises(RejectedBuildError, match="found none: judge more pairs"):
        promote(replace(data, groundtruth=None), folder.labels, folder.models, same)


def test_the_verdicts_of_a_promotion_are_told_once(folder, capsys, caplog):
    caplog.set_level("INFO")
    altered(folder, Model.load(current_version(folder.models)), "candidate", {})
    assert main(["promote", "candidate", "--data", str(folder.root)]) == 0
    told = capsys.readouterr()
    assert (told.out + told.err + caplog.text).count("not worse") == 1


def test_a_worse_candidate_is_refused_with_the_reason(folder, data):
    model = Model.load(current_version(folder.models))
    worse = altered(folder, model, "20990101T000000Z-00000000", {"intercept": 9.0})
    with pytest.raises(RejectedBuildError, match=r"is worse than .* frozen test pairs: of \d+ pairs"):
        promote(data, folder.labels, folder.models, worse)
    assert current_version(folder.models).name == model.version


def test_a_candidate_is_refused_where_another_was_put_in_charge_while_it_was_judged(folder, data, monkeypatch):
    model = Model.load(current_version(folder.models))
    shutil.copytree(model.folder, folder.models / "other")
    altered(folder, model, "candidate", {})
    judge = training.promotion._trial

    def meanwhile(*given):
        put_in_charge(folder.models, "other")
        return judge(*given)

    monkeypatch.setattr(training.promotion, "_trial", meanwhile)
    with pytest.raises(RejectedBuildError, match="meanwhile"):
        promote(data, folder.labels, folder.models, "candidate")
    assert current_version(folder.models).name == "other"


def test_a_candidate_that_reviewers_contradict_is_refused(folder, data):
    model = Model.load(current_version(folder.models))
    same = altered(folder, model, "20990101T000000Z-00000000", {})
    promote(data, folder.labels, folder.models, same)
    roll_back(folder.models)
    split = hold_out(data, 20)
    worse = altered(folder, model, "20990101T000000Z-00000001", {"threshold": 0.9999})
    say_rightly(folder, split.learnt, np.flatnonzero(split.learnt.valid)[:60])
    tested = replace(data, test_groundtruth=None)
    with pytest.raises(RejectedBuildError, match="verdicts that neither learnt from: of 60 pairs"):
        promote(tested, folder.labels, folder.models, worse)


def test_what_was_learnt_and_then_undone_is_no_test(folder, catalog, data):
    pairs = hold_out(data, 20).learnt
    say_rightly(folder, pairs, [0])
    model = Model.load(current_version(folder.models))
    version = altered(folder, model, "candidate", {})
    card = read_json(folder.models / version / CARD_FILE)
    first = read_labels(folder.labels)[0].number
    candidate = replace(Model.load(folder.models / version), card=card | {"labels": {"until": first}})
    say(folder, pairs.q[0].sr_id, pairs.m[0].sr_id, "invalid", "somebody else")
    undo(folder.labels, ("label", first), "r", "2026-11-28T10:00:01.000+00:00")
    assert len(training.promotion._not_learnt(folder.labels, catalog, model, candidate)) == 0
    assert len(training.promotion._not_learnt(folder.labels, catalog, model, model)) == 1


def test_another_ground_truth_is_no_frozen_test(folder, data):
    model = Model.load(current_version(folder.models))
    same = altered(folder, model, "20990101T000000Z-00000000", {})
    folder.groundtruth.write_text(folder.groundtruth.read_text() + "123,456,valid\n")
    with pytest.raises(MismatchedArtefactError, match=r"another --groundtruth than .*\(--groundtruth FILE\)"):
        promote(data, folder.labels, folder.models, same)
    assert sha256_file(folder.groundtruth) != model.card["groundtruth_digest"]


@pytest.mark.parametrize("version", ["none", "../models", "", "."])
def test_what_is_no_candidate_is_refused(folder, data, version):
    with pytest.raises(MissingArtefactError, match="expected a version"):
        promote(data, folder.labels, folder.models, version)
    with pytest.raises(MissingArtefactError, match="run onemaster train --labels"):
        promote(data, folder.labels, folder.models)


def test_the_commands_do_the_same(folder, monkeypatch, capsys):
    from onemaster import main

    model = Model.load(current_version(folder.models))
    same = altered(folder, model, "20990101T000000Z-00000000", {})
    put_in_charge(folder.models, same, pointer=CANDIDATE)
    assert main(["promote", "--data", str(folder.root), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["in_charge"] == same
    assert main(["rollback", "--data", str(folder.root)]) == 0
    assert model.version in capsys.readouterr().out
    assert (folder.models / CURRENT).read_text().strip() == model.version
    assert main(["rollback", "--data", str(folder.root)]) == 1


def test_who_goes_back_to_another_encoder_is_asked_for_a_rebuild(folder, tmp_path, capsys):
    at = ["--data", str(folder.root)]
    before, newer = current_version(folder.models).name, tiny.publish_with_another_encoder(folder, tmp_path)
    assert main(["rollback", *at]) == 0
    assert capsys.readouterr().out == f"{before} is in charge again\n", "the index is of its encoder still"
    put_in_charge(folder.models, newer)
    assert main(["rebuild", "--kind", "flat", *at]) == 0
    capsys.readouterr()
    assert main(["rollback", *at]) == 0
    printed = capsys.readouterr().out
    assert f"{before} is in charge again\nit has another encoder: run onemaster rebuild, and until then" in printed
    with Matcher.open(folder) as matcher:
        assert matcher.model.version == newer, "which goes on judging"
    put_in_charge(folder.models, newer)
    assert main(["rollback", "--json", *at]) == 0
    assert json.loads(capsys.readouterr().out) == {"in_charge": before, "wants_rebuild": True}
    assert main(["rebuild", "--kind", "flat", *at]) == 0
    capsys.readouterr()
    assert main(["promote", newer, "--on-few", "--json", *at]) == 0
    assert json.loads(capsys.readouterr().out)["wants_rebuild"] is True


def test_models_are_compared_over_what_the_service_was_asked(folder, catalog, data, capsys):
    from onemaster import main

    split = hold_out(data, 20)
    asked = [(q.sr_id, m.sr_id) for q, m in zip(split.test.q[:40], split.test.m[:40], strict=True)]
    model = Model.load(current_version(folder.models))
    always = altered(folder, model, "20990101T000000Z-00000000", {"threshold": 0.0})
    put_in_charge(folder.models, always, pointer=CANDIDATE)
    with TestClient(create_app(Settings(folder, log_share=1.0))) as client:
        for q, m in [*asked, *((m, q) for q, m in asked), ("123", "123")]:
            client.get("/", params={"q_sr_id": q, "m_sr_id": m})
    say_rightly(folder, split.test, range(10))
    assert main(["compare", "--log", "--data", str(folder.root), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["pairs"], found["reviewed"]) == (40, 10), "each pair once"
    assert list(found["models"]) == [f"baseline of {model.version}", model.version, always]
    assert found["models"][always]["valid_share"] == 1
    assert found["models"][always]["reviewed_rightly"] == split.test.valid[:10].sum()
    assert found["models"][model.version]["mean_probability"] == found["models"][always]["mean_probability"]
    differ = found["differ"][f"{model.version} and {always}"]
    assert differ == round(40 * (1 - found["models"][model.version]["valid_share"]))
    listed = (folder.root / "disagreements.csv").read_text().splitlines()
    assert len(listed) - 1 >= differ
    assert main(["compare", "--log", "--data", str(folder.root)]) == 0
    printed = capsys.readouterr().out
    assert "40 pairs of the log, 10 of them with a verdict" in printed
    assert f"in charge: {model.version}; candidate: {always}" in printed
    assert re.search(r"^ +baseline +in charge +candidate$", printed, re.MULTILINE)


def test_a_log_that_holds_nothing_cannot_be_compared_over(folder, capsys):
    from onemaster import main

    assert main(["compare", "--log", "--data", str(folder.root)]) == 1
    assert "ONEMASTER_LOG_SHARE=1" in capsys.readouterr().err
