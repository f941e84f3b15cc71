"""``--data URL``: commands work in a copy of the folder and publish what they change; `serve` follows it."""

from __future__ import annotations

import argparse
import io
import logging
import random
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from catalog.errors import ConflictError, InputError, OnemasterError
from catalog.paths import CATALOG_DB, COPY_RECORD, LABELS_DB, copied_from

if TYPE_CHECKING:
    from catalog.working_copy import WorkingCopy

logger = logging.getLogger(__name__)

_SECONDS_BETWEEN_LOOKS = 5.0
_SECONDS_TO_FINISH = 20.0
_ATTEMPTS = 5
# Commands that want models that are not in charge, too.
_LOOK_BACK = frozenset({"compare", "promote", "rollback", "doctor"})
_NEED_NO_DATA = frozenset({"key"})
_FETCHES = "fetch"
_BEGIN = frozenset({"import", "sample"})
_ONLY_LOOK = frozenset({"candidates", "classify", "doctor", "evaluate"})


@contextmanager
def data_at_hand(given: argparse.Namespace) -> Iterator[None]:
    """Have a command's data folder at hand, and publish what it changes if the folder is kept at a URL.

    Parameters
    ----------
    given : argparse.Namespace
        What was typed; where ``data`` is a URL, it becomes the folder of a copy, ``url`` the URL, and ``storage`` the
        URL, too, unless another was named.

    Yields
    ------
    None
        While the command is to run. If it fails nothing is published.

    Raises
    ------
    InputError
        If the folder is a copy of one at a URL.
    ConflictError
        If somebody else has published meanwhile.
    OnemasterError
        Whatever the command raises, with the URL in the place of the copy.
    """
    if not isinstance(given.data, str):
        _refuse_copies(given.data)
        yield
        return
    if given.command in _NEED_NO_DATA:
        given.data = Path("data")
        yield
        return
    from catalog.artefacts import one_at_a_time
    from catalog.remote import RemoteFolder
    from catalog.working_copy import WorkingCopy, copy_folder

    given.url = _checked_url(given)
    if given.command == _FETCHES:
        yield
        return
    given.data = copy_folder(given.url, f"serving-{given.port}" if given.command == "serve" else "commands")
    if getattr(given, "storage", None) == "":
        given.storage = given.url
    try:
        copy = WorkingCopy(RemoteFolder(given.url), given.data)
        if given.command == "serve":
            with Follower(copy).following():
                yield
            return
        with one_at_a_time(copy.folder), _printed_at_the_end(str(given.data), given.url):
            copy.pull(every_model=given.command in _LOOK_BACK, strict=True)
            if not copy.state.number and given.command not in _BEGIN:
                _refuse_plain_folder(given.url)
            yield
            if given.command not in _ONLY_LOOK:
                copy.push()
    except OnemasterError as error:
        error.args = tuple(str(each).replace(str(given.data), given.url) for each in error.args)
        raise


def _checked_url(given: argparse.Namespace) -> str:
    url = str(given.data).rstrip("/")
    if not url.partition("://")[2].strip("/"):
        raise InputError(f"expected a URL with a bucket or a folder, such as s3://bucket/prefix, got {given.data}")
    if beside := [name for name in ("catalog", "models", "index") if getattr(given, name, None)]:
        raise InputError(f"expected all of a data folder at a URL to be there, got --{beside[0]} beside {url}")
    return url


def fetch(given: argparse.Namespace) -> None:
    """Bring a data folder that is kept at a URL to this machine, as it is at this moment."""
    from catalog.remote import RemoteFolder
    from catalog.working_copy import WorkingCopy

    url, out = getattr(given, "url", ""), given.out.resolve()
    if not url:
        raise InputError(f"expected the URL of a data folder, got {given.data}, which is on this machine already")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"expected a folder that is empty or not there yet, got {given.out}: name another")
    out.parent.mkdir(parents=True, exist_ok=True)
    # A folder that is there may be where a disk is mounted: that is not replaced, but filled.
    with tempfile.TemporaryDirectory(dir=out if out.exists() else out.parent, prefix=".fetching-") as scratch:
        copy = WorkingCopy(RemoteFolder(url), Path(scratch) / "copy")
        copy.pull(every_model=True)
        if not copy.state.number:
            _refuse_plain_folder(url)
            raise InputError(f"expected a data folder at {url}, found none: check the URL")
        (copy.folder / COPY_RECORD).unlink()  # from here on it is a folder of its own
        if out.exists():
            for path in copy.folder.iterdir():
                path.rename(out / path.name)
        else:
            copy.folder.rename(out)
    print(f"state {copy.state.number} of {url} stands in {given.out}; what is changed there stays there")


