"""What a model says of itself: model.json."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from catalog.artefacts import new_version
from catalog.manifest import checksums, sha256_file, write_json
from catalog.normalize import NORMALIZER_VERSION
from catalog.store import Catalog
from embeddings.encoder import Encoder
from embeddings.text import TEMPLATE_VERSION
from matching.model import CARD_FILE


def write_card(building: Path, card: Mapping[str, object]) -> str:
    """Write a finished model's card, and name its version.

    Parameters
    ----------
    building : Path
        Folder with every other file of the model.
    card : mapping
        Content of model.json but for the checksums.

    Returns
    -------
    str
        The version to publish it under.
    """
    write_json(building / CARD_FILE, {**card, "files": checksums(building)})
    return new_version(sha256_file(building / CARD_FILE))


def encoder_provenance(encoder: Encoder, catalog: Catalog) -> dict[str, object]:
    """Say which encoder a model has, and for which catalogue it was made.

    Parameters
    ----------
    encoder : Encoder
        As saved.
    catalog : Catalog
        The catalogue.

    Returns
    -------
    dict
        Part of model.json.
    """
    return {
        "encoder": encoder.source,
        "encoder_digest": encoder.digest,
        "dimension": encoder.dimension,
        "template_version": TEMPLATE_VERSION,
        "normalizer_version": NORMALIZER_VERSION,
        "catalog_digest": catalog.digest(),
    }
