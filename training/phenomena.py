"""Evidence by phenomenon: how decisions do on pairs that show one way of writing, or one kind of look-alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from catalog.columns import fold
from catalog.delimited import open_csv
from catalog.errors import CatalogError, GroundTruthError
from catalog.recording import clean, split_list
from catalog.rows import RawRow
from training.intervals import Interval, wilson
from training.pairs import LabelledPairs

PHENOMENA_FILE = "phenomena.csv"
_COLUMNS = ("q_source_id", "m_source_id", "phenomenon")
_ALL_SHOWN = "shown"
_LISTED = 5

Labels = npt.NDArray[np.bool_]
# From the two ids of a pair to the names of what it shows.
Shown = Mapping[frozenset[str], frozenset[str]]


@dataclass(frozen=True)
class Shares:
    """How one classifier does on some pairs, each share with its interval of Wilson (1927).

    The intervals take pairs for independent; with few pairs, all of them right, a bootstrap would promise certainty.

    Attributes
    ----------
    right : Interval
        Share of the pairs that are decided rightly.
    precision : Interval or None
        Of the class ``valid``; ``None`` where nothing is decided valid, or all pairs have one label and it could only
        come out in one way.
    recall : Interval or None
        Of the class ``valid``; ``None`` without valid pairs.
    specificity : Interval or None
        Share of the invalid pairs that are decided invalid; ``None`` without invalid pairs.
    """

    right: Interval
    precision: Interval | None
    recall: Interval | None
    specificity: Interval | None

    @classmethod
    def of(cls, decided: Labels, valid: Labels) -> Shares:
        """Measure decisions.

        Parameters
        ----------
        decided : numpy.ndarray
            Shape (n_pairs,), bool, whether decided valid; at least one pair.
        valid : numpy.ndarray
            Shape (n_pairs,), bool.

        Returns
        -------
        Shares
            All that are defined.
        """
        right = decided == valid
        return cls(
            right=wilson(int(right.sum()), len(right)),
            precision=_share_of(right, decided) if valid.any() and not valid.all() else None,
            recall=_share_of(right, valid),
            specificity=_share_of(right, ~valid),
        )

    def to_json(self) -> dict[str, object]:
        """Write the shares as JSON values.

        Returns
        -------
        dict
            Name to value and ends of the interval, rounded to six digits, or ``None``.
        """
        shares = {name: getattr(self, name) for name in ("right", "precision", "recall", "specificity")}
        ends = ("value", "low", "high")
        return {
            name: {end: round(getattr(share, end), 6) for end in ends} if share else None
            for name, share in shares.items()
        }


@dataclass(frozen=True)
class PhenomenonFigures:
    """How decisions do on the pairs that show one phenomenon.

    Attributes
    ----------
    phenomenon : str
        Its name.
    n_pairs, n_valid : int
        Test pairs that show it, and the valid ones among them.
    onemaster, baseline : Shares
        Of the two classifiers, on the same pairs.
    """

    phenomenon: str
    n_pairs: int
    n_valid: int
    onemaster: Shares
    baseline: Shares

    @property
    def tags(self) -> str:
        """Which pairs show it: ``valid``, ``invalid`` or ``both``."""
        return {0: "invalid", self.n_pairs: "valid"}.get(self.n_valid, "both")

    def to_json(self) -> dict[str, object]:
        """Write the figures as JSON values.

        Returns
        -------
        dict
            A row of "phenomena" in model.json.
        """
        sides = {"onemaster": self.onemaster.to_json(), "baseline": self.baseline.to_json()}
        counts = {"n_pairs": self.n_pairs, "n_valid": self.n_valid, "tags": self.tags}
        return {"phenomenon": self.phenomenon, **counts, **sides}


def read_phenomena(groundtruth: Path | None) -> dict[frozenset[str], frozenset[str]]:
    """Read what labelled pairs show, if a file ``phenomena.csv`` stands beside the ground truth.

    The sample writes one; whoever knows why his own pairs are hard can write one, too.

    Parameters
    ----------
    groundtruth : Path or None
        The ground truth; ``None`` if there is no such file. Beside it a CSV file with the columns
        ``q_source_id,m_source_id,phenomenon``, and any others; a column ``shown`` lists all phenomena of the pair,
        separated by ``|``, where it shows several. Any names will do; a pair may stand on several lines and need not
        be in the ground truth.

    Returns
    -------
    dict
        From the two ids of a pair, in either order, to the names of what it shows; empty without such a file.

    Raises
    ------
    GroundTruthError
        If the file cannot be read, lacks a column or has a line without ids or phenomenon.
    """
    path = groundtruth.with_name(PHENOMENA_FILE) if groundtruth else None
    if path is None or not path.exists():
        return {}
    found: dict[frozenset[str], frozenset[str]] = {}
    wrong: list[str] = []
    for row in _rows(path):
        q, m, *names = (clean(cell) for cell in row.cells) if not row.problem else ("", "")
        shown = frozenset(name for cell in names for name in split_list(cell))
        if row.problem or not (q and m and shown):
            wrong.append(f"line {row.line}: {row.problem or 'an id or the phenomenon is missing'}")
        else:
            pair = frozenset((str(q), str(m)))
            found[pair] = found.get(pair, frozenset()) | shown
    if wrong:
        more = f" and {len(wrong) - _LISTED} further lines" if len(wrong) > _LISTED else ""
        raise GroundTruthError(
            f"expected two ids and a phenomenon on every line of {path}, got {'; '.join(wrong[:_LISTED])}{more}: "
            "correct the file, or remove it to train without figures by phenomenon"
        )
    return found


def figures_by_phenomenon(
    pairs: LabelledPairs, decided: Labels, decided_by_baseline: Labels, shown: Shown
) -> list[PhenomenonFigures]:
    """Measure decisions on the pairs of each phenomenon.

    Parameters
    ----------
    pairs : LabelledPairs
        n_pairs test pairs.
    decided : numpy.ndarray
        Shape (n_pairs,), bool, whether decided valid.
    decided_by_baseline : numpy.ndarray
        Shape (n_pairs,), bool, by the baseline.
    shown : mapping
        From `read_phenomena`.

    Returns
    -------
    list of PhenomenonFigures
        Of every phenomenon that a test pair shows; a pair counts for each that it shows. Those with most errors come
        first.
    """
    rows_of: dict[str, list[int]] = {}
    for row, (q, m) in enumerate(zip(pairs.q, pairs.m, strict=True)):
        for name in shown.get(frozenset((q.sr_id, m.sr_id)), ()):
            rows_of.setdefault(name, []).append(row)
    figures = [
        PhenomenonFigures(
            phenomenon=name,
            n_pairs=len(rows),
            n_valid=int(pairs.valid[rows].sum()),
            onemaster=Shares.of(decided[rows], pairs.valid[rows]),
            baseline=Shares.of(decided_by_baseline[rows], pairs.valid[rows]),
        )
        for name, rows in rows_of.items()
    ]
    return sorted(figures, key=lambda each: (each.onemaster.right.value, each.baseline.right.value, each.phenomenon))


def _share_of(right: Labels, among: Labels) -> Interval | None:
    return wilson(int(right[among].sum()), int(among.sum())) if among.any() else None


def _rows(path: Path) -> list[RawRow]:
    try:
        source = open_csv(path, "utf-8", frozenset((*_COLUMNS, _ALL_SHOWN)))
        header = [fold(name) for name in source.columns]
        if missing := [name for name in _COLUMNS if name not in header]:
            raise GroundTruthError(
                f"expected the columns {', '.join(_COLUMNS)} in the first line of {path}, found {', '.join(header)}: "
                f"{', '.join(missing)} must be added"
            )
        wanted = [*_COLUMNS, *([_ALL_SHOWN] if _ALL_SHOWN in header else [])]
        return list(source.rows([header.index(name) for name in wanted]))
    except (OSError, CatalogError) as error:
        raise GroundTruthError(f"expected a CSV file of phenomena in {path}, got: {error}") from error
