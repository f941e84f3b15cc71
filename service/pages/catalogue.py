"""``/catalog``: what `onemaster profile` finds in the catalogue."""

from __future__ import annotations

import threading
from weakref import WeakKeyDictionary

from fastapi import APIRouter, Response

from catalog.paths import DataFolder
from catalog.profile import Profile, profile, read_profile
from matching.matcher import Matcher
from service.pages.drawings import log_log
from service.pages.rendering import PageRoute, page
from service.state import FolderInUse, MatcherInCharge

router = APIRouter(route_class=PageRoute, include_in_schema=False)

# A profile of so many recordings takes some seconds; larger catalogues are profiled by the command.
_AT_ONCE = 100_000
_made: WeakKeyDictionary[Matcher, Profile] = WeakKeyDictionary()
_making = threading.Lock()


@router.get("/catalog")
def show(matcher: MatcherInCharge, folder: FolderInUse) -> Response:
    """Show the profile of the catalogue in charge."""
    kept = read_profile(folder)
    digest = matcher.catalog.digest()
    is_current = kept is not None and kept.catalog_digest == digest
    found = kept if is_current else _profile(matcher, folder) or kept
    return page(
        "catalogue.html.j2",
        found=found,
        is_current=found is not None and found.catalog_digest == digest,
        artists=log_log(found.artists) if found else None,
        command=f"onemaster profile --data {folder.root}",
    )


def _profile(matcher: Matcher, folder: DataFolder) -> Profile | None:
    if len(matcher.snapshot) > _AT_ONCE:
        return None
    with _making:
        if matcher not in _made:
            _made[matcher] = profile(matcher.catalog, folder.clusters)
    return _made[matcher]
