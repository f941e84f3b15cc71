"""What reviewers' verdicts make of a catalogue without labels: the default model, and those trained after so many.

A reviewer who is wrong about every fiftieth pair is asked as on /review. After each round a candidate is trained and,
if it is not worse, promoted, as by the commands. Beside that, models that learn from some of the labelled pairs. All
are measured on candidate pairs of the catalogue.
"""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from sklearn.metrics import average_precision_score, precision_recall_fscore_support

from benchmarks.datasets import Dataset, music20, sample
from benchmarks.record import ROOT, arguments, save
from catalog.artefacts import current_version
from catalog.errors import RejectedBuildError
from catalog.paths import DataFolder
from catalog.store import Catalog
from matching.labels import TAGS, Verdict, append_label
from matching.matcher import Matcher
from matching.model import Model
from matching.questions import PAIRS_FILE, Pair, drawn_candidates, questions
from training.contenders import model_judge
from training.default import default_model
from training.holdout import TrainingData
from training.pairs import LabelledPairs
from training.promotion import promote
from training.reviewed import Reviews
from training.train import TrainOptions, train

ROUNDS = (50, 100, 200, 400)
LABELS = (300, 3_000)
_RECORDS, _SEED = 20_000, 24
_AT_ONCE = 20
_WRONG = 0.02
_MEASURED, _CANDIDATES = 3_000, 10

Row = dict[str, object]


@dataclass(frozen=True)
class Measured:
    """Candidate pairs that models are measured on.

    Attributes
    ----------
    ids : list of (str, str)
        The smaller id first.
    pairs : LabelledPairs
        With what they truly are.
    """

    ids: list[Pair]
    pairs: LabelledPairs

    def figures(self, model: Model, judged: set[Pair]) -> dict[str, float]:
        """Measure a model on those that no reviewer was asked about.

        Parameters
        ----------
        model : Model
            That judges.
        judged : set of (str, str)
            Those that reviewers were asked about.

        Returns
        -------
        dict
            F1, precision and recall at its threshold, and average precision.
        """
        unseen = np.array([pair not in judged for pair in self.ids], dtype=np.bool_)
        valid, probabilities = self.pairs.valid[unseen], model_judge(model)(self.pairs)[unseen]
        decided = probabilities >= model.classifier.threshold
        precision, recall, f1, _ = precision_recall_fscore_support(valid, decided, average="binary")
        found = {
            "f1": f1,
            "precision": precision,
            "recall": recall,
            "average_precision": average_precision_score(valid, probabilities),
        }
        return {name: round(float(value), 4) for name, value in found.items()}


def main() -> None:
    """Measure every catalogue and save the figures."""
    given = arguments(__doc__)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as scratch:
        invented = sample(Path(scratch) / "sample", _SEED, _RECORDS)
        # Reviewers' verdicts are all there is in the data folder.
        labelled = invented.train_pairs.rename(Path(scratch) / "pairs.csv")
        datasets = [replace(invented, train_pairs=labelled)]
        if given.music20:
            datasets.append(music20(given.music20, Path(scratch) / "music20"))
        for dataset in datasets:
            for command in ("rebuild", "dedupe"):
                words = [sys.executable, "-m", "onemaster", command, "--data", str(dataset.folder.root)]
                subprocess.run(words, cwd=ROOT, capture_output=True, check=True)  # noqa: S603 - our own command
            rows += [{"catalogue": dataset.name, **row} for row in (*measure(dataset), *measure_labelled(dataset))]
    print_table(rows)
    save("review_loop", "python -m benchmarks.review_loop [--music20 DIR]", {"wrong_verdicts": _WRONG, "rows": rows})


