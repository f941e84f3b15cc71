"""Keeping catalogue and index together while recordings are added, changed and removed.

Whatever is killed, and whenever: the catalogue in place has an index that is for its very state, or it is told to be
refreshed. What is open stays as it was opened.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from catalog.artefacts import current_version, one_at_a_time
from catalog.changes import changing, next_catalog, require_ours
from catalog.errors import InputError, MissingArtefactError, UnknownRecordingError
from catalog.importers import ImportReport, carry_out
from catalog.paths import DataFolder
from catalog.plans import plan_import
from catalog.store import Catalog
from catalog.writer import used_columns
from index.delta import deltas_beside, discard_stale
from index.encoders import RecordingEncoder
from index.rebuild import RebuildOptions, RebuildReport, rebuild
from index.refresh import RefreshReport, StoredVectors, latest_index
from index.refresh import refresh as refresh_index
from index.snapshot import Snapshot
from matching.model import Model, model_with_encoder

LoadEncoder = Callable[[Path], RecordingEncoder]


@dataclass(frozen=True)
class Delivery:
    """Files with recordings to add.

    Attributes
    ----------
    files : sequence of Path
        Whatever `import_catalog` reads.
    columns : sequence of str
        See `import_catalog`.
    encoding : str or None
        Of CSV files; ``None`` if nobody named it.
    """

    files: Sequence[Path]
    columns: Sequence[str] = ()
    encoding: str | None = None


@dataclass(frozen=True)
class AddReport:
    """What an addition did.

    Attributes
    ----------
    delivery : ImportReport
        What was read.
    added, updated, unchanged : int
        Recordings that were new, that replaced another description, and that were there just so.
    index : RefreshReport or None
        ``None`` if no index is published.
    """

    delivery: ImportReport
    added: int
    updated: int
    unchanged: int
    index: RefreshReport | None


@dataclass(frozen=True)
class RemoveReport:
    """What a removal did.

    Attributes
    ----------
    removed : int
        Recordings that are gone.
    unknown : sequence of str
        Ids that the catalogue did not hold.
    index : RefreshReport or None
        ``None`` if no index is published.
    """

    removed: int
    unknown: Sequence[str]
    index: RefreshReport | None


def add(folder: DataFolder, delivery: Delivery, load_encoder: LoadEncoder) -> AddReport:
    """Add recordings to a catalogue, or change what it says of them, and bring its index up to that.

    Files are read by the columns by which the import read its own. Of rows with the same id, the first one stands. It
    replaces what the catalogue held, but for fields that its file has no column for.

    Parameters
    ----------
    folder : DataFolder
        With a catalogue that onemaster wrote.
    delivery : Delivery
        What to add.
    load_encoder : callable
        Opens an encoder's folder; called if there is something to encode.

    Returns
    -------
    AddReport
        Counts.

    Raises
    ------
    CatalogError
        If the catalogue, a file or a column cannot be used; nothing is changed.
    ArtefactError
        If the published index cannot be used; nothing is changed.
    """
    require_ours(folder.catalog)
    with one_at_a_time(folder.index):
        with next_catalog(folder.catalog) as aside:
            with changing(aside) as changes:
                plan = plan_import(
                    delivery.files, delivery.columns, delivery.encoding, before=used_columns(folder.catalog)
                )
                read = carry_out(plan, folder.catalog, writing=lambda _target, _keep_rows: nullcontext(changes))
            index = _refreshed(folder, aside, load_encoder)
        _discard_stale(folder, index)
    return AddReport(read, changes.added, changes.updated, changes.unchanged, index)


def remove(
    folder: DataFolder, sr_ids: Sequence[str], load_encoder: LoadEncoder, ignore_unknown: bool = False
) -> RemoveReport:
    """Remove recordings from a catalogue and bring its index up to that.

    Parameters
    ----------
    folder : DataFolder
        With a catalogue that onemaster wrote.
    sr_ids : sequence of str
        Ids of recordings.
    load_encoder : callable
        Opens an encoder's folder; called if there is something to encode.
    ignore_unknown : bool
        Whether ids that the catalogue does not hold are passed over.

    Returns
    -------
    RemoveReport
        Counts.

    Raises
    ------
    UnknownRecordingError
        For the first id that the catalogue does not hold; nothing is changed.
    InputError
        If no recording would be left; nothing is changed.
    ArtefactError
        If the published index cannot be used; nothing is changed.
    """
    require_ours(folder.catalog)
    with one_at_a_time(folder.index):
        with next_catalog(folder.catalog) as aside:
            with changing(aside) as changes:
                unknown = changes.remove(sr_ids)
                if unknown and not ignore_unknown:
                    raise UnknownRecordingError(unknown[0])
                if changes.leave_nothing():
                    raise InputError("expected at least one recording to be left, none would be: nothing was removed")
            index = _refreshed(folder, aside, load_encoder)
        _discard_stale(folder, index)
    return RemoveReport(len(set(sr_ids)) - len(unknown), unknown, index)


def refresh(folder: DataFolder, load_encoder: LoadEncoder) -> RefreshReport:
    """Bring the published index up to the present state of its catalogue, whoever changed that.

    Parameters
    ----------
    folder : DataFolder
        Where they stand.
    load_encoder : callable
        Opens an encoder's folder; called if there is something to encode.

    Returns
    -------
    RefreshReport
        Counts.

    Raises
    ------
    ArtefactError
        If no index is published, or it cannot be used.
    CatalogError
        If the catalogue cannot be used.
    """
    _published_index(folder)
    with one_at_a_time(folder.index):
        snapshot, model = _index_and_model(folder)
        with Catalog.open(folder.catalog, folder.copies) as catalog:
            report = refresh_index(catalog, snapshot, folder.index, lambda: load_encoder(model.encoder_folder))
        _discard_stale(folder, report)
    return report


def compact(folder: DataFolder, load_encoder: LoadEncoder, options: RebuildOptions | None = None) -> RebuildReport:
    """Build one snapshot out of a snapshot and what has changed since, as a rebuild would with the same encoder.

    Parameters
    ----------
    folder : DataFolder
        Where they stand.
    load_encoder : callable
        Opens an encoder's folder; called if there is something to encode: what was changed since the last refresh.
    options : RebuildOptions, optional
        As for a rebuild.

    Returns
    -------
    RebuildReport
        With the measured recall.

    Raises
    ------
    ArtefactError
        If no index is published, or it cannot be used.
    RejectedBuildError
        If recall stayed below the wanted one; what was published before stays in charge.
    """
    _published_index(folder)
    with one_at_a_time(folder.index):
        snapshot, model = _index_and_model(folder)
        index = latest_index(folder.index, snapshot)
        stored = StoredVectors(index, folder.index, lambda: load_encoder(model.encoder_folder))
        with Catalog.open(folder.catalog, folder.copies) as catalog:
            return rebuild(catalog, stored, model.version, folder.index, options)


def _refreshed(folder: DataFolder, aside: Path, load_encoder: LoadEncoder) -> RefreshReport | None:
    """Publish the delta for a state of the catalogue that is not in place yet."""
    try:
        current_version(folder.index)
    except MissingArtefactError:
        return None
    snapshot, model = _index_and_model(folder)
    with Catalog(aside) as catalog:
        return refresh_index(catalog, snapshot, folder.index, lambda: load_encoder(model.encoder_folder))


def _index_and_model(folder: DataFolder) -> tuple[Snapshot, Model]:
    snapshot = Snapshot.load(_published_index(folder))
    encoder, built_with = (str(snapshot.manifest.get(name)) for name in ("encoder_digest", "model"))
    return snapshot, model_with_encoder(folder.models, encoder, built_with)


def _published_index(folder: DataFolder) -> Path:
    try:
        return current_version(folder.index)
    except MissingArtefactError as error:
        raise MissingArtefactError(f"{error}: run onemaster rebuild --data {folder.root}") from error


def _discard_stale(folder: DataFolder, report: RefreshReport | None) -> None:
    if report:
        discard_stale(deltas_beside(folder.index, report.snapshot), report.delta)
