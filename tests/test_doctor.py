"""`onemaster doctor` finds what is absent and what is broken, and says what to run."""

import json
import shutil
import subprocess
from dataclasses import replace

import pytest
import tiny

import onemaster
from catalog.artefacts import current_version, put_in_charge
from catalog.clusters import Origin, write_clusters
from catalog.manifest import read_json, write_json
from catalog.paths import DataFolder
from catalog.store import Catalog, write_catalog
from command_line import OPTIONAL_GROUPS
from index.snapshot import MANIFEST_FILE
from matching.doctor import ABSENT, BROKEN, SOUND, STALE, examine
from matching.features import GROUPS
from matching.held_out import LEARNT_FROM
from matching.labels import Verdict, append_label, read_labels
from matching.model import CARD_FILE, CLASSIFIER_FILE


@pytest.fixture
def folder(tiny_data, tmp_path):
    return DataFolder.at(shutil.copytree(tiny_data.root, tmp_path / "data"))


def states(folder):
    return {each.about: each.state for each in examine(folder)}


def test_of_what_is_sound_nothing_has_to_be_done_but_what_was_not_done_yet(folder, capsys):
    assert onemaster.main(["doctor", "--data", str(folder.root)]) == 0
    printed = capsys.readouterr().out
    assert "sound   index" in printed
    assert f"next: onemaster dedupe --data {folder.root}" in printed
    folder.dedupe.mkdir()
    write_clusters(folder.clusters, [])
    assert onemaster.main(["doctor", "--data", str(folder.root)]) == 0
    assert "nothing has to be done" in capsys.readouterr().out


def test_figures_of_the_sample_are_not_passed_off_as_those_of_the_catalogue(tiny_data, unlabelled_data, tmp_path):
    folder = DataFolder.at(shutil.copytree(unlabelled_data.root, tmp_path / "data"))
    (said,) = [each.words for each in examine(folder) if each.about == "model"]
    assert "nothing was measured on this catalogue" in said
    assert f"onemaster evaluate --groundtruth FILE --data {folder.root}" in said
    shutil.copy(tiny_data.groundtruth, folder.groundtruth)  # the pairs that the figures are of
    for labelled in (folder, tiny_data):
        (said,) = [each.words for each in examine(labelled) if each.about == "model"]
        assert "on its test pairs" in said
        assert "nothing was measured" not in said


