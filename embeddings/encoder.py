"""Recordings to unit vectors, through any SentenceTransformer."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules.normalize import Normalize
from threadpoolctl import threadpool_limits

from catalog.errors import DamagedArtefactError, InputError
from catalog.manifest import checksums
from catalog.normalize import NORMALIZER_VERSION
from catalog.recording import Recording
from embeddings.text import TEMPLATE_VERSION, recording_text
from embeddings.trigrams import HashedTrigrams

logger = logging.getLogger(__name__)

FITTED = "fitted on the catalogue"

_MODULES_FILE = "modules.json"
_OWN_MODULE = f"{HashedTrigrams.__module__}.{HashedTrigrams.__qualname__}"
# Hashing is cheapest in large batches; a transformer pads every text of a batch to its longest and wants small ones.
_OWN_BATCH, _OTHER_BATCH = 4_096, 64


class Encoder:
    """A SentenceTransformer that takes recordings and gives unit vectors.

    Parameters
    ----------
    model : SentenceTransformer
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

    def __init__(self, model: SentenceTransformer, source: str, digest: str = "") -> None:
        self.model = model
        self.source = source
        self.digest = digest
        dimension = model.get_embedding_dimension()
        if dimension is None:
            raise InputError("expected an encoder that tells its dimension, this SentenceTransformer does not")
        self.dimension = int(dimension)
        self.is_default_kind = isinstance(model[0], HashedTrigrams)

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
        trigrams = HashedTrigrams.fit(map(recording_text, recordings))
        return cls(SentenceTransformer(modules=[trigrams, Normalize()], device="cpu"), FITTED)

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
            If it is neither; the cause is chained. Code that comes with a model is never run.
        DamagedArtefactError
            If the folder is one of ours and cannot be read.
        """
        folder = Path(source)
        if _is_ours(folder):
            model = SentenceTransformer(modules=[HashedTrigrams.load(str(folder)), Normalize()], device="cpu")
        else:
            try:
                model = SentenceTransformer(str(source))
            except Exception as error:  # the library, torch and the hub client raise many kinds
                raise InputError(
                    f"expected a SentenceTransformer folder or a model's name on the hub, got {str(source)!r}: {error}"
                ) from error
        return cls(model, str(source), encoder_digest(folder) if folder.is_dir() else "")

    def save(self, folder: Path) -> Encoder:
        """Write the encoder as a SentenceTransformer folder.

        Parameters
        ----------
        folder : Path
            Must not hold another model.

        Returns
        -------
        Encoder
            The same model, with the digest of what was written.
        """
        self.model.save(str(folder), create_model_card=False)
        return Encoder(self.model, self.source, encoder_digest(folder))

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
        """
        if not recordings:
            return np.zeros((0, self.dimension), dtype=np.float32)
        texts = [recording_text(recording) for recording in recordings]
        vectors = self._hash(texts) if self.is_default_kind else self._transform(texts)
        # A transformer gives the empty text a vector too, and all recordings without text would be alike.
        vectors[[not text for text in texts]] = 0
        return vectors

    def _hash(self, texts: list[str]) -> npt.NDArray[np.float32]:
        # As `encode` of the model would, but that looks at every text for links to pictures and cuts the result into
        # single vectors, which takes longer than all the rest. More threads only wait for each other here.
        module, batches = cast("HashedTrigrams", self.model[0]), range(0, len(texts), _OWN_BATCH)
        with torch.inference_mode(), threadpool_limits(1):
            features = (module.preprocess(texts[start : start + _OWN_BATCH]) for start in batches)
            return np.concatenate([self.model(each)["sentence_embedding"].numpy() for each in features])

    def _transform(self, texts: list[str]) -> npt.NDArray[np.float32]:
        encoded: Any = self.model.encode(
            texts, batch_size=_OTHER_BATCH, show_progress_bar=False, convert_to_tensor=True
        )
        vectors: npt.NDArray[np.float32] = np.ascontiguousarray(encoded.float().cpu().numpy())
        # The model may not end in a Normalize module, or work in half precision.
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.finfo(np.float32).tiny)
        return vectors


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
    listing = folder / _MODULES_FILE
    if not listing.is_file():
        return False
    try:
        modules = json.loads(listing.read_text(encoding="utf-8"))
        return bool(modules[0]["type"] == _OWN_MODULE)
    except (ValueError, LookupError, TypeError) as error:
        raise DamagedArtefactError(f"expected a list of modules in {listing}, got: {error}") from error
