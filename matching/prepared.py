"""What comparing needs of a recording, computed once however many pairs it stands in."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from rapidfuzz import fuzz

from catalog.isrc import parse_isrcs
from catalog.normalize import normalize
from catalog.recording import Recording
from catalog.titles import TitleParts, parse_title
from catalog.versions import SAME_MASTER
from matching.distinct import Column, DistinctPairs, Flags
from matching.fuzzy import Scorer, similarities
from matching.names import ARTIST_SCORERS, NameSimilarities, compare_names, names_of
from matching.rarity import Rarity, buckets_of
from matching.wordbags import WordBags, shared_weight

LATIN, OTHER = 1, 2

T = TypeVar("T")
H = TypeVar("H", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A recording in comparable form; empty means missing throughout.

    Attributes
    ----------
    recording : Recording
        As the catalogue has it.
    title : TitleParts or None
        Taken apart.
    artists : tuple of str
        Comparable names of the artists field, without those that name nobody ("Various Artists").
    credits : tuple of str
        Artists, and those whom the title features.
    contributors : tuple of str
        Comparable names.
    album, label : str
        Normalised.
    codes : frozenset of str
        Well-formed ISRCs.
    words : mapping of field to tuple of int
        Buckets of the words of ``title`` (its base), ``artists``, ``contributors``, the title's ``notes`` (but for
        those that name the same master), and ``all`` of the texts.
    scripts : mapping of field to int
        Which scripts the words of ``title``, ``artists``, ``contributors`` and ``all`` are in: 1 Latin, 2 others, 3
        both, 0 for no words.
    """

    recording: Recording
    title: TitleParts | None
    artists: tuple[str, ...]
    credits: tuple[str, ...]
    contributors: tuple[str, ...]
    album: str
    label: str
    codes: frozenset[str]
    words: dict[str, tuple[int, ...]]
    scripts: dict[str, int]


@lru_cache(maxsize=1 << 15)
def prepare(recording: Recording) -> Prepared:
    """Bring a recording into comparable form.

    Parameters
    ----------
    recording : Recording
        As the catalogue has it.

    Returns
    -------
    Prepared
        Ready to be compared.
    """
    title = parse_title(recording.title)
    artists, contributors = names_of(recording.artists), names_of(recording.contributors)
    credited = tuple(sorted({*artists, *names_of(title.featured)})) if title and title.featured else artists
    album, label = normalize(recording.album or ""), normalize(recording.label or "")
    base = title.base if title else ""
    words = {
        "title": buckets_of(base),
        "artists": _words(artists),
        "contributors": _words(contributors),
        "notes": _note_words(title) if title else (),
    }
    everything = {*words["title"], *words["artists"], *words["contributors"], *buckets_of(album)}
    if title and title.full != base:
        everything.update(buckets_of(title.full))
    words["all"] = tuple(sorted(everything))
    scripts = {"title": _scripts(base), "artists": _scripts(*artists), "contributors": _scripts(*contributors)}
    scripts["all"] = scripts["title"] | scripts["artists"] | scripts["contributors"] | _scripts(album)
    codes = parse_isrcs(recording.isrcs) if recording.isrcs else frozenset()
    return Prepared(recording, title, artists, credited, contributors, album, label, codes, words, scripts)


def _note_words(title: TitleParts) -> tuple[int, ...]:
    """Find the words of a title's notes that do not merely say that it is the master as it is."""
    if len(title.pieces) == 1:
        return ()
    same = {normalize(marker.text) for marker in title.markers if marker.type in SAME_MASTER}
    notes = [piece for piece in title.pieces[1:] if piece not in same and piece not in title.base]
    # A note made of signs only is no part of the normalised title.
    return tuple(sorted({bucket for note in notes for bucket in buckets_of(note)} & set(buckets_of(title.full))))


def _scripts(*texts: str) -> int:
    found = 0
    for text in texts:
        if text.isascii():
            found |= LATIN if text else 0
        else:
            for word in text.split():
                found |= LATIN if word.isascii() else OTHER
    return found


def _words(names: tuple[str, ...]) -> tuple[int, ...]:
    if len(names) == 1:
        return buckets_of(names[0])
    return tuple(sorted({bucket for name in names for bucket in buckets_of(name)}))


