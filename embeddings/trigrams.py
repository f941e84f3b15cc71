"""The default encoder's own module: hashed character trigrams, idf-weighted, under a fixed random projection."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file, save_file
from sentence_transformers.base.modules.input_module import InputModule

from catalog.errors import DamagedArtefactError, InputError
from catalog.normalize import NORMALIZER_VERSION
from embeddings.text import comparable

BUCKET_BITS = 16
DIMENSION = 256
PROJECTION_SEED = 20

_WEIGHTS_FILE = "idf.safetensors"
_BATCH = 8_192
# Odd 64-bit constants of multiplicative hashing (golden ratio and two primes of xxHash); any fixed odd ones would do.
_MIX = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F), np.uint64(0x165667B19E3779F9))


class HashedTrigrams(InputModule):
    """Weigh a text's character trigrams by idf and project them at random.

    A text is normalised, and followed by its Latin form if it is in another script. Each of its trigrams, blanks
    included, falls into one of ``2 ** bucket_bits`` buckets. Every bucket owns one row of random signs
    (Achlioptas 2003: such a projection keeps inner products); the text's vector is the sum of the rows of its
    trigrams, weighted by idf. Vectors do not depend on the batch they are computed in.

    Parameters
    ----------
    idf : torch.Tensor
        Weight of each bucket, shape (2 ** bucket_bits,), float32.
    dimension : int
        Length of the vectors, a multiple of 64.
    seed : int
        Seed of the random signs.
    """

    config_keys: list[str] = ["dimension", "seed", "normalizer_version"]  # noqa: RUF012 - the base class has it so

    def __init__(self, idf: torch.Tensor, dimension: int = DIMENSION, seed: int = PROJECTION_SEED) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.dimension = dimension
        self.seed = seed
        self.normalizer_version = NORMALIZER_VERSION
        self.bucket_bits = int(idf.numel()).bit_length() - 1
        self.idf = torch.nn.Parameter(idf, requires_grad=False)
        signs = _random_signs(idf.numel(), dimension, seed)
        self.projection = torch.nn.EmbeddingBag.from_pretrained(signs, mode="sum", include_last_offset=False)

    @classmethod
    def fit(cls, texts: Iterable[str], bucket_bits: int = BUCKET_BITS, dimension: int = DIMENSION) -> Self:
        """Learn the idf weights from a catalogue's texts, in one pass and bounded memory.

        Parameters
        ----------
        texts : iterable of str
            One text per recording.
        bucket_bits : int
            Binary logarithm of the number of buckets.
        dimension : int
            Length of the vectors, a multiple of 64.

        Returns
        -------
        HashedTrigrams
            With ``idf = ln((1 + n) / (1 + df))`` per bucket (Spärck Jones 1972, smoothed); a bucket that no text
            used weighs most, as the rarest trigrams do.

        Raises
        ------
        InputError
            If there are no texts.
        """
        frequency = np.zeros(1 << bucket_bits, dtype=np.int64)
        count = 0
        for batch in _batches(texts):
            buckets, lengths = _hash_trigrams(batch, bucket_bits)
            rows = np.repeat(np.arange(len(batch), dtype=np.int64), lengths)
            present = np.unique((rows << bucket_bits) | buckets)
            frequency += np.bincount(present & ((1 << bucket_bits) - 1), minlength=1 << bucket_bits)
            count += len(batch)
        if count == 0:
            raise InputError("expected at least one recording to fit the encoder on, the catalogue is empty")
        # At least a trace of weight, so that a catalogue of one recording still gets unit vectors.
        idf = np.maximum(np.log((1 + count) / (1 + frequency)), 1e-3).astype(np.float32)
        return cls(torch.from_numpy(idf), dimension)

    def preprocess(  # type: ignore[override]  # texts only
        self, inputs: Sequence[str], prompt: str | None = None, **_: object
    ) -> dict[str, torch.Tensor]:
        """Turn texts into the buckets of their trigrams.

        Parameters
        ----------
        inputs : sequence of str
            Texts of any length, empty ones included.
        prompt : str, optional
            Put in front of every text, as in every SentenceTransformer.

        Returns
        -------
        dict
            ``input_ids`` (n_trigrams,) int64, all texts' buckets one after the other, and ``offsets`` (n_texts,)
            int64, where each text's begin.
        """
        texts = [prompt + text for text in inputs] if prompt else list(inputs)
        buckets, lengths = _hash_trigrams(texts, self.bucket_bits)
        offsets = np.zeros(len(texts), dtype=np.int64)
        np.cumsum(lengths[:-1], out=offsets[1:])
        return {"input_ids": torch.from_numpy(buckets), "offsets": torch.from_numpy(offsets)}

    def forward(self, features: dict[str, torch.Tensor], **_: object) -> dict[str, torch.Tensor]:
        """Sum the weighted rows of each text's trigrams.

        Parameters
        ----------
        features : dict
            As `preprocess` gives it.

        Returns
        -------
        dict
            With ``sentence_embedding`` (n_texts, dimension) float32 added; a text without trigrams gets zeros.
        """
        buckets = features["input_ids"]
        weights = self.idf[buckets]
        features["sentence_embedding"] = self.projection(buckets, features["offsets"], per_sample_weights=weights)
        return features

    def get_embedding_dimension(self) -> int:
        """Tell the length of the vectors.

        Returns
        -------
        int
            The dimension.
        """
        return self.dimension

    def save(self, output_path: str, *_: object, **__: object) -> None:
        """Write the configuration and the idf weights; the projection is made anew from its seed.

        Parameters
        ----------
        output_path : str
            An existing folder.
        """
        self.save_config(output_path)
        save_file({"idf": self.idf.data}, str(Path(output_path) / _WEIGHTS_FILE))

    @classmethod
    def load(cls, model_name_or_path: str, **_: object) -> Self:  # type: ignore[override]  # always local
        """Read what `save` wrote.

        Parameters
        ----------
        model_name_or_path : str
            The folder; always local.

        Returns
        -------
        HashedTrigrams
            Giving the same vectors as the saved one.

        Raises
        ------
        DamagedArtefactError
            If the weights cannot be read or were fitted on text of another normaliser.
        """
        config = cls.load_config(model_name_or_path, local_files_only=True)
        if config.get("normalizer_version") != NORMALIZER_VERSION:
            raise DamagedArtefactError(
                f"the encoder in {model_name_or_path} was fitted on text of normaliser "
                f"{config.get('normalizer_version')!r}, this is normaliser {NORMALIZER_VERSION!r}: run onemaster train"
            )
        try:
            idf = load_file(str(Path(model_name_or_path) / _WEIGHTS_FILE))["idf"]
        except Exception as error:  # safetensors raises errors of its own without a common base
            raise DamagedArtefactError(f"cannot read {_WEIGHTS_FILE} in {model_name_or_path}: {error}") from error
        return cls(idf, config["dimension"], config["seed"])


def _batches(texts: Iterable[str]) -> Iterable[list[str]]:
    batch: list[str] = []
    for text in texts:
        batch.append(text)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _hash_trigrams(texts: Sequence[str], bucket_bits: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Hash every trigram of every text in one sweep over their code points: (buckets, trigrams per text)."""
    joined = "\0".join(map(comparable, texts)) + "\0\0"
    points = np.frombuffer(joined.encode("utf-32-le", "replace"), dtype=np.uint32).astype(np.uint64)
    first, second, third = points[:-2], points[1:-1], points[2:]
    inside = (first != 0) & (second != 0) & (third != 0)
    mixed = first * _MIX[0] + second * _MIX[1] + third * _MIX[2]
    mixed = (mixed ^ (mixed >> np.uint64(29))) * _MIX[0]
    buckets = (mixed >> np.uint64(64 - bucket_bits)).astype(np.int64)[inside]
    ends = np.flatnonzero(points == 0)[: len(texts)]
    lengths = np.diff(np.concatenate(([0], np.cumsum(inside)[np.minimum(ends, len(inside) - 1)])))
    return buckets, lengths


def _random_signs(buckets: int, dimension: int, seed: int) -> torch.Tensor:
    # The raw stream of PCG64 is the one part of NumPy's generators that is guaranteed never to change.
    raw = np.random.PCG64(seed).random_raw(buckets * dimension // 64)
    bits = np.unpackbits(raw.astype("<u8").view(np.uint8)).reshape(buckets, dimension)
    return torch.from_numpy(bits.astype(np.float32) * 2 - 1)
