"""The commands that train models and compare them; `onemaster` is the front door to them."""

from __future__ import annotations

import argparse
import shlex
from itertools import chain
from typing import TYPE_CHECKING

from catalog.errors import InputError
from command_line import AUTO, BUNDLED, HOME, TRAIN, data_folder
from printed import print_json, print_table

if TYPE_CHECKING:
    from pathlib import Path

    from catalog.paths import DataFolder
    from training.encoder_choice import Candidate
    from training.policy import Policy

_WANTS_REBUILD = "it has another encoder: run onemaster rebuild, and until then the model before it goes on judging"


def train(given: argparse.Namespace) -> None:
    """Train encoder and classifier from a ground truth, and publish them with a report."""
    from catalog.store import Catalog
    from matching.features import names_without
    from matching.model import REPORT_FILE
    from training.default import options_for
    from training.holdout import TrainingData
    from training.reviewed import Reviews
    from training.train import TrainOptions
    from training.train import train as train_model

    folder, policy = data_folder(given), _policy(given)
    names_without(given.without)  # a group that there is not is better found out at once
    with Catalog.open(folder.existing_catalog(), folder.copies) as catalog:
        data = TrainingData(catalog, _groundtruth(given, folder), folder.root, given.test_groundtruth)
        labels = Reviews(given.labels or folder.labels, folder) if given.labels is not False else None
        options = TrainOptions(given.seed, policy, tuple(given.without), encoders=_encoders(given), labels=labels)
        options = options if given.alone else options_for(folder, HOME, options)
        report = train_model(data, None, folder.models, options)
    if given.json:
        card = {"tested_on": report.model.card["tested_on"], "model": report.model.version, "index": None}
        card["baseline"] = report.baseline.to_json()
        print_json(report.evaluation.to_json() | card)
        return
    print_table({"onemaster": report.evaluation.to_json(), "baseline": report.baseline.to_json()})
    print(f"measured on {report.model.card['tested_on']}")
    print(f"wrote model {report.model.version}; report: {report.model.folder / REPORT_FILE}")
    if labels:
        print(f"it is a candidate: {_promotion(given)} puts it in charge if it is not worse")
    else:
        print("it is in charge: onemaster rollback goes back to the one before, if there was one")


def _promotion(given: argparse.Namespace) -> str:
    """Say what to type to promote what was trained, with the same files."""
    names = ("data", "catalog", "groundtruth", "test_groundtruth", "models", "labels")
    typed = ((f"--{name.replace('_', '-')}", str(getattr(given, name))) for name in names if getattr(given, name))
    return shlex.join(["onemaster", "promote", *chain.from_iterable(typed)])


def _groundtruth(given: argparse.Namespace, folder: DataFolder) -> Path | None:
    """Name the labelled pairs; none where reviewers' verdicts are all there is."""
    are_needed = given.labels is False or given.groundtruth is not None
    return folder.groundtruth if are_needed or folder.groundtruth.exists() else None


def promote(given: argparse.Namespace) -> None:
    """Put a candidate model in charge, if it is not worse than the one that is."""
    from catalog.store import Catalog
    from training.holdout import TrainingData
    from training.promotion import promote as promote_candidate
    from training.promotion import wants_rebuild

    folder = data_folder(given)
    with Catalog.open(folder.existing_catalog(), folder.copies) as catalog:
        data = TrainingData(catalog, _groundtruth(given, folder), folder.root, given.test_groundtruth)
        done = promote_candidate(data, given.labels or folder.labels, folder.models, given.version, on_few=given.on_few)
    other_encoder = wants_rebuild(folder, done.candidate)
    if given.json:
        trials = [{**vars(each), "test": vars(each.test)} for each in done.trials]
        print_json(
            {
                "in_charge": done.candidate,
                "before": done.in_charge,
                "wants_rebuild": other_encoder,
                "trials": trials,
            }
        )
        return
    print(*(trial.in_words() for trial in done.trials), sep="\n")
    print(f"{done.candidate} is in charge, before it was {done.in_charge}: onemaster rollback goes back")
    if other_encoder:
        print(_WANTS_REBUILD)


def rollback(given: argparse.Namespace) -> None:
    """Put the model in charge again that was before."""
    from catalog.artefacts import one_at_a_time, roll_back
    from catalog.errors import MissingArtefactError
    from training.promotion import wants_rebuild

    folder = data_folder(given)
    if not folder.models.is_dir():
        raise MissingArtefactError(f"expected published models in {folder.models}, found none: check the path")
    with one_at_a_time(folder.models):
        version = roll_back(folder.models)
    other_encoder = wants_rebuild(folder, version)
    if given.json:
        print_json({"in_charge": version, "wants_rebuild": other_encoder})
        return
    print(f"{version} is in charge again")
    if other_encoder:
        print(_WANTS_REBUILD)