def _refuse_plain_folder(url: str) -> None:
    import fsspec

    system, root = fsspec.core.url_to_fs(url)
    if system.exists(f"{root.rstrip('/')}/{CATALOG_DB}"):
        raise InputError(
            f"{url} holds a data folder as it lies on a disk, where numbered states are kept: bring the catalogue "
            f"there with onemaster import {CATALOG_DB} --data {url}, then train and rebuild"
        )


def _end(*_: object) -> NoReturn:
    sys.exit(0)


@contextmanager
def _printed_at_the_end(folder: str, url: str) -> Iterator[None]:
    """Print what a command says once it is published, with the URL in the place of the copy."""
    said = io.StringIO()
    is_true = True
    try:
        with redirect_stdout(said):
            yield
    except ConflictError:
        is_true = False
        raise
    finally:
        sys.stdout.write(said.getvalue().replace(folder, url) if is_true else "")


def _refuse_copies(folder: Path) -> None:
    if url := copied_from(folder):
        copy = f"{folder}, which is this machine's copy of {url}"
        raise InputError(f"expected a data folder, got {copy}: use --data {url}")


class Follower:
    """Keeps the copy that a service serves from up to the folder at the URL, and reviewers' verdicts in both.

    Parameters
    ----------
    copy : WorkingCopy
        That the service serves from.
    """

    def __init__(self, copy: WorkingCopy) -> None:
        self._copy = copy
        self._merged: tuple[object, ...] = ()

    @contextmanager
    def following(self) -> Iterator[None]:
        """Look at the URL every few seconds, in a thread of its own.

        Yields
        ------
        None
            After the first look. When the block ends, what reviewers said last is kept at the URL, too.
        """
        stop = threading.Event()
        self._begin()
        before = signal.signal(signal.SIGTERM, _end)  # uvicorn passes on what it was stopped by
        follower = threading.Thread(target=self._follow, args=(stop,), name="follower", daemon=True)
        follower.start()
        try:
            yield
        finally:
            stop.set()
            follower.join(timeout=_SECONDS_TO_FINISH)
            signal.signal(signal.SIGTERM, before)

    def _begin(self) -> None:
        copy = self._copy
        try:
            self.exchange()
        except (OnemasterError, OSError) as error:
            if not (copy.folder / CATALOG_DB).exists():
                raise
            logger.warning("serving the copy that is there, since %s cannot be followed: %s", copy.remote.url, error)
        else:
            if not copy.state.number:
                url = copy.remote.url
                raise InputError(f"expected a data folder at {url}, found none: run onemaster import --data {url}")

    def _follow(self, stop: threading.Event) -> None:
        goes_on = True
        while goes_on:
            goes_on = not stop.wait(_SECONDS_BETWEEN_LOOKS)
            try:
                self.exchange()
            except Exception as error:  # noqa: BLE001 - whatever it is, what is served goes on and it is tried again
                logger.warning("not up to %s: %s", self._copy.remote.url, error)

    def exchange(self) -> None:
        """Fetch what was published, and have the verdicts of this service and of others on both sides.

        Raises
        ------
        ConflictError
            If somebody else published at the same moment, again and again.
        """
        for attempt in range(_ATTEMPTS):
            try:
                self._exchange()
                return
            except ConflictError:
                if attempt == _ATTEMPTS - 1:
                    raise
                time.sleep(random.uniform(0.1, 1.0))

    def _exchange(self) -> None:
        self._copy.pull(besides=(LABELS_DB,))
        ours = _stamp(self._copy.folder / LABELS_DB)  # before they are read: what comes meanwhile is seen the next time
        if not self._copy.state.number or (ours, self._copy.state.files.get(LABELS_DB)) == self._merged:
            return
        with tempfile.TemporaryDirectory() as scratch:
            self._exchange_verdicts(Path(scratch) / LABELS_DB)
        self._merged = ours, self._copy.state.files.get(LABELS_DB)

    def _exchange_verdicts(self, merged: Path) -> None:
        from catalog.remote import Content
        from matching.label_file import merge_labels

        copy = self._copy
        ours, theirs = copy.folder / LABELS_DB, copy.state.files.get(LABELS_DB)
        if theirs:
            copy.remote.fetch(LABELS_DB, theirs, merged)
            merge_labels(merged, ours)
        if ours.exists() and merge_labels(ours, merged):
            files = {**copy.state.files, LABELS_DB: Content.of(merged)}
            copy.state = copy.remote.publish(files, {LABELS_DB: merged}, copy.state)


def _stamp(path: Path) -> tuple[int, ...]:
    found = path.stat() if path.exists() else None
    return (found.st_size, found.st_mtime_ns) if found else ()
