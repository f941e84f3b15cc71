"""An error as a JSON answer, for those who answer before the application does."""

from __future__ import annotations

import json
from collections.abc import Mapping

from starlette.responses import Response

from service.schemas import Answer, ErrorAnswer


def json_answer(status: int, answer: Answer, headers: Mapping[str, str] | None = None) -> Response:
    """Write an answer.

    Parameters
    ----------
    status : int
        Of HTTP.
    answer : Answer
        Its content.
    headers : mapping, optional
        To be added.

    Returns
    -------
    Response
        In ASCII: an id may hold lone surrogates, which UTF-8 cannot.
    """
    return Response(json.dumps(dict(answer), ensure_ascii=True), status, headers, media_type="application/json")


def error_answer(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """Write an error.

    Parameters
    ----------
    status : int
        Of HTTP.
    message : str
        What was expected, what came, what to do.
    headers : mapping, optional
        To be added.

    Returns
    -------
    Response
        ``{"error": message}``.
    """
    return json_answer(status, ErrorAnswer(error=message), headers)