def compare(given: argparse.Namespace) -> None:
    """Compare two models on the same labelled pairs."""
    from catalog.manifest import sha256_file
    from catalog.store import Catalog
    from training.compare import compare as compare_models
    from training.compare import write_disagreements
    from training.contenders import contender
    from training.intervals import Resampling
    from training.pairs import read_groundtruth

    if given.log:
        _compare_over_log(given)
        return
    if given.b is None:
        given.wrong_usage("expected two models to compare, or --log")
    folder = data_folder(given)
    a, b = contender(given.a, folder.models), contender(given.b, folder.models)
    with Catalog.open(folder.existing_catalog(), folder.copies) as catalog:
        pairs = read_groundtruth(folder.groundtruth, catalog)
    comparison = compare_models(a, b, pairs, sha256_file(folder.groundtruth), Resampling())
    listed = given.disagreements or folder.root / "disagreements.csv"
    write_disagreements(comparison, listed)
    if given.json:
        print_json({**comparison.to_json(), "groundtruth": str(folder.groundtruth), "written": str(listed)})
        return
    print(f"A: {a.name}\nB: {b.name}")
    print_table(dict(zip(("A", "B", "B less A"), comparison.figures.values(), strict=True)))
    print(*comparison.in_words(), sep="\n")
    print(f"wrote {len(comparison.disagreements)} disagreements to {listed}")


def _compare_over_log(given: argparse.Namespace) -> None:
    from catalog.artefacts import CANDIDATE, current_version
    from catalog.errors import MissingArtefactError
    from catalog.store import Catalog
    from matching.labels import agreed_tags, read_labels
    from training.compare_log import compare_over_log, write_differences
    from training.contenders import BASELINE, CURRENT, contender

    folder = data_folder(given)
    try:
        candidate = [str(current_version(folder.models, CANDIDATE))]
    except MissingArtefactError:
        candidate = []
    contenders = [contender(choice, folder.models) for choice in (BASELINE, CURRENT, *candidate)]
    with Catalog.open(folder.existing_catalog(), folder.copies) as catalog:
        found = compare_over_log(contenders, folder.decisions, catalog, agreed_tags(read_labels(folder.labels)))
    listed = given.disagreements or folder.root / "disagreements.csv"
    differ = write_differences(found, listed)
    if given.json:
        print_json({**found.to_json(), "written": str(listed)})
        return
    print(f"{len(found.pairs)} pairs of the log, {len(found.reviewed)} of them with a verdict")
    roles = dict(zip(("baseline", "in charge", "candidate"), found.figures, strict=False))
    print("; ".join(f"{role}: {name}" for role, name in roles.items()))
    print_table({role: found.figures[name] for role, name in roles.items()})
    print(f"wrote {differ} pairs that not all decide alike to {listed}")


def _encoders(given: argparse.Namespace) -> tuple[Candidate, ...]:
    """Resolve ``--encoder`` and what goes with it."""
    from embeddings.encoder import Encoder
    from training.default import default_model
    from training.encoder_choice import Candidate

    def named(name: str, *, finetune: bool) -> tuple[Candidate, ...]:
        source = default_model(HOME).encoder_folder if name == BUNDLED else name
        encoder = None if name == TRAIN else Encoder.load(source)
        title = "fitted" if name == TRAIN else name
        plain, tuned = Candidate(title, encoder), Candidate(f"{title}, fine-tuned", encoder, finetuned=True)
        return (plain, tuned) if finetune else (plain,)

    if given.encoder == AUTO:
        tried = [named(name, finetune=given.finetune) for name in (BUNDLED, *given.candidate)]
        return sum(tried, named(TRAIN, finetune=True))
    if given.candidate:
        raise InputError("--candidate says what --encoder auto is to try: leave it out, or choose auto")
    return named(given.encoder, finetune=given.finetune)[::-1]  # of equally good ones the one that was asked for


def _policy(given: argparse.Namespace) -> Policy:
    """Take what was typed; costs that were not are the policy's own."""
    from training.policy import Policy
    from training.review import ReviewCosts

    typed = {name: getattr(given, f"{name}_cost") for name in ("wrong_valid", "wrong_invalid", "review")}
    return Policy(given.min_precision, ReviewCosts(**{name: cost for name, cost in typed.items() if cost is not None}))
