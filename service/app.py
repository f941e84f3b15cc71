"""The application, for ``uvicorn --factory service.app:create_app``."""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from importlib.metadata import version

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from service import candidates, clusters, health, labels, metrics, pairs, recordings
from service.access import Gatekeeper
from service.asked_most import AskedMost
from service.batching import Batching
from service.decisions import DecisionLog
from service.errors import MAY_BE_REFUSED, answer_errors
from service.headers import Answered
from service.limits import BodyLimits
from service.logs import log_as_json
from service.pages import catalogue, documentation, explore, quality, review
from service.pages.rendering import STATIC
from service.settings import Settings
from service.state import MatcherSource, source_of
from service.warming import warming

# Objects more before the youngest are looked through, and how often that is done before the older and the oldest are.
_GARBAGE_THRESHOLDS = (10_000, 10, 1_000)


def create_app(settings: Settings | None = None) -> FastAPI:
    """Make the application; nothing is opened before it is started.

    Parameters
    ----------
    settings : Settings, optional
        Taken from the environment if not given.

    Returns
    -------
    FastAPI
        Starts even if nothing is published yet: it then answers 503 and says what to run.
    """
    settings = settings or Settings.from_environment(os.environ)
    if settings.log_as_json:
        log_as_json()
    # The stock documentation page loads its scripts from a content network; these come from the package.
    app = FastAPIOffline(
        title="onemaster",
        summary="Finds the sound recordings of a catalogue that are one master, written differently.",
        description="Pages: [explore](/explore), [review](/review), [the catalogue](/catalog), [quality](/quality).",
        version=version("onemaster"),
        docs_url=None,
        redoc_url=None,
        static_url=documentation.STATIC,
        redirect_slashes=False,
        lifespan=_lifespan,
        telemetry=dict.fromkeys(("auto_configure", "tracing", "metrics"), settings.traced) | {"logs": False},
    )
    app.state.matcher_source = MatcherSource(settings.folder, settings.look_every, settings.shadow)
    app.state.decisions = DecisionLog(settings.folder, settings.log_share)
    app.state.batching = Batching(app.state.matcher_source, app.state.decisions)
    app.state.turns = asyncio.Semaphore(labels.AT_ONCE)
    app.state.questions = review.Questions()
    app.state.profiles = catalogue.Profiles()
    answer_errors(app)
    for group in (pairs, candidates, clusters, labels, recordings, metrics):
        app.include_router(group.router, responses=MAY_BE_REFUSED)
    app.include_router(health.router)
    for pages in (explore, review, catalogue, quality, documentation):
        app.include_router(pages.router)
    app.mount("/static", StaticFiles(directory=STATIC))
    app.middleware_stack = _around(app.build_middleware_stack(), app.state.batching, settings)
    return app


def _around(answering: ASGIApp, batching: Batching, settings: Settings) -> ASGIApp:
    """Put our layers around FastAPI's own, which take longer than all of these; the last one is the outermost."""
    if not settings.traced:  # traces are made by routes
        answering = AskedMost(answering, batching)
    return Answered(Gatekeeper(BodyLimits(answering), settings.access), logged=settings.log_as_json)


@contextmanager
def _little_garbage_collected() -> Iterator[None]:
    """Keep the garbage collector from stopping all requests for as long as it takes to look through everything.

    Nearly all that is there already lives as long as the process, and recordings that are kept ready live long.
    """
    thresholds = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GARBAGE_THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.decisions.start()
    async with source_of(app).serving(), warming(source_of(app)):
        with _little_garbage_collected():
            yield
        await asyncio.to_thread(app.state.decisions.stop)
