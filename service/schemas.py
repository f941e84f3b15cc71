"""What an answer looks like, for HTTP and for the command line's ``--json`` alike."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from catalog.versions import Marker, parse_markers
from matching.decision import Candidate, Decision
from matching.explain import reasons

Decided = Annotated[Literal["valid", "invalid"], Field(alias="class", description="valid: the same master")]
Probability = Annotated[float, Field(ge=0, le=1, description="Calibrated probability of being the same master")]
Similarity = Annotated[float | None, Field(ge=0, le=1, description="null where a side is missing")]
Cell = str | int | float | None
Cosine = Annotated[float | None, Field(ge=-1, le=1, description="null where a side has no text")]


class Answer(BaseModel):
    """Base of all answers; ``model_dump(mode="json", by_alias=True)`` gives what callers see."""

    model_config = ConfigDict(frozen=True, validate_by_name=True, validate_by_alias=True)


class ErrorAnswer(Answer):
    """Why there is no answer: what was expected, what came, what to do."""

    error: str


class UnknownRecordingAnswer(Answer):
    """The catalogue holds no recording with this id."""

    error: Literal["unknown sr_id"] = "unknown sr_id"
    sr_id: str


class ClassAnswer(Answer):
    """Whether two recordings are one master."""

    decided: Decided


class Features(Answer):
    """What the classifier saw of the pair: the five features of every model, and its others; null is missing."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, float | None]
    cosine: Cosine
    title: Similarity
    artists: Similarity
    contributors: Similarity
    isrc: Annotated[
        float | None, Field(description="1 for a common code, 0 for conflicting ones, null without well-formed ones")
    ]