class Pairs:
    """Pairs of recordings, every distinct one prepared once.

    Parameters
    ----------
    q : sequence of Recording
        Queries, n_pairs long.
    m : sequence of Recording
        Candidates, n_pairs long.
    cosines : numpy.ndarray
        Shape (n_pairs,), float32, in [-1, 1]; NaN where a side has no text.
    rarity : Rarity
        Of the catalogue's words.

    Attributes
    ----------
    recordings : list of Prepared
        Distinct ones.
    q, m : numpy.ndarray
        Shape (n_pairs,), int64, places in `recordings`.
    """

    def __init__(
        self, q: Sequence[Recording], m: Sequence[Recording], cosines: npt.NDArray[np.float32], rarity: Rarity
    ) -> None:
        places: dict[Recording, int] = {}
        known: dict[int, int] = {}  # most often the very same object comes again, which need not be hashed
        for recording in (*q, *m):
            if id(recording) not in known:
                known[id(recording)] = places.setdefault(recording, len(places))
        self.q, self.m = (np.array([known[id(each)] for each in side], dtype=np.int64) for side in (q, m))
        self.recordings = [prepare(recording) for recording in places]
        self.cosines = cosines
        self.rarity = rarity
        self._kept: dict[str, Any] = {}

    def once(self, name: str, compute: Callable[[], T]) -> T:
        """Compute something that several groups of features need, once.

        Parameters
        ----------
        name : str
            Of the thing.
        compute : callable
            Gives it.

        Returns
        -------
        object
            What was computed when it was first asked for.
        """
        if name not in self._kept:
            self._kept[name] = compute()
        kept: T = self._kept[name]
        return kept

    def bags(self, field: str) -> WordBags:
        """Collect one field of the recordings as sets of words.

        Parameters
        ----------
        field : str
            A key of `Prepared.words`.

        Returns
        -------
        WordBags
            Weighed by rarity, a row for each of `recordings`.
        """
        return self.once(
            f"bags of {field}",
            lambda: WordBags.of([each.words[field] for each in self.recordings], self.rarity.weights),
        )

    def shared(self, field: str) -> npt.NDArray[np.float64]:
        """Weigh the words that both sides have in one field.

        Parameters
        ----------
        field : str
            A key of `Prepared.words`.

        Returns
        -------
        numpy.ndarray
            Shape (n_pairs,), float64, not negative.
        """
        bags = self.bags(field)
        return self.once(f"shared {field}", lambda: shared_weight(bags, bags, self.q, self.m))

    def comparable(self, field: str) -> Flags:
        """Tell whether the words of a field can be the same: not those of two scripts.

        Parameters
        ----------
        field : str
            A key of `Prepared.scripts`.

        Returns
        -------
        numpy.ndarray
            Shape (n_pairs,), bool; true where a side is missing.
        """
        return self.once(f"comparable {field}", lambda: self._comparable(field))

    def distinct(self, values: Sequence[H], wanted: Flags | None = None) -> DistinctPairs[H]:
        """Find what has to be compared of one value of each recording.

        Parameters
        ----------
        values : sequence
            One for each of `recordings`; what is empty is missing.
        wanted : numpy.ndarray, optional
            Shape (n_pairs,), bool; the values of other pairs count as missing.

        Returns
        -------
        DistinctPairs
            Values that differ, each two of them once.
        """
        return DistinctPairs.of(values, self.q, self.m, wanted)

    def similar(self, texts: Sequence[str], scorer: Scorer = fuzz.ratio) -> Column:
        """Compare one text of each recording.

        Parameters
        ----------
        texts : sequence of str
            Normalised, one for each of `recordings`; empty is missing.
        scorer : callable
            Of rapidfuzz, symmetric.

        Returns
        -------
        numpy.ndarray
            Shape (n_pairs,), float64, in [0, 1]; NaN where a side is missing.
        """
        texts_of = self.distinct(texts)
        return texts_of.spread(similarities(texts_of.q, texts_of.m, scorer))

    def artists(self) -> NameSimilarities:
        """Compare the artists as sets of names.

        Returns
        -------
        NameSimilarities
            Each of shape (n_pairs,); NaN where a side is missing.
        """
        return self.once("artists", lambda: self.names([each.artists for each in self.recordings], ARTIST_SCORERS))

    def names(
        self, names: Sequence[tuple[str, ...]], scorers: Sequence[Scorer], wanted: Flags | None = None
    ) -> NameSimilarities:
        """Compare sets of names.

        Parameters
        ----------
        names : sequence of tuple of str
            Comparable names of each of `recordings`.
        scorers : sequence of callable
            rapidfuzz scorers for two names; their mean counts.
        wanted : numpy.ndarray, optional
            Shape (n_pairs,), bool; the names of other pairs count as missing.

        Returns
        -------
        NameSimilarities
            Each of shape (n_pairs,); NaN where a side is missing.
        """
        sets = self.distinct(names, wanted)
        overlap, best = compare_names(sets.q, sets.m, scorers)
        return NameSimilarities(sets.spread(overlap), sets.spread(best))

    def same_isrc(self) -> Column:
        """Compare well-formed ISRCs exactly, after ISO 3901.

        Returns
        -------
        numpy.ndarray
            Shape (n_pairs,), float64: 1 for a common code, 0 for conflicting ones, NaN where a side has none.
        """
        return self.once("same isrc", self._same_isrc)

    def _same_isrc(self) -> Column:
        codes = self.distinct([each.codes for each in self.recordings])
        common = [not one.isdisjoint(other) for one, other in zip(codes.q, codes.m, strict=True)]
        return codes.spread(np.array(common, dtype=np.float64))

    def _comparable(self, field: str) -> Flags:
        scripts = np.array([each.scripts[field] for each in self.recordings], dtype=np.int64)
        q, m = scripts[self.q], scripts[self.m]
        comparable: Flags = ((q & m) > 0) | (q == 0) | (m == 0)
        return comparable
