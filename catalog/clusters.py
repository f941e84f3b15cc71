"""The clusters that the last de-duplication made, looked up by recording."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from catalog.artefacts import current_version
from catalog.aside import write_aside
from catalog.errors import (
    CatalogError,
    DamagedArtefactError,
    MissingArtefactError,
    OnemasterError,
    UnknownRecordingError,
)
from catalog.paths import DataFolder
from catalog.store import Catalog
from catalog.tables import connect_readonly, sqlite_errors


@dataclass(frozen=True)
class Cluster:
    """Recordings that are one master.

    Attributes
    ----------
    cluster_id : str
        Stays from run to run.
    representative : str
        The recording that stands for it.
    members : list of str
        Ids of its recordings, ascending.
    """

    cluster_id: str
    representative: str
    members: list[str]


@dataclass(frozen=True)
class Origin:
    """What clusters were made from.

    Attributes
    ----------
    model : str
        Version that judged.
    catalog_digest : str
        Of the catalogue as it was.
    """

    model: str
    catalog_digest: str


def write_clusters(path: Path, rows: Iterable[tuple[str, str, bool]], origin: Origin | None = None) -> None:
    """Write clusters so that they can be looked up.

    Parameters
    ----------
    path : Path
        SQLite file to replace.
    rows : iterable of (str, str, bool)
        sr_id, cluster_id and whether the recording stands for the cluster.
    origin : Origin, optional
        Kept with them.
    """
    with write_aside(path) as aside, closing(sqlite3.connect(aside)) as connection:
        connection.execute("PRAGMA journal_mode=OFF")
        connection.execute(
            "CREATE TABLE member (sr_id TEXT PRIMARY KEY, cluster_id TEXT NOT NULL, representative INTEGER NOT NULL) "
            "WITHOUT ROWID"
        )
        connection.executemany("INSERT INTO member VALUES (?, ?, ?)", rows)
        connection.execute("CREATE INDEX members_of_cluster ON member (cluster_id)")
        if origin:
            connection.execute("CREATE TABLE origin (model TEXT NOT NULL, catalog_digest TEXT NOT NULL)")
            connection.execute("INSERT INTO origin VALUES (?, ?)", (origin.model, origin.catalog_digest))
        connection.commit()


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    try:
        with sqlite_errors(path), closing(connect_readonly(path)) as connection:
            yield connection
    except CatalogError as error:
        raise DamagedArtefactError(
            f"expected clusters in {path}, they cannot be read: run onemaster dedupe --data {path.parents[1]}"
        ) from error


def read_members(path: Path) -> Iterator[tuple[str, str]]:
    """Read all clusters.

    Parameters
    ----------
    path : Path
        File that `write_clusters` wrote.

    Yields
    ------
    (str, str)
        cluster_id and sr_id, cluster after cluster.
    """
    with _opened(path) as connection:
        yield from connection.execute("SELECT cluster_id, sr_id FROM member ORDER BY cluster_id")


def read_origin(path: Path) -> Origin | None:
    """Read what clusters were made from.

    Parameters
    ----------
    path : Path
        File that `write_clusters` wrote.

    Returns
    -------
    Origin or None
        ``None`` if it was not kept, as before there were origins.
    """
    with _opened(path) as connection:
        if not connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'origin'").fetchall():
            return None
        return Origin(*connection.execute("SELECT model, catalog_digest FROM origin").fetchone())


def changes_since(clusters: Path, folder: DataFolder) -> str:
    """Say what is no longer as it was when clusters were made.

    Parameters
    ----------
    clusters : Path
        File that `write_clusters` wrote.
    folder : DataFolder
        With the model in charge and the catalogue.

    Returns
    -------
    str
        In words; empty if nothing has changed, or the clusters do not know what they were made from.
    """
    origin = read_origin(clusters)
    changed = []
    with suppress(MissingArtefactError):
        in_charge = current_version(folder.models).name
        if origin and origin.model != in_charge:
            changed.append(f"the model {origin.model} judged, {in_charge} is in charge now")
    with suppress(OnemasterError), Catalog.open(folder.catalog, folder.copies) as catalog:
        if origin and origin.catalog_digest != catalog.digest():
            changed.append("the catalogue has changed since")
    return ", and ".join(changed)


def find_cluster(path: Path, sr_id: str) -> Cluster:
    """Look up the cluster of a recording.

    Parameters
    ----------
    path : Path
        File that `write_clusters` wrote.
    sr_id : str
        Id of the recording.

    Returns
    -------
    Cluster
        With all of its recordings.

    Raises
    ------
    MissingArtefactError
        If the catalogue was not de-duplicated yet.
    UnknownRecordingError
        If the recording was not there when it was.
    """
    if not path.is_file():
        raise MissingArtefactError(
            f"expected clusters in {path}, found none: run onemaster dedupe --data {path.parents[1]}"
        )
    of_same = (
        "SELECT sr_id, cluster_id, representative FROM member WHERE cluster_id = "
        "(SELECT cluster_id FROM member WHERE sr_id = ?) ORDER BY sr_id"
    )
    with _opened(path) as connection:
        rows = connection.execute(of_same, (sr_id,)).fetchall()
    if not rows:
        raise UnknownRecordingError(sr_id)
    representative = next((str(member) for member, _, stands in rows if stands), str(rows[0][0]))
    return Cluster(str(rows[0][1]), representative, [str(member) for member, _, _ in rows])
