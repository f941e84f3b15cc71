"""A profile of a catalogue: what is missing, where it comes from, what its ISRCs are worth, and what looks wrong."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Set
from dataclasses import asdict, dataclass
from difflib import SequenceMatcher
from itertools import combinations, groupby
from operator import itemgetter
from pathlib import Path
from unicodedata import name

from catalog.aside import write_aside
from catalog.clusters import read_members
from catalog.errors import DamagedArtefactError
from catalog.isrc import parse_isrcs
from catalog.manifest import read_json, write_json
from catalog.names import names_of
from catalog.normalize import normalize
from catalog.paths import DataFolder
from catalog.recording import Recording
from catalog.store import Catalog
from catalog.titles import parse_title

FIELDS = ("title", "artists", "isrcs", "contributors", "album", "duration_ms", "release_year", "label", "language")
_SOURCE_END = "__"
_MOST_SOURCES, _MOST_CODES, _EXAMPLES = 30, 20, 3
_MOST_TITLES = 20
# Titles in which so many letters stand in the same order are one, written differently.
_ALIKE, _LONGEST = 0.6, 100
_HALF = 0.5
# Articles, and most other words that any title may have, are no longer.
_LITTLE = 3


@dataclass(frozen=True)
class ReusedCode:
    """An ISRC that stands on recordings of different works, as it seems.

    Attributes
    ----------
    code : str
        Canonical.
    recordings : int
        That have it.
    examples : list of list of str
        Id and title of some whose titles are not alike.
    """

    code: str
    recordings: int
    examples: list[list[str]]


@dataclass(frozen=True)
class Profile:
    """What can be said of a catalogue without judging any pair.

    Attributes
    ----------
    catalog_digest : str
        Of the catalogue as it was.
    recordings : int
        All of them.
    missing : dict
        Field to recordings that lack it.
    sources : dict
        What stands before ``__`` in the id to its recordings, the 30 largest; empty for ids without.
    isrc_states : dict
        ``one``, ``several``, ``malformed`` (none of what is there is well-formed) or ``missing`` to recordings.
    artists : list of list of int
        Recordings of an artist, and how many artists have so many; ascending. Names are read as they are compared, so
        that "A; B" is two artists, and "Beatles, The" is "The Beatles".
    reused_codes : list of ReusedCode
        The 20 that most recordings have.
    suspicious_codes : int
        All of them.
    duplicates : list of list
        Two sources and how many pairs of theirs the last de-duplication put into one cluster, the 30 that have most;
        empty if there was none.
    all_sources, all_duplicates : int
        How many sources, and pairs of sources with duplicates, there are; 0 in a profile from before they were counted.
    """

    catalog_digest: str
    recordings: int
    missing: dict[str, int]
    sources: dict[str, int]
    isrc_states: dict[str, int]
    artists: list[list[int]]
    reused_codes: list[ReusedCode]
    suspicious_codes: int
    duplicates: list[list[object]]
    all_sources: int = 0
    all_duplicates: int = 0

    def to_json(self) -> dict[str, object]:
        """Write it as JSON values.

        Returns
        -------
        dict
            Numbers, texts and lists.
        """
        return asdict(self)


def profile(catalog: Catalog, clusters: Path) -> Profile:
    """Read a catalogue twice and sum it up.

    Parameters
    ----------
    catalog : Catalog
        Any number of recordings; every artist and every code takes about a hundred bytes of memory.
    clusters : Path
        Clusters of the last de-duplication; need not be there.

    Returns
    -------
    Profile
        Of all its recordings.
    """
    missing: Counter[str] = Counter()
    sources: Counter[str] = Counter()
    states: Counter[str] = Counter()
    names: Counter[str] = Counter()
    codes: Counter[str] = Counter()
    for recording in catalog:
        missing.update(name for name in FIELDS if not getattr(recording, name))
        sources[source_of(recording.sr_id)] += 1
        found = parse_isrcs(recording.isrcs)
        states[_state(recording, found)] += 1
        codes.update(found)
        names.update(names_of(recording.artists))
    suspicious = _suspicious(catalog, {code: count for code, count in codes.items() if count > 1})
    duplicates = _duplicates(clusters)
    return Profile(
        catalog_digest=catalog.digest(),
        recordings=sources.total(),
        missing={name: missing[name] for name in FIELDS},
        sources=dict(sources.most_common(_MOST_SOURCES)),
        isrc_states=dict(states.most_common()),
        artists=[[count, artists] for count, artists in sorted(Counter(names.values()).items())],
        reused_codes=suspicious[:_MOST_CODES],
        suspicious_codes=len(suspicious),
        duplicates=[[*pair, count] for pair, count in duplicates.most_common(_MOST_SOURCES)],
        all_sources=len(sources),
        all_duplicates=len(duplicates),
    )


def write_profile(found: Profile, path: Path) -> None:
    """Keep a profile.

    Parameters
    ----------
    found : Profile
        Of a catalogue.
    path : Path
        JSON file to replace.
    """
    with write_aside(path) as aside:
        write_json(aside, found.to_json())


def read_profile(folder: DataFolder) -> Profile | None:
    """Read the profile that was kept.

    Parameters
    ----------
    folder : DataFolder
        Whose ``profile.json`` it is.

    Returns
    -------
    Profile or None
        ``None`` if there is none.

    Raises
    ------
    DamagedArtefactError
        If it is none of ours.
    """
    if not folder.profile.is_file():
        return None
    content: dict[str, object] = read_json(folder.profile)
    try:
        codes = [ReusedCode(**each) for each in content.pop("reused_codes")]  # type: ignore[attr-defined]
        return Profile(**content, reused_codes=codes)  # type: ignore[arg-type]
    except (KeyError, TypeError) as error:
        raise DamagedArtefactError(
            f"expected a profile in {folder.profile}, got: {error!r}; run onemaster profile --data {folder.root}"
        ) from error


def source_of(sr_id: str) -> str:
    """Name the source of a recording.

    Parameters
    ----------
    sr_id : str
        Its id, such as ``itunes__123``.

    Returns
    -------
    str
        What stands before the first ``__``; empty if that is not there.
    """
    source, end, _ = sr_id.partition(_SOURCE_END)
    return source if end else ""


def _state(recording: Recording, well_formed: frozenset[str]) -> str:
    if not recording.isrcs:
        return "missing"
    return ("malformed", "one", "several")[min(len(well_formed), 2)]


@dataclass(frozen=True)
class _Titled:
    """A recording with a title, and the words by which it is compared."""

    recording: Recording
    base: str
    words: frozenset[str]
    artists: frozenset[str]

    @classmethod
    def of(cls, recording: Recording) -> _Titled | None:
        title = parse_title(recording.title)
        artists = normalize(" ".join(recording.artists))
        return cls(recording, title.base, frozenset(title.full.split()), frozenset(artists.split())) if title else None

    def is_alike(self, other: _Titled) -> bool:
        """Tell whether the titles are one, written differently, as far as the shorter one goes."""
        if _have_most_in_common(frozenset(self.base.split()), frozenset(other.base.split())):
            return True
        by_others = self.artists and other.artists and not _have_most_in_common(self.artists, other.artists)
        if not by_others and any(len(word) > _LITTLE for word in self.words & other.words):
            return True
        end = min(len(self.base), len(other.base), _LONGEST)
        return SequenceMatcher(None, self.base[:end], other.base[:end], autojunk=False).ratio() >= _ALIKE


def _suspicious(catalog: Catalog, shared: Mapping[str, int]) -> list[ReusedCode]:
    """Find codes on recordings whose titles, written in the same letters, are not alike."""
    titles: defaultdict[str, dict[str, _Titled]] = defaultdict(dict)
    for recording in catalog:
        codes = [code for code in parse_isrcs(recording.isrcs) if code in shared and len(titles[code]) < _MOST_TITLES]
        if codes and (titled := _Titled.of(recording)):
            for code in codes:
                titles[code].setdefault(titled.base, titled)
    found = [
        ReusedCode(code, shared[code], [[each.recording.sr_id, str(each.recording.title)] for each in apart])
        for code, listed in titles.items()
        if (apart := _apart(listed.values()))
    ]
    return sorted(found, key=lambda each: (-each.recordings, each.code))


def _apart(listed: Iterable[_Titled]) -> list[_Titled]:
    """Choose recordings no two of whose titles are alike; none if all are, or cannot be compared."""
    chosen: defaultdict[frozenset[str], list[_Titled]] = defaultdict(list)
    for each in listed:
        comparable = chosen[_scripts(each.base)]
        if not any(each.is_alike(other) for other in comparable):
            comparable.append(each)
    most = max(chosen.values(), key=len, default=[])
    return most[:_EXAMPLES] if len(most) > 1 else []


def _scripts(title: str) -> frozenset[str]:
    """Name the scripts of a title, such as CJK and HIRAGANA; digits and signs have none."""
    return frozenset(name(letter, "").split(" ")[0] for letter in set(title) if letter.isalpha())


def _have_most_in_common(one: Set[str], other: Set[str]) -> bool:
    """Tell whether the words on both sides have half of the letters that the shorter side has."""
    in_common, shorter = sum(map(len, one & other)), min(sum(map(len, one)), sum(map(len, other)))
    return in_common > 0 and in_common >= _HALF * shorter


def _duplicates(clusters: Path) -> Counter[tuple[str, str]]:
    pairs: Counter[tuple[str, str]] = Counter()
    if clusters.is_file():
        for _, members in groupby(read_members(clusters), key=itemgetter(0)):
            counts = Counter(source_of(sr_id) for _, sr_id in members)
            _count_pairs(pairs, counts)
    return pairs


def _count_pairs(pairs: Counter[tuple[str, str]], counts: Counter[str]) -> None:
    for source, count in counts.items():
        if count > 1:
            pairs[source, source] += count * (count - 1) // 2
    for (one, n), (other, m) in combinations(sorted(counts.items()), 2):
        pairs[one, other] += n * m
