"""The ground truth: labelled pairs, checked line by line."""

from __future__ import annotations

import csv
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from catalog.aside import write_aside
from catalog.columns import fold
from catalog.delimited import open_csv
from catalog.errors import CatalogError, GroundTruthError
from catalog.recording import Recording, clean
from catalog.store import Catalog
from matching.classifier import INVALID, VALID

logger = logging.getLogger(__name__)

COLUMNS = ("q_source_id", "m_source_id", "tag")
_LOGGED = 20
_UNKNOWN = "the catalogue holds no sr_id"
_CHUNK = 10_000


@dataclass(frozen=True, slots=True)
class Problem:
    """A line of the ground truth that is not used.

    Attributes
    ----------
    line : int
        Line of the file, the header being 1.
    reason : str
        What is wrong with it.
    row : tuple of str
        The line's cells, or the line as it stands if it could not be cut into cells.
    """

    line: int
    reason: str
    row: tuple[str, ...]


@dataclass(frozen=True)
class LabelledPairs:
    """The usable pairs of a ground truth.

    Attributes
    ----------
    q, m : list of Recording
        The two sides.
    valid : numpy.ndarray
        Shape (n_pairs,), bool.
    problems : list of Problem
        The lines that are not used, in their order.
    """

    q: list[Recording]
    m: list[Recording]
    valid: npt.NDArray[np.bool_]
    problems: list[Problem]

    def __len__(self) -> int:
        return len(self.q)

    @property
    def sr_ids(self) -> frozenset[str]:
        """Ids of all recordings that stand in the pairs."""
        return frozenset(recording.sr_id for side in (self.q, self.m) for recording in side)

    @property
    def has_both_kinds(self) -> bool:
        """Whether there are valid pairs and invalid ones."""
        return bool(self.valid.any()) and not bool(self.valid.all())

    def take(self, rows: npt.NDArray[np.int64]) -> LabelledPairs:
        """Keep some of the pairs.

        Parameters
        ----------
        rows : numpy.ndarray
            Shape (n_kept,), int64.

        Returns
        -------
        LabelledPairs
            Those pairs, without the problems.
        """
        return LabelledPairs([self.q[row] for row in rows], [self.m[row] for row in rows], self.valid[rows], [])


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    q: str
    m: str
    tag: str

    @property
    def row(self) -> tuple[str, ...]:
        return self.q, self.m, self.tag

    @property
    def key(self) -> tuple[str, str]:
        return min(self.q, self.m), max(self.q, self.m)


def read_groundtruth(path: Path, catalog: Catalog) -> LabelledPairs:
    """Read labelled pairs and set aside every line that cannot be used.

    Parameters
    ----------
    path : Path
        CSV file with the columns ``q_source_id,m_source_id,tag``, and any others; with commas, semicolons or tabs.
    catalog : Catalog
        Where the recordings stand.

    Returns
    -------
    LabelledPairs
        In the file's order. A pair that is repeated counts once; one with both tags (in either order of its ids)
        does not count at all; nor does a recording paired with itself, which teaches nothing.

    Raises
    ------
    GroundTruthError
        If the file cannot be read, or no usable pair is left.
    """
    lines: list[_Line] = []
    problems: list[Problem] = []
    for line in _lines(path, problems):
        reason = _wrong_alone(line)
        if reason:
            problems.append(Problem(line.number, reason, line.row))
        else:
            lines.append(line)
    pairs = _known(_consistent(lines, problems), catalog, problems)
    problems.sort(key=lambda problem: problem.line)
    _log(path, len(pairs), problems)
    if not pairs:
        reason = f"line {problems[0].line}: {problems[0].reason}" if problems else "the file holds no pairs"
        if all(problem.reason.startswith(_UNKNOWN) for problem in problems):
            reason += "; are these pairs of another catalogue, or ids from another column?" if problems else ""
        raise GroundTruthError(f"expected at least one usable pair in {path}, found none of {len(problems)}: {reason}")
    return LabelledPairs(
        q=[q for _, q, _ in pairs],
        m=[m for _, _, m in pairs],
        valid=np.array([line.tag == VALID for line, _, _ in pairs], dtype=np.bool_),
        problems=problems,
    )


