"""The first part of a rebuild: vectors, ids and codes of a whole catalogue, read once in bounded memory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from catalog.aside import take_room
from catalog.digests import RowDigests, row_digests
from catalog.errors import InputError
from catalog.recording import Recording
from catalog.store import Catalog
from embeddings.text import recording_text
from index.codes import CodeIndex, Codes
from index.delta import ROW_DIGESTS_FILE
from index.encoders import RecordingEncoder
from index.snapshot import IDS_FILE, VECTORS_FILE
from index.vectors import Vectors

_BATCH = 8_192
# Texts are kept aside for the passes that rare keys take.
_TEXTS_FILE = "texts.jsonl"


@dataclass(frozen=True)
class Encoded:
    """What every kind of index needs of a catalogue.

    Attributes
    ----------
    ids : numpy.ndarray
        Shape (n,), bytes (UTF-8), ascending.
    vectors : numpy.ndarray
        Shape (n, dim), float16, memory-mapped.
    codes : CodeIndex
        Who has which ISRC.
    catalog_digest : str
        Of the state that was read.
    """

    ids: npt.NDArray[np.bytes_]
    vectors: Vectors
    codes: CodeIndex
    catalog_digest: str


def encode_catalog(catalog: Catalog, encoder: RecordingEncoder, building: Path) -> Encoded:
    """Stream a catalogue through the encoder into a build's files, in the order of ids.

    Parameters
    ----------
    catalog : Catalog
        Read once for its recordings and twice for its digest.
    encoder : RecordingEncoder
        Gives the vectors.
    building : Path
        A folder that is not published yet.

    Returns
    -------
    Encoded
        Everything but the texts, which `texts_of` reads.

    Raises
    ------
    InputError
        If the catalogue changes meanwhile, or its ids are not in order.
    """
    digest = catalog.digest()
    vectors = np.lib.format.open_memmap(
        building / VECTORS_FILE, mode="w+", dtype=np.float16, shape=(len(catalog), encoder.dimension)
    )
    take_room(building / VECTORS_FILE)
    keys: list[bytes] = []
    codes: list[Codes] = []
    digests: list[RowDigests] = []
    with (
        tqdm(total=len(catalog), desc="encode", unit=" recordings", disable=None) as progress,
        (building / _TEXTS_FILE).open("w", encoding="utf-8") as texts,
    ):
        for batch in _batches(catalog):
            vectors[len(keys) : len(keys) + len(batch)] = encoder.encode(batch)
            codes.append(Codes.of((recording.isrcs for recording in batch), first_row=len(keys)))
            digests.append(row_digests(batch))
            texts.write(json.dumps(list(map(recording_text, batch))) + "\n")
            keys.extend(recording.sr_id.encode() for recording in batch)
            progress.update(len(batch))
    vectors.flush()
    if any(key >= following for key, following in pairwise(keys)):
        raise InputError(
            "expected ids in strictly ascending order of their UTF-8 bytes: run onemaster import on the catalogue"
        )
    ids = np.array(keys, dtype=np.bytes_)
    np.save(building / IDS_FILE, ids, allow_pickle=False)
    np.save(building / ROW_DIGESTS_FILE, np.concatenate(digests), allow_pickle=False)
    code_index = CodeIndex.build(codes)
    code_index.save(building)
    if catalog.digest() != digest:
        raise InputError("the catalogue changed while it was encoded, nothing was published: run rebuild again")
    return Encoded(ids, vectors, code_index, digest)


def _batches(catalog: Catalog) -> Iterator[list[Recording]]:
    recordings = iter(catalog)
    while batch := list(islice(recordings, _BATCH)):
        yield batch


def texts_of(building: Path) -> Iterator[list[str]]:
    """Read the texts of the recordings again.

    Parameters
    ----------
    building : Path
        As for `encode_catalog`.

    Yields
    ------
    list of str
        Of consecutive rows.
    """
    with (building / _TEXTS_FILE).open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def forget_texts(building: Path) -> None:
    """Remove the texts, which are not published.

    Parameters
    ----------
    building : Path
        As for `encode_catalog`.
    """
    (building / _TEXTS_FILE).unlink()
