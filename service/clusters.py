"""The cluster that the last de-duplication put a recording in."""

from __future__ import annotations

from fastapi import APIRouter, Depends

from catalog.clusters import find_cluster
from service.errors import NOT_READY, UNKNOWN_RECORDING, WRONG_PARAMETER
from service.parameters import QuerySrId, each_parameter_once
from service.schemas import ClusterAnswer
from service.state import FolderInUse

router = APIRouter(tags=["clusters"])


@router.get(
    "/clusters",
    responses={**UNKNOWN_RECORDING, **WRONG_PARAMETER, **NOT_READY},
    dependencies=[Depends(each_parameter_once)],
)
def cluster(sr_id: QuerySrId, folder: FolderInUse) -> ClusterAnswer:
    """Name the cluster of a recording, and all recordings in it."""
    found = find_cluster(folder.clusters, sr_id)
    return ClusterAnswer(
        sr_id=sr_id,
        cluster_id=found.cluster_id,
        representative=found.representative,
        members=tuple(found.members),
    )
