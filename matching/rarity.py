"""How rare words and titles are in a catalogue: two "Intro" are no evidence, two "Xylophone Heresy" are."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from catalog.errors import DamagedArtefactError
from catalog.normalize import normalize
from catalog.recording import Recording
from catalog.titles import parse_title

BUCKETS = 1 << 20
_BATCH = 65_536
# What sets a whole title apart from its words; no normalised text holds it.
_WHOLE = "="


@dataclass(frozen=True, eq=False)
class Rarity:
    """Counts of words and of whole titles over a catalogue, hashed into buckets.

    Attributes
    ----------
    counts : numpy.ndarray
        Shape (`BUCKETS`,), uint32; recordings that a word of the bucket occurs in.
    recordings : int
        Recordings counted.
    weights : numpy.ndarray
        Shape (`BUCKETS`,), float32, in [0, 1]: 1 for a word that one recording has, 0 for one that all have; the
        logarithm of the inverse document frequency (Sparck Jones 1972) in units of its greatest value.
    """

    counts: npt.NDArray[np.uint32]
    recordings: int
    weights: npt.NDArray[np.float32]

    @classmethod
    def of_counts(cls, counts: npt.NDArray[np.uint32], recordings: int) -> Rarity:
        """Make the weights of counts.

        Parameters
        ----------
        counts : numpy.ndarray
            Shape (`BUCKETS`,), uint32.
        recordings : int
            Recordings counted.

        Returns
        -------
        Rarity
            Ready to weigh.
        """
        total = np.log(recordings + 2.0)
        inverse = total - np.log(np.minimum(counts, recordings).astype(np.float64) + 1)
        most = total - np.log(2.0) if recordings else 1.0
        return cls(counts, recordings, np.clip(inverse / most, 0, 1).astype(np.float32))

    @classmethod
    def fit(cls, recordings: Iterable[Recording]) -> Rarity:
        """Count the words of a catalogue.

        Parameters
        ----------
        recordings : iterable of Recording
            Read once, in bounded memory.

        Returns
        -------
        Rarity
            Of title, artists, contributors and album.
        """
        counts = np.zeros(BUCKETS, dtype=np.uint32)
        seen = 0
        found: list[int] = []
        for recording in recordings:
            seen += 1
            found.extend({bucket_of(word) for word in _words(recording)})
            if len(found) >= _BATCH:
                counts += np.bincount(found, minlength=BUCKETS).astype(np.uint32)
                found = []
        counts += np.bincount(np.array(found, dtype=np.int64), minlength=BUCKETS).astype(np.uint32)
        return cls.of_counts(counts, seen)

    @classmethod
    def load(cls, path: Path) -> Rarity:
        """Read what `save` wrote.

        Parameters
        ----------
        path : Path
            The file.

        Returns
        -------
        Rarity
            With the same weights.

        Raises
        ------
        DamagedArtefactError
            If it is no such file.
        """
        try:
            arrays = load_file(path)
            counts, recordings = arrays["counts"], arrays["recordings"]
        except (OSError, KeyError, SafetensorError) as error:
            raise DamagedArtefactError(
                f"expected word counts in {path}, got: {error!r}: run onemaster train"
            ) from error
        if counts.shape != (BUCKETS,) or counts.dtype != np.uint32 or recordings.shape != (1,):
            raise DamagedArtefactError(
                f"expected {BUCKETS} counts in {path}, got {counts.dtype} {counts.shape}: run onemaster train"
            )
        return cls.of_counts(counts, int(recordings[0]))

    def save(self, path: Path) -> None:
        """Write the counts.

        Parameters
        ----------
        path : Path
            File in a folder that is not published yet.
        """
        path.write_bytes(save({"counts": self.counts, "recordings": np.array([self.recordings], dtype=np.int64)}))


@lru_cache(maxsize=1 << 16)
def bucket_of(word: str) -> int:
    """Find the bucket of a normalised word.

    Parameters
    ----------
    word : str
        Normalised.

    Returns
    -------
    int
        From 0 to `BUCKETS` - 1.
    """
    return zlib.crc32(word.encode()) & (BUCKETS - 1)


def whole_title(title: str) -> str:
    """Write a title as one word, so that it is counted as a whole.

    Parameters
    ----------
    title : str
        Normalised.

    Returns
    -------
    str
        Different from every normalised word.
    """
    return _WHOLE + title


def _words(recording: Recording) -> set[str]:
    fields = (recording.title, *recording.artists, *recording.contributors, recording.album)
    words = {word for field in fields if field for word in normalize(field).split()}
    if title := parse_title(recording.title):
        words.add(whole_title(title.base))
    return words
