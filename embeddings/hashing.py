"""The default encoder's arithmetic: hashed character trigrams, weighed by rarity, under a fixed random projection."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load_file, save
from scipy.sparse import csr_array

from catalog.errors import DamagedArtefactError, InputError
from catalog.manifest import read_json, write_json
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
BUCKETS = _TRIGRAM_BUCKETS + sum(_GRID_SIZES)
_KEY_BITS = BUCKETS.bit_length()
# A bin against a trigram that is as rare. Chosen with the rest on Music-20 and on the sample: docs/decisions/0013.
_LENGTH_WEIGHT = 1.25

MODULES_FILE, CONFIG_FILE = "modules.json", "config.json"
OWN_MODULE = "embeddings.trigrams.HashedTrigrams"
# What sentence-transformers reads, written without it: loading that library takes longer than encoding a catalogue.
_NORMALIZE, _OUTPUT = "1_Normalize", "sentence_embedding"
_SENTENCE_TRANSFORMER: dict[str, object] = {
    MODULES_FILE: [
        {"idx": 0, "name": "0", "path": "", "type": OWN_MODULE},
        {
            "idx": 1,
            "name": "1",
            "path": _NORMALIZE,
            "type": "sentence_transformers.base.modules.normalize.Normalize",
        },
    ],
    "config_sentence_transformers.json": {"model_type": "SentenceTransformer", "similarity_fn_name": "cosine"},
    f"{_NORMALIZE}/{CONFIG_FILE}": {"module_input_name": _OUTPUT, "module_output_name": _OUTPUT},
}
_VERSIONS = {"normalizer_version": NORMALIZER_VERSION, "features_version": FEATURES_VERSION}
_WEIGHTS_FILE = "weights.safetensors"
_BATCH = 4_096
# Odd 64-bit constants of multiplicative hashing (golden ratio and two primes of xxHash); any fixed odd ones would do.
_MIX = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F), np.uint64(0x165667B19E3779F9))

Integers = npt.NDArray[np.int64]
Reals = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Found:
    """Buckets of some texts, one text after the other, each bucket once for a text.

    Attributes
    ----------
    buckets : numpy.ndarray
        Shape (n_found,), int64, from 0 to `BUCKETS` - 1.
    strengths : numpy.ndarray
        Shape (n_found,), float32, the square roots of how often a text has them.
    lengths : numpy.ndarray
        Shape (n_texts,), int64, how many each text has.
    """

    buckets: Integers
    strengths: Reals
    lengths: Integers


@dataclass(frozen=True, eq=False)
class Trigrams:
    """Weigh a text's character trigrams by how rare they are, and project them at random.

    A text is normalised, or its Latin form if it carries one. Each of its trigrams, blanks included, falls into a
    bucket that has a weight, and the length at its end into six more. Every bucket owns one row of random signs
    (Achlioptas 2003: such a projection keeps inner products); the text's vector is the sum of the rows of its buckets,
    each times its weight and the square root of how often it occurs, brought to length 1. Vectors do not depend on
    the batch they are computed in.

    Attributes
    ----------
    weights : numpy.ndarray
        Shape (`BUCKETS`,), float32.
    dimension : int
        Length of the vectors, a multiple of 64.
    seed : int
        Seed of the random signs.
    """

    weights: Reals
    dimension: int = DIMENSION
    seed: int = PROJECTION_SEED

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
        Trigrams
            With ``sqrt(idf)``, where ``idf = ln((1 + n) / (1 + df))`` per bucket (Spärck Jones 1972, smoothed); a
            bucket that no text used weighs most, as the rarest trigrams do. The root did better than idf itself on
            Music-20 and on the sample, as rare trigrams are often typing errors.

        Raises
        ------
        InputError
            If there are no texts.
        """
        frequency = np.zeros(BUCKETS, dtype=np.int64)
        count = 0
        for batch in _batches(texts):
            frequency += np.bincount(buckets_of(batch).buckets, minlength=BUCKETS)
            count += len(batch)
        if count == 0:
            raise InputError("expected at least one recording to fit the encoder on, the catalogue is empty")
        # At least a trace of weight, so that a catalogue of one recording still gets unit vectors.
        weights = np.sqrt(np.maximum(np.log((1 + count) / (1 + frequency)), 1e-3))
        weights[_TRIGRAM_BUCKETS:] *= _LENGTH_WEIGHT
        return cls(weights.astype(np.float32), dimension)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote.

        Parameters
        ----------
        folder : Path
            Of the encoder.

        Returns
        -------
        Trigrams
            Giving the same vectors as the saved one.

        Raises
        ------
        DamagedArtefactError
            If a file cannot be read, or was fitted by another normaliser or on other features of the text.
        """
        config = read_json(folder / CONFIG_FILE)
        for name, expected in _VERSIONS.items():
            if config.get(name) != expected:
                raise DamagedArtefactError(
                    f"the encoder in {folder} was fitted with {name} {config.get(name)!r}, this version of "
                    f"onemaster has {expected!r}: run onemaster train"
                )
        try:
            weights = load_file(folder / _WEIGHTS_FILE)["weights"]
            dimension, seed = int(str(config["dimension"])), int(str(config["seed"]))
        except (OSError, LookupError, ValueError, SafetensorError) as error:
            raise DamagedArtefactError(
                f"cannot read {_WEIGHTS_FILE} and its configuration in {folder}: {error}"
            ) from error
        if weights.shape != (BUCKETS,) or weights.dtype != np.float32:
            raise DamagedArtefactError(
                f"expected {BUCKETS} weights in {folder}, got {weights.shape}: run onemaster train"
            )
        return cls(weights, dimension, seed)

    def save(self, folder: Path) -> None:
        """Write a SentenceTransformer folder: configuration and weights; the projection is made anew from its seed.

        Parameters
        ----------
        folder : Path
            Empty, or not there yet.
        """
        for name, content in _SENTENCE_TRANSFORMER.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        write_json(folder / CONFIG_FILE, {"dimension": self.dimension, "seed": self.seed, **_VERSIONS})
        (folder / _WEIGHTS_FILE).write_bytes(save({"weights": np.ascontiguousarray(self.weights)}))

    @cached_property
    def signs(self) -> Reals:
        """Rows of the projection: shape (n_rows, dimension), float32, each 1 or -1."""
        # The raw stream of PCG64 is the one part of NumPy's generators that is guaranteed never to change.
        rows = _TRIGRAM_ROWS + BUCKETS - _TRIGRAM_BUCKETS
        raw = np.random.PCG64(self.seed).random_raw(rows * self.dimension // 64)
        bits = np.unpackbits(raw.astype("<u8").view(np.uint8)).reshape(rows, self.dimension)
        return bits.astype(np.float32) * 2 - 1

    def encode(self, texts: Sequence[str]) -> Reals:
        """Turn texts into vectors.

        Parameters
        ----------
        texts : sequence of str
            Any number, of any length, empty ones included.

        Returns
        -------
        numpy.ndarray
            Shape (n, dimension), float32, rows of length 1; zeros for a text without trigrams.
        """
        batches = (texts[start : start + _BATCH] for start in range(0, len(texts), _BATCH))
        return np.concatenate([np.zeros((0, self.dimension), np.float32), *map(self._encode, batches)])

    def _encode(self, texts: Sequence[str]) -> Reals:
        found = buckets_of(texts)
        starts = np.concatenate(([0], np.cumsum(found.lengths)))
        weighed = (self.weights[found.buckets] * found.strengths, rows_of(found.buckets), starts)
        vectors: Reals = csr_array(weighed, (len(texts), len(self.signs))) @ self.signs
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.finfo(np.float32).tiny)
        return vectors


def rows_of(buckets: Integers) -> Integers:
    """Tell which row of the projection each bucket owns, or shares.

    Parameters
    ----------
    buckets : numpy.ndarray
        Any shape, int64.

    Returns
    -------
    numpy.ndarray
        Of the same shape, int64.
    """
    lengths = buckets - (_TRIGRAM_BUCKETS - _TRIGRAM_ROWS)
    return np.where(buckets < _TRIGRAM_BUCKETS, buckets >> (_BUCKET_BITS - _ROW_BITS), lengths)


def buckets_of(texts: Sequence[str]) -> Found:
    """Take texts apart.

    Parameters
    ----------
    texts : sequence of str
        Of any length, empty ones included.

    Returns
    -------
    Found
        Their trigrams and lengths.
    """
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
    lengths = np.bincount(keys >> _KEY_BITS, minlength=len(texts))
    return Found(keys & ((1 << _KEY_BITS) - 1), np.sqrt(counts).astype(np.float32), lengths)


def _batches(texts: Iterable[str]) -> Iterable[list[str]]:
    texts = iter(texts)
    while batch := list(islice(texts, _BATCH)):
        yield batch


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
