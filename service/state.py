"""The matcher in charge: opened when the service starts, or as soon as there is something to open."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Annotated

from fastapi import Depends, FastAPI, Request

from catalog.errors import ArtefactError, OnemasterError
from catalog.paths import DataFolder
from matching.matcher import Matcher

logger = logging.getLogger(__name__)

# Opening reads every published file to check it, so a failed attempt may have cost seconds; the pause keeps the cost of
# trying again at a tenth of the time at most.
_PAUSE_SECONDS = 2.0
_PAUSE_PER_SECOND = 9.0


class MatcherSource:
    """Gives the matcher once it could be opened, and until then the reason why not.

    Parameters
    ----------
    folder : DataFolder
        Where catalogue, models and indexes stand.
    """

    def __init__(self, folder: DataFolder) -> None:
        self.opened: Matcher | None = None
        self.folder = folder
        self._problem = "the service is starting: try again in a few seconds"

    def matcher(self) -> Matcher:
        """Give the matcher in charge.

        Returns
        -------
        Matcher
            Open.

        Raises
        ------
        ArtefactError
            If it could not be opened yet; the message says why and what to run.
        """
        if self.opened is None:
            raise ArtefactError(self._problem)
        return self.opened

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Open the matcher, or keep trying in the background; close it in the end.

        Yields
        ------
        None
            After the first attempt, whether it succeeded or not.
        """
        stop = asyncio.Event()
        pause = await self._attempt()
        retry = asyncio.create_task(self._retry(stop, pause))
        try:
            yield
        finally:
            stop.set()
            await retry
            if self.opened:
                self.opened.close()

    async def _retry(self, stop: asyncio.Event, pause: float) -> None:
        while self.opened is None and not stop.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), pause)
                return
            pause = await self._attempt()

    async def _attempt(self) -> float:
        """Try to open the matcher and tell how many seconds to wait before the next attempt."""
        began = time.monotonic()
        problem = await asyncio.to_thread(self._open)
        if problem and problem != self._problem:
            logger.warning("not ready: %s", problem)
        self._problem = problem
        return _PAUSE_SECONDS + _PAUSE_PER_SECOND * (time.monotonic() - began)

    def _open(self) -> str:
        try:
            matcher = Matcher.open(self.folder)
        except OnemasterError as error:
            return str(error)
        except (OSError, LookupError, TypeError, ValueError) as error:  # files that others may have changed
            return (
                f"expected a usable catalogue, model and index in {self.folder.root}, got: {error!r}: "
                f"run onemaster rebuild --data {self.folder.root}"
            )
        index = matcher.snapshot
        logger.info("serving %d recordings, index %s, delta %s", len(index), index.version, index.delta_version)
        self.opened = matcher
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


async def _matcher_in_charge(request: Request) -> Matcher:
    return source_of(request.app).matcher()


async def _folder_in_use(request: Request) -> DataFolder:
    return source_of(request.app).folder


FolderInUse = Annotated[DataFolder, Depends(_folder_in_use)]
MatcherInCharge = Annotated[Matcher, Depends(_matcher_in_charge)]
