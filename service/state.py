"""The matcher in charge: opened when the service starts, and exchanged whole when something newer is published."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated

from fastapi import Depends, FastAPI, Request
from starlette.types import Scope

from catalog.artefacts import CANDIDATE, CURRENT
from catalog.errors import ArtefactError, OnemasterError
from catalog.paths import DataFolder
from index.delta import deltas_beside
from index.mapped import bound_pages
from matching.matcher import Matcher
from service.metrics import observe_in_charge, observe_refusal
from service.shadow import shadow_of

logger = logging.getLogger(__name__)

# Opening reads every published file to check it, so a failed attempt may have cost seconds; the pause keeps the cost of
# trying again, or of opening what never stops changing, at a tenth of the time at most.
_PAUSE_SECONDS = 2.0
_PAUSE_PER_SECOND = 9.0


@dataclass(eq=False)
class Opened:
    """A matcher, and how many requests are being answered by it.

    Attributes
    ----------
    matcher : Matcher
        Open.
    shadow : Matcher or None
        The same with the candidate model, if that is to judge in the background and has the same encoder.
    users : int
        Counted in the event loop only.
    retired : bool
        Whether another one is in charge.
    """

    matcher: Matcher
    shadow: Matcher | None = None
    users: int = 0
    retired: bool = False

    @cached_property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """What an answer says of its origin: model, index, and delta if there is one."""
        index = self.matcher.snapshot
        delta = [(b"x-onemaster-delta", index.delta_version.encode())] if index.delta_version else []
        return [
            (b"x-onemaster-model", self.matcher.model.version.encode()),
            (b"x-onemaster-index", index.version.encode()),
            *delta,
        ]

    def release(self) -> None:
        """Take note that a request was answered; the last one closes what is no longer in charge."""
        self.users -= 1
        self.close_if_unused()

    def close_if_unused(self) -> None:
        """Close it if another one is in charge and nobody uses it."""
        if self.retired and not self.users:
            self.matcher.close()


class MatcherSource:
    """Gives the matcher in charge, or the reason why there is none.

    What is published anew is opened beside it and takes its place in one step. A build that cannot be opened is
    refused, and the present one goes on.

    Parameters
    ----------
    folder : DataFolder
        Where catalogue, models and indexes stand.
    look_every : float
        Seconds between two looks at what is published.
    shadow : bool
        Whether the candidate model is to judge in the background.
    """

    def __init__(self, folder: DataFolder, look_every: float, shadow: bool = False) -> None:
        self.folder = folder
        self._shadow = shadow
        self.opened: Opened | None = None
        self.idle = ""  # why no candidate judges in the background, if one should
        self.problem = "the service is starting: try again in a few seconds"
        self._look_every = look_every
        self._seen: tuple[object, ...] = ()
        self._failure = ""

    def in_charge(self) -> Opened:
        """Give the matcher in charge.

        Returns
        -------
        Opened
            Whoever uses it beyond the present step of the event loop counts themselves in.

        Raises
        ------
        ArtefactError
            If nothing could be opened yet; the message says why and what to run.
        """
        if self.opened is None:
            raise ArtefactError(self.problem)
        return self.opened

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Open the matcher, look for newer ones in the background, and close it in the end.

        Yields
        ------
        None
            After the first attempt, whether it succeeded or not.
        """
        stop = asyncio.Event()
        pause = await self._attempt()
        looking = asyncio.create_task(self._look(stop, pause))
        try:
            yield
        finally:
            stop.set()
            await looking
            self._exchange(None)

    async def _look(self, stop: asyncio.Event, pause: float) -> None:
        tried = time.monotonic()
        while not stop.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), self._look_every)
                return
            try:
                changed, waited = _published(self.folder) != self._seen, time.monotonic() - tried
                if (changed and waited >= pause) or (self.problem and waited >= pause + _PAUSE_SECONDS):
                    tried, pause = time.monotonic(), _PAUSE_SECONDS  # should the attempt itself break off
                    pause, tried = await self._attempt(), time.monotonic()
                if self.opened:
                    bound_pages(self.opened.matcher.snapshot.snapshot)
            except Exception as error:
                if repr(error) != self._failure:  # what fails in every round is logged once
                    logger.exception("looking for what is published failed, and goes on; report this")
                self._failure = repr(error)

    async def _attempt(self) -> float:
        """Try to open what is published and tell how many seconds to wait before the next attempt."""
        began = time.monotonic()
        seen, before = _published(self.folder), self.problem
        new, self._seen = await asyncio.to_thread(self._open), seen
        if new:
            self._exchange(new)
        observe_refusal(bool(self.problem))
        if self.problem and self.problem != before:
            logger.warning("%s: %s", "refused, the present one goes on" if self.opened else "not ready", self.problem)
        return _PAUSE_PER_SECOND * (time.monotonic() - began)

    @property
    def expected_probabilities(self) -> list[float]:
        """How many match probabilities of the model's test pairs fell into each of ten bins; zeros if unknown."""
        counts = self.opened.matcher.model.card.get("probability_histogram") if self.opened else None
        return [float(each) for each in counts] if isinstance(counts, list) and len(counts) == 10 else [0.0] * 10

    def _exchange(self, new: Opened | None) -> None:
        old, self.opened = self.opened, new
        if old:
            old.retired = True
            old.close_if_unused()
        if new:
            index = new.matcher.snapshot
            versions = {"model": new.matcher.model.version, "index": index.version, "delta": index.delta_version}
            observe_in_charge([(kind, name) for kind, name in versions.items() if name], len(index), bool(old))
            logger.info("serving %d recordings: %s", len(index), versions)

    def _open(self) -> Opened | None:
        try:
            matcher = Matcher.open(self.folder)
            first = matcher.snapshot.first_id()
            matcher.classify(first, first)
            opened = Opened(matcher, self._shadow_of(matcher))
        except OnemasterError as error:
            self.problem = self.folder.as_typed(str(error))
        except Exception as error:  # noqa: BLE001 - whatever it is, what is served goes on and it is tried again
            self.problem = (
                f"expected a usable catalogue, model and index in {self.folder.named}, got: {error!r}: "
                f"run onemaster rebuild --data {self.folder.named}"
            )
        else:
            self.problem = ""
            return opened
        return None

    def _shadow_of(self, matcher: Matcher) -> Matcher | None:
        if not self._shadow:
            return None
        before, self.idle = self.idle, ""
        try:
            return shadow_of(matcher, self.folder)
        except OnemasterError as error:
            self.idle = self.folder.as_typed(str(error))
        if self.idle != before:
            logger.warning("no candidate judges in the background: %s", self.idle)
        return None


