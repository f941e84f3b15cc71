"""One header of a request, read without reading all of them; and what it says of who asks."""

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


def reads_pages(scope: Scope) -> bool:
    """Tell whether somebody looks at the answer in a browser.

    Parameters
    ----------
    scope : Scope
        Of the request.

    Returns
    -------
    bool
        Whether it names HTML among what it takes, as a browser does that opens an address, or comes from the script
        of a page of ours.
    """
    return "text/html" in sent_header(scope, b"accept") or bool(sent_header(scope, b"hx-request"))
