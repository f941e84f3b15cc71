"""Where things stand in a data folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from catalog.errors import MissingArtefactError

CLUSTERS_CSV, CLUSTERS_DB, SUMMARY_HTML = "clusters.csv", "clusters.db", "summary.html"
CATALOG_DB, LABELS_DB = "catalog.db", "labels.db"
COPY_RECORD = ".copy-of.json"
"""In a copy of a data folder at a URL: of which, and which content its files had when they were last compared."""


def copied_from(folder: Path) -> str:
    """Name the URL whose data folder a folder is this machine's copy of.

    Parameters
    ----------
    folder : Path
        Any folder.

    Returns
    -------
    str
        Empty if it is none.
    """
    try:
        return str(json.loads((folder / COPY_RECORD).read_text(encoding="utf-8"))["url"])
    except (OSError, KeyError, TypeError, ValueError):
        return ""


@dataclass(frozen=True)
class DataFolder:
    """The default places of everything that onemaster keeps.

    Attributes
    ----------
    root : Path
        The data folder, ``data`` by default.
    catalog : Path
        SQLite file of recordings.
    groundtruth : Path
        CSV file of labelled pairs.
    models : Path
        Shelf of published models.
    index : Path
        Shelf of published indexes.
    dedupe : Path
        What the last de-duplication found.
    copies : Path
        Our indexed copies of catalogues that cannot be used as they are.
    """

    root: Path
    catalog: Path
    groundtruth: Path
    models: Path
    index: Path
    dedupe: Path
    copies: Path

    @property
    def named(self) -> str:
        """What is to be typed after ``--data``: the folder, or the URL that it is a copy of."""
        return copied_from(self.root) or str(self.root)

    def as_typed(self, message: str) -> str:
        """Put what is to be typed in the place of the folder.

        Parameters
        ----------
        message : str
            For whoever types commands.

        Returns
        -------
        str
            The same, if the folder is no copy.
        """
        return message.replace(str(self.root), self.named)

    @property
    def labels(self) -> Path:
        """What reviewers said of pairs."""
        return self.root / LABELS_DB

    @property
    def profile(self) -> Path:
        """What `onemaster profile` found in the catalogue."""
        return self.root / "profile.json"

    @property
    def decisions(self) -> Path:
        """Decisions that the service gave."""
        return self.root / "decisions"

    @property
    def clusters(self) -> Path:
        """Clusters of the last de-duplication, to be looked up."""
        return self.dedupe / CLUSTERS_DB

    def existing_catalog(self) -> Path:
        """Give the catalogue's place if it is there.

        Returns
        -------
        Path
            `catalog`.

        Raises
        ------
        MissingArtefactError
            If there is none yet; the message says how to make it.
        """
        if not self.catalog.exists():
            raise MissingArtefactError(
                f"expected a catalogue in {self.catalog}, found none: check the path, or run onemaster import FILE "
                f"--data {self.root}"
            )
        return self.catalog

    def still_there(self) -> DataFolder:
        """Give the folder that a service has opened if it is there: nobody is to write into what stands in its place.

        Returns
        -------
        DataFolder
            The same.

        Raises
        ------
        MissingArtefactError
            If it or its catalogue is gone: it was moved, say, or the volume that it is on is mounted no more.
        """
        for what, path in (("data folder", self.root), ("catalogue", self.catalog)):
            if not path.exists():
                raise MissingArtefactError(
                    f"expected the {what} that is served in {path}, found none: put it back or mount it again; "
                    "until then nothing is kept"
                )
        return self

    @classmethod
    def at(
        cls,
        root: Path,
        *,
        catalog: Path | None = None,
        groundtruth: Path | None = None,
        models: Path | None = None,
        index: Path | None = None,
    ) -> DataFolder:
        """Lay out a data folder, some places of which may lie elsewhere.

        Parameters
        ----------
        root : Path
            The data folder; need not exist.
        catalog : Path, optional
            Catalogue, if not in the data folder.
        groundtruth : Path, optional
            Labelled pairs, if not in the data folder.
        models : Path, optional
            Shelf of models, if not in the data folder.
        index : Path, optional
            Shelf of indexes, if not in the data folder.

        Returns
        -------
        DataFolder
            All places.
        """
        return cls(
            root=root,
            catalog=catalog or root / CATALOG_DB,
            groundtruth=groundtruth or root / "groundtruth.csv",
            models=models or root / "models",
            index=index or root / "index",
            dedupe=root / "dedupe",
            copies=root / "copies",
        )
