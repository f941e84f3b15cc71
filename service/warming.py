"""Small catalogues are read before anybody asks: a recording's first pair takes many times as long as its second."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from matching.kept import MOST_KEPT, KeptRecordings
from service.state import MatcherSource, Opened

logger = logging.getLogger(__name__)

_AT_ONCE = 16
_LOOK_EVERY = 1.0
# Requests come first: the later a pause ends, because others are being answered, the longer is the next one.
_PAUSE_PER_DELAY, _CLOCK_TICK = 20.0, 0.002


@asynccontextmanager
async def warming(source: MatcherSource) -> AsyncIterator[None]:
    """Have all recordings kept ready in the background, little by little, if they are few enough to be kept.

    Parameters
    ----------
    source : MatcherSource
        Gives what is in charge; what takes its place is warmed, too.

    Yields
    ------
    None
        At once.
    """
    task = asyncio.create_task(_keep_warm(source))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _keep_warm(source: MatcherSource) -> None:
    warmed: Opened | None = None
    while True:
        if source.opened and source.opened is not warmed:
            warmed = source.opened
            if warmed.matcher.recordings.n_rows <= MOST_KEPT:
                await _warm(warmed)
        await asyncio.sleep(_LOOK_EVERY)


async def _warm(opened: Opened) -> None:
    delay, recordings = 0.0, opened.matcher.recordings
    for start in range(0, recordings.n_rows, _AT_ONCE):
        if opened.retired:
            return
        began = time.monotonic()
        opened.users += 1
        work = asyncio.create_task(asyncio.to_thread(_read_ahead, recordings, start))
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:
            await work  # what it reads from is closed by the last user
            raise
        finally:
            opened.release()
        ended = time.monotonic()
        pause = ended - began + _PAUSE_PER_DELAY * delay
        await asyncio.sleep(pause)
        delay = max(time.monotonic() - ended - pause - _CLOCK_TICK, 0.0)


def _read_ahead(recordings: KeptRecordings, start: int) -> None:
    try:
        recordings.read_ahead(start, start + _AT_ONCE)
    except Exception as error:  # noqa: BLE001 - whoever asks about what cannot be read is told
        logger.warning("recordings from row %d of the index on could not be read in advance: %s", start, error)
