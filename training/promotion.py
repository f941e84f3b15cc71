"""Which model is in charge: a candidate takes over if it is not worse, and can be sent back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import binomtest

from catalog.artefacts import CANDIDATE, current_version, one_at_a_time, put_in_charge
from catalog.errors import (
    ArtefactError,
    InputError,
    MismatchedArtefactError,
    MissingArtefactError,
    RejectedBuildError,
)
from catalog.manifest import read_json, sha256_file
from catalog.paths import DataFolder
from catalog.store import Catalog
from index.snapshot import MANIFEST_FILE
from matching.labels import agreed_tags, read_labels
from matching.model import Model, encoder_of
from training.compare import McNemar
from training.contenders import model_judge
from training.holdout import HELD_OUT, LEARNT_FROM, TrainingData, hold_out
from training.pairs import LabelledPairs
from training.reviewed import labelled_pairs

# So unlikely must it be by chance alone that a candidate is so much more often wrong.
_SIGNIFICANT = 0.05
# On fewer pairs even a candidate that is much worse is rarely seen to be.
FEWEST = 20


@dataclass(frozen=True)
class Trial:
    """The model in charge and the candidate on pairs that neither learnt from.

    Attributes
    ----------
    name : str
        Of the pairs.
    n_pairs : int
        How many.
    test : McNemar
        A is the model in charge, B the candidate.
    worse_by_chance : float
        How likely a candidate that is as good would be so much more often wrong alone; 1 if it is not.
    """

    name: str
    n_pairs: int
    test: McNemar
    worse_by_chance: float

    @property
    def is_worse(self) -> bool:
        """Whether chance alone hardly explains how often the candidate is wrong where the other is right."""
        return self.worse_by_chance < _SIGNIFICANT

    def in_words(self) -> str:
        """Say what came out.

        Returns
        -------
        str
            A line.
        """
        found = f"{self.name}: of {self.n_pairs} pairs {self.test.only_b} only the candidate judges rightly, "
        found += f"{self.test.only_a} only the model in charge"
        return f"{found}; worse (p = {self.worse_by_chance:.2g})" if self.is_worse else f"{found}; not worse"


@dataclass(frozen=True)
class Promotion:
    """What became of a candidate.

    Attributes
    ----------
    candidate, in_charge : str
        Versions.
    trials : tuple of Trial
        On the frozen test pairs, and on the verdicts that neither learnt from, as far as there are any.
    """

    candidate: str
    in_charge: str
    trials: tuple[Trial, ...]


def name_candidate(shelf: Path, version: str) -> None:
    """Note which model is to be promoted next.

    Parameters
    ----------
    shelf : Path
        The folder of model versions.
    version : str
        Of a model in it.
    """
    put_in_charge(shelf, version, pointer=CANDIDATE)


def promote(
    data: TrainingData, labels: Path, shelf: Path, version: str | None = None, *, on_few: bool = False
) -> Promotion:
    """Put a candidate in charge if it is not worse than the model in charge.

    Both judge the test pairs of the candidate's ground truth and the verdicts of reviewers that neither learnt from. It
    is worse where it alone is wrong so much more often than the other alone that chance
    hardly explains it (McNemar 1947, one-sided, exact).

    Parameters
    ----------
    data : TrainingData
        Catalogue and ground truth that the candidate was trained from.
    labels : Path
        Reviewers' verdicts.
    shelf : Path
        The folder of model versions.
    version : str, optional
        Of the candidate; the one that was trained last as such by default.
    on_few : bool
        Whether fewer than `FEWEST` pairs are enough to try it on.

    Returns
    -------
    Promotion
        It is in charge now.

    Raises
    ------
    MissingArtefactError
        If there is no candidate, or no model in charge.
    MismatchedArtefactError
        If the ground truth is not the one that the candidate was trained from.
    RejectedBuildError
        If it is worse, and the message says where; if there is nothing, or too little, to try it on; or if another was
        put in charge meanwhile.
    """
    candidate, in_charge = _candidate(shelf, version), Model.load(current_version(shelf))
    if candidate.version == in_charge.version:
        raise InputError(f"the candidate {candidate.version} is in charge already: run onemaster train --labels first")
    trials = tuple(
        _trial(name, pairs, in_charge, candidate)
        for name, pairs in (
            ("frozen test pairs", _frozen(data, candidate)),
            ("verdicts that neither learnt from", _not_learnt(labels, data.catalog, in_charge, candidate)),
        )
        if len(pairs)
    )
    if not trials:
        raise RejectedBuildError(
            f"expected verdicts that neither {in_charge.version} nor {candidate.version} learnt from, found none: "
            "judge more pairs"
        )
    if not on_few:
        _require_enough(trials)
    if any(trial.is_worse for trial in trials):
        raise RejectedBuildError(
            f"the candidate {candidate.version} is worse than {in_charge.version}, which stays in charge: "
            + "; ".join(trial.in_words() for trial in trials)
        )
    with one_at_a_time(shelf):
        if current_version(shelf).name != in_charge.version:
            raise RejectedBuildError(
                f"expected {in_charge.version} to be in charge still, found {current_version(shelf).name}, put there "
                "meanwhile by another command: run onemaster promote again"
            )
        put_in_charge(shelf, candidate.version)
    return Promotion(candidate.version, in_charge.version, trials)


def wants_rebuild(folder: DataFolder, version: str) -> bool:
    """Tell whether the index has to be built anew before a model judges.

    Parameters
    ----------
    folder : DataFolder
        With the index in charge.
    version : str
        Of a model.

    Returns
    -------
    bool
        Whether the index was built with another encoder; not where either of them cannot be read.
    """
    try:
        built_with = read_json(current_version(folder.index) / MANIFEST_FILE).get("encoder_digest")
        return encoder_of(folder.models / version) != built_with
    except ArtefactError:
        return False


def _candidate(shelf: Path, version: str | None) -> Model:
    if version is not None:
        if not version or version.startswith(".") or Path(version).name != version or not (shelf / version).is_dir():
            raise MissingArtefactError(f"expected a version in {shelf}, got {version!r}: check its name")
        return Model.load(shelf / version)
    try:
        return Model.load(current_version(shelf, CANDIDATE))
    except MissingArtefactError as error:
        raise MissingArtefactError(f"expected a candidate in {shelf}: run onemaster train --labels first") from error


def _frozen(data: TrainingData, candidate: Model) -> LabelledPairs:
    """Hold out the candidate's test pairs once more."""
    files = {"groundtruth_digest": data.groundtruth, "test_groundtruth_digest": data.test_groundtruth}
    for name, path in files.items():
        digest = None if path is None else sha256_file(path)
        if candidate.card.get(name) != digest:
            option = f"--{name.removesuffix('_digest').replace('_', '-')}"
            raise MismatchedArtefactError(
                f"the candidate {candidate.version} was trained with another {option} than {path or 'none at all'}: "
                f"its test pairs are not known; give the same files ({option} FILE), or train it again"
            )
    # Without labelled pairs what was held out is among the verdicts; of too few pairs nothing was held out.
    if data.groundtruth is None or candidate.card.get("tested_on") == LEARNT_FROM:
        return LabelledPairs([], [], np.zeros(0, dtype=np.bool_), [])
    return hold_out(data, int(str(candidate.card["seed"]))).test