def test_in_an_empty_folder_one_begins_with_a_catalogue(tmp_path, capsys):
    empty = tmp_path / "nothing"
    assert onemaster.main(["doctor", "--data", str(empty), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["next"].startswith("onemaster import FILE")
    assert {each["state"] for each in answer["findings"]} == {SOUND, ABSENT}
    words = {each["about"]: each["words"] for each in answer["findings"]}
    assert words["index"] == f"none is published in {empty / 'index'}"
    assert not empty.exists()


def test_what_is_broken_is_named_and_the_command_fails(folder, capsys):
    classifier = current_version(folder.models) / CLASSIFIER_FILE
    classifier.write_text(classifier.read_text().replace("0", "1", 1))
    manifest = current_version(folder.index) / MANIFEST_FILE
    manifest.write_text("{")
    found = states(folder)
    assert (found["catalogue"], found["model"], found["index"]) == (SOUND, BROKEN, BROKEN)
    assert onemaster.main(["doctor", "--data", str(folder.root)]) == 1
    told = capsys.readouterr()
    assert "next: onemaster train" in told.out
    assert "broken: model, index" in told.err


def test_a_catalogue_that_has_changed_wants_the_refresh_that_both_lines_name(folder, capsys):
    write_catalog(folder.catalog, [{"sr_id": "1", "title": "Another"}])
    found = {each.about: each for each in examine(folder)}
    together = found["whether these fit together"]
    assert (together.state, together.remedy) == (BROKEN, f"onemaster refresh --data {folder.root}")
    assert together.words.endswith(f"run {together.remedy}")
    assert onemaster.main(together.remedy.split()[1:]) == 0
    assert states(folder)["whether these fit together"] == SOUND


def test_a_model_that_waits_for_a_rebuild_is_not_said_to_judge(folder, tmp_path):
    judges = current_version(folder.models).name
    newer = tiny.publish_with_another_encoder(folder, tmp_path)
    (found,) = [each for each in examine(folder) if each.about == "whether these fit together"]
    assert (found.state, found.remedy) == (STALE, f"onemaster rebuild --data {folder.root}")
    assert found.words == f"{judges} goes on judging, since {newer} has another encoder than the index"


def test_clusters_of_another_model_or_catalogue_are_stale_and_not_broken(folder, capsys):
    folder.dedupe.mkdir()
    with Catalog.open(folder.catalog, folder.copies) as catalog:
        origin = Origin(current_version(folder.models).name, catalog.digest())
    write_clusters(folder.clusters, [], origin)
    assert states(folder)["clusters"] == SOUND
    write_clusters(folder.clusters, [], replace(origin, model="the-one-before"))
    assert onemaster.main(["doctor", "--data", str(folder.root)]) == 0
    printed = capsys.readouterr().out
    assert f"clusters: in {folder.dedupe}: the model the-one-before judged, {origin.model} is in charge now" in printed
    assert f"next: onemaster dedupe --data {folder.root}" in printed
    write_clusters(folder.clusters, [], replace(origin, catalog_digest="0" * 64))
    (found,) = [each for each in examine(folder) if each.about == "clusters"]
    assert (found.state, found.words) == (STALE, f"in {folder.dedupe}: the catalogue has changed since")


def test_that_no_candidate_waits_is_no_fault(folder):
    (found,) = [each for each in examine(folder) if each.about == "candidate model"]
    assert (found.state, found.words, found.remedy) == (ABSENT, "no candidate model waits for promotion", "")


def test_over_a_damaged_catalogue_nobody_is_told_to_write_a_sample(folder):
    folder.catalog.write_bytes(b"no database" * 100)
    (found,) = [each for each in examine(folder) if each.about == "catalogue"]
    assert found.state == BROKEN
    assert "sample" not in found.remedy
    assert "copy" in found.remedy


def test_what_waits_for_somebody_is_said(folder):
    append_label(folder.labels, Verdict("123", "789", "invalid", "ada", "2026-11-28T10:00:00.000+00:00"))
    version = current_version(folder.models).name
    shutil.copytree(folder.models / version, folder.models / "another")
    put_in_charge(folder.models, "another", pointer="CANDIDATE")
    found = {each.about: each.words for each in examine(folder)}
    assert "onemaster promote" in found["candidate model"]
    assert "train --labels" in found["verdicts of reviewers"]
    put_in_charge(folder.models, version, pointer="CANDIDATE")
    assert "in charge already" in {each.about: each.words for each in examine(folder)}["candidate model"]


def test_figures_on_pairs_that_were_learnt_from_are_said_to_be(folder):
    path = current_version(folder.models) / CARD_FILE
    card = read_json(path)
    path.unlink()
    write_json(path, card | {"tested_on": LEARNT_FROM})
    (said,) = [each.words for each in examine(folder) if each.about == "model"]
    assert "on the pairs learnt from, which says little" in said


def test_files_of_pairs_that_do_not_lie_in_the_folder_are_to_be_named(folder):
    def said(about):
        return next(each.words for each in examine(folder) if each.about == about)

    append_label(folder.labels, Verdict("123", "789", "invalid", "ada", "2026-11-28T10:00:00.000+00:00"))
    shutil.copytree(current_version(folder.models), folder.models / "another")
    put_in_charge(folder.models, "another", pointer="CANDIDATE")
    assert f"promote --data {folder.root} puts it" in said("candidate model")
    assert f"--labels --data {folder.root} learns" in said("verdicts of reviewers")
    folder.groundtruth.rename(folder.root / "pairs.csv")
    assert f"promote --data {folder.root} --groundtruth FILE puts it" in said("candidate model")
    assert f"--labels --data {folder.root} --groundtruth FILE learns" in said("verdicts of reviewers")


def test_clusters_are_to_be_made_by_the_model_that_is_promoted(folder):
    def said():
        return next(each.words for each in examine(folder) if each.about == "clusters")

    assert "promote" not in said()
    shutil.copytree(current_version(folder.models), folder.models / "another")
    put_in_charge(folder.models, "another", pointer="CANDIDATE")
    assert said() == f"there are none in {folder.dedupe}; promote the candidate first, if it is to judge"


def test_who_has_learnt_from_the_verdicts_is_not_told_to_train(folder):
    def said(count):
        for number in range(count):
            append_label(folder.labels, Verdict("123", f"{number}", "invalid", "ada", "2026-11-28T10:00:00.000+00:00"))
        return next(each.words for each in examine(folder) if each.about == "verdicts of reviewers")

    def learn(until):
        path = current_version(folder.models) / CARD_FILE
        card = read_json(path)
        path.unlink()
        number = read_labels(folder.labels)[until - 1].number
        write_json(path, card | {"labels": {"learnt": until, "until": number}})

    assert "onemaster train --labels" in said(10)
    assert "from 8 more" in said(0)  # the newest fifth is for the promotion
    learn(8)
    assert "no model could learn more" in said(0)
    learn(5)
    assert "from 3 more" in said(0)


def test_a_shell_can_complete_commands(capsys):
    with pytest.raises(SystemExit) as done:
        onemaster.main(["--print-completion", "bash"])
    assert done.value.code == 0
    printed = capsys.readouterr().out
    assert all(command in printed for command in onemaster.COMMANDS)
    assert subprocess.run(["bash", "-n"], input=printed, text=True, check=False).returncode == 0


def test_a_shell_completes_the_feature_groups_and_the_command_checks_them_itself(capsys):
    assert list(OPTIONAL_GROUPS) == [name for name in GROUPS if name != "core"]
    with pytest.raises(SystemExit):
        onemaster.main(["--print-completion", "bash"])
    typed = "COMP_WORDS=(onemaster train --without r); COMP_CWORD=3; _shtab_onemaster; echo ${COMPREPLY[@]}"
    script = f"{capsys.readouterr().out}\n{typed}"
    completed = subprocess.run(["bash"], input=script, capture_output=True, text=True, check=False).stdout
    assert completed.split() == ["release", "rarity"]
    assert onemaster.main(["train", "--without", "no-group"]) == 1
    assert "expected feature groups out of titles, versions" in capsys.readouterr().err
