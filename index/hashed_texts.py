"""Texts as numbers: hashes of their runs of characters, of their words and of pairs of words, many texts at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from catalog.normalize import normalize
from embeddings.text import read_text

# Lengths of runs, and words of a text that may pair up, the rarest first: docs/decisions/0014-rare-keys.md.
ORDERS = (3, 5, 7, 9)
PAIRED_WORDS = 12

_BLANK = ord(" ")
# Odd constants of multiplicative hashing (golden ratio, xxHash, splitmix64); any fixed odd ones would do.
_MIX = tuple(map(np.uint64, (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0xBF58476D1CE4E5B9)))

Hashes = npt.NDArray[np.uint64]
Integers = npt.NDArray[np.int64]


class Hashed(NamedTuple):
    """Hashes, and which text each is of.

    Attributes
    ----------
    rows : numpy.ndarray
        Shape (n,), int64, the text of each.
    hashes : numpy.ndarray
        Shape (n,), uint64.
    """

    rows: Integers
    hashes: Hashes

    def take(self, which: npt.NDArray[np.bool_] | Integers) -> Hashed:
        """Keep some.

        Parameters
        ----------
        which : numpy.ndarray
            Flags of shape (n,), or places.

        Returns
        -------
        Hashed
            Those.
        """
        return Hashed(self.rows[which], self.hashes[which])


def laid_out(texts: Sequence[str]) -> tuple[Hashes, Integers]:
    """Lay texts one behind the other.

    Parameters
    ----------
    texts : sequence of str
        Texts of recordings.

    Returns
    -------
    tuple of numpy.ndarray
        Code points, uint64, with a 0 behind each text, and which text each of them is of, int64.
    """
    joined = "\0".join(map(_comparable, texts)) + "\0"
    points = np.frombuffer(joined.encode("utf-32-le", "replace"), dtype=np.uint32).astype(np.uint64)
    ends = np.flatnonzero(points == 0)
    return points, np.repeat(np.arange(len(ends)), np.diff(ends, prepend=-1))


def _comparable(text: str) -> str:
    """Write a text with a blank at either end, so that all words have runs of their own, and its length as two words.

    Two lengths that are up to three seconds apart have at least one of the words in common.
    """
    read = read_text(text)
    words = f" {normalize(read.words)} "
    if read.seconds is None:
        return words
    return f"{words}{read.seconds // 6}a {(read.seconds + 3) // 6}b "


def runs_of(points: Hashes) -> Iterator[tuple[Hashes, npt.NDArray[np.bool_]]]:
    """Hash the runs of each of `ORDERS` from every position.

    Parameters
    ----------
    points : numpy.ndarray
        Shape (n,), uint64, from `laid_out`.

    Yields
    ------
    tuple of numpy.ndarray
        For each length the hashes, shape (n,), uint64, and whether the run stays inside of its text, shape (n,), bool.
    """
    hashes, inside = points * _MIX[0], points != 0
    for length in range(2, ORDERS[-1] + 1):
        following = np.zeros_like(points)
        following[: 1 - length] = points[length - 1 :]
        inside = inside & (following != 0)
        hashes = (hashes ^ (hashes >> np.uint64(31))) * _MIX[0] + following * _MIX[1]
        if length in ORDERS:
            yield _mixed(hashes), inside


def words_of(points: Hashes, rows: Integers) -> Hashed:
    """Hash the words of every text, each once.

    Parameters
    ----------
    points : numpy.ndarray
        Shape (n,), uint64, from `laid_out`.
    rows : numpy.ndarray
        Shape (n,), int64, from `laid_out`.

    Returns
    -------
    Hashed
        By text and hash.
    """
    between = (points == 0) | (points == _BLANK)
    begin = ~between & np.concatenate(([True], between[:-1]))
    begins = np.flatnonzero(begin)
    if not len(begins):
        return Hashed(begins, np.zeros(0, dtype=np.uint64))
    places = (np.arange(len(points)) - begins[np.cumsum(begin) - 1]).astype(np.uint64)
    letters = np.where(between, 0, _mixed((points + np.uint64(1)) * _MIX[0] + places * _MIX[1]))
    return _distinct(Hashed(rows[begins], _mixed(np.add.reduceat(letters, begins))))


def word_pairs(words: Hashed) -> Hashed:
    """Pair up the words of every text, in whatever order they stand.

    Parameters
    ----------
    words : Hashed
        At most `PAIRED_WORDS` of each text.

    Returns
    -------
    Hashed
        Of the pairs.
    """
    words = _distinct(words)
    pairs = []
    for apart in range(1, PAIRED_WORDS):
        same = words.rows[apart:] == words.rows[:-apart]
        first, second = words.hashes[:-apart][same], words.hashes[apart:][same]
        pairs.append(Hashed(words.rows[:-apart][same], _mixed(first * _MIX[0] + second)))
    return Hashed(*map(np.concatenate, zip(*pairs, strict=True)))


def _distinct(each: Hashed) -> Hashed:
    """Sort by text and hash, and leave repetitions out."""
    each = each.take(np.lexsort((each.hashes, each.rows)))
    same = (each.rows[1:] == each.rows[:-1]) & (each.hashes[1:] == each.hashes[:-1])
    return each.take(np.concatenate(([True], ~same))) if len(each.rows) else each


def places_in_rows(rows: Integers) -> Integers:
    """Count up within every row, whose members stand together.

    Parameters
    ----------
    rows : numpy.ndarray
        Shape (n,), int64.

    Returns
    -------
    numpy.ndarray
        Shape (n,), int64, from 0.
    """
    starts = np.flatnonzero(np.diff(rows, prepend=-1))
    return np.arange(len(rows)) - np.repeat(starts, np.diff(starts, append=len(rows)))


def _mixed(hashes: Hashes) -> Hashes:
    hashes = (hashes ^ (hashes >> np.uint64(29))) * _MIX[2]
    return hashes ^ (hashes >> np.uint64(32))