def _published(folder: DataFolder) -> tuple[object, ...]:
    """Note everything that changes when something is published: cheap enough for every second."""
    noted: list[object] = [_text(folder.models / CURRENT), _text(folder.models / CANDIDATE)]
    noted.append(index := _text(folder.index / CURRENT).strip())
    with suppress(OSError):  # a pointer that somebody damaged may be no name of a file
        noted.extend(sorted(each.name for each in deltas_beside(folder.index, index).glob("2*")))
    with suppress(OSError):
        found = folder.catalog.stat()
        noted.extend((found.st_ino, found.st_size, found.st_mtime_ns))
    return tuple(noted)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def source_of(app: FastAPI) -> MatcherSource:
    """Find the source that `create_app` gave to an application.

    Parameters
    ----------
    app : FastAPI
        The application.

    Returns
    -------
    MatcherSource
        The same for all requests.
    """
    source = app.state.matcher_source
    if not isinstance(source, MatcherSource):
        raise TypeError(f"expected a MatcherSource in the state of the application, got {source!r}")
    return source


def in_charge_for(request: Request) -> Opened:
    """Give a request what is in charge, for the present step of the event loop, and have its answer name it.

    Parameters
    ----------
    request : Request
        Being answered.

    Returns
    -------
    Opened
        With the matcher in charge.
    """
    opened = source_of(request.app).in_charge()
    request.state.answered_by = opened
    return opened


async def _matcher_in_charge(request: Request) -> Matcher:
    opened = in_charge_for(request)
    opened.users += 1
    request.state.in_use = opened
    return opened.matcher


def release_what_was_in_use(scope: Scope) -> None:
    """Take note that a request is over; what it used beyond one step of the event loop may be closed now.

    Parameters
    ----------
    scope : Scope
        Of the request.
    """
    in_use = scope.get("state", {}).get("in_use")
    if in_use:
        in_use.release()


async def _folder_in_use(request: Request) -> DataFolder:
    return source_of(request.app).folder.still_there()


FolderInUse = Annotated[DataFolder, Depends(_folder_in_use)]
MatcherInCharge = Annotated[Matcher, Depends(_matcher_in_charge)]
