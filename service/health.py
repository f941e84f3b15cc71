"""Whether the service is alive and ready, and what it is made of."""

from __future__ import annotations

import platform
import time
from contextlib import suppress
from functools import cache
from importlib.metadata import version

from fastapi import APIRouter, Request

from catalog.artefacts import current_version
from catalog.errors import OnemasterError
from catalog.libraries import installed_versions
from catalog.paths import DataFolder
from matching.matcher import Matcher
from matching.model import encoder_of
from service.errors import MAY_BE_REFUSED, NOT_READY
from service.schemas import LiveAnswer, ReadyAnswer, VersionAnswer
from service.state import MatcherInCharge, source_of

router = APIRouter(tags=["service"])

_LIBRARIES = (
    "faiss-cpu",
    "fastapi",
    "numpy",
    "pydantic",
    "rapidfuzz",
    "scikit-learn",
    "sentence-transformers",
    "starlette",
    "torch",
    "uvicorn",
)
_STARTED = time.monotonic()


@router.get("/live")
async def live() -> LiveAnswer:
    """Tell that the process answers, whatever it serves."""
    return LiveAnswer(uptime_seconds=round(time.monotonic() - _STARTED, 3))


@router.get("/ready", responses=NOT_READY)
def ready(request: Request, matcher: MatcherInCharge) -> ReadyAnswer:
    """Tell that recordings can be read and pairs be judged: the first recording is read, and judged beside itself."""
    first = matcher.snapshot.first_id()
    matcher.catalog.get(first)
    matcher.classify(first, first)
    index, source = matcher.snapshot, source_of(request.app)
    return ReadyAnswer(
        model=matcher.model.version,
        index=index.version,
        delta=index.delta_version,
        recordings=len(index),
        encoder="loaded" if matcher.encoder_is_loaded else "not loaded",
        refused=source.problem or None,
        waiting=None if source.problem else _waiting(source.folder, matcher),
        shadow=source.idle or None,
    )


def _waiting(folder: DataFolder, matcher: Matcher) -> str | None:
    with suppress(OnemasterError):
        published = current_version(folder.models)
        if published.name != matcher.model.version and encoder_of(published) != matcher.model.encoder_digest:
            return published.name
    return None


@router.get("/version", responses=MAY_BE_REFUSED)
async def versions(request: Request) -> VersionAnswer:
    """Name the versions of everything that decides an answer."""
    opened = source_of(request.app).opened
    matcher = opened.matcher if opened else None
    return VersionAnswer(
        onemaster=version("onemaster"),
        model=matcher.model.version if matcher else None,
        index=matcher.snapshot.version if matcher else None,
        delta=matcher.snapshot.delta_version if matcher else None,
        python=platform.python_version(),
        libraries=_libraries(),
    )


@cache
def _libraries() -> dict[str, str]:
    return installed_versions(_LIBRARIES)
