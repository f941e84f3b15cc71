"""What is there, whether it is sound, and what to run next."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from catalog.artefacts import CANDIDATE, CURRENT, current_version
from catalog.clusters import changes_since, read_origin
from catalog.errors import MissingArtefactError, OnemasterError, StaleIndexError
from catalog.libraries import installed_versions
from catalog.manifest import sha256_file
from catalog.paths import DataFolder
from catalog.store import Catalog
from index.snapshot import Snapshot
from matching.held_out import LEARNT_FROM
from matching.labels import agreed_tags, read_labels, to_learn_from
from matching.matcher import Matcher
from matching.model import Model

SOUND, ABSENT, STALE, BROKEN = "sound", "absent", "stale", "broken"

LIBRARIES = ("faiss-cpu", "fastapi", "numpy", "pandas", "rapidfuzz", "scikit-learn", "sentence-transformers", "torch")
# A rebuild writes the new index beside the old one; so many bytes for each recording are plenty.
_BYTES_A_RECORDING = 4_096
_GIBIBYTE = 1 << 30


@dataclass(frozen=True)
class Finding:
    """What was found out about one thing.

    Attributes
    ----------
    about : str
        What it is.
    state : str
        `SOUND`, `ABSENT`, `STALE` (sound, but made from what is no longer there) or `BROKEN`.
    words : str
        What was found.
    remedy : str
        What to run; empty if nothing has to be.
    """

    about: str
    state: str
    words: str
    remedy: str = ""


def examine(folder: DataFolder) -> list[Finding]:
    """Look at everything that onemaster keeps in a data folder; nothing is changed.

    Parameters
    ----------
    folder : DataFolder
        To be looked at.

    Returns
    -------
    list of Finding
        In the order in which things are made, so that the first remedy is what to do next.
    """
    at = f"--data {folder.root}"
    return [
        Finding("versions", SOUND, ", ".join(_versions())),
        _found(
            "catalogue",
            lambda: _catalogue(folder),
            f"onemaster import FILE {at}, or onemaster sample {at}",
            mend=f"put a copy of {folder.catalog} back, or run onemaster import FILE {at}",
        ),
        _found(
            "model",
            lambda: _model(folder),
            f"onemaster train {at} (with labelled pairs), or onemaster rebuild {at} (with the default model)",
        ),
        _found("candidate model", lambda: _candidate(folder), ""),
        _found("index", lambda: _index(folder), f"onemaster rebuild {at}"),
        _found(
            "whether these fit together",
            lambda: _together(folder),
            f"onemaster rebuild {at}",
            renew=f"onemaster refresh {at}",
        ),
        _found("clusters", lambda: _clusters(folder), f"onemaster dedupe {at}"),
        _found("verdicts of reviewers", lambda: _verdicts(folder), ""),
        _found("room on the disk", lambda: _room(folder), "delete old versions that no pointer names"),
    ]


class _StaleError(Exception):
    """Sound, but made from what is no longer there."""


def _found(about: str, look: Callable[[], str], remedy: str, mend: str = "", renew: str = "") -> Finding:
    try:
        return Finding(about, SOUND, look())
    except _StaleError as stale:
        return Finding(about, STALE, str(stale), remedy)
    except MissingArtefactError as error:
        return Finding(about, ABSENT, str(error), remedy)
    except StaleIndexError as error:
        return Finding(about, BROKEN, str(error), renew)
    except (OnemasterError, OSError, ValueError) as error:
        return Finding(about, BROKEN, str(error), mend or remedy)


def _versions() -> Iterator[str]:
    yield f"onemaster {version('onemaster')}"
    yield f"Python {platform.python_version()}"
    yield from (f"{name} {found}" for name, found in installed_versions(LIBRARIES).items())


def _catalogue(folder: DataFolder) -> str:
    if not folder.catalog.exists():
        raise MissingArtefactError(f"there is none in {folder.catalog}")
    with Catalog.open(folder.catalog, folder.copies) as catalog:
        return f"{len(catalog):,} recordings in {folder.catalog}"


def _model(folder: DataFolder) -> str:
    model = Model.load(_published(folder.models))
    figures = model.card.get("figures")
    accuracy = figures["classifier"]["accuracy"] if isinstance(figures, dict) else None
    tested_on = "its test pairs" if model.card.get("tested_on") != LEARNT_FROM else f"{LEARNT_FROM}, which says little"
    said = f"{model.version} is in charge, accuracy {accuracy} on {tested_on}"
    if model.was_measured_elsewhere(folder.groundtruth):
        said = (
            f"{model.version}, the default model, is in charge; nothing was measured on this catalogue (accuracy "
            f"{accuracy} is that on the sample's pairs): {_to_measure(folder)}"
        )
    return f"{said}; all checksums are right"


def _published(shelf: Path) -> Path:
    if not (shelf / CURRENT).is_file():
        raise MissingArtefactError(f"none is published in {shelf}")
    return current_version(shelf)


def _to_measure(folder: DataFolder) -> str:
    return f"with labelled pairs of your own, onemaster evaluate --groundtruth FILE --data {folder.root} measures it"


def _candidate(folder: DataFolder) -> str:
    if not (folder.models / CANDIDATE).is_file():
        raise MissingArtefactError("no candidate model waits for promotion")
    model = Model.load(current_version(folder.models, CANDIDATE))
    if model.version == current_version(folder.models).name:
        return f"{model.version} is in charge already"
    typed = f"onemaster promote --data {folder.root}{_pairs_of(folder, model)}"
    return f"{model.version} waits: {typed} puts it in charge if it is not worse"


def _pairs_of(folder: DataFolder, model: Model) -> str:
    """Say which files of pairs have to be named, since they are not those that lie in the folder."""
    learnt, tested = (model.card.get(f"{name}_digest") for name in ("groundtruth", "test_groundtruth"))
    there = sha256_file(folder.groundtruth) if folder.groundtruth.is_file() else None
    if model.card.get("adapted_from"):  # the default model, whose pairs are the sample's
        return ""
    named = {"groundtruth": learnt and learnt != there, "test-groundtruth": tested}
    return "".join(f" --{name} FILE" for name, wanted in named.items() if wanted)


def _index(folder: DataFolder) -> str:
    snapshot = Snapshot.load(_published(folder.index))
    manifest = snapshot.manifest
    return f"{snapshot.version}, {snapshot.kind}, {len(snapshot):,} recordings, built {manifest.get('built_at')}"


def _together(folder: DataFolder) -> str:
    with Matcher.open(folder) as matcher:
        first = matcher.snapshot.first_id()
        matcher.classify(first, first)
        delta, judges = matcher.snapshot.delta_version, matcher.model.version
        if (published := current_version(folder.models).name) != judges:
            raise _StaleError(f"{judges} goes on judging, since {published} has another encoder than the index")
        return "they fit" + (f"; changed since the build: {delta}" if delta else "")


def _clusters(folder: DataFolder) -> str:
    first = "; promote the candidate first, if it is to judge" if _waits(folder) else ""
    if not folder.clusters.is_file():
        raise MissingArtefactError(f"there are none in {folder.dedupe}{first}")
    if read_origin(folder.clusters) is None:  # as clusters are that were made before they kept it
        newer = folder.catalog.exists() and folder.catalog.stat().st_mtime > folder.clusters.stat().st_mtime
        return f"in {folder.dedupe}" + ("; the catalogue was written after them" if newer else "")
    if changed := changes_since(folder.clusters, folder):
        raise _StaleError(f"in {folder.dedupe}: {changed}{first}")
    return f"in {folder.dedupe}"


def _waits(folder: DataFolder) -> bool:
    with suppress(OnemasterError):
        return current_version(folder.models, CANDIDATE).name != current_version(folder.models).name
    return False


def _verdicts(folder: DataFolder) -> str:
    labels = read_labels(folder.labels)
    if not labels:
        raise MissingArtefactError(f"there are none in {folder.labels}: they come by /review or POST /labels")
    learnt = max(_learnt_until(folder, pointer) for pointer in (CURRENT, CANDIDATE))
    new = sum(each.number > learnt for each in to_learn_from(agreed_tags(labels)))
    if not new:
        return f"{len(labels):,}, and no model could learn more from them than the last one that did"
    typed = ""
    with suppress(OnemasterError):
        typed = _pairs_of(folder, Model.load(current_version(folder.models)))
    typed = f"onemaster train --labels --data {folder.root}{typed}"
    return f"{len(labels):,}: {typed} learns from {new:,} more of these pairs"


def _learnt_until(folder: DataFolder, pointer: str) -> int:
    with suppress(OnemasterError, OSError, ValueError):
        return Model.load(current_version(folder.models, pointer)).learnt_until
    return 0


def _room(folder: DataFolder) -> str:
    root = next(each for each in (folder.root, *folder.root.absolute().parents) if each.exists())
    free = shutil.disk_usage(root).free
    wanted = 0
    with suppress(OnemasterError), Catalog.open(folder.catalog, folder.copies) as catalog:
        wanted = len(catalog) * _BYTES_A_RECORDING
    if free < wanted:
        raise ValueError(f"{free / _GIBIBYTE:.1f} GiB are free, a rebuild may take {wanted / _GIBIBYTE:.1f}")
    return f"{free / _GIBIBYTE:.1f} GiB are free"
