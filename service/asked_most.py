"""``GET /`` is asked most of all: it is looked for first, and called without reading parameters that it has not got."""

from __future__ import annotations

from starlette.routing import Match, Route, get_route_path
from starlette.types import Scope

from service.pairs import classify

_METHOD, _PATH = "GET", "/"


class AskedMost(Route):
    """The route of `service.pairs.classify`; whatever else is sent to its path goes on to the documented one."""

    def __init__(self) -> None:
        super().__init__(_PATH, classify, methods=[_METHOD])

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
        if scope["type"] != "http" or scope["method"] != _METHOD or get_route_path(scope) != _PATH:
            return Match.NONE, {}
        return Match.FULL, {"endpoint": self.endpoint, "path_params": {}, "route": self}
