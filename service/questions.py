"""What callers send in a body: many pairs, or a recording that the catalogue does not hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from catalog.durations import parse_duration, parse_milliseconds, parse_year
from catalog.importers import LONGEST_ID
from catalog.recording import LIST_SEPARATOR, Recording, clean, split_list
from service.parameters import EXPECTED, LONGEST_NAMES, LONGEST_TEXT, MOST_CANDIDATES, MOST_NAMES, MOST_PAIRS


def _text(value: object) -> str | None:
    if value is not None and not (isinstance(value, str) and len(value) <= LONGEST_TEXT):
        raise ValueError
    return clean(_encodable(value)) if value else None


def _as_typed(value: object) -> str | None:
    """Read a name or a note, which may be any word, such as one that says in a catalogue that nothing is there."""
    text = value.strip() if isinstance(value, str) else value
    if text is not None and not (isinstance(text, str) and len(text) <= LONGEST_TEXT):
        raise ValueError
    return _encodable(text) or None if text else None


def _names(value: object) -> tuple[str, ...]:
    names = value if isinstance(value, list) else [value]
    if len(names) > MOST_NAMES:
        raise ValueError
    found = split_list(LIST_SEPARATOR.join(name for name in map(_text, names) if name))
    if len(found) > MOST_NAMES or sum(map(len, found)) > LONGEST_NAMES:
        raise ValueError
    return found


def _number(parse: Callable[[object], int | None]) -> Callable[[object], int | None]:
    def read(value: object) -> int | None:
        number = parse(value)
        if number is None and clean(value) is not None:
            raise ValueError
        return number

    return read


def _encodable(text: str) -> str:
    """Replace lone surrogates, which JSON can carry and no catalogue can hold."""
    return text.encode("utf-8", "replace").decode()


_AS_TEXT = WithJsonSchema({"anyOf": [{"type": "string", "maxLength": LONGEST_TEXT}, {"type": "null"}]})
_AS_NAMES = WithJsonSchema(
    {
        "anyOf": [
            {"type": "array", "maxItems": MOST_NAMES, "items": {"type": "string", "maxLength": LONGEST_TEXT}},
            {"type": "string", "maxLength": LONGEST_TEXT},
            {"type": "null"},
        ]
    }
)
_AS_NUMBER = WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "string"}, {"type": "null"}]})

_ID = {"type": "string", "minLength": 1, "maxLength": LONGEST_ID}
_PAIR = {"type": "object", "required": ["q_sr_id", "m_sr_id"], "properties": {"q_sr_id": _ID, "m_sr_id": _ID}}

Text = Annotated[str | None, BeforeValidator(_text), _AS_TEXT]
Typed = Annotated[str | None, BeforeValidator(_as_typed), _AS_TEXT]
Names = Annotated[tuple[str, ...], BeforeValidator(_names), _AS_NAMES]
Milliseconds = Annotated[int | None, BeforeValidator(_number(parse_milliseconds)), _AS_NUMBER]
Duration = Annotated[int | None, BeforeValidator(_number(parse_duration)), _AS_NUMBER]
Year = Annotated[int | None, BeforeValidator(_number(parse_year)), _AS_NUMBER]


class RecordingQuestion(BaseModel):
    """A recording as a catalogue would describe it; what is left out or null is missing."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sr_id: Annotated[Text, Field(description="Repeated in the answer, and nothing else")] = None
    title: Text = None
    artists: Annotated[Names, Field(description='A list, or names with "|" between them')] = ()
    isrcs: Names = ()
    contributors: Names = ()
    album: Text = None
    duration_ms: Milliseconds = None
    duration: Annotated[Duration, Field(description='As a catalogue may write it: 258, 258000, "04:18"')] = None
    release_year: Year = None
    year: Year = None
    label: Text = None
    language: Text = None
    k: Annotated[int | None, Field(ge=1, le=MOST_CANDIDATES, strict=True, description="As in the query string")] = None

    def recording(self) -> Recording:
        """Put it into the form that everything downstream works on.

        Returns
        -------
        Recording
            Without an id.
        """
        return Recording(
            sr_id="",
            title=self.title,
            artists=self.artists,
            isrcs=self.isrcs,
            contributors=self.contributors,
            album=self.album,
            duration_ms=self.duration_ms or self.duration,
            release_year=self.release_year or self.year,
            label=self.label,
            language=self.language,
        )


class PairsQuestion(BaseModel):
    """Pairs to be judged; a bad one is answered with its error and does not spoil the others."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    pairs: Annotated[
        list[object],
        Field(max_length=MOST_PAIRS, description=EXPECTED["pairs"]),
        WithJsonSchema({"type": "array", "maxItems": MOST_PAIRS, "items": _PAIR}),
    ]
