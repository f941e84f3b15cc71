"""What has changed in a catalogue since a snapshot of it was built: published beside the snapshot, never edited.

    index/
        20261121T203600Z-1f2e3d4c/          a snapshot
        20261121T203600Z-1f2e3d4c.deltas/   its deltas, each complete by itself
            20261122T091500Z-5a6b7c8d/      one of them; it is for the one state of the catalogue that it names

No CURRENT says which delta is in charge: it is the one for the state that the catalogue is in. So whatever is put in
place first, the catalogue or its delta, there is no moment at which the two do not fit.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from catalog.artefacts import new_version
from catalog.digests import RowDigests
from catalog.errors import DamagedArtefactError, MissingArtefactError
from catalog.manifest import checksums, read_json, require, verify, write_json
from catalog.normalize import NORMALIZER_VERSION
from embeddings.text import TEMPLATE_VERSION
from index.changes import Changes
from index.codes import CODE_FILES, CodeIndex
from index.snapshot import Snapshot

logger = logging.getLogger(__name__)

# Of a snapshot and of a delta alike, so that a later refresh or compaction knows which vectors it may keep.
ROW_DIGESTS_FILE = "row_digests.npy"
_MANIFEST_FILE = "manifest.json"
_GONE_FILE, _IDS_FILE, _VECTORS_FILE = "gone.npy", "ids.npy", "vectors.npy"
_ARRAY_FILES = (_GONE_FILE, _IDS_FILE, _VECTORS_FILE, ROW_DIGESTS_FILE)
_FILES = (*_ARRAY_FILES, *CODE_FILES)
_EXPECTED = {"format": 2, "template_version": TEMPLATE_VERSION, "normalizer_version": NORMALIZER_VERSION}
_REMEDY = "run onemaster refresh"


@dataclass(frozen=True, eq=False)
class Delta:
    """Changes as they were published.

    Attributes
    ----------
    version : str
        Name of the delta.
    changes : Changes
        Relative to the snapshot.
    manifest : dict
        As published.
    """

    version: str
    changes: Changes
    manifest: dict[str, object]

    @classmethod
    def load(cls, folder: Path) -> Delta:
        """Open a published delta and check all of it.

        Parameters
        ----------
        folder : Path
            The version's folder.

        Returns
        -------
        Delta
            Read into memory.

        Raises
        ------
        DamagedArtefactError
            If a file is absent, altered or not what the manifest says.
        MismatchedArtefactError
            If it was made with another text template or normaliser.
        """
        manifest = read_json(folder / _MANIFEST_FILE)
        require(manifest, folder, _EXPECTED, _FILES, _REMEDY)
        verify(folder, manifest["files"])  # type: ignore[arg-type]  # required to be a mapping
        gone, ids, vectors, digests = (np.load(folder / name, allow_pickle=False) for name in _ARRAY_FILES)
        changes = Changes(gone, ids, vectors, digests, CodeIndex.load(folder))
        counts = (len(changes.gone), len(changes.ids), *changes.vectors.shape, len(changes.row_digests))
        expected = (
            manifest.get("gone"),
            *[manifest.get("fresh")] * 2,
            manifest.get("dimension"),
            manifest.get("fresh"),
        )
        if counts != expected:
            raise DamagedArtefactError(f"expected {expected} entries in {folder}, found {counts}: {_REMEDY}")
        return cls(folder.name, changes, manifest)

    def require_fit(self, snapshot: Snapshot) -> None:
        """Check that this is a delta of a snapshot.

        Parameters
        ----------
        snapshot : Snapshot
            To be completed by it.

        Raises
        ------
        DamagedArtefactError
            If it was made for another one, or its rows and ids do not fit.
        """
        expected = {name: snapshot.manifest.get(name) for name in ("encoder_digest", "dimension")}
        expected["snapshot"] = snapshot.version
        found = {name: self.manifest.get(name) for name in expected}
        if found != expected or not self.changes.fit(snapshot.ids):
            raise DamagedArtefactError(
                f"expected changes of {expected} in the delta {self.version}, found those of {found}, or rows that do "
                f"not fit it: {_REMEDY}"
            )


def write_delta(building: Path, changes: Changes, about: Mapping[str, object]) -> str:
    """Write changes and their manifest into a folder that is not published yet.

    Parameters
    ----------
    building : Path
        An empty folder.
    changes : Changes
        To be written.
    about : mapping
        What they are relative to and lead to: ``snapshot``, ``encoder_digest``, ``catalog_digest`` and more.

    Returns
    -------
    str
        Name for the version.
    """
    changes.codes.save(building)
    np.save(building / _GONE_FILE, changes.gone, allow_pickle=False)
    np.save(building / _IDS_FILE, changes.ids, allow_pickle=False)
    np.save(building / _VECTORS_FILE, changes.vectors, allow_pickle=False)
    np.save(building / ROW_DIGESTS_FILE, changes.row_digests, allow_pickle=False)
    manifest = {
        **_EXPECTED,
        "gone": len(changes.gone),
        "fresh": len(changes.ids),
        "dimension": changes.vectors.shape[1],
        **about,
        "files": checksums(building),
    }
    write_json(building / _MANIFEST_FILE, manifest)
    return new_version(str(about["catalog_digest"]))


def deltas_beside(shelf: Path, snapshot: str) -> Path:
    """Name the folder of a snapshot's deltas.

    Parameters
    ----------
    shelf : Path
        The folder of index versions.
    snapshot : str
        Version of the snapshot.

    Returns
    -------
    Path
        It need not exist.
    """
    return shelf / f"{snapshot}.deltas"


def find_delta(deltas: Path, catalog_digest: str) -> Path | None:
    """Find the delta for a state of the catalogue.

    Parameters
    ----------
    deltas : Path
        The folder of a snapshot's deltas.
    catalog_digest : str
        Digest of the state.

    Returns
    -------
    Path or None
        The newest one; ``None`` if there is none.

    Raises
    ------
    DamagedArtefactError
        If its manifest cannot be read.
    """
    for folder in sorted(deltas.glob(f"2*-{catalog_digest[:8]}"), reverse=True):
        if read_json(folder / _MANIFEST_FILE).get("catalog_digest") == catalog_digest:
            return folder
    return None


def stored_row_digests(snapshot: Path) -> RowDigests:
    """Open the digests of a snapshot's rows.

    Parameters
    ----------
    snapshot : Path
        The folder of a snapshot whose files were verified.

    Returns
    -------
    numpy.ndarray
        Shape (n,), uint64, mapped.

    Raises
    ------
    MissingArtefactError
        If the snapshot was built before onemaster kept them.
    """
    try:
        digests: RowDigests = np.load(snapshot / ROW_DIGESTS_FILE, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError as error:
        raise MissingArtefactError(
            f"expected {ROW_DIGESTS_FILE} in {snapshot}, which an earlier version of onemaster built without: "
            "run onemaster rebuild"
        ) from error
    return digests


def discard_stale(deltas: Path, in_charge: str | None) -> None:
    """Remove deltas for states that the catalogue is no longer in, but for the newest of them.

    A program that is opening the state before still finds what belongs to it.

    Parameters
    ----------
    deltas : Path
        The folder of a snapshot's deltas.
    in_charge : str or None
        Version of the delta for the state that the catalogue in place is in; ``None`` if the snapshot is for it.
    """
    others = sorted(folder for folder in deltas.glob("2*") if folder.name != in_charge)
    for folder in others[:-1]:
        logger.info("removing the delta %s of an earlier state", folder.name)
        shutil.rmtree(folder, ignore_errors=True)
