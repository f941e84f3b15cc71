"""An invented catalogue of two download stores: brackets, store notes and slipped fields, no ISRCs, no contributors.

Its words and habits are its own: nothing comes from the embedded sample, so a classifier trained there has seen
neither.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

SHARES = {"valid": 0.25, "same_album": 0.3, "version": 0.25, "same_title": 0.2}
SLIPPED = 0.5

COLUMNS = ("song", "performer", "collection", "genre", "playing_time", "released", "copyright")


def _list(words: str) -> tuple[str, ...]:
    return tuple(words.split())


_ADJECTIVES = _list("""Crooked Velvet Hollow Neon Paper Silver Restless Burning Secret Lonely Electric Frozen Golden
Broken Sleepless Honest Wicked Tender Distant Bitter""")
_NOUNS = _list("""Engine Harbor River Mirror Thunder Garden Letter Highway Shadow Diamond Window Fever Anchor Satellite
Coyote Lantern Gravity Kingdom Whiskey Parade Hurricane Telephone Compass Tattoo""")
_VERBS = _list("Chase Follow Forget Carry Hold Burn Remember Leave Break Kiss Steal Count")
_PLACES = _list("Memphis Lisbon Oslo Tulsa Havana Detroit Marseille Nairobi Glasgow Kyoto Reno Bergen")
_GIVEN = _list("""Marcus Delia Jonah Priya Colt Yvette Teo Maren Darnell Lucía Esme Rhett Imani Soren Bianca Wyatt Zadie
Emil Nova Gideon""")
_FAMILY = _list("""Hartwell Okafor Lindgren Ramos Castellane Boone Achterberg Whitlock Duarte Mbeki Fontaine Sato Pruitt
Novak Delacroix Ashby Ferrante Quill Osei Varga""")
_BANDS = _list("""Foxes Drifters Machines Choir Wolves Satellites Brothers Standard Committee Orchard Riot
Ghosts""")
_LABELS = ("Copperline", "Blue Ferry", "Northgate", "Atlas Lane", "Tall Pine", "Red Kettle", "Meridian", "Duke Street")
_OWNERS = ("Unison Media Group", "Continental Music Holdings, Inc.", "Vantage Entertainment")
_GENRES = (
    ("Hip-Hop/Rap, Music, Hardcore Rap", "Rap & Hip-Hop"),
    ("Country, Music, Contemporary Country", "Country"),
    ("Pop, Music, Teen Pop, Rock", "Pop"),
    ("Dance, Music, House, Electronic", "Dance & Electronic"),
    ("Alternative, Music, Rock, Indie Rock", "Alternative Rock"),
    ("R&B/Soul, Music, Contemporary R&B", "R&B"),
)
_MONTHS = _list("January February March April May June July August September October November December")
_TITLES = ("{adjective} {noun}", "{noun}", "{verb} the {noun}", "{noun} of {place}", "{verb} Me", "{adjective} {place}")
_VERSIONS = (("Live", 1.15), ("Acoustic", 0.95), ("Radio Edit", 0.8), ("Remix", 1.4), ("Extended Mix", 1.7))
_COMPILATIONS = ("Ultimate {genre} Hits", "Now Playing {number}", "{place} Nights {number}", "Best of the {adjective}s")


@dataclass(frozen=True)
class Master:
    """A recording before any store wrote it down.

    Attributes
    ----------
    song, artist, guest, note : str
        Title, performer, featured performer and version; the last two mostly empty.
    explicit : bool
        Whether the second store says so.
    seconds : int
        Length.
    """

    song: str
    artist: str
    guest: str
    note: str
    explicit: bool
    seconds: int


@dataclass(frozen=True)
class Release:
    """What a master is sold on.

    Attributes
    ----------
    title, kind : str
        ``album``, ``deluxe``, ``single`` or ``compilation`` is the kind.
    date : tuple of int
        Year, month and day.
    label, owner : str
        For the copyright line.
    genre : tuple of str
        In the words of either store.
    """

    title: str
    kind: str
    date: tuple[int, int, int]
    label: str
    owner: str
    genre: tuple[str, str]


@dataclass(frozen=True)
class Listing:
    """A row of a store.

    Attributes
    ----------
    sr_id : str
        Unique.
    master : Master
        The truth.
    album : str
        The release's bare title, for finding neighbours.
    cells : dict
        `COLUMNS` to text.
    """

    sr_id: str
    master: Master
    album: str
    cells: dict[str, str]


Pair = tuple[str, str, str]


def artist_names(rng: random.Random, count: int) -> list[str]:
    """Invent performers, half of them bands.

    Parameters
    ----------
    rng : random.Random
        The only source of chance.
    count : int
        How many.

    Returns
    -------
    list of str
        All different.
    """
    people = [f"{given} {family}" for given in _GIVEN for family in _FAMILY]
    bands = [f"The {adjective} {band}" for adjective in _ADJECTIVES for band in _BANDS]
    return rng.sample(people, count - count // 2) + rng.sample(bands, count // 2)


class Repertoire:
    """The listings of both stores for a few artists, and labelled pairs of them.

    Parameters
    ----------
    rng : random.Random
        The only source of chance.
    name : str
        Begins the ids, so that no recording stands in two repertoires.
    artists : sequence of str
        Whose music it is.
    """

    def __init__(self, rng: random.Random, name: str, artists: Sequence[str]) -> None:
        self._rng, self._name, self._artists = rng, name, artists
        self.stores: tuple[list[Listing], list[Listing]] = ([], [])
        masters = [master for artist in artists for master in self._record(artist)]
        for _ in range(len(artists)):
            text = self._words(rng.choice(_COMPILATIONS))
            compilation = self._release(text, "compilation", rng.choice(_GENRES))
            for master in rng.sample(masters, 8):
                self._list(master, compilation)

    def pairs(self, count: int) -> list[Pair]:
        """Draw labelled pairs across the stores, the kinds in the shares of `SHARES`.

        Parameters
        ----------
        count : int
            Of pairs.

        Returns
        -------
        list of (str, str, str)
            Id of the first store, id of the second, and tag.
        """
        found: dict[str, list[tuple[str, str]]] = {kind: [] for kind in SHARES}
        for q in self.stores[0]:
            for m in self.stores[1]:
                if (kind := _kind(q, m)) in found:
                    found[kind].append((q.sr_id, m.sr_id))
        return [
            (q, m, "valid" if kind == "valid" else "invalid")
            for kind, share in SHARES.items()
            for q, m in self._rng.sample(found[kind], round(count * share))
        ]

    def _record(self, artist: str) -> list[Master]:
        """Record and release two albums and further versions of some of their songs."""
        rng, genre, masters = self._rng, self._rng.choice(_GENRES), list[Master]()
        songs = list(dict.fromkeys(self._words(rng.choice(_TITLES)) for _ in range(18)))
        for part in (songs[::2], songs[1::2]):
            kind = rng.choice(("album", "album", "deluxe"))
            album = self._release(self._words(rng.choice(_TITLES)), kind, genre)
            for song in part:
                guest = rng.choice(self._artists) if rng.random() < 0.25 else ""
                explicit = "Rap" in genre[1] and rng.random() < 0.6
                master = Master(song, artist, guest if guest != artist else "", "", explicit, rng.randint(150, 290))
                masters.append(master)
                self._list(master, album)
                if rng.random() < 0.4:
                    note, length = rng.choice(_VERSIONS)
                    version = replace(master, note=note, seconds=round(master.seconds * length))
                    masters.append(version)
                    self._list(version, self._release(song, "single", genre) if rng.random() < 0.5 else album)
        return masters

    def _release(self, title: str, kind: str, genre: tuple[str, str]) -> Release:
        date = (self._rng.randint(2003, 2016), self._rng.randint(1, 12), self._rng.randint(1, 28))
        return Release(title, kind, date, self._rng.choice(_LABELS), self._rng.choice(_OWNERS), genre)

    def _list(self, master: Master, release: Release) -> None:
        for store, write in enumerate((_first_store, _second_store)):
            if self._rng.random() < 0.85:
                sr_id = f"{self._name}{store}-{len(self.stores[store])}"
                cells = dict(zip(COLUMNS, write(self._rng, master, release), strict=True))
                self.stores[store].append(Listing(sr_id, master, release.title, cells))

    def _words(self, pattern: str) -> str:
        choice = self._rng.choice
        return pattern.format(
            adjective=choice(_ADJECTIVES),
            noun=choice(_NOUNS),
            verb=choice(_VERBS),
            place=choice(_PLACES),
            genre=choice(_GENRES)[1],
            number=self._rng.randint(2, 60),
        )


def _kind(q: Listing, m: Listing) -> str:
    """Name what ties two listings; the release does not matter for what is valid, only the master does."""
    if q.master == m.master:
        return "valid"
    same_song, same_artist = q.master.song == m.master.song, q.master.artist == m.master.artist
    if same_song:
        return "version" if same_artist else "same_title"
    return "same_album" if same_artist and q.album == m.album else ""


def _first_store(rng: random.Random, master: Master, release: Release) -> tuple[str, ...]:
    guest = f" (feat. {master.guest})" if master.guest else ""
    note = f" ({master.note})" if master.note else ""
    endings = {"single": " - Single", "deluxe": " (Deluxe Version)"}
    year, month, day = release.date
    return (
        master.song + guest + note,
        f"{master.artist} & {master.guest}" if master.guest and rng.random() < 0.2 else master.artist,
        release.title + endings.get(release.kind, ""),
        release.genre[0],
        f"{master.seconds // 60}:{master.seconds % 60:02}",
        f"{day}-{_MONTHS[month - 1][:3]}-{year % 100:02}",
        f"℗ {year} {release.label} Records, a division of {release.owner}",
    )


def _second_store(rng: random.Random, master: Master, release: Release) -> tuple[str, ...]:
    guest = f" [feat. {master.guest}]" if master.guest else ""
    note = f" [{master.note}{rng.choice(('', ' Version'))}]" if master.note else ""
    explicit = " [Explicit]" if master.explicit else ""
    seconds = master.seconds + rng.choice((-1, 0, 0, 0, 1, 2))
    year, month, day = release.date
    deluxe = rng.choice((" (Deluxe Edition)", " [Deluxe]", "")) if release.kind == "deluxe" else ""
    return (
        master.song + guest + note + explicit,
        f"{master.artist} feat. {master.guest}" if master.guest and rng.random() < 0.3 else master.artist,
        release.title + deluxe + explicit,
        release.genre[1],
        f"{seconds // 60}:{seconds % 60:02}",
        f"{_MONTHS[month - 1]} {day}, {year}",
        f"(C) {year} {release.label}" + rng.choice(("", " Records", f", a division of {release.owner}")),
    )


def slip(rng: random.Random, cells: dict[str, str]) -> dict[str, str]:
    """Move the value of one field into another one, in half of the rows.

    Parameters
    ----------
    rng : random.Random
        The only source of chance.
    cells : dict
        Column to text.

    Returns
    -------
    dict
        The same columns.
    """
    if rng.random() >= SLIPPED:
        return cells
    source = rng.choice(COLUMNS)
    others = [column for column in COLUMNS if column != source]
    target = "song" if source != "song" and rng.random() < 0.5 else rng.choice(others)
    return {**cells, source: "", target: f"{cells[target]} {cells[source]}"}
