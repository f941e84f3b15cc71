"""A data folder kept at a URL: files by their digest, and numbered states that name them.

::

    s3://bucket/prefix/
        objects/models/CURRENT/9f86d081...      a file under its path in the data folder and the digest of its content
        objects/models/20261121T.../model.json/60303ae2...
        states/00000001.json                    which content every file has
        states/00000002.json                    the newest state is in charge

Objects and states are written once and never changed; of states the newest 500 are kept. A state is written after all
objects that it names, and only if there is none of its number: of two who publish upon the same state one succeeds, and
the other is told so.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

from catalog.errors import ConflictError, DamagedArtefactError, InputError
from catalog.manifest import sha256_file

_FORMAT = 1
_OBJECTS, _STATES = "objects", "states"
# Every look lists them.
_STATES_KEPT = 500
_WITHOUT_FOLDERS = frozenset({"abfs", "abfss", "az", "gcs", "gs", "oss", "s3", "s3a"})


@dataclass(frozen=True)
class Content:
    """What a file holds.

    Attributes
    ----------
    sha256 : str
        Hexadecimal digest.
    size : int
        In bytes.
    """

    sha256: str
    size: int

    @classmethod
    def of(cls, path: Path) -> Content:
        """Read a file.

        Parameters
        ----------
        path : Path
            The file.

        Returns
        -------
        Content
            Of it.
        """
        return cls(sha256_file(path), path.stat().st_size)


@dataclass(frozen=True)
class State:
    """A data folder at one moment.

    Attributes
    ----------
    number : int
        0 where nothing was ever published.
    files : mapping of str to Content
        By path within the folder, with ``/`` between its parts.
    """

    number: int = 0
    files: Mapping[str, Content] = field(default_factory=dict)


@dataclass(frozen=True)
class RemoteFolder:
    """A data folder at a URL.

    Attributes
    ----------
    url : str
        Any that fsspec knows, ``s3://bucket/prefix`` say; what is below it is ours.
    """

    url: str

    @cached_property
    def _place(self) -> tuple[fsspec.AbstractFileSystem, str]:
        try:
            system, root = fsspec.core.url_to_fs(self.url, use_listings_cache=False)
        except ImportError as error:
            raise InputError(
                f"expected a package for {self.url} to be installed: run pip install '.[s3]' in the checkout ({error})"
            ) from error
        except (OSError, TypeError, ValueError) as error:
            raise InputError(f"expected a URL that fsspec knows, got {self.url!r}: {error}") from error
        return system, str(root).rstrip("/")

    def newest(self) -> State:
        """Read the state in charge.

        Returns
        -------
        State
            Of the highest number.

        Raises
        ------
        DamagedArtefactError
            If it is none of ours.
        """
        system, root = self._place
        names = [str(path).rpartition("/")[2] for path in _listed(system, f"{root}/{_STATES}")]
        numbers = [int(name.removesuffix(".json")) for name in names if name.removesuffix(".json").isdigit()]
        return self._read(max(numbers)) if numbers else State()

    def fetch(self, path: str, content: Content, aside: Path) -> None:
        """Copy a file from there.

        Parameters
        ----------
        path : str
            Within the folder.
        content : Content
            That it has in a state.
        aside : Path
            Where to write it.

        Raises
        ------
        DamagedArtefactError
            If it is absent or its content is another.
        """
        system, _ = self._place
        try:
            system.get_file(self._object(path, content), str(aside))
        except FileNotFoundError as error:
            raise DamagedArtefactError(
                f"expected {self._object(path, content)} to be there, as a state says, found nothing: publish it again"
            ) from error
        if Content.of(aside) != content:
            raise DamagedArtefactError(
                f"{self._object(path, content)} has not the content that it is named after: publish it again"
            )

    def publish(self, files: Mapping[str, Content], sources: Mapping[str, Path], upon: State) -> State:
        """Put a new state in charge.

        Parameters
        ----------
        files : mapping of str to Content
            All files of the new state.
        sources : mapping of str to Path
            Where the content of those stands that have changed.
        upon : State
            What the new state was made from.

        Returns
        -------
        State
            The new one.

        Raises
        ------
        ConflictError
            If somebody else has published meanwhile; nothing of theirs was touched.
        """
        for path, source in sources.items():
            self._put(source, path, files[path])
        state = State(upon.number + 1, dict(files))
        listed = {path: [content.sha256, content.size] for path, content in sorted(files.items())}
        text = json.dumps({"format": _FORMAT, "files": listed}, indent=0)
        try:
            self._create(self._state(state.number), text.encode())
        except FileExistsError as error:
            raise ConflictError(
                f"expected {self.url} to be as it was when this began (state {upon.number}), but somebody else has "
                "published since: what they published stands, nothing of this was kept; run the command again"
            ) from error
        with suppress(OSError):  # it is there no more, or may not be removed
            system, _ = self._place
            system.rm_file(self._state(state.number - _STATES_KEPT))
        return state

    def _put(self, source: Path, path: str, content: Content) -> None:
        system, _ = self._place
        target = self._object(path, content)
        if system.exists(target) and system.size(target) == content.size:
            return
        _make_room(system, target)
        system.put_file(str(source), target)

    def _create(self, target: str, text: bytes) -> None:
        """Write a file whole, or not at all if there is one."""
        system, _ = self._place
        _make_room(system, target)
        if isinstance(system, LocalFileSystem):  # whose exclusive open shows the file before it is whole
            aside = Path(f"{target}.{os.getpid()}-{secrets.token_hex(4)}.part")
            try:
                aside.write_bytes(text)
                os.link(aside, target)
            finally:
                aside.unlink(missing_ok=True)
            return
        with system.open(target, "xb") as stream:
            stream.write(text)

    def _read(self, number: int) -> State:
        system, _ = self._place
        path = self._state(number)
        try:
            content: Any = json.loads(system.cat_file(path))
            if content["format"] != _FORMAT:
                raise ValueError(f"its format is {content['format']!r}")
            files = {
                _checked(name): Content(str(sha256), int(size)) for name, (sha256, size) in content["files"].items()
            }
        except (KeyError, TypeError, ValueError) as error:
            raise DamagedArtefactError(
                f"expected a state of format {_FORMAT} in {path}, got: {error!r}; the one before it is in charge again "
                "once this file is moved away"
            ) from error
        return State(number, files)

    def _object(self, path: str, content: Content) -> str:
        return f"{self._place[1]}/{_OBJECTS}/{path}/{content.sha256}"

    def _state(self, number: int) -> str:
        return f"{self._place[1]}/{_STATES}/{number:08}.json"


def _make_room(system: fsspec.AbstractFileSystem, target: str) -> None:
    """Make the folder of a file, where there are folders: object stores would make a bucket whose name is misspelt."""
    protocols = {system.protocol} if isinstance(system.protocol, str) else {*system.protocol}
    if protocols.isdisjoint(_WITHOUT_FOLDERS):
        system.makedirs(target.rpartition("/")[0], exist_ok=True)


def _listed(system: fsspec.AbstractFileSystem, folder: str) -> list[str]:
    try:
        return list(system.ls(folder, detail=False))
    except FileNotFoundError:
        return []


def _checked(path: str) -> str:
    """Refuse what would lead out of the folder that a state is copied to."""
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or "\\" in path or "\0" in path or any(part in {".", ".."} for part in parts):
        raise ValueError(f"{path!r} is no path within a folder")
    return path
