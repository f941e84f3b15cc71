"""The candidate model, which judges in the background what the one in charge is asked."""

from __future__ import annotations

from catalog.artefacts import CANDIDATE, current_version
from catalog.errors import ArtefactError, MismatchedArtefactError
from catalog.paths import DataFolder
from matching.matcher import Matcher
from matching.model import Model


def shadow_of(matcher: Matcher, folder: DataFolder) -> Matcher:
    """Put the candidate model in the place of the one in charge.

    Parameters
    ----------
    matcher : Matcher
        In charge.
    folder : DataFolder
        Where models stand.

    Returns
    -------
    Matcher
        On the same catalogue and index.

    Raises
    ------
    OnemasterError
        If there is no usable candidate, it is in charge already, or the index has vectors of another encoder.
    """
    try:
        candidate = Model.load(current_version(folder.models, CANDIDATE))
    except (OSError, ValueError) as error:
        raise ArtefactError(f"expected a usable candidate in {folder.models}, got: {error}: train another") from error
    if candidate.version == matcher.model.version:
        raise MismatchedArtefactError(f"expected a candidate that waits, but {candidate.version} is in charge")
    if candidate.encoder_digest != matcher.model.encoder_digest:
        raise MismatchedArtefactError(
            f"expected a candidate with the encoder of the index, but {candidate.version} has another: train it with "
            "the encoder in charge, or compare them with onemaster compare"
        )
    return Matcher(matcher.catalog, matcher.snapshot, candidate)
