"""Models on the pairs that the service was asked about: how often they differ, and who reviewers side with."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import numpy.typing as npt

from catalog.aside import write_aside
from catalog.errors import MissingArtefactError
from catalog.store import Catalog
from matching.classifier import INVALID, VALID
from matching.decision_log import read_decisions
from matching.labels import AgreedTag
from training.contenders import Contender
from training.pairs import COLUMNS, LabelledPairs

MOST_PAIRS = 50_000
"""Of the log, the newest; each pair counts once."""


@dataclass(frozen=True, eq=False)
class LogComparison:
    """What several models make of the same pairs.

    Attributes
    ----------
    contenders : list of Contender
        The models.
    pairs : LabelledPairs
        Of the log; their labels mean nothing.
    probabilities : numpy.ndarray
        Shape (n_contenders, n_pairs), float64.
    decided : numpy.ndarray
        Shape (n_contenders, n_pairs), bool: who decides valid.
    reviewed : dict of int to bool
        Pairs with a reviewers' verdict, and whether they are valid.
    """

    contenders: list[Contender]
    pairs: LabelledPairs
    probabilities: npt.NDArray[np.float64]
    decided: npt.NDArray[np.bool_]
    reviewed: dict[int, bool]

    @property
    def figures(self) -> dict[str, dict[str, object]]:
        """For each model the share of valid pairs, the mean probability, and how many verdicts it agrees with."""
        rows, tags = list(self.reviewed), np.array(list(self.reviewed.values()), dtype=np.bool_)
        return {
            contender.name: {
                "valid_share": round(float(decided.mean()), 6),
                "mean_probability": round(float(probabilities.mean()), 6),
                "reviewed_rightly": int((decided[rows] == tags).sum()) if rows else None,
            }
            for contender, probabilities, decided in zip(self.contenders, self.probabilities, self.decided, strict=True)
        }

    def to_json(self) -> dict[str, object]:
        """Write the comparison as JSON values.

        Returns
        -------
        dict
            With the number of pairs on which each two models differ.
        """
        names = [contender.name for contender in self.contenders]
        differ = {
            f"{names[one]} and {names[other]}": int((self.decided[one] != self.decided[other]).sum())
            for one, other in combinations(range(len(names)), 2)
        }
        return {"pairs": len(self.pairs), "reviewed": len(self.reviewed), "models": self.figures, "differ": differ}


def compare_over_log(
    contenders: Sequence[Contender], folder: Path, catalog: Catalog, agreed: Sequence[AgreedTag]
) -> LogComparison:
    """Have models judge the pairs of the log.

    Parameters
    ----------
    contenders : sequence of Contender
        Two at least.
    folder : Path
        Of the log.
    catalog : Catalog
        Where the recordings stand; pairs of recordings that are gone do not count.
    agreed : sequence of AgreedTag
        What reviewers agreed on.

    Returns
    -------
    LogComparison
        Over at most `MOST_PAIRS` pairs.

    Raises
    ------
    MissingArtefactError
        If the log holds no pairs of this catalogue.
    """
    rows = read_decisions(folder, MOST_PAIRS).select(["q_sr_id", "m_sr_id"]).to_pylist()
    asked = dict.fromkeys((min(row.values()), max(row.values())) for row in rows)
    chosen = [pair for pair in asked if pair[0] != pair[1]][:MOST_PAIRS]
    q, m = (catalog.get_many([pair[side] for pair in chosen]) for side in (0, 1))
    known = [(one, other) for one, other in zip(q, m, strict=True) if one is not None and other is not None]
    if not known:
        raise MissingArtefactError(
            f"expected decisions on pairs of this catalogue in {folder}, found none: "
            "serve with ONEMASTER_LOG_SHARE=1 keeps them"
        )
    pairs = LabelledPairs([one for one, _ in known], [other for _, other in known], np.zeros(len(known), np.bool_), [])
    probabilities = np.stack([contender.judge(pairs) for contender in contenders])
    decided = probabilities >= np.array([[contender.threshold] for contender in contenders])
    tags = {each.pair: each.tag == VALID for each in agreed}
    ids = [(one.sr_id, other.sr_id) for one, other in known]
    reviewed = {row: tags[pair] for row, pair in enumerate(ids) if pair in tags}
    return LogComparison(list(contenders), pairs, probabilities, decided, reviewed)


def write_differences(comparison: LogComparison, path: Path) -> int:
    """Write the pairs that not all models decide alike, those with the widest difference first.

    Parameters
    ----------
    comparison : LogComparison
        From `compare_over_log`.
    path : Path
        CSV file; replaced.

    Returns
    -------
    int
        How many there are.
    """
    spread = np.ptp(comparison.probabilities, axis=0)
    differ = np.flatnonzero(comparison.decided.any(axis=0) & ~comparison.decided.all(axis=0))
    names = [contender.name for contender in comparison.contenders]
    tags = {True: VALID, False: INVALID, None: ""}
    with write_aside(path) as aside, aside.open("w", newline="", encoding="utf-8", errors="replace") as stream:
        writer = csv.writer(stream)
        writer.writerow((*COLUMNS, *(f"{name} probability" for name in names)))
        for row in differ[np.argsort(-spread[differ], kind="stable")].tolist():
            pair = (comparison.pairs.q[row].sr_id, comparison.pairs.m[row].sr_id)
            said = (f"{each:.6f}" for each in comparison.probabilities[:, row])
            writer.writerow((*pair, tags[comparison.reviewed.get(row)], *said))
    return len(differ)
