"""The cluster that the last de-duplication put a recording in."""

from __future__ import annotations

from fastapi import APIRouter, Depends

from catalog.clusters import find_cluster
from catalog.errors import MissingArtefactError, UnknownRecordingError
from service.errors import NOT_READY, UNKNOWN_RECORDING, WRONG_PARAMETER
from service.parameters import QuerySrId, each_parameter_once
from service.schemas import ClusterAnswer
from service.state import FolderInUse, MatcherInCharge

router = APIRouter(tags=["clusters"])


@router.get(
    "/clusters",
    responses={**UNKNOWN_RECORDING, **WRONG_PARAMETER, **NOT_READY},
    dependencies=[Depends(each_parameter_once)],
)
def cluster(sr_id: QuerySrId, matcher: MatcherInCharge, folder: FolderInUse) -> ClusterAnswer:
    """Name the cluster that the last de-duplication put a recording in, and what is still there of it."""
    if sr_id in matcher.recordings.unknown([sr_id]):
        raise UnknownRecordingError(sr_id)
    try:
        found = find_cluster(folder.clusters, sr_id)
    except UnknownRecordingError as error:
        raise MissingArtefactError(
            f"the last de-duplication has not seen {sr_id!r}: run onemaster dedupe --data {folder.root}"
        ) from error
    gone = matcher.recordings.unknown(found.members)
    members = tuple(member for member in found.members if member not in gone)
    return ClusterAnswer(
        sr_id=sr_id,
        cluster_id=found.cluster_id,
        representative=members[0] if found.representative in gone else found.representative,
        members=members,
    )
