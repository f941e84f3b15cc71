"""The one path from two recordings to a decision; service, command line and batch all take it.

ids -> recordings (catalogue) and cosine (index) -> pair features -> match probability -> valid or invalid
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import cached_property
from types import TracebackType
from typing import Self

import numpy as np

from catalog.artefacts import current_version
from catalog.errors import MissingArtefactError, StaleIndexError
from catalog.paths import DataFolder
from catalog.recording import Recording
from catalog.store import Catalog
from embeddings.encoder import Encoder
from index.live import LiveIndex
from index.proposals import Proposals, propose, propose_by
from index.snapshot import Snapshot
from matching.baseline import baseline_features
from matching.columns import Integers
from matching.decision import Candidate, Decision, Judged, decide, rank
from matching.features import Features, features_of
from matching.kept import Kept, KeptRecordings
from matching.model import BASELINE, SIAMESE, Model, model_with_encoder
from matching.pairs import Pairs
from matching.table import RecordingTable

logger = logging.getLogger(__name__)

# Candidates are ranked by probability out of at least this many nearest neighbours: a true duplicate that is written
# very differently is often not among the first few. More find hardly more: docs/decisions/0021.
_POOL = 32
_NOT_STORED = ""  # as no id of a catalogue is


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

    Attributes
    ----------
    recordings : KeptRecordings
        Those that were asked about.
    """

    def __init__(self, catalog: Catalog, snapshot: LiveIndex, model: Model) -> None:
        self.catalog = catalog
        self.snapshot = snapshot
        self.model = model
        self.recordings = KeptRecordings(catalog, snapshot, model.rarity)

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
        StaleIndexError
            If the catalogue changed since the index was built or refreshed.
        MismatchedArtefactError
            If no model fits the index.
        DamagedArtefactError
            If a published file is absent or altered.
        CatalogError
            If the catalogue cannot be used.
        """
        folder.existing_catalog()
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
                raise StaleIndexError(
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

    def classify(self, q_sr_id: str, m_sr_id: str, by: str = SIAMESE) -> Decision:
        """Judge one pair.

        Parameters
        ----------
        q_sr_id : str
            Id of the query.
        m_sr_id : str
            Id of the candidate; swapping them changes nothing.
        by : str
            As for `classify_many`.

        Returns
        -------
        Decision
            A recording and itself are always valid.
        """
        return self.classify_many([(q_sr_id, m_sr_id)], by)[0]

    def classify_many(self, pairs: Sequence[tuple[str, str]], by: str = SIAMESE) -> list[Decision]:
        """Judge many pairs at once.

        Parameters
        ----------
        pairs : sequence of (str, str)
            Ids of queries and candidates.
        by : str
            `matching.model.SIAMESE`, or `matching.model.BASELINE` for the classifier that it is compared with.

        Returns
        -------
        list of Decision
            In the order of `pairs`, the same as one by one.

        Raises
        ------
        UnknownRecordingError
            For the first id that the catalogue does not hold.
        """
        return self.explain(self.judge(pairs, by))

    def judge(self, pairs: Sequence[tuple[str, str]], by: str = SIAMESE) -> Judged:
        """Judge many pairs without explaining it.

        Parameters
        ----------
        pairs : sequence of (str, str)
            Ids of queries and candidates.
        by : str
            As for `classify_many`.

        Returns
        -------
        Judged
            The same match probabilities as of `classify_many`.
        """
        q, m = self._sides(pairs)
        classifier = self.model.judge(by)
        probabilities = classifier.match_probabilities(self._features(q, m, by, classifier.looked_at))
        probabilities[q.index_rows == m.index_rows] = 1.0
        return Judged(pairs, by, probabilities)

    def features(self, pairs: Sequence[tuple[str, str]], by: str = SIAMESE) -> Features:
        """Compute what is known of pairs.

        Parameters
        ----------
        pairs : sequence of (str, str)
            Ids of queries and candidates.
        by : str
            As for `classify_many`.

        Returns
        -------
        numpy.ndarray
            Shape (n_pairs, n_features), float32, columns as the classifier's features, needed or not.
        """
        return self._features(*self._sides(pairs), by)

    def explain(self, judged: Judged) -> list[Decision]:
        """Say why pairs were judged as they were.

        Parameters
        ----------
        judged : Judged
            By this matcher.

        Returns
        -------
        list of Decision
            One for each pair.
        """
        q, m = self._sides(judged.pairs)
        features = self._features(q, m, judged.by)
        return decide(self.model.judge(judged.by), q.recordings(), m.recordings(), features)

    def candidates(self, sr_id: str, k: int = 10) -> list[Candidate]:
        """Propose the likeliest duplicates of a recording.

        Parameters
        ----------
        sr_id : str
            Id of the query.
        k : int
            How many, at least 1.

        Returns
        -------
        list of Candidate
            At most k of its neighbours and of those that have an ISRC in common, most probable first, equal ones by
            cosine. Empty if the recording has neither text nor code to be found by.

        Raises
        ------
        UnknownRecordingError
            If the catalogue does not hold it.
        """
        query = self.recordings.take([sr_id]).recordings()[0]
        proposed = propose(self.snapshot, query, max(k, _POOL))
        both = self.recordings.take([sr_id, *self.snapshot.ids_of(proposed.rows)])
        return self._ranked(both.table, both.rows, proposed, k)

    def candidates_of(self, query: Recording, k: int = 10) -> list[Candidate]:
        """Propose the likeliest duplicates of a recording that the catalogue does not hold.

        Parameters
        ----------
        query : Recording
            Its id does not matter. The encoder is loaded for the first one.
        k : int
            How many, at least 1.

        Returns
        -------
        list of Candidate
            As of `candidates`.
        """
        query = replace(query, sr_id=_NOT_STORED)
        vector = self.encoder.encode([query]).astype(np.float16)
        proposed = propose_by(self.snapshot, query, vector, max(k, _POOL))
        candidates = self.recordings.take(self.snapshot.ids_of(proposed.rows)).recordings()
        table = RecordingTable([query, *candidates], self.model.rarity)
        return self._ranked(table, np.arange(len(table)), proposed, k)

    @cached_property
    def encoder(self) -> Encoder:
        """What the index was built with."""
        return Encoder.load(self.model.encoder_folder)

    @property
    def encoder_is_loaded(self) -> bool:
        """Whether somebody asked for candidates of a recording that is not stored."""
        return "encoder" in vars(self)

    def _ranked(self, table: RecordingTable, rows: Integers, proposed: Proposals, k: int) -> list[Candidate]:
        """Judge the first of some rows beside each of the others, and give the best."""
        pairs = Pairs(table, rows[:1].repeat(len(rows) - 1), rows[1:], proposed.cosines)
        classifier = self.model.classifier
        probabilities = classifier.match_probabilities(features_of(pairs, classifier.features, classifier.looked_at))
        return rank(classifier, lambda place: table.rows[rows[1 + place]].recording, proposed, probabilities, k)

    def _features(self, q: Kept, m: Kept, by: str, needed: Collection[str] | None = None) -> Features:
        if by == BASELINE:
            return baseline_features(q.recordings(), m.recordings())
        cosines = self.snapshot.cosines(q.index_rows, m.index_rows)
        return features_of(Pairs(q.table, q.rows, m.rows, cosines), self.model.classifier.features, needed)

    def _sides(self, pairs: Sequence[tuple[str, str]]) -> tuple[Kept, Kept]:
        both = self.recordings.take([sr_id for pair in pairs for sr_id in pair])
        return both.every_second(0), both.every_second(1)