def measure(dataset: Dataset) -> Iterator[Row]:
    """Let a reviewer judge pairs of a copy of a data folder, round after round.

    Parameters
    ----------
    dataset : Dataset
        Indexed and de-duplicated by the default model.

    Yields
    ------
    dict
        Verdicts so far, what became of the candidate, and the figures of the candidate and of the model in charge.
    """
    root = dataset.folder.root
    folder = DataFolder.at(shutil.copytree(root, root.with_name(f"{root.name}, reviewed")))
    truth = {(min(pair), max(pair)) for pair in dataset.true_pairs}
    with Catalog.open(folder.catalog, folder.copies) as catalog:
        measured, judged = _measured(folder, truth), dict[Pair, str]()
        yield {"verdicts": 0, "in_charge": measured.figures(_in_charge(folder), set())}
        data, chance = TrainingData(catalog, None, root), random.Random(_SEED)
        for wanted in ROUNDS:
            _judge(folder, truth, judged, wanted, chance)
            options = TrainOptions(start=default_model(ROOT / "data"), labels=Reviews(folder.labels, folder))
            candidate = train(data, None, folder.models, options).model
            yield {
                "verdicts": len(judged),
                "learnt": candidate.card["labels"],
                "promoted": _is_promoted(data, folder),
                "candidate": measured.figures(candidate, set(judged)),
                "in_charge": measured.figures(_in_charge(folder), set(judged)),
            }


def measure_labelled(dataset: Dataset) -> Iterator[Row]:
    """Learn from some of the labelled pairs, drawn at random.

    Parameters
    ----------
    dataset : Dataset
        Indexed by the default model.

    Yields
    ------
    dict
        Labelled pairs, and the figures of the model.
    """
    folder = dataset.folder
    header, *lines = dataset.train_pairs.read_text(encoding="utf-8").splitlines(keepends=True)
    random.Random(_SEED).shuffle(lines)
    with Catalog.open(folder.catalog, folder.copies) as catalog, tempfile.TemporaryDirectory() as scratch:
        measured = _measured(folder, {(min(pair), max(pair)) for pair in dataset.true_pairs})
        for count in LABELS:
            some = Path(scratch) / f"{count}.csv"
            some.write_text("".join((header, *lines[:count])), encoding="utf-8")
            data = TrainingData(catalog, some, Path(scratch))
            model = train(data, None, Path(scratch) / "models", TrainOptions(start=default_model(ROOT / "data"))).model
            yield {"labels": count, "in_charge": measured.figures(model, set())}


def print_table(rows: Sequence[Row]) -> None:
    """Print one line for every round.

    Parameters
    ----------
    rows : sequence of dict
        From `measure` and `measure_labelled`, each with its catalogue.
    """
    print(f"{'catalogue':12} {'judged':>15}  {'F1: candidate':>13} {'in charge':>13}")
    for row in rows:
        f1 = [float(row[which]["f1"]) for which in ("candidate", "in_charge") if which in row]  # type: ignore[index]
        shown = " ".join(f"{value:13.4f}" for value in f1)
        judged = f"{row['labels']} pairs" if "labels" in row else f"{row['verdicts']} verdicts"
        print(f"{row['catalogue']:12} {judged:>15}  {shown:>27}")


def _measured(folder: DataFolder, truth: set[Pair]) -> Measured:
    with Matcher.open(folder) as matcher:
        drawn = [*drawn_candidates(matcher, random.Random(_SEED), _MEASURED, _CANDIDATES)]
        ids = sorted({pair for candidates in drawn for pair in candidates})
        q, m = (matcher.recordings.take([pair[side] for pair in ids]).recordings() for side in (0, 1))
    return Measured(ids, LabelledPairs(q, m, np.array([pair in truth for pair in ids], dtype=np.bool_), []))


def _judge(folder: DataFolder, truth: set[Pair], judged: dict[Pair, str], wanted: int, chance: random.Random) -> None:
    """Ask about pairs, a page at a time, until so many are judged."""
    with Matcher.open(folder) as matcher:
        while len(judged) < wanted:
            at_once, seed = min(_AT_ONCE, wanted - len(judged)), len(judged)
            for question in questions(matcher, folder.dedupe / PAIRS_FILE, judged, at_once, seed):
                pair = question.decision.q.sr_id, question.decision.m.sr_id
                pair = min(pair), max(pair)
                judged[pair] = TAGS[(pair in truth) == (chance.random() < _WRONG)]
                append_label(folder.labels, Verdict(*pair, judged[pair], "r", "2026-11-29T12:00:00.000+00:00"))


def _in_charge(folder: DataFolder) -> Model:
    return Model.load(current_version(folder.models))


def _is_promoted(data: TrainingData, folder: DataFolder) -> bool:
    try:
        promote(data, folder.labels, folder.models, on_few=True)
    except RejectedBuildError:
        return False
    return True


if __name__ == "__main__":
    main()
