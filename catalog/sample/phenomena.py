"""What labelled pairs show, by name and in words: ways of writing one master, and masters that look alike."""

from __future__ import annotations

_VALID = {
    "identical": "nothing differs",
    # artist
    "the_moved": "“The” at the end of the artist's name, or left out",
    "artists_joined": "several artists in one name",
    "artists_reordered": "artists in another order",
    "featured_moved": "a featured artist in another place, or left out",
    "leader_and_band": "a leader alone, or with the band",
    "various_artists": "“Various Artists” instead of the artist",
    "artist_missing": "no artist",
    "sentinel": "words that stand for nothing, such as “Unknown Artist”",
    # whole row
    "upper_case": "all in capital letters",
    "cross_script": "one side in another script",
    "transliteration": "written in Latin letters",
    "romanisation": "two ways of writing it in Latin letters",
    "diacritics_dropped": "accents left out",
    "heavy_typing": "badly typed",
    "slipped_fields": "one field's content in another field",
    # contributors
    "contributors_surnames": "contributors by surname only",
    "contributors_initials": "contributors with initials",
    "contributors_surname_first": "contributors with the surname first",
    "contributors_reordered": "contributors in another order",
    "contributors_partial": "some of the contributors only",
    "contributors_added": "further contributors",
    "contributors_missing": "no contributors",
    # ISRC
    "isrc_missing": "no ISRC",
    "isrc_formatted": "an ISRC with hyphens, blanks or a prefix",
    "isrc_several": "several ISRCs",
    "isrc_reissued": "another ISRC, of a re-issue",
    "isrc_mistyped": "a mistyped ISRC",
    "isrc_malformed": "an ISRC that is none",
    "isrc_in_id": "the ISRC in the id only",
    # title
    "remaster_note": "a note that it was remastered",
    "album_version_note": "a note that it is the album's or the single's version",
    "explicit_note": "a note that it is explicit",
    "same_version": "the same other version, such as one concert, on both sides",
    "version_note_style": "the version noted in other words",
    "version_note_lost": "the version not noted",
    "soundtrack_note": "a note of the film",
    "part_number_style": "part numbers written in other ways",
    "translated_title": "a translated title",
    "track_number_in_front": "the track number in front of the title",
    "album_in_title": "the album in the title",
    "artist_in_title": "the artist in the title",
    "spaces_lost": "blanks lost",
    "truncated_title": "a title that was cut off",
    "mojibake": "letters spoilt by a wrong encoding",
    "html_entities": "HTML entities instead of signs",
    "full_width": "full-width letters",
    "smart_quotes": "other quotation marks",
    "typing_error": "a typing error",
    "words_swapped": "words in another order",
    # release
    "store_note": "a note of the shop",
    "other_album": "another album",
    "label_style": "the label written in another way",
    "length_off": "another duration",
    "year_off": "another year",
    # classical
    "classical_order": "work, key and movement in another order",
    "composer_as_artist": "the composer among the artists",
}

VALID_PHENOMENA = tuple(_VALID)
"""Reasons why two rows of one master differ."""

_INVALID = {
    "cover": "a song, and somebody else's recording of it",
    "same_title": "other songs of the same title",
    "similar_title": "other songs of a similar title",
    "same_title_no_artist": "other songs of the same title, without an artist",
    "same_album_track": "two tracks of one album",
    "live": "a live recording and the studio's",
    "remix": "a remix and the original",
    "acoustic": "an acoustic version and the original",
    "instrumental": "an instrumental version and the original",
    "karaoke": "a karaoke version and the original",
    "demo": "a demo and the finished recording",
    "radio_edit": "a radio edit and the full length",
    "extended": "an extended version and the original",
    "sped_up": "a sped-up version and the original",
    "slowed": "a slowed version and the original",
    "clean": "a clean version and the explicit one",
    "mono": "the mono mix and the stereo mix",
    "re_recording": "a new recording by the same artist",
    "two_versions": "two different versions of one song, such as live and demo",
    "two_of_a_kind": "two concerts, or two remixes, of one song",
    "part_number": "two parts of one work",
    "library_music": "two cuts of one piece of library music",
    "homonymous_artist": "two artists of the same name",
    "tribute": "a tribute band and the original",
    "medley": "a medley and one of its songs",
    "wrong_isrc": "the ISRC of another recording",
    "intro_outro": "two intros, or two outros",
    "far_away": "nothing in common",
}

INVALID_PHENOMENA = tuple(_INVALID)
"""Reasons why rows of two masters may look alike; ``far_away`` is the one kind that does not."""

PHENOMENA = VALID_PHENOMENA + INVALID_PHENOMENA

IN_WORDS = _VALID | _INVALID
"""Name to what it is, for readers."""