def some_valid_pairs(path: Path, catalog: Catalog, most: int = 1_000) -> list[tuple[str, str]]:
    """Read pairs to measure candidate generation by.

    Parameters
    ----------
    path : Path
        As for `read_groundtruth`.
    catalog : Catalog
        Where the recordings stand.
    most : int
        Pairs wanted at most, spread over the file.

    Returns
    -------
    list of (str, str)
        Ids of valid pairs; empty, with a warning, if the file cannot be used, and without one if there is none.
    """
    if not path.exists():
        return []
    try:
        pairs = read_groundtruth(path, catalog)
    except GroundTruthError as error:
        logger.warning("pair completeness is not measured: %s", error)
        return []
    valid = np.flatnonzero(pairs.valid)
    return [(pairs.q[row].sr_id, pairs.m[row].sr_id) for row in valid[:: -(-len(valid) // most) or 1]]


def write_problems(problems: Sequence[Problem], path: Path) -> None:
    """Write the unusable lines to a file, or remove an old one if there are none.

    Parameters
    ----------
    problems : sequence of Problem
        From `read_groundtruth`.
    path : Path
        CSV file with the columns ``line,reason,q_source_id,m_source_id,tag``.
    """
    if not problems:
        path.unlink(missing_ok=True)
        return
    with write_aside(path) as aside, aside.open("w", newline="", encoding="utf-8", errors="replace") as stream:
        writer = csv.writer(stream)
        writer.writerow(("line", "reason", *COLUMNS))
        writer.writerows((problem.line, problem.reason, *problem.row) for problem in problems)


def _lines(path: Path, problems: list[Problem]) -> Iterator[_Line]:
    """Read the pairs as they stand; note the lines that are no pair at all."""
    try:
        source = open_csv(path, "utf-8", frozenset(COLUMNS))
        header = [fold(name) for name in source.columns]
        if missing := [name for name in COLUMNS if name not in header]:
            raise GroundTruthError(
                f"expected the columns {', '.join(COLUMNS)} in the first line of {path}, "
                f"found {', '.join(repr(name[:80])[1:-1] for name in header[:50])}: {', '.join(missing)} must be added"
            )
        for row in source.rows([header.index(name) for name in COLUMNS]):
            if row.problem:
                problems.append(Problem(row.line, row.problem, (row.text.rstrip("\r\n"),)))
            else:
                q, m, tag = (str(cell).strip() for cell in row.cells)
                yield _Line(row.line, q, m, tag.casefold())
    except FileNotFoundError as error:
        raise GroundTruthError(
            f"expected a CSV file of labelled pairs in {path}, found none: name yours with --groundtruth FILE"
        ) from error
    except (OSError, CatalogError) as error:
        raise GroundTruthError(f"expected a CSV file of labelled pairs in {path}, got: {error}") from error


def _wrong_alone(line: _Line) -> str:
    if clean(line.q) is None or clean(line.m) is None:
        return "an id is missing"
    if line.tag not in (VALID, INVALID):
        return f"unknown tag {line.tag!r}, expected {VALID} or {INVALID}"
    return "a recording is paired with itself" if line.q == line.m else ""


def _consistent(lines: Sequence[_Line], problems: list[Problem]) -> list[_Line]:
    """Keep the first of repeated pairs and none of contradicting ones; note the others."""
    first: dict[tuple[str, str], _Line] = {}
    contradicted: dict[tuple[str, str], int] = {}
    for line in lines:
        earlier = first.setdefault(line.key, line)
        if earlier.tag != line.tag:
            contradicted.setdefault(line.key, line.number)
    kept = []
    for line in lines:
        if line.key in contradicted:
            other = contradicted[line.key] if line is first[line.key] else first[line.key].number
            reason = f"contradicts line {other}, which has the other tag"
            problems.append(Problem(line.number, reason, line.row))
        elif line is not first[line.key]:
            problems.append(Problem(line.number, f"repeats line {first[line.key].number}", line.row))
        else:
            kept.append(line)
    return kept


def _known(
    lines: Sequence[_Line], catalog: Catalog, problems: list[Problem]
) -> list[tuple[_Line, Recording, Recording]]:
    """Keep the pairs whose recordings the catalogue holds; note the others."""
    known = []
    for start in range(0, len(lines), _CHUNK):
        chunk = lines[start : start + _CHUNK]
        found = catalog.get_many([line.q for line in chunk] + [line.m for line in chunk])
        for line, q, m in zip(chunk, found[: len(chunk)], found[len(chunk) :], strict=True):
            if q is None or m is None:
                reason = f"{_UNKNOWN} {(line.q if q is None else line.m)!r}"
                problems.append(Problem(line.number, reason, line.row))
            else:
                known.append((line, q, m))
    return known


def _log(path: Path, usable: int, problems: Sequence[Problem]) -> None:
    logger.info("%s: %d usable pairs, %d lines left out", path, usable, len(problems))
    for problem in problems[:_LOGGED]:
        logger.warning("%s, line %d: %s", path, problem.line, problem.reason)
    if len(problems) > _LOGGED:
        logger.warning("%s: and %d further lines left out", path, len(problems) - _LOGGED)
