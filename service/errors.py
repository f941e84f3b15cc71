"""The one place where errors become HTTP answers: short, and silent about the inside of the service.

- `UnknownRecordingError`: 404 ``{"error": "unknown sr_id", "sr_id": ...}``
- any other `OnemasterError`: 503, the message says what to run
- a wrong parameter: 422, what was expected and what came
- unknown path, wrong method, long body: 404, 405, 413
- whoever is not let in: 401, 403, 429

They are pages where a page was asked for, and where a browser asked for what no route answers or for ``/``, which
people type; else they are JSON. Any other route that answers JSON has its errors in JSON in a browser, too.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.types import Scope

from catalog.errors import OnemasterError, UnknownRecordingError
from service.answers import error_answer, json_answer
from service.pages.rendering import PageRoute, explained
from service.parameters import EXPECTED, shown
from service.schemas import ErrorAnswer, UnknownRecordingAnswer
from service.sent import reads_pages

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
_TYPED = "/"
_OF_ROUTING = {
    # FastAPI's own words for a body that cannot be read.
    400: f"expected body to be {EXPECTED['body']}, got something else",
    404: "unknown path: GET /docs lists what there is",
    405: "wrong method for this path: GET /docs lists what there is",
}
_OF_ROUTING_IN_WORDS = {
    404: "There is no page at this address.",
    405: "What was sent is not what this address takes.",
}


def answer_errors(app: FastAPI) -> None:
    """Make an application answer every error.

    Parameters
    ----------
    app : FastAPI
        The application.
    """
    app.add_exception_handler(OnemasterError, _onemaster_error)
    app.add_exception_handler(RequestValidationError, _wrong_parameters)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _defect)


def refusal(
    scope: Scope, status: int, message: str, headers: Mapping[str, str] | None = None, words: str = ""
) -> Response:
    """Write an error, as whoever asks can read it.

    Parameters
    ----------
    scope : Scope
        Of the request.
    status : int
        Of HTTP.
    message : str
        What was expected, what came, what to do.
    headers : mapping, optional
        To be added.
    words : str
        What a page says instead of the message, if that is in the words of programs.

    Returns
    -------
    Response
        A page, or ``{"error": message}``.
    """
    if _wants_page(scope):
        return explained(scope, status, words or f"{message[:1].upper()}{message[1:].rstrip('.')}.", headers)
    return error_answer(status, message, headers)


def _wants_page(scope: Scope) -> bool:
    route = scope.get("route")
    if isinstance(route, PageRoute):
        return True
    is_answered = scope["method"] in (getattr(route, "methods", None) or ())
    return (not is_answered or getattr(route, "path", "") == _TYPED) and reads_pages(scope)


async def _onemaster_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, UnknownRecordingError):
        return refusal(request.scope, 503, request.app.state.matcher_source.folder.as_typed(str(error)))
    if _wants_page(request.scope):
        return explained(request.scope, 404, f"The catalogue has no recording {shown(error.sr_id)}.")
    return json_answer(404, UnknownRecordingAnswer(sr_id=error.sr_id))


async def _wrong_parameters(request: Request, error: Exception) -> Response:
    problems = error.errors() if isinstance(error, RequestValidationError) else ()
    if _wants_page(request.scope):
        fields = ", ".join(str(problem["loc"][-1]) for problem in problems)
        return explained(request.scope, 422, f"What stands in the field {fields} is not what was expected.")
    return error_answer(422, "; ".join(map(_problem, problems)))


def _problem(problem: Mapping[str, object]) -> str:
    location = problem["loc"] if isinstance(problem["loc"], tuple) else ()
    if problem["type"] == "extra_forbidden":
        return f"expected no field {shown(location[-1])}: GET /docs lists what there is"
    if problem["type"] == "json_invalid":
        return f"expected body to be {EXPECTED['body']}, got what is no JSON"
    # The innermost part of the question that has a name.
    name = next(part for part in reversed(location) if part in EXPECTED)
    found = "nothing" if problem["type"] == "missing" else shown(problem["input"])
    return f"expected {name} to be {EXPECTED[name]}, got {found}"


async def _http_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    status = error.status_code
    is_of_routing = status == HTTPStatus.BAD_REQUEST or error.detail == HTTPStatus(status).phrase
    message = _OF_ROUTING.get(status, error.detail) if is_of_routing else error.detail
    words = _OF_ROUTING_IN_WORDS.get(status, "") if is_of_routing else ""
    return refusal(request.scope, 422 if status == HTTPStatus.BAD_REQUEST else status, message, error.headers, words)


async def _defect(request: Request, error: Exception) -> Response:
    logger.error("a defect of onemaster at %s %s", request.method, shown(request.url.path), exc_info=error)
    return refusal(request.scope, 500, "a defect of onemaster, please report it with the service's log")
