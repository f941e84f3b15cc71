"""What the classifier learns from: pairs as features, each pair in several views."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file, save

from catalog.errors import DamagedArtefactError
from catalog.recording import Recording
from embeddings.encoder import Encoder
from index.exact import pair_cosines
from matching.features import NAMES, Features, pair_features
from matching.rarity import Rarity
from training.pairs import LabelledPairs
from training.views import AS_IT_IS, VIEWS, in_view

logger = logging.getLogger(__name__)

# Of the pairs, in each view other than the catalogue's own: enough to learn what missing columns mean.
_SHARE = 0.25
_NAMES = "|".join(NAMES)
_BATCH = 8_192


@dataclass(frozen=True, eq=False)
class Lessons:
    """Labelled pairs as features.

    Attributes
    ----------
    features : numpy.ndarray
        Shape (n, n_features), float32, columns as `matching.features.NAMES`.
    valid : numpy.ndarray
        Shape (n,), bool.
    positions : numpy.ndarray
        Shape (n,), float64, in [0, 1); all lessons of one pair, and of pairs linked to it, share theirs.
    as_it_is : numpy.ndarray
        Shape (n,), bool; whether the pair is seen as its own catalogue holds it.
    """

    features: Features
    valid: npt.NDArray[np.bool_]
    positions: npt.NDArray[np.float64]
    as_it_is: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.valid)

    def __add__(self, other: Lessons) -> Lessons:
        return _joined((self, other))

    def take(self, rows: npt.NDArray[np.bool_]) -> Lessons:
        """Keep some of the lessons.

        Parameters
        ----------
        rows : numpy.ndarray
            Shape (n,), bool.

        Returns
        -------
        Lessons
            Those.
        """
        return Lessons(self.features[rows], self.valid[rows], self.positions[rows], self.as_it_is[rows])

    def every(self, step: int) -> Lessons:
        """Keep every so-manieth lesson.

        Parameters
        ----------
        step : int
            At least 1, which keeps all.

        Returns
        -------
        Lessons
            Those.
        """
        return self.take(np.arange(len(self)) % step == 0)

    def columns(self, names: Sequence[str]) -> Lessons:
        """Keep some of the features.

        Parameters
        ----------
        names : sequence of str
            Their names.

        Returns
        -------
        Lessons
            All rows, these columns.
        """
        return replace(self, features=self.features[:, [NAMES.index(name) for name in names]])

    def save(self, path: Path) -> None:
        """Write the lessons.

        Parameters
        ----------
        path : Path
            File in a folder that is not published yet.
        """
        flags = {"valid": self.valid, "as_it_is": self.as_it_is}
        # The library writes the bytes as they lie in memory, whatever the order of the axes.
        features = np.ascontiguousarray(self.features)
        arrays: dict[str, npt.NDArray[np.generic]] = {"features": features, "positions": self.positions, **flags}
        path.write_bytes(save(arrays, {"names": _NAMES}))

    @classmethod
    def load(cls, path: Path) -> Lessons:
        """Read what `save` wrote.

        Parameters
        ----------
        path : Path
            The file.

        Returns
        -------
        Lessons
            The same.

        Raises
        ------
        DamagedArtefactError
            If it is no such file, or of other features than this version of onemaster computes.
        """
        try:
            with safe_open(path, "numpy") as stream:
                names = (stream.metadata() or {}).get("names")
            lessons = cls(**load_file(path))
        except (OSError, TypeError, SafetensorError) as error:
            raise DamagedArtefactError(f"expected lessons in {path}, got: {error!r}: run onemaster train") from error
        flags = (lessons.valid, lessons.positions, lessons.as_it_is)
        shapes = {flag.shape for flag in flags} | {lessons.features.shape[:1]}
        if names != _NAMES or len(shapes) > 1 or lessons.features.shape[1:] != (len(NAMES),):
            raise DamagedArtefactError(
                f"expected lessons of the {len(NAMES)} features of this version in {path}, got "
                f"{lessons.features.shape}: run onemaster train"
            )
        return lessons


def lessons_of(pairs: LabelledPairs, positions: npt.NDArray[np.float64], encoder: Encoder, rarity: Rarity) -> Lessons:
    """Turn labelled pairs into lessons.

    Parameters
    ----------
    pairs : LabelledPairs
        To learn from.
    positions : numpy.ndarray
        Shape (n_pairs,), float64, from `splits`.
    encoder : Encoder
        For the cosines.
    rarity : Rarity
        Of the catalogue's words.

    Returns
    -------
    Lessons
        Every pair as it is, and a quarter of them in each other view.
    """
    parts = []
    for view in VIEWS:
        chosen = [in_view(view, q.sr_id, m.sr_id, _SHARE) for q, m in zip(pairs.q, pairs.m, strict=True)]
        rows = np.flatnonzero(chosen)
        seen = pairs.take(rows)
        changed = replace(seen, q=list(map(view.change, seen.q)), m=list(map(view.change, seen.m)))
        features = labelled_features(changed, encoder, rarity)
        parts.append(Lessons(features, seen.valid, positions[rows], np.full(len(rows), view.name == AS_IT_IS)))
    lessons = _joined(parts)
    logger.info("%d pairs give %d lessons", len(pairs), len(lessons))
    return lessons


def _joined(parts: Sequence[Lessons]) -> Lessons:
    names = ("features", "valid", "positions", "as_it_is")
    return Lessons(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def labelled_features(pairs: LabelledPairs, encoder: Encoder, rarity: Rarity) -> Features:
    """Compute the features of labelled pairs as the service will: cosines from float16 vectors.

    Parameters
    ----------
    pairs : LabelledPairs
        n_pairs pairs.
    encoder : Encoder
        For the cosines.
    rarity : Rarity
        Of the catalogue's words.

    Returns
    -------
    numpy.ndarray
        Shape (n_pairs, n_features), float32, columns as `matching.features.NAMES`.
    """
    parts = [np.zeros((0, len(NAMES)), dtype=np.float32)]
    for start in range(0, len(pairs), _BATCH):
        q, m = pairs.q[start : start + _BATCH], pairs.m[start : start + _BATCH]
        parts.append(pair_features(q, m, _cosines(encoder, q, m), rarity))
    return np.concatenate(parts)


def _cosines(encoder: Encoder, q: Sequence[Recording], m: Sequence[Recording]) -> npt.NDArray[np.float32]:
    return pair_cosines(encoder.encode(q).astype(np.float16), encoder.encode(m).astype(np.float16))
