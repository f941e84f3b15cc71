"""The names of what labelled pairs show: ways of writing one master differently, and masters that look alike."""

from __future__ import annotations

VALID_PHENOMENA = (
    "identical",
    # artist
    "the_moved",
    "artists_joined",
    "artists_reordered",
    "featured_moved",
    "leader_and_band",
    "various_artists",
    "artist_missing",
    # whole row
    "upper_case",
    "transliteration",
    "diacritics_dropped",
    # contributors
    "contributors_surnames",
    "contributors_initials",
    "contributors_surname_first",
    "contributors_reordered",
    "contributors_partial",
    "contributors_added",
    "contributors_missing",
    # ISRC
    "isrc_missing",
    "isrc_formatted",
    "isrc_several",
    "isrc_reissued",
    "isrc_mistyped",
    "isrc_malformed",
    # title
    "remaster_note",
    "album_version_note",
    "explicit_note",
    "version_note_style",
    "version_note_lost",
    "soundtrack_note",
    "part_number_style",
    "translated_title",
    "track_number_in_front",
    "album_in_title",
    "artist_in_title",
    "spaces_lost",
    "truncated_title",
    "mojibake",
    "html_entities",
    "full_width",
    "smart_quotes",
    "typing_error",
    "words_swapped",
    # classical
    "classical_order",
    "composer_as_artist",
)
"""Reasons why two rows of one master differ."""

INVALID_PHENOMENA = (
    "cover",
    "same_title",
    "similar_title",
    "same_title_no_artist",
    "same_album_track",
    "live",
    "remix",
    "acoustic",
    "instrumental",
    "karaoke",
    "demo",
    "radio_edit",
    "extended",
    "sped_up",
    "slowed",
    "clean",
    "re_recording",
    "part_number",
    "library_music",
    "homonymous_artist",
    "tribute",
    "medley",
    "wrong_isrc",
    "intro_outro",
    "far_away",
)
"""Reasons why rows of two masters may look alike; ``far_away`` is the one kind that does not."""

PHENOMENA = VALID_PHENOMENA + INVALID_PHENOMENA
