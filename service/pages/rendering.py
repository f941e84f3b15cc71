"""Pages out of templates; their policy lets a browser load nothing from elsewhere, and run nothing written in them."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path

from fastapi import Response
from fastapi.responses import HTMLResponse
from fastapi.routing import APIRoute
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.types import Scope

STATIC = Path(__file__).parent / "static"
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_ERROR = "error.html.j2"
# By status: what to call it, and what to do.
_ADVICE = {
    401: (
        "A key is needed",
        "Open this page again, and give the key as the password; any user name will do. Keys are made by whoever runs "
        "the service: onemaster key NAME.",
    ),
    403: ("Not allowed", "Ask whoever runs the service for a key that is for more, or go back to where you were."),
    404: ("Nothing is there", "Look for another recording, or choose one of the pages above."),
    405: ("It cannot be asked like that", "Choose one of the pages above."),
    408: ("It came too slowly", "Go back and send it again."),
    413: ("It is too long", "Go back and send less."),
    422: ("It cannot be read", "Go back and change what you wrote."),
    429: ("Too many requests", "Wait a moment, and open this page again."),
    503: ("The service is not ready", "Do what it says, and open this page again."),
}
_OTHERWISE = ("That did not work", "Go back, and try again.")
_templates = Environment(
    loader=PackageLoader("service.pages"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.filters["merged"] = lambda one, other: {name: value for name, value in {**one, **other}.items() if value}


def page(template: str, status: int = 200, **content: object) -> Response:
    """Make a page.

    Parameters
    ----------
    template : str
        Its file.
    status : int
        Of HTTP.
    **content : object
        What the template wants; all of it is escaped.

    Returns
    -------
    Response
        HTML.
    """
    text = _templates.get_template(template).render(**content)
    return HTMLResponse(text.encode("utf-8", "replace"), status, {"Content-Security-Policy": _POLICY})


class PageRoute(APIRoute):
    """A route of pages: its errors are pages, too, whoever asks."""


def explained(scope: Scope, status: int, words: str, headers: Mapping[str, str] | None = None) -> Response:
    """Make the page that says why there is no other.

    Parameters
    ----------
    scope : Scope
        Of the request.
    status : int
        Of HTTP.
    words : str
        What is wrong.
    headers : mapping, optional
        To be added.

    Returns
    -------
    Response
        HTML, with what to do about it.
    """
    heading, advice = _ADVICE.get(status, _OTHERWISE)
    may_search = status == HTTPStatus.NOT_FOUND
    answer = page(
        _ERROR, status, heading=heading, words=words, advice=advice, may_search=may_search, root=_way_up(scope)
    )
    answer.headers.update(headers or {})
    return answer


def counted(number: int, thing: str) -> str:
    """Count things in words.

    Parameters
    ----------
    number : int
        How many.
    thing : str
        One of them; several have an s more.

    Returns
    -------
    str
        Such as "1 pair" and "1,000 pairs".
    """
    return f"{number:,} {thing}" + ("" if number == 1 else "s")


_templates.filters["counted"] = counted


def _way_up(scope: Scope) -> str:
    """Lead from where a browser thinks it is to where the pages are: it does not know what a proxy has cut off."""
    path: bytes = scope.get("raw_path") or scope["path"].encode()
    root: str = scope.get("app_root_path", scope.get("root_path", ""))  # within a mount the latter is longer
    below = path.partition(b"?")[0].removeprefix(root.encode())
    return "../" * (below.count(b"/") - 1)
