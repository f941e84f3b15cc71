"""A copy, on one machine, of a data folder that is kept at a URL: brought up to date, worked in, and published."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catalog.artefacts import CANDIDATE, CURRENT, HISTORY
from catalog.aside import write_aside
from catalog.errors import ConflictError, DamagedArtefactError
from catalog.paths import COPY_RECORD, LABELS_DB
from catalog.remote import Content, RemoteFolder, State

logger = logging.getLogger(__name__)

# Made from the rest, or of this machine alone.
_OURS_ALONE = ("copies/", "decisions/")
_SHELVES = ("models", "index")
_KEPT = 5  # indexes that a state names
_LAST_OF_A_VERSION = ("manifest.json", "model.json")


def copy_folder(url: str, purpose: str) -> Path:
    """Say where this machine keeps its copy of a data folder.

    Parameters
    ----------
    url : str
        Of the data folder.
    purpose : str
        Those who change a copy and those who serve from it have one each.

    Returns
    -------
    Path
        Below ``XDG_CACHE_HOME``, or ``~/.cache``.
    """
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return caches / "onemaster" / hashlib.sha256(url.rstrip("/").encode()).hexdigest()[:16] / purpose


@dataclass(frozen=True)
class _Held:
    """A file as it was when it was last compared with a state."""

    content: Content
    stamp: tuple[int, int]


class WorkingCopy:
    """A copy of a data folder that is kept at a URL.

    Parameters
    ----------
    remote : RemoteFolder
        The folder at the URL.
    folder : Path
        Of the copy; made if it is not there.

    Attributes
    ----------
    remote, folder : object
        As given.
    state : State
        That the copy was last brought up to.
    """

    def __init__(self, remote: RemoteFolder, folder: Path) -> None:
        self.remote, self.folder = remote, folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.state = State()
        self._held: dict[str, _Held] = {}
        self._number = 0
        self._read_record()
        self._write_record()

    def pull(self, *, every_model: bool = False, besides: Collection[str] = (), strict: bool = False) -> None:
        """Bring the copy up to the newest state; what is at hand already is not fetched again.

        Versions are fetched if they are in charge, or named by what is, and pointers last, so that whoever serves from
        the copy never sees a pointer to what is not there.

        Parameters
        ----------
        every_model : bool
            Whether to fetch models that are not in charge, too.
        besides : collection of str
            Paths to leave as they are.
        strict : bool
            Whether to remove whatever is not of the state: what a command that was cut off has left.

        Raises
        ------
        DamagedArtefactError
            If something at the URL is absent or altered, or less is there than was.
        """
        is_whole = 0 < self.state.number == self._number
        if is_whole and not strict and self.remote.number() == self._number:
            return
        self._read_record()
        self.state = self.remote.newest()
        if self.state.number < self._number:
            raise DamagedArtefactError(
                f"expected state {self._number} of {self.remote.url} or a later one, found {self.state.number}: is it "
                f"mounted, was it emptied? Nothing was changed. If it is meant to be so, remove {self.folder}"
            )
        wanted = [path for path in self._wanted(every_model) if path not in besides]
        try:
            for path in sorted(wanted, key=_order):
                if not self._is_held(path, self.state.files[path]):
                    self._fetch(path)
            self._remove_others({*wanted}, besides, strict=strict)
        finally:
            self._write_record()

    def push(self) -> State | None:
        """Publish what has changed in the copy, upon whatever verdicts have come meanwhile.

        Returns
        -------
        State or None
            The new state; ``None`` if nothing has changed.

        Raises
        ------
        ConflictError
            If somebody else has published since the copy was brought up to date.
        """
        found = {path: self._content(path) for path in self._files()}
        files = {path: content for path, content in self.state.files.items() if path not in self._held} | found
        changed = {path: self.folder / path for path in found if self.state.files.get(path) != found[path]}
        if files == self.state.files:
            return None
        were_in_charge = [*self._lines(f"index/{HISTORY}"), *self._lines(f"index/{CURRENT}")]
        files = _without_old_indexes(files, {*were_in_charge[-_KEPT - 1 :]})
        sources = changed
        while True:
            try:
                self.state = self.remote.publish(files, sources, self.state)
                break
            except ConflictError:
                newest = self.remote.newest()
                verdicts = newest.files.get(LABELS_DB)
                if (
                    LABELS_DB in changed
                    or verdicts is None
                    or newest.files != {**self.state.files, LABELS_DB: verdicts}
                ):
                    raise
                # What has changed is stored already; only the state has to be written anew.
                files, sources, self.state = {**files, LABELS_DB: verdicts}, {}, newest
        found = {path: content for path, content in found.items() if files.get(path) == content}
        self._number = self.state.number
        self._held = {path: _Held(content, _stamp(self.folder / path)) for path, content in found.items()}
        self._write_record()
        logger.info("published state %d of %s: %d files changed", self.state.number, self.remote.url, len(changed))
        return self.state

    def text(self, path: str) -> str:
        """Read a small file of the state.

        Parameters
        ----------
        path : str
            Within the folder.

        Returns
        -------
        str
            Its content; empty if the state has no such file.
        """
        content = self.state.files.get(path)
        if content is None:
            return ""
        if self._is_held(path, content):
            return (self.folder / path).read_text(encoding="utf-8", errors="replace")
        aside = self.folder / f".reading-{os.getpid()}"
        try:
            self.remote.fetch(path, content, aside)
            return aside.read_text(encoding="utf-8", errors="replace")
        finally:
            aside.unlink(missing_ok=True)

    def _lines(self, path: str) -> list[str]:
        there = self.folder / path
        return there.read_text(encoding="utf-8", errors="replace").split() if there.is_file() else []

    def _wanted(self, every_model: bool) -> Iterator[str]:
        index = self.text(f"index/{CURRENT}").strip()
        manifest = self.text(f"index/{index}/manifest.json") or "{}"
        models = {self.text(f"models/{pointer}").strip() for pointer in (CURRENT, CANDIDATE)}
        versions = {f"models/{name}" for name in {*models, str(json.loads(manifest).get("model"))}}
        versions |= {f"index/{index}", f"index/{index}.deltas"}
        for path in self.state.files:
            shelf, _, rest = path.partition("/")
            version, _, inside = rest.partition("/")
            anyway = not inside or shelf not in _SHELVES or (every_model and shelf == "models")
            if anyway or f"{shelf}/{version}" in versions:
                yield path

    def _fetch(self, path: str) -> None:
        target, content = self.folder / path, self.state.files[path]
        with write_aside(target) as aside:
            self.remote.fetch(path, content, aside)
        self._held[path] = _Held(content, _stamp(target))

    def _is_held(self, path: str, content: Content) -> bool:
        held = self._held.get(path)
        target = self.folder / path
        return held is not None and held.content == content and target.is_file() and _stamp(target) == held.stamp

    def _content(self, path: str) -> Content:
        held, target = self._held.get(path), self.folder / path
        return held.content if held and _stamp(target) == held.stamp else Content.of(target)

    def _files(self) -> Iterator[str]:
        """Find what belongs to a state: no hidden files, nothing of this machine alone, no journals of SQLite."""
        for path in sorted(self.folder.rglob("*")):
            name = path.relative_to(self.folder).as_posix()
            hidden = any(part.startswith(".") for part in name.split("/"))
            if path.is_file() and not hidden and not name.startswith(_OURS_ALONE) and not name.endswith(_JOURNALS):
                yield name

    def _remove_others(self, wanted: Collection[str], besides: Collection[str], *, strict: bool) -> None:
        """Remove what the state has not, and versions that are neither wanted nor were in charge just before."""
        for path in [path for path in self._held if path not in self.state.files and path not in besides]:
            (self.folder / path).unlink(missing_ok=True)
        for path in list(self._files()) if strict else []:
            if path not in self._held:
                (self.folder / path).unlink()
        known = {tuple(path.split("/")[:2]) for path in wanted}
        for shelf in _SHELVES:
            before = {f"{line}{end}" for line in self._lines(f"{shelf}/{HISTORY}")[-2:] for end in ("", ".deltas")}
            for version in (self.folder / shelf).glob("[0-9]*"):
                if version.is_dir() and (shelf, version.name) not in known and version.name not in before:
                    shutil.rmtree(version, ignore_errors=True)
        self._held = {path: held for path, held in self._held.items() if (self.folder / path).is_file()}
        self._number = self.state.number

    def _read_record(self) -> None:
        try:
            record: dict[str, Any] = json.loads((self.folder / COPY_RECORD).read_text(encoding="utf-8"))
            self._number = int(record["number"])
            self._held = {
                path: _Held(Content(str(sha256), int(size)), (int(length), int(changed)))
                for path, (sha256, size, length, changed) in record["held"].items()
            }
        except (OSError, KeyError, TypeError, ValueError):  # everything is compared anew
            self._number, self._held = 0, {}

    def _write_record(self) -> None:
        held = {path: [each.content.sha256, each.content.size, *each.stamp] for path, each in self._held.items()}
        with write_aside(self.folder / COPY_RECORD) as aside:
            record = {"url": self.remote.url, "number": self._number, "held": held}
            aside.write_text(json.dumps(record), encoding="utf-8")


def _without_old_indexes(files: Mapping[str, Content], versions: Collection[str]) -> dict[str, Content]:
    """Leave out indexes that have not been in charge for long: each is as large as the catalogue."""
    if len(versions) < _KEPT:
        return dict(files)
    kept = {f"{version}{end}" for version in versions for end in ("", ".deltas")}
    return {
        path: content
        for path, content in files.items()
        if not path.startswith("index/") or path.count("/") < 2 or path.split("/")[1] in kept
    }


_JOURNALS = ("-journal", "-wal", "-shm")


def _order(path: str) -> tuple[int, bool, str]:
    """Put versions first, the catalogue and the like then, pointers last."""
    parts = path.split("/")
    rank = 0 if len(parts) > 2 else 2 if parts[0] in _SHELVES else 1
    return rank, parts[-1] in _LAST_OF_A_VERSION, path


def _stamp(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns
