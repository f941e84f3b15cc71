"""Everything that needs torch: other SentenceTransformers, and ours as one of them. Importing this takes seconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules.normalize import Normalize

from catalog.errors import InputError
from embeddings.hashing import Trigrams
from embeddings.trigrams import HashedTrigrams

# A transformer pads every text of a batch to its longest and wants small ones.
_BATCH = 64


@dataclass(frozen=True, eq=False)
class Transformer:
    """Any SentenceTransformer but our own.

    Attributes
    ----------
    model : SentenceTransformer
        With its device.
    """

    model: SentenceTransformer

    @classmethod
    def open(cls, source: str) -> Transformer:
        """Open a SentenceTransformer; code that comes with a model is never run.

        Parameters
        ----------
        source : str
            A folder, or a model's name on the hub (which needs the network once).

        Returns
        -------
        Transformer
            Ready to encode.

        Raises
        ------
        InputError
            If it is neither; the cause is chained.
        """
        try:
            model = SentenceTransformer(source)
        except Exception as error:  # the library, torch and the hub client raise many kinds
            raise InputError(
                f"expected a SentenceTransformer folder or a model's name on the hub, got {source!r}: {error}"
            ) from error
        if model.get_embedding_dimension() is None:
            raise InputError("expected an encoder that tells its dimension, this SentenceTransformer does not")
        return cls(model)

    @property
    def dimension(self) -> int:
        """Length of the vectors."""
        return int(cast("int", self.model.get_embedding_dimension()))

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Turn texts into vectors.

        Parameters
        ----------
        texts : sequence of str
            At least one.

        Returns
        -------
        numpy.ndarray
            Shape (n, dimension), float32, rows of length 1.
        """
        encoded: Any = self.model.encode(
            list(texts), batch_size=_BATCH, show_progress_bar=False, convert_to_tensor=True
        )
        vectors: npt.NDArray[np.float32] = np.ascontiguousarray(encoded.float().cpu().numpy())
        # The model may not end in a Normalize module, or work in half precision.
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.finfo(np.float32).tiny)
        return vectors

    def save(self, folder: Path) -> None:
        """Write a SentenceTransformer folder.

        Parameters
        ----------
        folder : Path
            Must not hold another model.
        """
        self.model.save(str(folder), create_model_card=False)


def sentence_transformer(texts: Trigrams | Transformer) -> SentenceTransformer:
    """Give what encodes texts as a SentenceTransformer.

    Parameters
    ----------
    texts : Trigrams or Transformer
        Ours, or any other.

    Returns
    -------
    SentenceTransformer
        A new one with the same weights if it is ours, else the one that is at work.
    """
    if isinstance(texts, Transformer):
        return texts.model
    return SentenceTransformer(modules=[HashedTrigrams(texts), Normalize()], device="cpu")


def text_encoder(model: SentenceTransformer) -> Trigrams | Transformer:
    """Turn back what `sentence_transformer` gave.

    Parameters
    ----------
    model : SentenceTransformer
        Trained meanwhile, perhaps.

    Returns
    -------
    Trigrams or Transformer
        With its weights.
    """
    first = model[0]
    return first.trigrams if isinstance(first, HashedTrigrams) else Transformer(model)
