"""The same recordings as other catalogues would hold them: with columns missing, with fields slipped into others.

A classifier that learnt from one catalogue alone takes its habits for evidence: where contributors are left out more
often in invalid pairs, missing ones speak against a match, and a catalogue without any has hardly a valid pair. So
every labelled pair is also learnt from as poorer and messier catalogues would show it.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass, replace

from catalog.recording import Recording

AS_IT_IS = "as_it_is"
# Bounds of the hash below which a field slips, by kind of slip.
# What becomes of a field in a catalogue that was typed in carelessly: rates of our own choice.
_MISTYPED, _SOLID, _CUT, _LOST, _WRONG_NUMBER = 0.35, 0.06, 0.06, 0.12, 0.08
_SLIPS = (0.14, 0.26, 0.34, 0.42, 0.48, 0.56, 0.64, 0.70, 0.78)


@dataclass(frozen=True)
class View:
    """A way of holding recordings.

    Attributes
    ----------
    name : str
        Of the view.
    change : callable
        A recording to the same one as this view holds it; pure.
    """

    name: str
    change: Callable[[Recording], Recording]


def _without_isrcs(recording: Recording) -> Recording:
    # Some ids hold the code too.
    return replace(recording, sr_id="", isrcs=())


def _without_contributors(recording: Recording) -> Recording:
    return replace(recording, contributors=())


def _without_release(recording: Recording) -> Recording:
    return replace(recording, album=None, label=None, release_year=None, duration_ms=None)


def _texts_only(recording: Recording) -> Recording:
    return _without_contributors(_without_isrcs(recording))


def _titles_and_artists(recording: Recording) -> Recording:
    return _without_release(_texts_only(recording))


def _slipped(recording: Recording) -> Recording:
    """Write one field into another, for seven recordings out of ten, as its id has it."""
    place = _position("slip", recording.sr_id)
    changed = _texts_only(recording)
    artist, title, album = ", ".join(changed.artists), changed.title or "", changed.album or ""
    kind = sum(place >= bound for bound in _SLIPS)
    slips: tuple[Recording, ...] = (
        replace(changed, title=f"{artist} - {title}", artists=()) if artist else changed,
        replace(changed, title=f"{title} {artist} {album}", artists=(), album=None) if artist else changed,
        replace(changed, title=f"{title} - {album}") if album else changed,
        replace(changed, title=f"{title} ({album})", album=None) if album else changed,
        replace(changed, title=f"{title} - {artist}") if artist else changed,
        replace(changed, artists=()),
        replace(changed, duration_ms=None),
        replace(changed, title=f"{int(place * 1e4) % 20 + 1:02d} {title}"),
        replace(changed, title=None, album=f"{title} {album}".strip()),
    )
    return slips[kind] if kind < len(slips) else changed


def _careless(recording: Recording) -> Recording:
    """Mistype, lose and confuse what the fields say, at rates of catalogues that were typed in by hand."""
    rng = random.Random(_position("careless", recording.sr_id))
    title, album = (_mistyped(rng, text) if text else None for text in (recording.title, recording.album))
    duration, year = recording.duration_ms, recording.release_year
    return replace(
        _texts_only(recording),
        title=title if rng.random() > _LOST / 2 else None,
        artists=tuple(_mistyped(rng, name) for name in recording.artists) if rng.random() > _LOST else (),
        album=album if rng.random() > _LOST else None,
        label=None,
        duration_ms=_digit_wrong(rng, duration) if duration and rng.random() < _WRONG_NUMBER else duration,
        release_year=_digit_wrong(rng, year) if year and rng.random() < _WRONG_NUMBER else year,
    )


def _slipped_and_careless(recording: Recording) -> Recording:
    # The id, which slipping leaves out, draws the mistakes: without it all recordings would have the same ones.
    return _careless(replace(_slipped(recording), sr_id=recording.sr_id))


def _mistyped(rng: random.Random, text: str) -> str:
    letters = list(text)
    while letters and rng.random() < _MISTYPED:
        place = rng.randrange(len(letters))
        letters[place] = rng.choice(("", letters[place] * 2, rng.choice("aeiorstnl"), f"{letters[place]} "))
    typed = "".join(letters)
    if rng.random() < _SOLID:
        return typed.replace(" ", "")
    return typed[: rng.randrange(len(typed) // 2, len(typed))] if len(typed) > 12 and rng.random() < _CUT else typed


def _digit_wrong(rng: random.Random, number: int) -> int:
    digits = str(number)
    place = rng.randrange(min(3, len(digits)))
    changed = int(f"{digits[:place]}{rng.randrange(10)}{digits[place + 1 :]}")
    return changed or number


VIEWS: tuple[View, ...] = (
    View(AS_IT_IS, lambda recording: recording),
    View("without_isrcs", _without_isrcs),
    View("without_contributors", _without_contributors),
    View("without_release", _without_release),
    View("texts_only", _texts_only),
    View("titles_and_artists", _titles_and_artists),
    View("slipped", _slipped),
    View("careless", _careless),
    View("slipped_and_careless", _slipped_and_careless),
)
"""Each of them is learnt from; ``as_it_is`` is the catalogue's own."""


def in_view(view: View, q_sr_id: str, m_sr_id: str, share: float) -> bool:
    """Choose the pairs that are also learnt from in a view.

    Parameters
    ----------
    view : View
        The view.
    q_sr_id : str
        Id of the query.
    m_sr_id : str
        Id of the candidate; the order of the two does not matter.
    share : float
        Of the pairs, 0 to 1; all of them in the catalogue's own view.

    Returns
    -------
    bool
        The same for the same pair.
    """
    return view.name == AS_IT_IS or _position(view.name, *sorted((q_sr_id, m_sr_id))) < share


def _position(*names: str) -> float:
    digest = hashlib.blake2b("\0".join(names).encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64
