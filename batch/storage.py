"""The folder that all workers of a run share: a local one, or any place that fsspec knows."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import numpy.typing as npt
from fsspec.implementations.local import LocalFileSystem

from catalog.errors import InputError
from catalog.remote import make_room

Arrays = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Storage:
    """Files by name; each is written once, whole or not at all.

    Attributes
    ----------
    url : str
        A folder, or a URL such as ``s3://bucket/run``; all of it is ours.
    run : str
        Tells the run from others that were in the same place: copies of another run's files are not taken for its own.
    """

    url: str
    run: str = ""

    @cached_property
    def _place(self) -> tuple[fsspec.AbstractFileSystem, str]:
        try:
            system, root = fsspec.core.url_to_fs(self.url)
        except (ImportError, OSError, TypeError, ValueError) as error:
            raise InputError(f"expected a folder or a URL that fsspec knows, got {self.url!r}: {error}") from error
        return system, str(root)

    @property
    def is_local(self) -> bool:
        """Whether it is a folder of this machine's file system."""
        return isinstance(self._place[0], LocalFileSystem)

    def holds(self, name: str) -> bool:
        """Tell whether a file is there.

        Parameters
        ----------
        name : str
            Of the file, with ``/`` between folders.

        Returns
        -------
        bool
            True once it was written whole.

        Raises
        ------
        InputError
            If the place does not tell.
        """
        system, root = self._place
        try:
            return bool(system.exists(f"{root}/{name}"))
        except PermissionError as error:
            raise InputError(
                f"expected to be told whether {name} is in {self.url}, got: {error}: give the right to list names "
                "there, on S3 s3:ListBucket without a condition on the prefix, else it refuses to tell what is missing"
            ) from error

    def local(self, name: str) -> Path:
        """Have a file at hand.

        Parameters
        ----------
        name : str
            Of the file.

        Returns
        -------
        Path
            The file itself if the storage is local; else a copy, fetched once for all workers of this machine.
        """
        system, root = self._place
        if self.is_local:
            return Path(root) / name
        copy = self._cache / name
        if not copy.exists():
            self._cache.mkdir(mode=0o700, exist_ok=True)
            copy.parent.mkdir(parents=True, exist_ok=True)
            aside = copy.with_name(f".{copy.name}-{os.getpid()}-{secrets.token_hex(4)}")
            system.get_file(f"{root}/{name}", str(aside))
            aside.replace(copy)
        return copy

    def local_folder(self, name: str) -> Path:
        """Have all files of a folder at hand.

        Parameters
        ----------
        name : str
            Of the folder.

        Returns
        -------
        Path
            A folder with all of them, as of `local`.
        """
        system, root = self._place
        for path in [] if self.is_local else system.find(f"{root}/{name}"):
            self.local(str(path).removeprefix(root).lstrip("/"))
        return (Path(root) if self.is_local else self._cache) / name

    def put_folder(self, folder: Path, name: str) -> None:
        """Copy a folder into the storage.

        Parameters
        ----------
        folder : Path
            Read with its subfolders.
        name : str
            Of the copy.
        """
        for path in sorted(each for each in folder.rglob("*") if each.is_file()):
            with self.writing(f"{name}/{path.relative_to(folder).as_posix()}") as aside:
                shutil.copyfile(path, aside)

    @contextmanager
    def writing(self, name: str) -> Iterator[Path]:
        """Write a file aside, then put it in place in one step.

        Parameters
        ----------
        name : str
            Of the file.

        Yields
        ------
        Path
            Where to write it. Two workers may write the same file: either is complete, and the later one stays.
        """
        system, root = self._place
        target = f"{root}/{name}"
        make_room(system, target)
        if self.is_local:
            aside = Path(root) / f"{name}.{os.getpid()}-{secrets.token_hex(4)}.part"
            try:
                yield aside
                aside.replace(target)
            finally:
                aside.unlink(missing_ok=True)
            return
        with tempfile.TemporaryDirectory() as scratch:
            written = Path(scratch) / "file"
            yield written
            aside_url = f"{target}.{secrets.token_hex(4)}.part"
            system.put_file(str(written), aside_url)
            system.mv(aside_url, target)

    def write_arrays(self, name: str, arrays: Arrays) -> None:
        """Write arrays.

        Parameters
        ----------
        name : str
            Of the file.
        arrays : dict
            Name to array; none of objects.
        """
        with self.writing(name) as path, path.open("wb") as stream:
            np.savez(stream, allow_pickle=False, **arrays)

    def read_arrays(self, name: str) -> Arrays:
        """Read what `write_arrays` wrote.

        Parameters
        ----------
        name : str
            Of the file.

        Returns
        -------
        dict
            Name to array.
        """
        with np.load(self.local(name), allow_pickle=False) as arrays:
            return dict(arrays)

    def write_array(self, name: str, array: npt.NDArray[np.generic]) -> None:
        """Write one array, so that it can be mapped.

        Parameters
        ----------
        name : str
            Of the file.
        array : numpy.ndarray
            Not of objects.
        """
        with self.writing(name) as path, path.open("wb") as stream:
            np.save(stream, array, allow_pickle=False)

    def map_array(self, name: str) -> npt.NDArray[Any]:
        """Map what `write_array` wrote.

        Parameters
        ----------
        name : str
            Of the file.

        Returns
        -------
        numpy.ndarray
            Read from the file when it is looked at. Compiled code wants arrays that may be written to: this one may,
            which changes nothing but this copy of it.
        """
        mapped: npt.NDArray[Any] = np.load(self.local(name), mmap_mode="c", allow_pickle=False)
        return mapped

    def read_text(self, name: str) -> str:
        """Read a text as it is there now, whatever was copied before.

        Parameters
        ----------
        name : str
            Of the file.

        Returns
        -------
        str
            Its content.
        """
        system, root = self._place
        return str(system.cat_file(f"{root}/{name}").decode("utf-8", "replace"))

    def clear(self, marker: str) -> None:
        """Remove everything, and this machine's copies of it.

        Parameters
        ----------
        marker : str
            A file that is there if all of it is ours.

        Raises
        ------
        InputError
            If something is there without it.
        """
        system, root = self._place
        if system.exists(root) and not self.holds(marker) and (not system.isdir(root) or system.ls(root, detail=False)):
            raise InputError(
                f"expected nothing, or the remains of a run, in {self.url}, found other files: move them away, or name "
                "another --storage"
            )
        if system.exists(root):
            with self.writing(marker) as path:  # nobody goes on with what is half removed
                path.write_text("being removed\n", encoding="utf-8")
            for each in system.ls(root, detail=False):
                if str(each).rstrip("/").rpartition("/")[2] != marker:
                    system.rm(each, recursive=True)
            system.rm(root, recursive=True)
        shutil.rmtree(self._cache, ignore_errors=True)

    @property
    def _cache(self) -> Path:
        name = hashlib.sha256(f"{self.url} {self.run}".encode()).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"onemaster-{os.getuid()}-{name}"
