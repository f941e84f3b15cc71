"""What the catalogue says of a recording."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.convertors import Convertor, register_url_convertor

from service.errors import NOT_READY, UNKNOWN_RECORDING, WRONG_PARAMETER
from service.parameters import PathSrId
from service.schemas import Cell, recording_answer
from service.state import MatcherInCharge

router = APIRouter(tags=["recordings"])


class _Anything(Convertor[str]):
    """An id may hold slashes and line breaks."""

    regex = r"[\s\S]*"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("anything", _Anything())


@router.get("/recordings/{sr_id:anything}", responses={**UNKNOWN_RECORDING, **WRONG_PARAMETER, **NOT_READY})
def recording(sr_id: PathSrId, matcher: MatcherInCharge) -> dict[str, Cell]:
    """Give the row of a recording as it is stored, column by column."""
    return recording_answer(matcher.catalog.row(sr_id))
