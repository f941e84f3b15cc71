"""How sources write ISRCs."""

from __future__ import annotations

from catalog.sample.draft import Draft

_WRONG_CODE = 0.05  # versions written down with the code of the original: about one equal-ISRC pair in 60
_MISTYPED = 0.015
_MALFORMED = 0.01
_SWAPPED = 0.25  # mistyped codes with two digits in the wrong order
_REISSUED = 0.5  # of the masters that have a second code
_SEVERAL = 0.12  # likewise


def write_isrcs(draft: Draft) -> str | None:
    """Write the ISRC field as the source of a draft would.

    Parameters
    ----------
    draft : Draft
        Gets a mark for everything unusual; ``wrong_isrc`` if the code belongs to another master.

    Returns
    -------
    str or None
        Codes joined with ``|``; None for missing.
    """
    master = draft.master
    if draft.chance(draft.source.isrc_missing):
        draft.mark("isrc_missing")
        return None
    if draft.chance(_MALFORMED):
        draft.mark("isrc_malformed")
        return _no_code(draft)
    if master.parent_isrc and draft.chance(_WRONG_CODE):
        draft.mark("wrong_isrc")
        return _styled(draft, master.parent_isrc)
    code = master.isrcs[0]
    if len(master.isrcs) > 1:
        if draft.chance(_SEVERAL):
            draft.mark("isrc_several")
            return "|".join(_styled(draft, each) for each in master.isrcs)
        if draft.chance(_REISSUED):
            draft.mark("isrc_reissued")
            code = draft.rng.choice(master.isrcs[1:])
    if draft.chance(_MISTYPED):
        draft.mark("isrc_mistyped")
        code = _mistyped(draft, code)
    return _styled(draft, code)


def _styled(draft: Draft, code: str) -> str:
    if draft.chance(draft.source.isrc_hyphens):
        draft.mark("isrc_formatted")
        return "-".join((code[:2], code[2:5], code[5:7], code[7:]))
    if draft.chance(0.012):
        draft.mark("isrc_formatted")
        return draft.rng.choice((code.lower(), f"{code[:2]} {code[2:5]} {code[5:7]} {code[7:]}", f"ISRC {code}"))
    return code


def _no_code(draft: Draft) -> str:
    code = draft.master.isrcs[0]
    barcode = f"{draft.rng.randrange(10**12):012d}{draft.rng.randrange(10)}"
    return draft.rng.choice((code[:9], barcode, "UNKNOWN", "000000000000", code[5:], "N/A"))


def _mistyped(draft: Draft, code: str) -> str:
    place = draft.rng.randrange(7, 12)
    swapped = f"{code[: place - 1]}{code[place]}{code[place - 1]}{code[place + 1 :]}"
    if swapped != code and draft.chance(_SWAPPED):
        return swapped
    return f"{code[:place]}{(int(code[place]) + draft.rng.randrange(1, 10)) % 10}{code[place + 1 :]}"
