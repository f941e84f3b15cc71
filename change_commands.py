"""The commands that change a catalogue or bring its index up to it; `onemaster` is the front door to them."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from catalog.errors import InputError
from command_line import data_folder
from printed import print_json

if TYPE_CHECKING:
    from embeddings.encoder import Encoder
    from index.refresh import RefreshReport


def add(given: argparse.Namespace) -> None:
    """Add recordings to the catalogue, or change what it says of them, and to the index."""
    from matching.upkeep import Delivery
    from matching.upkeep import add as add_recordings

    folder = data_folder(given)
    report = add_recordings(folder, Delivery(given.files, given.column, given.encoding), _load_encoder)
    counts = {"added": report.added, "updated": report.updated, "unchanged": report.unchanged}
    if given.json:
        print_json({**counts, "rejected": report.delivery.rejected, "index": _as_json(report.index)})
        return
    print(", ".join(f"{count} {name}" for name, count in counts.items()) + f" in {folder.catalog}")
    if report.delivery.rejected:
        print(f"left out {report.delivery.rejected} rows; see {report.delivery.rejected_file}")
    _print_index(report.index)


def remove(given: argparse.Namespace) -> None:
    """Remove recordings from the catalogue and from the index."""
    from matching.upkeep import remove as remove_recordings

    folder = data_folder(given)
    sr_ids = _ids_in(given.file) if given.file else given.sr_ids
    report = remove_recordings(folder, sr_ids, _load_encoder, given.ignore_unknown)
    if given.json:
        counts = {"removed": report.removed, "unknown": len(report.unknown)}
        print_json({**counts, "index": _as_json(report.index)})
        return
    print(f"removed {report.removed} recordings from {folder.catalog}")
    if report.unknown:
        more = " ..." if len(report.unknown) > 5 else ""
        print(f"{len(report.unknown)} ids were not in it: {', '.join(report.unknown[:5])}{more}")
    _print_index(report.index)


def refresh(given: argparse.Namespace) -> None:
    """Bring the index up to the present catalogue, whatever changed it, without a rebuild."""
    from matching.upkeep import refresh as refresh_index

    report = refresh_index(data_folder(given), _load_encoder)
    if given.json:
        print_json(report.to_json())
    else:
        _print_index(report)


def compact(given: argparse.Namespace) -> None:
    """Build one index out of the published one and what has changed since, reusing its vectors."""
    from index.rebuild import RebuildOptions
    from matching.upkeep import compact as compact_index

    options = RebuildOptions(given.kind, given.min_recall, given.dry_run, memory_mb=given.memory)
    report = compact_index(data_folder(given), _load_encoder, options)
    if given.json:
        print_json({"version": report.version, "published": report.folder is not None, **report.manifest})
        return
    print(f"{report.manifest['kind']} index of {report.manifest['count']} recordings, {report.found}")
    print(f"wrote {report.folder}" if report.folder else "dry run: nothing was published")


# A command's docstring is its help.
CHANGES: Mapping[str, Callable[[argparse.Namespace], None]] = {
    "add": add,
    "remove": remove,
    "refresh": refresh,
    "compact": compact,
}


def _load_encoder(folder: Path) -> Encoder:
    from embeddings.encoder import Encoder

    return Encoder.load(folder)


def _ids_in(file: Path) -> Sequence[str]:
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except ValueError as error:
        raise InputError(f"expected ids in UTF-8, one a line, in {file}, got: {error}") from error
    sr_ids = [line.strip() for line in lines if line.strip()]
    if not sr_ids:
        raise InputError(f"expected ids, one a line, in {file}, found none")
    return sr_ids


def _as_json(index: RefreshReport | None) -> dict[str, object] | None:
    return index.to_json() if index else None


def _print_index(index: RefreshReport | None) -> None:
    if index is None:
        print("no index is published yet: run onemaster rebuild")
        return
    made = "wrote" if index.published else "there is already"
    if index.delta:
        since = f"{index.fresh} recordings new or changed, {index.gone} gone or replaced"
        print(f"{made} delta {index.delta}: since the build {since}")
    print(f"the index {index.snapshot} is for the present catalogue of {index.recordings} recordings")
