"""The one path from two recordings to a decision; service, command line and batch all take it.

ids -> recordings (catalogue) and cosine (index) -> pair features -> match probability -> valid or invalid
"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

from catalog.artefacts import current_version
from catalog.errors import MismatchedArtefactError, MissingArtefactError, UnknownRecordingError
from catalog.paths import DataFolder
from catalog.recording import Recording
from catalog.store import Catalog
from index.live import LiveIndex
from index.proposals import propose
from index.snapshot import Snapshot
from matching.classifier import INVALID, VALID, PairClassifier
from matching.features import Features
from matching.model import Model, model_with_encoder

logger = logging.getLogger(__name__)

BIAS = "bias"
# Candidates are ranked by probability out of at least this many nearest neighbours: a true duplicate that is written
# very differently is often not among the first few.
_POOL = 50


@dataclass(frozen=True)
class Decision:
    """What was decided on a pair, and why.

    Attributes
    ----------
    q, m : Recording
        Query and candidate.
    features : dict
        Name to value; ``None`` is missing.
    contributions : dict
        Feature name, or ``bias``, to what it adds to the log-odds of a match. They sum to them, but for a recording
        paired with itself, whose match probability is 1 without being judged.
    match_probability : float
        Calibrated, 0 to 1.
    decided : str
        ``valid`` (the same master) or ``invalid``.
    needs_review : bool
        Whether the probability lies where a person should look.
    source : str or None
        Where a candidate comes from, see `index.proposals`; ``None`` for a pair that was asked for.
    """

    q: Recording
    m: Recording
    features: dict[str, float | None]
    contributions: dict[str, float]
    match_probability: float
    decided: str
    needs_review: bool
    source: str | None = None


class Matcher:
    """Judges pairs of recordings and proposes the nearest duplicates.

    Parameters
    ----------
    catalog : Catalog
        Where recordings are looked up.
    snapshot : LiveIndex
        Their vectors and neighbours; built from this catalogue, and brought up to its present state.
    model : Model
        With the encoder that the snapshot was built with.
    """

    def __init__(self, catalog: Catalog, snapshot: LiveIndex, model: Model) -> None:
        self.catalog = catalog
        self.snapshot = snapshot
        self.model = model

    @classmethod
    def open(cls, folder: DataFolder) -> Matcher:
        """Open the published index, its catalogue and the model that fits them.

        Parameters
        ----------
        folder : DataFolder
            Where they stand.

        Returns
        -------
        Matcher
            Every part checked against the others.

        Raises
        ------
        MissingArtefactError
            If there is no catalogue, or no index is published yet.
        MismatchedArtefactError
            If the catalogue changed since the index was built or refreshed, or no model fits the index.
        DamagedArtefactError
            If a published file is absent or altered.
        CatalogError
            If the catalogue cannot be used.
        """
        if not folder.catalog.exists():
            raise MissingArtefactError(
                f"expected a catalogue in {folder.catalog}, found none: check the path, or run onemaster import FILE "
                f"--data {folder.root}"
            )
        try:
            snapshot = Snapshot.load(current_version(folder.index))
        except MissingArtefactError as error:
            raise MissingArtefactError(f"{error}: run onemaster rebuild --data {folder.root}") from error
        model = model_with_encoder(
            folder.models, str(snapshot.manifest.get("encoder_digest")), built_with=str(snapshot.manifest.get("model"))
        )
        with ExitStack() as on_failure:
            catalog = on_failure.enter_context(Catalog.open(folder.catalog, folder.copies))
            found, expected = catalog.digest(), snapshot.manifest.get("catalog_digest")
            index = LiveIndex.open(snapshot, folder.index, found)
            if index is None:
                raise MismatchedArtefactError(
                    f"the index {snapshot.version} was built from another state of {folder.catalog}: expected digest "
                    f"{expected}, found {found}, and no delta for it: run onemaster refresh --data {folder.root}"
                )
            on_failure.pop_all()
        return cls(catalog, index, model)

    def close(self) -> None:
        """Close the catalogue."""
        self.catalog.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def classify(self, q_sr_id: str, m_sr_id: str) -> Decision:
        """Judge one pair.

        Parameters
        ----------
        q_sr_id : str
            Id of the query.
        m_sr_id : str
            Id of the candidate; swapping them changes nothing.

        Returns
        -------
        Decision
            A recording and itself are always valid.

        Raises
        ------
        UnknownRecordingError
            If the catalogue does not hold one of them.
        """
        return self.classify_many([(q_sr_id, m_sr_id)])[0]

    def classify_many(self, pairs: Sequence[tuple[str, str]]) -> list[Decision]:
        """Judge many pairs at once.

        Parameters
        ----------
        pairs : sequence of (str, str)
            Ids of queries and candidates.

        Returns
        -------
        list of Decision
            In the order of `pairs`, the same as one by one.

        Raises
        ------
        UnknownRecordingError
            For the first id that the catalogue does not hold.
        """
        q = self._recordings([q_sr_id for q_sr_id, _ in pairs])
        m = self._recordings([m_sr_id for _, m_sr_id in pairs])
        q_rows = self.snapshot.rows_of([recording.sr_id for recording in q])
        m_rows = self.snapshot.rows_of([recording.sr_id for recording in m])
        cosines = self.snapshot.cosines(q_rows, m_rows)
        return decide(self.model.classifier, q, m, self.model.features(q, m, cosines))

    def candidates(self, sr_id: str, k: int = 10) -> list[Decision]:
        """Propose the likeliest duplicates of a recording.

        Parameters
        ----------
        sr_id : str
            Id of the query.
        k : int
            How many, at least 1.

        Returns
        -------
        list of Decision
            At most k pairs of the query (as q) with its neighbours and with those that have an ISRC in common, most
            probable first, equal ones by cosine. Empty if the recording has neither text nor code to be found by.

        Raises
        ------
        UnknownRecordingError
            If the catalogue does not hold it.
        """
        query = self.catalog.get(sr_id)
        proposed = propose(self.snapshot, query, max(k, _POOL))
        candidates = self._recordings(self.snapshot.ids_of(proposed.rows))
        queries = [query] * len(candidates)
        features = self.model.features(queries, candidates, proposed.cosines)
        decisions = [
            replace(decision, source=source)
            for decision, source in zip(
                decide(self.model.classifier, queries, candidates, features), proposed.sources, strict=True
            )
        ]
        # The proposals come nearest first and the sort is stable.
        return sorted(decisions, key=lambda decision: -decision.match_probability)[:k]

    def _recordings(self, sr_ids: Sequence[str]) -> list[Recording]:
        recordings = self.catalog.get_many(sr_ids)
        for sr_id, recording in zip(sr_ids, recordings, strict=True):
            if recording is None:
                raise UnknownRecordingError(sr_id)
        return [recording for recording in recordings if recording is not None]


def decide(
    classifier: PairClassifier, q: Sequence[Recording], m: Sequence[Recording], features: Features
) -> list[Decision]:
    """Turn the features of pairs into decisions.

    Parameters
    ----------
    classifier : PairClassifier
        That judges.
    q : sequence of Recording
        Queries, n_pairs long.
    m : sequence of Recording
        Candidates, n_pairs long.
    features : numpy.ndarray
        Shape (n_pairs, n_features), from `Model.features`.

    Returns
    -------
    list of Decision
        One per pair.
    """
    contributions = classifier.contributions(features)
    probabilities = classifier.match_probabilities(features)
    return [
        _decision(classifier, pair, values, parts, float(match_probability))
        for pair, values, parts, match_probability in zip(
            zip(q, m, strict=True), features.tolist(), contributions.tolist(), probabilities, strict=True
        )
    ]


def _decision(
    classifier: PairClassifier,
    pair: tuple[Recording, Recording],
    values: list[float],
    parts: list[float],
    match_probability: float,
) -> Decision:
    q, m = pair
    # Whether a recording is itself is no question of likeness.
    match_probability = 1.0 if q.sr_id == m.sr_id else match_probability
    return Decision(
        q=q,
        m=m,
        features={
            name: None if math.isnan(value) else value for name, value in zip(classifier.features, values, strict=True)
        },
        contributions=dict(zip((*classifier.features, BIAS), parts, strict=True)),
        match_probability=match_probability,
        decided=VALID if match_probability >= classifier.threshold else INVALID,
        needs_review=classifier.review_low < match_probability < classifier.review_high,
    )
