"""The default encoder as a module of a SentenceTransformer: to be opened and fine-tuned as any other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import torch
from sentence_transformers.base.modules.input_module import InputModule

from embeddings.hashing import Trigrams, buckets_of, rows_of


class HashedTrigrams(InputModule):
    """What `Trigrams` compute, in torch, so that the weights can be learnt.

    Parameters
    ----------
    trigrams : Trigrams
        To start from.
    """

    def __init__(self, trigrams: Trigrams) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.dimension = trigrams.dimension
        self.seed = trigrams.seed
        self.weights = torch.nn.Parameter(torch.from_numpy(trigrams.weights.copy()), requires_grad=False)
        signs = torch.from_numpy(trigrams.signs)
        self.projection = torch.nn.EmbeddingBag.from_pretrained(signs, mode="sum", include_last_offset=False)

    @property
    def trigrams(self) -> Trigrams:
        """The arithmetic with the present weights, which may have been learnt."""
        return Trigrams(self.weights.detach().cpu().numpy(), self.dimension, self.seed)

    def preprocess(  # type: ignore[override]  # texts only
        self, inputs: Sequence[str], prompt: str | None = None, **_: object
    ) -> dict[str, torch.Tensor]:
        """Turn texts into buckets.

        Parameters
        ----------
        inputs : sequence of str
            Texts of any length, empty ones included.
        prompt : str, optional
            Put in front of every text, as in every SentenceTransformer.

        Returns
        -------
        dict
            ``input_ids`` (n_found,) int64 and ``strengths`` (n_found,) float32 as in `embeddings.hashing.Found`, and
            ``offsets`` (n_texts,) int64, where each text's begin.
        """
        found = buckets_of([prompt + text for text in inputs] if prompt else list(inputs))
        lengths = torch.from_numpy(found.lengths)
        return {
            "input_ids": torch.from_numpy(found.buckets),
            "strengths": torch.from_numpy(found.strengths),
            "offsets": torch.cumsum(lengths, 0) - lengths,
        }

    def forward(self, features: dict[str, torch.Tensor], **_: object) -> dict[str, torch.Tensor]:
        """Sum the weighted rows of each text's buckets.

        Parameters
        ----------
        features : dict
            As `preprocess` gives it.

        Returns
        -------
        dict
            With ``sentence_embedding`` (n_texts, dimension) float32 added; a text without trigrams gets zeros.
        """
        buckets = features["input_ids"]
        weights = self.weights[buckets] * features["strengths"]
        rows = torch.from_numpy(rows_of(buckets.cpu().numpy())).to(buckets.device)
        features["sentence_embedding"] = self.projection(rows, features["offsets"], per_sample_weights=weights)
        return features

    def get_embedding_dimension(self) -> int:
        """Tell the length of the vectors.

        Returns
        -------
        int
            The dimension.
        """
        return self.dimension

    def save(self, output_path: str, *_: object, **__: object) -> None:
        """Write what `load` reads.

        Parameters
        ----------
        output_path : str
            A folder.
        """
        self.trigrams.save(Path(output_path))

    @classmethod
    def load(cls, model_name_or_path: str, **_: object) -> Self:  # type: ignore[override]  # always local
        """Read what `save` wrote.

        Parameters
        ----------
        model_name_or_path : str
            The folder; always local.

        Returns
        -------
        HashedTrigrams
            Giving the same vectors as the saved one.

        Raises
        ------
        DamagedArtefactError
            If a file cannot be read or does not fit this version of onemaster.
        """
        return cls(Trigrams.load(Path(model_name_or_path)))
