"""Pages out of templates; their policy lets a browser load nothing from elsewhere, and run nothing written in them."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from fastapi import HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse
from fastapi.routing import APIRoute
from jinja2 import Environment, PackageLoader, StrictUndefined

from catalog.errors import OnemasterError, UnknownRecordingError
from service.parameters import shown

STATIC = Path(__file__).parent / "static"
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_ERROR = "error.html.j2"
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
    """A route that answers errors of its own with a page; what is refused before it, or is a defect, is JSON."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap what answers requests.

        Returns
        -------
        callable
            Gives a page, or raises what is a defect.
        """
        answer = super().get_route_handler()

        async def answer_or_explain(request: Request) -> Response:
            try:
                return await answer(request)
            except UnknownRecordingError as error:
                return page(_ERROR, 404, message=f"The catalogue has no recording {shown(error.sr_id)}.")
            except OnemasterError as error:
                return page(_ERROR, 503, message=str(error))
            except RequestValidationError:
                return page(_ERROR, 422, message="Something in the address, or in the form, is not what was expected.")
            except HTTPException as error:
                explained = page(_ERROR, error.status_code, message=str(error.detail))
                explained.headers.update(error.headers or {})
                return explained

        return answer_or_explain