class Contributions(Answer):
    """What each feature adds to the log-odds of a match; with the bias they sum to them."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, float]
    cosine: float
    title: float
    artists: float
    contributors: float
    isrc: float
    bias: float


class ReasonAnswer(Answer):
    """What one topic did to the log-odds of a match, in words."""

    words: Annotated[str, Field(description='For example "same ISRC" or "live against not live"')]
    log_odds: Annotated[float, Field(description="Positive speaks for a match")]


class MarkerAnswer(Answer):
    """A note of a title about its version."""

    type: Annotated[str, Field(description="For example live, remix, radio_edit, remaster")]
    text: Annotated[str, Field(description="The note as written")]


class VersionMarkers(Answer):
    """The version markers in the titles of both sides."""

    q: tuple[MarkerAnswer, ...]
    m: tuple[MarkerAnswer, ...]


class PairAnswer(Answer):
    """The decision on a pair, with all that explains it."""

    decided: Decided
    match_probability: Probability
    needs_review: Annotated[bool, Field(description="Whether a person should look")]
    features: Features
    contributions: Contributions
    reasons: Annotated[tuple[ReasonAnswer, ...], Field(description="By topic, the weightiest first")]
    version_markers: VersionMarkers
    model: Annotated[str, Field(description="Version of the model that judged")]


class JudgedPair(Answer):
    """A pair of many: the decision on it, or its error."""

    q_sr_id: str | None
    m_sr_id: str | None
    decided: Annotated[Literal["valid", "invalid"] | None, Field(alias="class")] = None
    match_probability: Probability | None = None
    needs_review: bool | None = None
    error: Annotated[str | None, Field(description="What was expected, and what came; then there is no decision")] = (
        None
    )


class PairsAnswer(Answer):
    """The decisions on many pairs, in the order in which they came."""

    pairs: tuple[JudgedPair, ...]
    model: Annotated[str, Field(description="Version of the model that judged")]


class CandidateAnswer(Answer):
    """A likely duplicate."""

    sr_id: str
    cosine: Cosine
    match_probability: Probability
    decided: Decided
    title: str | None
    artists: tuple[str, ...]
    isrcs: tuple[str, ...]
    source: Annotated[str, Field(description="Found by: vectors or keys, isrc, or both with + between them")]


class CandidatesAnswer(Answer):
    """The likeliest duplicates of a recording, most probable first."""

    sr_id: Annotated[str | None, Field(description="As asked; null for a recording that came without one")]
    candidates: tuple[CandidateAnswer, ...]


class ClusterAnswer(Answer):
    """The recordings that are one master with a given one, as of the last de-duplication."""

    sr_id: str
    cluster_id: Annotated[str, Field(description="Stays from run to run")]
    representative: Annotated[str, Field(description="The recording that stands for the cluster")]
    members: Annotated[tuple[str, ...], Field(description="All recordings of the cluster, this one among them")]


class LiveAnswer(Answer):
    """The process answers."""

    status: Literal["live"] = "live"
    uptime_seconds: float


class ReadyAnswer(Answer):
    """What is served."""

    status: Literal["ready"] = "ready"
    model: str
    index: str
    delta: Annotated[str | None, Field(description="What has changed since the index was built; null if nothing")]
    recordings: int
    encoder: Annotated[
        Literal["loaded", "not loaded"], Field(description="Only recordings that are not stored need it")
    ]
    refused: Annotated[
        str | None, Field(description="Why what was published last cannot be served; null if nothing is wrong with it")
    ]
    waiting: Annotated[
        str | None,
        Field(description="The model published last, if it has another encoder than the index: it waits for a rebuild"),
    ]
    shadow: Annotated[
        str | None, Field(description="Why no candidate judges in the background; null if one does, or none should")
    ]


class VersionAnswer(Answer):
    """Versions of everything that decides an answer; null where nothing is published yet."""

    onemaster: str
    model: str | None
    index: str | None
    delta: str | None
    python: str
    libraries: dict[str, str]


def pair_answer(decision: Decision, model: str) -> PairAnswer:
    """Say what was decided on a pair, and why.

    Parameters
    ----------
    decision : Decision
        On the pair.
    model : str
        Version of the model that judged.

    Returns
    -------
    PairAnswer
        The answer of ``GET /pairs``.
    """
    return PairAnswer.model_validate(
        {
            "class": decision.decided,
            "match_probability": decision.match_probability,
            "needs_review": decision.needs_review,
            "features": decision.features,
            "contributions": decision.contributions,
            "reasons": [{"words": each.words, "log_odds": each.log_odds} for each in reasons(decision)],
            "version_markers": {
                side: [_marker(marker) for marker in parse_markers(recording.title)]
                for side, recording in (("q", decision.q), ("m", decision.m))
            },
            "model": model,
        }
    )


def candidates_answer(sr_id: str | None, candidates: Sequence[Candidate]) -> CandidatesAnswer:
    """List the likeliest duplicates of a recording.

    Parameters
    ----------
    sr_id : str or None
        Id of the query.
    candidates : sequence of Candidate
        From `Matcher.candidates`.

    Returns
    -------
    CandidatesAnswer
        The answer of ``GET /candidates``, in their order.
    """
    listed = [
        {
            "sr_id": candidate.m.sr_id,
            "cosine": candidate.cosine,
            "match_probability": candidate.match_probability,
            "class": candidate.decided,
            "title": candidate.m.title,
            "artists": candidate.m.artists,
            "isrcs": candidate.m.isrcs,
            "source": candidate.source,
        }
        for candidate in candidates
    ]
    return CandidatesAnswer.model_validate({"sr_id": sr_id, "candidates": listed})


def recording_answer(row: Mapping[str, object]) -> dict[str, Cell]:
    """Write a stored row as JSON values.

    Parameters
    ----------
    row : mapping
        From `Catalog.row`.

    Returns
    -------
    dict
        Column to value. Infinite numbers, which SQLite stores and JSON does not know, come as text.
    """
    return {name: _cell(value) for name, value in row.items()}


def _cell(value: object) -> Cell:
    if value is None or isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return str(value)


def _marker(marker: Marker) -> dict[str, str]:
    return {"type": marker.type.value, "text": marker.text}
