"""Small catalogues are read before anybody asks: a recording's first pair takes many times as long as its second."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from catalog.errors import OnemasterError
from matching.kept import MOST_KEPT
from service.state import MatcherSource, Opened

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
        opened = source.opened
        if opened and opened is not warmed and len(opened.matcher.snapshot) <= MOST_KEPT:
            with suppress(OnemasterError):  # whoever asks about what cannot be read is told
                await _warm(opened)
            warmed = opened
        await asyncio.sleep(_LOOK_EVERY)


async def _warm(opened: Opened) -> None:
    delay = 0.0
    for start in range(0, len(opened.matcher.snapshot), _AT_ONCE):
        if opened.retired:
            return
        began = time.monotonic()
        opened.users += 1
        try:
            await asyncio.to_thread(opened.matcher.recordings.read_ahead, start, start + _AT_ONCE)
        finally:
            opened.release()
        ended = time.monotonic()
        pause = ended - began + _PAUSE_PER_DELAY * delay
        await asyncio.sleep(pause)
        delay = max(time.monotonic() - ended - pause - _CLOCK_TICK, 0.0)
