"""What the service is measured beside: an empty route of its own, and a plain service as they are usually written."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import numpy as np
import pandas as pd
from fastapi import FastAPI, HTTPException, Request, Response
from rapidfuzz import fuzz
from sklearn.ensemble import GradientBoostingClassifier
from starlette.routing import Route

from catalog.paths import DataFolder
from catalog.store import Catalog
from matching.baseline import BASELINE_FEATURES, baseline_features
from service.app import create_app
from training.pairs import read_groundtruth

_SCORERS = (
    fuzz.ratio,
    fuzz.partial_ratio,
    fuzz.token_sort_ratio,
    fuzz.token_set_ratio,
    fuzz.partial_token_sort_ratio,
    fuzz.partial_token_set_ratio,
)
_MOST_LEARNT = 5_000


def with_empty_route() -> FastAPI:
    """Make the service, with two routes that do nothing: ``/empty``, one of FastAPI, and ``/bare``, found as `GET /`.

    Returns
    -------
    FastAPI
        For ``uvicorn --factory``.
    """

    async def empty(request: Request) -> Response:  # noqa: ARG001 - what is asked does not matter
        return Response(b"{}", media_type="application/json")

    app = create_app()
    app.get("/empty")(empty)
    app.router.routes.insert(0, Route("/bare", empty))
    return app


def plain() -> FastAPI:
    """Make a service as they are usually written: a connection, a data frame and a prediction for every request.

    Returns
    -------
    FastAPI
        For ``uvicorn --factory``.
    """
    folder = DataFolder.at(Path(os.environ["ONEMASTER_DATA"]))
    classifier = _fitted(folder)
    app = FastAPI()

    @app.get("/")
    def classify(q_sr_id: str, m_sr_id: str) -> dict[str, str]:
        connection = sqlite3.connect(folder.catalog)
        rows = pd.read_sql_query(
            "SELECT * FROM soundrecording WHERE sr_id IN (?, ?)", connection, params=[q_sr_id, m_sr_id]
        ).set_index("sr_id")
        connection.close()
        if q_sr_id not in rows.index or m_sr_id not in rows.index:
            raise HTTPException(404, "unknown sr_id")
        q, m = rows.loc[q_sr_id].fillna(""), rows.loc[m_sr_id].fillna("")
        features = [
            scorer(str(q[field]), str(m[field])) / 100
            for field in ("title", "artists", "contributors")
            for scorer in _SCORERS
        ]
        features.append(float(bool(q["isrcs"]) and q["isrcs"] == m["isrcs"]))
        decided = classifier.predict(pd.DataFrame([features], columns=list(BASELINE_FEATURES)))
        return {"class": "valid" if decided[0] else "invalid"}

    return app


def _fitted(folder: DataFolder) -> GradientBoostingClassifier:
    with Catalog.open(folder.catalog, folder.copies) as catalog:
        pairs = read_groundtruth(folder.groundtruth, catalog)
    pairs = pairs.take(np.arange(min(len(pairs), _MOST_LEARNT)))
    features = pd.DataFrame(baseline_features(pairs.q, pairs.m), columns=list(BASELINE_FEATURES))
    model = GradientBoostingClassifier(n_estimators=300, max_depth=1, random_state=20)
    return model.fit(features, pairs.valid)
