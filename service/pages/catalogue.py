"""``/catalog``: what `onemaster profile` finds in the catalogue."""

from __future__ import annotations

import threading
from pathlib import Path

from fastapi import APIRouter, Request, Response

from catalog.paths import DataFolder
from catalog.profile import Profile, profile, read_profile
from matching.matcher import Matcher
from service.pages.drawings import log_log
from service.pages.rendering import PageRoute, page
from service.state import FolderInUse, MatcherInCharge

router = APIRouter(route_class=PageRoute, include_in_schema=False)

# A profile of so many recordings takes some seconds; larger catalogues are profiled by the command.
_AT_ONCE = 100_000


class Profiles:
    """The profile that was made last, until catalogue or clusters are others."""

    def __init__(self) -> None:
        self._making = threading.Lock()
        self._made_of: tuple[str, int] | None = None
        self._made: Profile | None = None

    def of(self, matcher: Matcher, folder: DataFolder) -> Profile:
        """Give the profile of a catalogue.

        Parameters
        ----------
        matcher : Matcher
            Whose catalogue it is.
        folder : DataFolder
            With the clusters of the last de-duplication, if there are any.

        Returns
        -------
        Profile
            As both are now.
        """
        wanted = matcher.catalog.digest(), _written(folder.clusters)
        with self._making:
            if self._made is None or self._made_of != wanted:
                self._made, self._made_of = profile(matcher.catalog, folder.clusters), wanted
            return self._made


@router.get("/catalog")
def show(request: Request, matcher: MatcherInCharge, folder: FolderInUse) -> Response:
    """Show the profile of the catalogue in charge."""
    found = read_profile(folder)
    is_current = (
        found is not None
        and found.catalog_digest == matcher.catalog.digest()
        and _written(folder.profile) >= _written(folder.clusters)
    )
    if not is_current and len(matcher.snapshot) <= _AT_ONCE:
        found, is_current = request.app.state.profiles.of(matcher, folder), True
    return page(
        "catalogue.html.j2",
        found=found,
        is_current=is_current,
        artists=log_log(found.artists) if found else None,
        was_deduplicated=folder.clusters.is_file(),
        command=f"onemaster profile --data {folder.named}",
        dedupe=f"onemaster dedupe --data {folder.named}",
    )


def _written(path: Path) -> int:
    """Tell when a file was written, in nanoseconds; 0 if it is not there."""
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0
