"""The cards in words: what a model and a sample say of themselves, against what they are."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pandas as pd

from catalog.artefacts import current_version
from catalog.manifest import read_json, sha256_file
from catalog.sample import write_sample
from catalog.store import Catalog
from matching.model import BASELINE, CARD_FILE, SIAMESE
from training.holdout import TrainingData, hold_out
from training.model_card import MODEL_CARD_FILE, write_model_card

ROOT = Path(__file__).resolve().parent.parent


def test_the_model_card_says_the_figures_of_the_model(sample_folder):
    folder = current_version(sample_folder.models)
    card, text = read_json(folder / CARD_FILE), (folder / MODEL_CARD_FILE).read_text(encoding="utf-8")
    for name in ("accuracy", "f1", "brier"):
        assert f"{card['intervals'][name]['onemaster']['value']:.4f}" in text
        assert f"{card['intervals'][name]['baseline']['value']:.4f}" in text
    for part, counts in (("learnt from", "learnt"), ("measured on", "test")):
        assert f"| {part} | {card['pairs'][counts]['n_pairs']} | {card['pairs'][counts]['n_valid']} |" in text
    often = [each for each in card["phenomena"] if each["n_pairs"] >= 10]
    hardest = min(often, key=lambda each: each["onemaster"]["right"]["value"])
    assert f"| {hardest['phenomenon']} | {hardest['n_pairs']} |" in text
    assert "{" not in text


def test_the_model_card_says_what_the_owner_wanted_and_what_reviewers_taught(sample_folder, tmp_path):
    card = read_json(current_version(sample_folder.models) / CARD_FILE)
    as_it_is = (current_version(sample_folder.models) / MODEL_CARD_FILE).read_text(encoding="utf-8")
    assert "where the cross-validated F1 is best" in as_it_is
    assert "reviewers judged" not in as_it_is
    policy = {**card["policy"], "min_precision": 0.97}
    write_model_card(tmp_path / "card.md", {**card, "policy": policy, "labels": {"learnt": 7, "until": 9}})
    text = (tmp_path / "card.md").read_text(encoding="utf-8")
    assert "precision of 0.97" in text
    assert "where the cross-validated F1 is best" not in text
    assert "7 pairs that reviewers judged" in text


def test_a_model_without_phenomena_has_a_card_too(tiny_data):
    text = (current_version(tiny_data.models) / MODEL_CARD_FILE).read_text(encoding="utf-8")
    assert "nothing is known of single kinds" in text


def test_the_model_card_counts_both_kinds_of_mistakes(sample_folder, matcher):
    folder = current_version(sample_folder.models)
    with Catalog.open(sample_folder.catalog, sample_folder.copies) as catalog:
        test = hold_out(TrainingData(catalog, sample_folder.groundtruth, sample_folder.root), 20).test
    ids = [(q.sr_id, m.sr_id) for q, m in zip(test.q, test.m, strict=True)]
    merged, kept_apart = [], []
    for by, classifier in ((SIAMESE, matcher.model.classifier), (BASELINE, matcher.model.baseline)):
        decided = matcher.judge(ids, by).probabilities >= classifier.threshold
        merged.append(int((decided & ~test.valid).sum()))
        kept_apart.append(int((~decided & test.valid).sum()))
    text = (folder / MODEL_CARD_FILE).read_text(encoding="utf-8")
    assert f"| two masters taken for one | {merged[0]} | {merged[1]} |" in text
    assert f"| duplicates kept apart | {kept_apart[0]} | {kept_apart[1]} |" in text
    assert merged != kept_apart  # or a swap of the rows would not be seen


def test_the_model_card_names_the_data_and_the_versions_that_made_the_model(sample_folder):
    folder = current_version(sample_folder.models)
    card, text = read_json(folder / CARD_FILE), (folder / MODEL_CARD_FILE).read_text(encoding="utf-8")
    assert f"| labelled pairs | `{sha256_file(sample_folder.groundtruth)}` |" in text
    assert all(card[name] in text for name in ("catalog_digest", "encoder_digest"))
    assert f"scikit-learn {version('scikit-learn')}" in text
    assert f"onemaster train --seed {card['seed']}" in text
    assert "Nothing was measured on this catalogue" not in text


def test_the_sample_comes_with_a_data_sheet(sample_folder):
    text = (sample_folder.root / "DATASHEET.md").read_text(encoding="utf-8")
    with sample_folder.groundtruth.open(encoding="utf-8") as stream:
        pairs = sum(1 for _ in stream) - 1
    assert f"- {pairs:,} labelled pairs" in text
    assert "3,000 descriptions" in text
    assert "{" not in text


def test_the_command_in_the_data_sheet_gives_the_same_files(tmp_path):
    write_sample(tmp_path / "one", records=120, pairs=40, seed=3)
    text = (tmp_path / "one" / "DATASHEET.md").read_text(encoding="utf-8")
    command = next(line for line in text.splitlines() if line.startswith("    onemaster sample ")).split()[1:]
    subprocess.run([sys.executable, "-m", "onemaster", *command, "--out", tmp_path / "again"], cwd=ROOT, check=True)
    for name in ("groundtruth.csv", "truth.csv", "phenomena.csv", "DATASHEET.md"):
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "one" / name).read_bytes()


def test_the_labels_of_the_sample_follow_from_its_truth_as_the_data_sheet_says(sample_folder):
    masters = pd.read_csv(sample_folder.root / "truth.csv", dtype=str).set_index("sr_id")["master_id"]
    pairs = pd.read_csv(sample_folder.groundtruth, dtype=str)
    same = masters[pairs["q_source_id"]].to_numpy() == masters[pairs["m_source_id"]].to_numpy()
    assert (same == (pairs["tag"] == "valid").to_numpy()).all()
