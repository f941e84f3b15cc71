"""One header of a request, read without reading all of them."""

from __future__ import annotations

from starlette.types import Scope


def sent_header(scope: Scope, name: bytes) -> str:
    """Find a header.

    Parameters
    ----------
    scope : Scope
        Of the request.
    name : bytes
        In small letters.

    Returns
    -------
    str
        The first of that name; empty if there is none.
    """
    for each, value in scope["headers"]:
        if each == name:
            return str(value, "latin-1")
    return ""
