"""Which recordings have an ISRC in common."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np
import numpy.typing as npt

from catalog.errors import DamagedArtefactError
from catalog.isrc import parse_isrcs
from index.postings import Postings, map_arrays
from index.vectors import Rows

# Recordings with one ISRC that each of them is compared with. Codes in use for fewer recordings are compared all with
# all; a code that stands in for a missing one may be in use for any number.
MOST_WITH_A_CODE = 20
CODE_FILES = ("codes.npy", "codes-rows.npy")


@dataclass(frozen=True, eq=False)
class Codes:
    """ISRCs, and whose they are.

    Attributes
    ----------
    rows : numpy.ndarray
        Shape (n_codes,), int64, ascending: which recording has the code.
    hashes : numpy.ndarray
        Shape (n_codes,), uint64.
    """

    rows: Rows
    hashes: npt.NDArray[np.uint64]

    @classmethod
    def of(cls, isrcs: Iterable[Sequence[str] | None], first_row: int = 0) -> Codes:
        """List the well-formed codes of some recordings.

        Parameters
        ----------
        isrcs : iterable of sequences of str
            As delivered, for each recording; ``None`` or empty is missing.
        first_row : int
            Row of the first of them.

        Returns
        -------
        Codes
            Each recording's without repetition.
        """
        codes = [sorted(parse_isrcs(tuple(each or ()))) for each in isrcs]
        hashes = [blake2b(code.encode(), digest_size=8).digest() for each in codes for code in each]
        rows = np.repeat(np.arange(first_row, first_row + len(codes)), list(map(len, codes)))
        return cls(rows, np.frombuffer(b"".join(hashes), dtype="<u8"))


@dataclass(frozen=True, eq=False)
class CodeIndex:
    """The recordings of a catalogue by their ISRCs.

    Attributes
    ----------
    postings : Postings
        Hashes of codes, and rows.
    """

    postings: Postings

    @classmethod
    def build(cls, parts: Sequence[Codes]) -> CodeIndex:
        """Sort the codes of a catalogue.

        Parameters
        ----------
        parts : sequence of Codes
            At least one.

        Returns
        -------
        CodeIndex
            Ready to ask.
        """
        rows, hashes = (np.concatenate([getattr(part, name) for part in parts]) for name in ("rows", "hashes"))
        order = np.lexsort((rows, hashes))
        return cls(Postings(hashes[order], rows[order]))

    def save(self, folder: Path) -> None:
        """Write the files.

        Parameters
        ----------
        folder : Path
            Not published yet.
        """
        for name, array in zip(CODE_FILES, (self.postings.keys, self.postings.rows), strict=True):
            np.save(folder / name, array, allow_pickle=False)

    @classmethod
    def load(cls, folder: Path) -> CodeIndex:
        """Map the files, whose checksums were verified.

        Parameters
        ----------
        folder : Path
            The version's folder.

        Returns
        -------
        CodeIndex
            As it was saved.

        Raises
        ------
        DamagedArtefactError
            If they do not fit each other.
        """
        keys, rows = map_arrays(folder, CODE_FILES)
        if keys.shape != rows.shape:
            raise DamagedArtefactError(
                f"expected a row for each code in {folder}, found {rows.shape} and {keys.shape}: run onemaster rebuild"
            )
        return cls(Postings(keys, rows))

    def rows_with(self, isrcs: Sequence[str], own_row: int = -1) -> Rows:
        """Find the recordings that have one of some codes.

        Parameters
        ----------
        isrcs : sequence of str
            As delivered.
        own_row : int
            Where the recording that asks stands itself; -1 if nowhere.

        Returns
        -------
        numpy.ndarray
            Shape (n,), int64, ascending, without `own_row`. Of a code that more than `MOST_WITH_A_CODE` others have, as
            many, those that stand nearest to `own_row` in the catalogue.
        """
        first, last = self.postings.find(Codes.of([isrcs]).hashes)
        near = [self._near(own_row, *each) for each in zip(first.tolist(), last.tolist(), strict=True)]
        return np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *near]))

    def _near(self, own_row: int, first: int, last: int) -> Rows:
        if last - first <= MOST_WITH_A_CODE + 1:
            begin, end = first, last
        else:
            own = first + int(np.searchsorted(self.postings.rows[first:last], own_row))
            begin = min(max(first, own - MOST_WITH_A_CODE // 2), last - MOST_WITH_A_CODE - 1)
            end = begin + MOST_WITH_A_CODE + 1
        rows: Rows = self.postings.rows[begin:end].astype(np.int64)
        others: Rows = rows[rows != own_row]
        return others[:MOST_WITH_A_CODE]
