"""The one place where errors become HTTP answers: JSON, short, and silent about the inside of the service.

- `UnknownRecordingError`: 404 ``{"error": "unknown sr_id", "sr_id": ...}``
- any other `OnemasterError`: 503, the message says what to run
- a wrong parameter: 422, what was expected and what came
- unknown path, wrong method, long body: 404, 405, 413
- whoever is not let in: 401, 403, 429
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from catalog.errors import OnemasterError, UnknownRecordingError
from service.answers import error_answer, json_answer
from service.parameters import EXPECTED, shown
from service.schemas import ErrorAnswer, UnknownRecordingAnswer

logger = logging.getLogger(__name__)

Documented = dict[int | str, dict[str, object]]

# What a route may answer beside its answer, for the OpenAPI document.
NOT_READY: Documented = {
    503: {"model": ErrorAnswer, "description": "No usable catalogue, model and index: the error says what to run"}
}
UNKNOWN_RECORDING: Documented = {
    404: {"model": UnknownRecordingAnswer, "description": "The catalogue holds no recording with this id"}
}
WRONG_PARAMETER: Documented = {
    422: {"model": ErrorAnswer, "description": "A parameter is missing or wrong: the error says what was expected"}
}
MAY_BE_REFUSED: Documented = {
    401: {"model": ErrorAnswer, "description": "A key is needed, or is not known"},
    403: {"model": ErrorAnswer, "description": "The key is for less"},
    408: {"model": ErrorAnswer, "description": "The body came too slowly"},
    413: {"model": ErrorAnswer, "description": "The body is too long"},
    429: {"model": ErrorAnswer, "description": "Too many requests: Retry-After says when to come back"},
}
"""Of every route but those that tell whether the service is alive."""
_OF_ROUTING = {
    # FastAPI's own words for a body that cannot be read.
    400: f"expected body to be {EXPECTED['body']}, got something else",
    404: "unknown path: GET /docs lists what there is",
    405: "wrong method for this path: GET /docs lists what there is",
}


def answer_errors(app: FastAPI) -> None:
    """Make an application answer every error as JSON.

    Parameters
    ----------
    app : FastAPI
        The application.
    """
    app.add_exception_handler(OnemasterError, _onemaster_error)
    app.add_exception_handler(RequestValidationError, _wrong_parameters)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _defect)


async def _onemaster_error(_: Request, error: Exception) -> Response:
    if isinstance(error, UnknownRecordingError):
        return json_answer(404, UnknownRecordingAnswer(sr_id=error.sr_id))
    return error_answer(503, str(error))


async def _wrong_parameters(_: Request, error: Exception) -> Response:
    problems = error.errors() if isinstance(error, RequestValidationError) else ()
    return error_answer(422, "; ".join(map(_problem, problems)))


def _problem(problem: Mapping[str, object]) -> str:
    location = problem["loc"] if isinstance(problem["loc"], tuple) else ()
    if problem["type"] == "extra_forbidden":
        return f"expected no field {shown(location[-1])}: GET /docs lists what there is"
    # The innermost part of the question that has a name.
    name = next(part for part in reversed(location) if part in EXPECTED)
    found = "nothing" if problem["type"] == "missing" else shown(problem["input"])
    return f"expected {name} to be {EXPECTED[name]}, got {found}"


async def _http_error(_: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    message = _OF_ROUTING.get(error.status_code, error.detail)
    return error_answer(422 if error.status_code == 400 else error.status_code, message, error.headers)


async def _defect(request: Request, error: Exception) -> Response:
    logger.error("a defect of onemaster at %s %s", request.method, shown(request.url.path), exc_info=error)
    return error_answer(500, "a defect of onemaster, please report it with the service's log")
