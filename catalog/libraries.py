"""Which versions of other people's libraries are installed."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version


def installed_versions(names: Iterable[str]) -> dict[str, str]:
    """Look up versions of distributions.

    Parameters
    ----------
    names : iterable of str
        As package indexes know them.

    Returns
    -------
    dict
        Name to version; those that are not installed, as torch in the slim image, are left out.
    """
    found = {}
    for name in names:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found
