"""The hidden truth: releases full of masters, each of which sources will write down in their own ways."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace

from catalog.sample.lexicon import Term, Weighted, compose, load_data, weighted_patterns
from catalog.sample.masters import LAST_YEAR, Master, Registry, Release
from catalog.sample.people import Artist, Casting, title_case
from catalog.sample.versions import STUDIO, Version, draw_versions
from catalog.sample.works import Songbook, Work

_NEW_ARTIST = 0.5  # share of releases by an artist who has none yet
_FAME = 0.4  # how often a known artist is drawn by the number of their tracks, not evenly
_COVER = 0.36  # share of tracks that are somebody else's work
_INTERLUDE = 0.025
_PARTNERS = 0.24  # share of masters with further artists
_GUESTS = 0.55  # of these, as guests and not on a par
_FIRST_SONGS = 20  # before there are covers, tributes and medleys, there have to be songs
_TRACKS = Weighted([1, 2, 3, 4, 6], [46.0, 22.0, 16.0, 10.0, 6.0])
_LENGTHS = {"interlude": (70, 25), "library": (130, 50), "classical": (420, 160)}  # seconds: mean, deviation
_SONG_LENGTH = (222, 48)
_SAME_LENGTH = 0.06  # versions such as instrumentals, which are as long as what they were made from
_AUDIBLE = 6_000  # milliseconds by which any other version is longer or shorter
Programme = tuple[Artist, list[Work]]


class Studio:
    """Makes releases, one after the other.

    Parameters
    ----------
    rng : random.Random
        The only source of chance.
    """

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._casting = Casting(rng)
        self._songbook = Songbook(rng, self._casting)
        self._registry = Registry(rng)
        self._labels = load_data("labels")
        self._label_patterns = weighted_patterns(self._labels["kinds"])
        self._stage = load_data("stage_names")
        self._classical = load_data("classical")
        self._libraries = load_data("library")["libraries"]
        self._artists: dict[str, list[Artist]] = {}
        self._songs: dict[str, list[Work]] = {}
        self._played: list[tuple[Work, Artist]] = []
        self._first_performers: dict[int, Artist] = {}
        self._repertoire: set[tuple[int, int]] = set()
        self._programmes: Weighted[Callable[[], Programme]] = Weighted(
            [
                self._pop,
                self._concert,
                self._cues,
                self._karaoke,
                self._covers,
                self._tribute,
                self._namesake,
                self._medley,
                self._parts,
            ],
            [840.0, 22.0, 14.0, 34.0, 22.0, 34.0, 8.0, 9.0, 10.0],
        )
        self._masters = 0
        self._releases = 0

    def release(self) -> list[Master]:
        """Make the next release, with every version of its tracks.

        Returns
        -------
        list of Master
            Nobody records one work twice, unless as another version; so it may be empty.
        """
        programme = self._programmes.draw(self._rng) if len(self._played) > _FIRST_SONGS else self._pop
        artist, works = programme()
        works = [work for work in works if (work.number, artist.number) not in self._repertoire]
        if not works:
            return []
        release = self._release(artist, works)
        masters: list[Master] = []
        for work in works:
            self._repertoire.add((work.number, artist.number))
            if artist.kind == "karaoke":
                masters.append(self._master(work, artist, self._backing(work), release))
                continue
            versions = draw_versions(self._rng, work, artist.language)
            original = self._master(work, artist, STUDIO, release)
            if any(version.kind == "clean" for version in versions):
                original = replace(original, explicit=True)
            masters.append(original)
            masters.extend(self._version(original, version) for version in versions)
        return masters

    def _pop(self) -> Programme:
        artist = self._performer()
        songs = self._songs.setdefault(artist.language.code, [])
        works: list[Work] = []
        for _ in range(_TRACKS.draw(self._rng)):
            if self._rng.random() < _INTERLUDE:
                works.append(self._songbook.interlude(artist))
                continue
            covered = bool(songs) and self._rng.random() < _COVER
            work = self._rng.choice(songs) if covered else self._songbook.song(artist)
            if work not in works:
                works.append(work)
                songs.append(work)
                self._played.append((work, artist))
                self._first_performers.setdefault(work.number, artist)
        return artist, works

    def _concert(self) -> Programme:
        pattern = self._rng.choice(self._classical["ensembles"])
        last = self._rng.choice(self._classical["composers"]).split()[-1]
        name = pattern.replace("{p}", self._rng.choice(self._classical["cities"])).replace("{l}", last)
        artist = self._casting.company("ensemble", [name])
        return artist, self._songbook.movements(artist)

    def _cues(self) -> Programme:
        artist = self._casting.company("library", self._libraries)
        return artist, [self._songbook.library(artist) for _ in range(_TRACKS.draw(self._rng))]

    def _karaoke(self) -> Programme:
        return self._casting.company("karaoke", self._stage["karaoke"]), [self._rng.choice(self._played)[0]]

    def _covers(self) -> Programme:
        return self._casting.company("tribute", self._stage["lullaby"]), [self._rng.choice(self._played)[0]]

    def _tribute(self) -> Programme:
        work, performer = self._rng.choice(self._played)
        return self._casting.tribute(performer), [work]

    def _namesake(self) -> Programme:
        work, performer = self._rng.choice(self._played)
        twin = self._casting.namesake(performer)
        return twin, [replace(self._songbook.song(twin), title=work.title)]

    def _medley(self) -> Programme:
        work, performer = self._rng.choice(self._played)
        other = self._rng.choice(self._songs[performer.language.code])
        singer = performer if self._rng.random() < 0.5 else self._performer()
        return singer, [self._songbook.medley(singer, [work, other])] if work is not other else []

    def _parts(self) -> Programme:
        performer = self._rng.choice(self._played)[1]
        return performer, self._songbook.parts(performer)

    def _performer(self) -> Artist:
        if not self._played or self._rng.random() < _NEW_ARTIST:
            artist = self._casting.artist()
            self._artists.setdefault(artist.language.code, []).append(artist)
            return artist
        artist = self._rng.choice(self._played)[1]
        return artist if self._rng.random() < _FAME else self._rng.choice(self._artists[artist.language.code])

    def _partners(self, artist: Artist) -> list[Artist]:
        if artist.kind not in {"person", "stage", "band"} or self._rng.random() >= _PARTNERS:
            return []
        known = self._artists.get(artist.language.code, [])
        count = self._rng.choice((1, 1, 1, 2))
        partners = [
            self._rng.choice(known) if known and self._rng.random() < 0.85 else self._performer() for _ in range(count)
        ]
        return [partner for partner in dict.fromkeys(partners) if partner is not artist]

    def _release(self, artist: Artist, works: Sequence[Work]) -> Release:
        self._releases += 1
        word = self._rng.choice(self._labels["words"])
        label = self._label_patterns.draw(self._rng).latin.replace("{w}", word)
        year = LAST_YEAR - min(int(self._rng.expovariate(1 / 14)), 70)
        return Release(self._releases, self._album_title(artist, works), label, year)

    def _album_title(self, artist: Artist, works: Sequence[Work]) -> Term:
        if len(works) == 1 and self._rng.random() < 0.6:
            return works[0].title
        named = self._rng.choice(works).title

        def draw(slot: str) -> Term:
            return named if slot == "t" else artist.language.slots[slot].draw(self._rng).map(title_case)

        return compose(artist.language.albums.draw(self._rng), draw)

    def _master(self, work: Work, artist: Artist, version: Version, release: Release) -> Master:
        self._masters += 1
        partners = self._partners(artist)
        guests = tuple(partners) if self._rng.random() < _GUESTS else ()
        mean, deviation = _LENGTHS.get(work.kind, _SONG_LENGTH)
        return Master(
            self._masters,
            work,
            (artist, *(() if guests else partners)),
            guests,
            version,
            release,
            self._registry.codes(work.language.code, release),
            int(1000 * max(15.0, self._rng.gauss(mean, deviation))),
            min(LAST_YEAR, release.year + self._rng.randrange(8, 30)),
            explicit=artist.kind == "stage" and self._rng.random() < 0.25,
        )

    def _version(self, original: Master, version: Version) -> Master:
        self._masters += 1
        later = replace(original.release, year=min(LAST_YEAR, original.release.year + self._rng.randrange(0, 6)))
        return replace(
            original,
            number=self._masters,
            version=version,
            release=later,
            isrcs=self._registry.codes(original.work.language.code, later),
            duration_ms=self._other_length(original.duration_ms, version),
            explicit=False,
            parent_isrc=original.isrcs[0],
        )

    def _other_length(self, length: int, version: Version) -> int:
        changed = int(length * self._rng.uniform(*version.length))
        if version.length[1] - version.length[0] <= _SAME_LENGTH or abs(changed - length) >= _AUDIBLE:
            return changed
        return length + self._rng.choice((-1, 1)) * self._rng.randrange(_AUDIBLE, 3 * _AUDIBLE)

    def _backing(self, work: Work) -> Version:
        performer = self._first_performers[work.number]
        note = self._rng.choice(
            ("Karaoke Version", "Karaoke Version", "Originally Performed By {}", "In the Style of {}")
        )
        return Version("karaoke", note.format(performer.name.latin), (1.0, 1.0))
