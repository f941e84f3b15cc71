"""A data folder kept at a URL: files by their digest, and numbered states that name them.

::

    s3://bucket/prefix/
        objects/models/CURRENT/9f86d081...      a file under its path in the data folder and the digest of its content
        objects/models/20261121T.../model.json/60303ae2...
        states/00000/00000001.json              which content every file has
        states/00000/00000002.json              the newest state is in charge

Objects and states are written once, and never changed or removed. A state is written after all objects that it names,
and only if there is none of its number: of two who publish upon the same state one succeeds, and the other is told so.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

from catalog.errors import ConflictError, DamagedArtefactError, InputError, OnemasterError
from catalog.manifest import sha256_file

_FORMAT = 1
_REMEDY = "put it back from a backup, or from a version that the bucket has kept"
_OBJECTS, _STATES = "objects", "states"
_STATES_OF_A_FOLDER = 1_000  # every look lists one folder of them
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

    def number(self) -> int:
        """Look which state is in charge.

        Returns
        -------
        int
            Its number; 0 where nothing was ever published.
        """
        with self._reached() as (system, root):
            folders = sorted(_numbers(system, f"{root}/{_STATES}"), reverse=True)
            # The last one may be empty: who made it was killed before there was a state in it.
            found = (_numbers(system, f"{root}/{_STATES}/{folder:05}") for folder in folders)
            return max(next(filter(None, found), [0]))

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
        number = self.number()
        with self._reached():
            return self._read(number) if number else State()

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
        stored = self._object(path, content)
        try:
            with self._reached() as (system, _):
                system.get_file(stored, str(aside))
        except FileNotFoundError as error:
            raise DamagedArtefactError(f"expected {stored} to be there, found nothing: {_REMEDY}") from error
        if Content.of(aside) != content:
            raise DamagedArtefactError(f"{stored} has not the content that it is named after: {_REMEDY}")

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
        with self._reached() as (system, _):
            for path, source in sources.items():
                target = self._object(path, files[path])
                make_room(system, target)
                system.put_file(str(source), target)
            state = State(upon.number + 1, dict(files))
            try:
                self._create(self._state(state.number), _written(state))
            except OSError as error:  # an answer that was lost on its way may be one, too
                newest = self.number()
                if newest == state.number and self._read(newest) == state:
                    return state
                if newest <= upon.number:
                    raise
                raise ConflictError(
                    f"expected {self.url} to be as it was when this began (state {upon.number}), but somebody else has "
                    "published since: what they published stands, nothing of this was kept; run the command again"
                ) from error
            return state

    @contextmanager
    def _reached(self) -> Iterator[tuple[fsspec.AbstractFileSystem, str]]:
        """Give the place; what its driver raises that is no error of files is said in our words."""
        place = self._place
        try:
            yield place
        except (OSError, OnemasterError):
            raise
        except Exception as error:
            raise InputError(
                f"expected {self.url} to be reached, got: {error}: check the URL, the network and the credentials"
            ) from error

    def _create(self, target: str, text: bytes) -> None:
        """Write a file whole, or not at all if there is one."""
        system, _ = self._place
        make_room(system, target)
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
        return f"{self._place[1]}/{_STATES}/{number // _STATES_OF_A_FOLDER:05}/{number:08}.json"


def make_room(system: fsspec.AbstractFileSystem, target: str) -> None:
    """Make the folder of a file, where there are folders: object stores would make a bucket whose name is misspelt.

    Parameters
    ----------
    system : fsspec.AbstractFileSystem
        Where.
    target : str
        Path of the file.
    """
    protocols = {system.protocol} if isinstance(system.protocol, str) else {*system.protocol}
    if protocols.isdisjoint(_WITHOUT_FOLDERS):
        system.makedirs(target.rpartition("/")[0], exist_ok=True)


def _numbers(system: fsspec.AbstractFileSystem, folder: str) -> list[int]:
    try:
        names = [
            str(path).rstrip("/").rpartition("/")[2].removesuffix(".json") for path in system.ls(folder, detail=False)
        ]
    except FileNotFoundError:
        return []
    return [int(name) for name in names if name.isdigit()]


def _written(state: State) -> bytes:
    listed = {path: [content.sha256, content.size] for path, content in sorted(state.files.items())}
    return json.dumps({"format": _FORMAT, "files": listed}, indent=0).encode()


def _checked(path: str) -> str:
    """Refuse what would lead out of the folder that a state is copied to."""
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or "\\" in path or "\0" in path or any(part in {".", ".."} for part in parts):
        raise ValueError(f"{path!r} is no path within a folder")
    return path
