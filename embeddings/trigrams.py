"""The default encoder's own module: hashed character trigrams, weighed by rarity, under a fixed random projection."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file, save_file
from sentence_transformers.base.modules.input_module import InputModule

from catalog.errors import DamagedArtefactError, InputError
from catalog.normalize import NORMALIZER_VERSION, normalize
from embeddings.text import read_text

DIMENSION = 256
PROJECTION_SEED = 20
FEATURES_VERSION = "2"
"""Of what stands in this file and in `catalog.sound`: whatever changes the vectors of a text changes it."""

# Weights are told apart for many more trigrams than random rows: two trigrams of one row add little to the noise of
# the projection, two of one weight make rare ones pass for common ones.
_BUCKET_BITS, _ROW_BITS = 18, 14
_TRIGRAM_BUCKETS, _TRIGRAM_ROWS = 1 << _BUCKET_BITS, 1 << _ROW_BITS
# Lengths fall into bins of so many seconds, in two grids of each width that lie half a bin apart: the nearer two
# lengths, the more bins they share. Longer ones than an hour are one.
_WIDTHS, _LONGEST = (2, 6, 18), 3_600
_GRIDS = [(width, shift) for width in _WIDTHS for shift in (0, width // 2)]
_GRID_SIZES = [_LONGEST // width + 2 for width, _ in _GRIDS]
_STARTED_GRIDS = list(zip(np.cumsum([0, *_GRID_SIZES[:-1]]).tolist(), _GRIDS, strict=True))
_BUCKETS = _TRIGRAM_BUCKETS + sum(_GRID_SIZES)
_KEY_BITS = _BUCKETS.bit_length()
# A bin against a trigram that is as rare. Chosen with the rest on Music-20 and on the sample: docs/decisions/0013.
_LENGTH_WEIGHT = 1.25

_WEIGHTS_FILE = "weights.safetensors"
_BATCH = 8_192
# Odd 64-bit constants of multiplicative hashing (golden ratio and two primes of xxHash); any fixed odd ones would do.
_MIX = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F), np.uint64(0x165667B19E3779F9))

Integers = npt.NDArray[np.int64]


class HashedTrigrams(InputModule):
    """Weigh a text's character trigrams by how rare they are, and project them at random.

    A text is normalised, or its Latin form if it carries one. Each of its trigrams, blanks included, falls into a
    bucket that has a weight, and the length at its end into six more. Every bucket owns one row of random signs
    (Achlioptas 2003: such a projection keeps inner products); the text's vector is the sum of the rows of its buckets,
    each times its weight and the square root of how often it occurs. Vectors do not depend on the batch they are
    computed in.

    Parameters
    ----------
    weights : torch.Tensor
        Weight of each bucket, shape (n_buckets,), float32.
    dimension : int
        Length of the vectors, a multiple of 64.
    seed : int
        Seed of the random signs.
    """

    config_keys: list[str] = [  # noqa: RUF012 - the base class has it so
        "dimension",
        "seed",
        "normalizer_version",
        "features_version",
    ]

    def __init__(self, weights: torch.Tensor, dimension: int = DIMENSION, seed: int = PROJECTION_SEED) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.dimension = dimension
        self.seed = seed
        self.normalizer_version = NORMALIZER_VERSION
        self.features_version = FEATURES_VERSION
        self.weights = torch.nn.Parameter(weights, requires_grad=False)
        signs = _random_signs(_TRIGRAM_ROWS + _BUCKETS - _TRIGRAM_BUCKETS, dimension, seed)
        self.projection = torch.nn.EmbeddingBag.from_pretrained(signs, mode="sum", include_last_offset=False)

    @classmethod
    def fit(cls, texts: Iterable[str], dimension: int = DIMENSION) -> Self:
        """Learn the weights from a catalogue's texts, in one pass and bounded memory.

        Parameters
        ----------
        texts : iterable of str
            One text per recording.
        dimension : int
            Length of the vectors, a multiple of 64.

        Returns
        -------
        HashedTrigrams
            With ``sqrt(idf)``, where ``idf = ln((1 + n) / (1 + df))`` per bucket (Spärck Jones 1972, smoothed); a
            bucket that no text used weighs most, as the rarest trigrams do. The root did better than idf itself on
            Music-20 and on the sample, as rare trigrams are often typing errors.

        Raises
        ------
        InputError
            If there are no texts.
        """
        frequency = np.zeros(_BUCKETS, dtype=np.int64)
        count = 0
        for batch in _batches(texts):
            frequency += np.bincount(_buckets_of(batch).buckets, minlength=_BUCKETS)
            count += len(batch)
        if count == 0:
            raise InputError("expected at least one recording to fit the encoder on, the catalogue is empty")
        # At least a trace of weight, so that a catalogue of one recording still gets unit vectors.
        weights = np.sqrt(np.maximum(np.log((1 + count) / (1 + frequency)), 1e-3))
        weights[_TRIGRAM_BUCKETS:] *= _LENGTH_WEIGHT
        return cls(torch.from_numpy(weights.astype(np.float32)), dimension)

    def preprocess(  # type: ignore[override]  # texts only
        self, inputs: Sequence[str], prompt: str | None = None, **_: object
    ) -> dict[str, torch.Tensor]:
        """Turn texts into buckets.

        Parameters
        ----------
        inputs : sequence of str
            Texts of any length, empty ones included.
        prompt : str, optional
            Put in front of every text, as in every SentenceTransformer.

        Returns
        -------
        dict
            ``input_ids`` (n_buckets,) int64, all texts' buckets one after the other, each once for a text;
            ``strengths`` (n_buckets,) float32, the square roots of how often it has them; and ``offsets``
            (n_texts,) int64, where each text's begin.
        """
        found = _buckets_of([prompt + text for text in inputs] if prompt else list(inputs))
        offsets = np.zeros(len(inputs), dtype=np.int64)
        np.cumsum(found.lengths[:-1], out=offsets[1:])
        return {
            "input_ids": torch.from_numpy(found.buckets),
            "strengths": torch.from_numpy(np.sqrt(found.counts).astype(np.float32)),
            "offsets": torch.from_numpy(offsets),
        }

    def forward(self, features: dict[str, torch.Tensor], **_: object) -> dict[str, torch.Tensor]:
        """Sum the weighted rows of each text's buckets.

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
        weights = self.weights[buckets] * features["strengths"]
        lengths = buckets - (_TRIGRAM_BUCKETS - _TRIGRAM_ROWS)
        rows = torch.where(buckets < _TRIGRAM_BUCKETS, buckets >> (_BUCKET_BITS - _ROW_BITS), lengths)
        features["sentence_embedding"] = self.projection(rows, features["offsets"], per_sample_weights=weights)
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
        """Write the configuration and the weights; the projection is made anew from its seed.

        Parameters
        ----------
        output_path : str
            An existing folder.
        """
        self.save_config(output_path)
        save_file({"weights": self.weights.data}, str(Path(output_path) / _WEIGHTS_FILE))

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
            If the weights cannot be read, or were fitted by another normaliser or on other features of the text.
        """
        config = cls.load_config(model_name_or_path, local_files_only=True)
        versions = {"normalizer_version": NORMALIZER_VERSION, "features_version": FEATURES_VERSION}
        for name, expected in versions.items():
            if config.get(name) != expected:
                raise DamagedArtefactError(
                    f"the encoder in {model_name_or_path} was fitted with {name} {config.get(name)!r}, this version of "
                    f"onemaster has {expected!r}: run onemaster train"
                )
        try:
            weights = load_file(str(Path(model_name_or_path) / _WEIGHTS_FILE))["weights"]
        except Exception as error:  # safetensors raises errors of its own without a common base
            raise DamagedArtefactError(f"cannot read {_WEIGHTS_FILE} in {model_name_or_path}: {error}") from error
        if weights.shape != (_BUCKETS,):
            raise DamagedArtefactError(
                f"expected {_BUCKETS} weights in {model_name_or_path}, got {tuple(weights.shape)}: run onemaster train"
            )
        return cls(weights, config["dimension"], config["seed"])


@dataclass(frozen=True, eq=False)
class _Found:
    """Distinct buckets of some texts, one text after the other, how often each occurs, and how many each text has."""

    buckets: Integers
    counts: Integers
    lengths: Integers


def _batches(texts: Iterable[str]) -> Iterable[list[str]]:
    batch: list[str] = []
    for text in texts:
        batch.append(text)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _buckets_of(texts: Sequence[str]) -> _Found:
    read = [read_text(text) for text in texts]
    buckets, rows = _hash_trigrams([f" {normalize(each.words)} " if each.words else "" for each in read])
    seconds = np.array([-1 if each.seconds is None else min(each.seconds, _LONGEST) for each in read])
    timed = np.flatnonzero(seconds >= 0)
    grids = [_TRIGRAM_BUCKETS + start + (seconds[timed] + shift) // width for start, (width, shift) in _STARTED_GRIDS]
    rows, buckets = np.concatenate((rows, *[timed] * len(grids))), np.concatenate((buckets, *grids))
    keys = np.sort((rows << _KEY_BITS) | buckets)
    first = np.flatnonzero(np.diff(keys, prepend=-1))
    counts = np.diff(first, append=len(keys))
    keys = keys[first]
    return _Found(keys & ((1 << _KEY_BITS) - 1), counts, np.bincount(keys >> _KEY_BITS, minlength=len(texts)))


def _hash_trigrams(texts: Sequence[str]) -> tuple[Integers, Integers]:
    """Hash every trigram of every text in one sweep over their code points: (buckets, number of the text)."""
    joined = "\0".join(texts) + "\0\0"
    points = np.frombuffer(joined.encode("utf-32-le", "replace"), dtype=np.uint32).astype(np.uint64)
    first, second, third = points[:-2], points[1:-1], points[2:]
    inside = (first != 0) & (second != 0) & (third != 0)
    mixed = first * _MIX[0] + second * _MIX[1] + third * _MIX[2]
    mixed = (mixed ^ (mixed >> np.uint64(29))) * _MIX[0]
    buckets = (mixed >> np.uint64(64 - _BUCKET_BITS)).astype(np.int64)[inside]
    return buckets, np.cumsum(first == 0, dtype=np.int64)[inside]


def _random_signs(buckets: int, dimension: int, seed: int) -> torch.Tensor:
    # The raw stream of PCG64 is the one part of NumPy's generators that is guaranteed never to change.
    raw = np.random.PCG64(seed).random_raw(buckets * dimension // 64)
    bits = np.unpackbits(raw.astype("<u8").view(np.uint8)).reshape(buckets, dimension)
    return torch.from_numpy(bits.astype(np.float32) * 2 - 1)
