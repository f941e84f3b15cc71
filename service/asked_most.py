"""``GET /`` is asked most of all: it is looked for first, and called without reading parameters that it has not got."""

from __future__ import annotations

from starlette.routing import Match, Route
from starlette.types import Scope

from service.pairs import classify

_METHOD = "GET"


class AskedMost(Route):
    """The route of `service.pairs.classify`; whatever else is sent to its path goes on to the documented one."""

    def __init__(self) -> None:
        super().__init__("/", classify, methods=[_METHOD])

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Tell whether a request is for it.

        Parameters
        ----------
        scope : Scope
            Of the request.

        Returns
        -------
        tuple of Match and Scope
            Full or none, and what the request knows of its route.
        """
        match, known = super().matches(scope)
        if match is Match.FULL and scope["method"] == _METHOD:
            return match, {**known, "route": self}
        return Match.NONE, {}