def _not_learnt(path: Path, catalog: Catalog, *models: Model) -> LabelledPairs:
    """Take the verdicts that none of the models learnt from: they came later, or touch what was held out."""
    said = read_labels(path, undone=True)
    learnt = {
        label.verdict.pair
        for model in models
        for label in said
        if label.number <= model.learnt_until and not _is_held_out(label.verdict.pair, model)
    }
    agreed = agreed_tags(read_labels(path))
    return labelled_pairs([each for each in agreed if each.pair not in learnt], catalog)


def _is_held_out(pair: tuple[str, str], model: Model) -> bool:
    return model.card.get("tested_on") == HELD_OUT and any(map(model.held_out.holds, pair))


def _require_enough(trials: Sequence[Trial]) -> None:
    tried = sum(trial.n_pairs for trial in trials)
    if tried < FEWEST:
        raise RejectedBuildError(
            f"expected at least {FEWEST} pairs that neither model learnt from, found {tried}: on so few a worse one is "
            "not seen to be worse. Judge more pairs, train with labelled ones (--groundtruth FILE), or promote it "
            "unseen with --on-few"
        )


def _trial(name: str, pairs: LabelledPairs, in_charge: Model, candidate: Model) -> Trial:
    right_a, right_b = (
        (model_judge(model)(pairs) >= model.classifier.threshold) == pairs.valid for model in (in_charge, candidate)
    )
    test = McNemar.of(right_a, right_b)
    differ = test.only_a + test.only_b
    chance = float(binomtest(test.only_a, differ, alternative="greater").pvalue) if differ else 1.0
    return Trial(name, len(pairs), test, chance)
