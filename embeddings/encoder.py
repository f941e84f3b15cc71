"""Recordings to unit vectors, through any SentenceTransformer."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from catalog.errors import DamagedArtefactError, InputError
from catalog.manifest import checksums
from catalog.normalize import NORMALIZER_VERSION
from catalog.recording import Recording
from embeddings.hashing import MODULES_FILE, OWN_MODULE, Trigrams
from embeddings.text import TEMPLATE_VERSION, recording_text

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

    from embeddings.transformers import Transformer

FITTED = "fitted on the catalogue"
FITTED_ON = 200_000
"""Recordings of a larger catalogue that its encoder and the rarity of its words are fitted on: how rare something is,
relative to the catalogue, hardly depends on its size."""

TORCH_AND_ITS_KIN = frozenset({"accelerate", "datasets", "sentence_transformers", "torch", "transformers"})
"""Modules that the slim image does without: only other encoders, and fine-tuning, need them."""


class Encoder:
    """A SentenceTransformer that takes recordings and gives unit vectors.

    The default one does not need torch, nor load it, until somebody asks for it as a SentenceTransformer.

    Parameters
    ----------
    texts : Trigrams or Transformer
        Ours or any other.
    source : str
        Where it comes from: `FITTED`, or the path or name that it was loaded from.
    digest : str, optional
        Names the exact encoder; known once it stands in a folder.

    Attributes
    ----------
    dimension : int
        Length of the vectors.
    is_default_kind : bool
        Whether it is of our own hashed trigrams.
    """

    def __init__(self, texts: Trigrams | Transformer, source: str, digest: str = "") -> None:
        self.texts = texts
        self.source = source
        self.digest = digest
        self.dimension = texts.dimension
        self.is_default_kind = isinstance(texts, Trigrams)

    @classmethod
    def fit(cls, recordings: Iterable[Recording]) -> Encoder:
        """Fit the default encoder, hashed character trigrams, on a catalogue.

        Parameters
        ----------
        recordings : iterable of Recording
            Read once, in bounded memory.

        Returns
        -------
        Encoder
            Without a digest until it is saved.

        Raises
        ------
        InputError
            If there are no recordings.
        """
        return cls(Trigrams.fit(map(recording_text, recordings)), FITTED)

    @classmethod
    def load(cls, source: str | Path) -> Encoder:
        """Open an encoder: a folder that `save` wrote, or any SentenceTransformer by path or hub name.

        Parameters
        ----------
        source : str or Path
            A folder, or a model's name on the hub (which needs the network once).

        Returns
        -------
        Encoder
            With its digest if `source` is a folder.

        Raises
        ------
        InputError
            If it is neither, the cause is chained, or if it wants torch and there is none. Code that comes with a
            model is never run.
        DamagedArtefactError
            If the folder is one of ours and cannot be read.
        """
        folder = Path(source)
        digest = encoder_digest(folder) if folder.is_dir() else ""
        if _is_ours(folder):
            return cls(Trigrams.load(folder), str(source), digest)
        with torch_wanted_for(f"the encoder {source}"):
            from embeddings.transformers import Transformer  # noqa: PLC0415 - the default encoder does without torch

        return cls(Transformer.open(str(source)), str(source), digest)

    @property
    def model(self) -> SentenceTransformer:
        """The encoder as a SentenceTransformer, a new one each time if it is of the default kind."""
        with torch_wanted_for("an encoder as a SentenceTransformer"):
            from embeddings.transformers import sentence_transformer  # noqa: PLC0415 - torch, which few need

        return sentence_transformer(self.texts)

    def save(self, folder: Path) -> Encoder:
        """Write the encoder as a SentenceTransformer folder.

        Parameters
        ----------
        folder : Path
            Must not hold another model.

        Returns
        -------
        Encoder
            The same, with the digest of what was written.
        """
        self.texts.save(folder)
        return Encoder(self.texts, self.source, encoder_digest(folder))

    def encode(self, recordings: Sequence[Recording]) -> npt.NDArray[np.float32]:
        """Turn recordings into vectors.

        Parameters
        ----------
        recordings : sequence of Recording
            Any number; an encoder of ours gives the same vectors whatever comes with them.

        Returns
        -------
        numpy.ndarray
            Shape (n, dimension), float32, rows of length 1; zeros for a recording without any text.

        Raises
        ------
        DamagedArtefactError
            If the encoder gives what is no finite number.
        """
        if not recordings:
            return np.zeros((0, self.dimension), dtype=np.float32)
        texts = [recording_text(recording) for recording in recordings]
        vectors = self.texts.encode(texts)
        # A transformer gives the empty text a vector too, and all recordings without text would be alike.
        vectors[[not text for text in texts]] = 0
        if not np.isfinite(vectors).all():
            row = int(np.flatnonzero(~np.isfinite(vectors).all(axis=1))[0])
            raise DamagedArtefactError(
                f"expected finite vectors, got others, first of {texts[row][:100]!r}: take another encoder"
            )
        return vectors


@contextmanager
def torch_wanted_for(what: str) -> Iterator[None]:
    """Say what to do where torch, or what builds on it, is imported and not installed, as in the slim image.

    Parameters
    ----------
    what : str
        What it is imported for.

    Yields
    ------
    None
        To the imports.

    Raises
    ------
    InputError
        If one of `TORCH_AND_ITS_KIN` is not there; what else is missing is a defect.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in TORCH_AND_ITS_KIN:
            raise
        raise InputError(
            f"expected torch and sentence-transformers for {what}, got: {error}: install them or take the full image; "
            "the default encoder does without them"
        ) from error


def encoder_digest(folder: Path) -> str:
    """Name an encoder by all that decides its vectors.

    Parameters
    ----------
    folder : Path
        A SentenceTransformer folder.

    Returns
    -------
    str
        SHA-256 over its files and the versions of the text template and the normaliser, hexadecimal.
    """
    decisive = {"files": checksums(folder), "template": TEMPLATE_VERSION, "normalizer": NORMALIZER_VERSION}
    return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()


def _is_ours(folder: Path) -> bool:
    listing = folder / MODULES_FILE
    if not listing.is_file():
        return False
    try:
        modules = json.loads(listing.read_text(encoding="utf-8"))
        return bool(modules[0]["type"] == OWN_MODULE)
    except (ValueError, LookupError, TypeError) as error:
        raise DamagedArtefactError(f"expected a list of modules in {listing}, got: {error}") from error
