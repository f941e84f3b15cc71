"""Contrastive fine-tuning of an encoder on labelled pairs, with the trainer of sentence-transformers."""

from __future__ import annotations

import copy
import logging
import tempfile
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from sentence_transformers import SentenceTransformerTrainer, SentenceTransformerTrainingArguments
from sentence_transformers.base.sampler import DefaultBatchSampler
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss
from torch.utils.data import SequentialSampler
from tqdm import tqdm
from transformers import PrinterCallback, TrainerCallback

from embeddings.encoder import Encoder
from embeddings.text import recording_text
from embeddings.transformers import text_encoder
from embeddings.trigrams import HashedTrigrams
from training.pairs import LabelledPairs
from training.triples import Triples, triples_of

if TYPE_CHECKING:
    from datasets import Dataset
    from sentence_transformers import SentenceTransformer
    from transformers import TrainerState

logger = logging.getLogger(__name__)

FINETUNED = ", fine-tuned on labelled pairs"
_SCALE = 20.0  # of cosines in the loss: the library's own
_REPORTS = 10


@dataclass(frozen=True)
class Course:
    """How an encoder is fine-tuned.

    Attributes
    ----------
    epochs : int
        Times that the triples are gone through, in another order each time.
    most : int
        Triples of an epoch at most, which bounds the time.
    batch : int
        Triples to a step; each one's recordings are negatives of all others.
    learning_rate : float
        Largest step of Adam; it rises over the first tenth and then falls to 0.
    """

    epochs: int
    most: int
    batch: int
    learning_rate: float


# Minutes on two cores. Weights of trigrams are about 2 and each is seen seldom, so they take large steps.
_OWN = Course(epochs=4, most=20_000, batch=256, learning_rate=0.02)
_OTHER = Course(epochs=1, most=4_000, batch=32, learning_rate=2e-5)


def finetune(encoder: Encoder, pairs: LabelledPairs, seed: int, course: Course | None = None) -> Encoder:
    """Teach a copy of an encoder that valid pairs are near and invalid ones far.

    The loss is that of multiple negatives (Henderson et al. 2017): among all positives and negatives of a batch, each
    anchor has to find its own positive. The default encoder learns the weights of its trigrams, any other all of its
    parameters.

    Parameters
    ----------
    encoder : Encoder
        Any; it stays as it is.
    pairs : LabelledPairs
        To learn from, and from nothing else.
    seed : int
        Of the order of the triples and of dropout; the same seed gives the same encoder on the same machine.
    course : Course, optional
        How; by default minutes on two cores.

    Returns
    -------
    Encoder
        Without a digest until it is saved. Equal to the given one if no triple can be made of the pairs.
    """
    began = time.monotonic()
    model = copy.deepcopy(encoder.model)
    own = model[0] if isinstance(model[0], HashedTrigrams) else None
    course = course or (_OWN if own else _OTHER)
    triples = triples_of(pairs, encoder)
    if len(triples):
        if own:
            own.weights.requires_grad_(True)
        else:
            model.float()
        _train(model, _dataset(triples, course, seed), course, seed)
        if own:
            own.weights.requires_grad_(False)
        model.eval()
    logger.info("fine-tuned on %d triples in %.1f s", len(triples), time.monotonic() - began)
    return Encoder(text_encoder(model), encoder.source + FINETUNED)


def _dataset(triples: Triples, course: Course, seed: int) -> Dataset:
    from datasets import Dataset  # noqa: PLC0415 - only who fine-tunes waits for it

    texts = [recording_text(recording) for recording in triples.recordings]
    order = [row for epoch in range(course.epochs) for row in triples.in_rounds(seed + epoch, course.most)]
    columns = {"anchor": triples.anchors, "positive": triples.positives, "negative": triples.negatives}
    return Dataset.from_dict({name: [texts[place] for place in rows[order]] for name, rows in columns.items()})


def _train(model: SentenceTransformer, dataset: Dataset, course: Course, seed: int) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        arguments = SentenceTransformerTrainingArguments(
            output_dir=scratch,
            num_train_epochs=1,  # the dataset holds all of them, each in its own order
            per_device_train_batch_size=course.batch,
            learning_rate=course.learning_rate,
            warmup_steps=max(1, len(dataset) // course.batch // 10),
            batch_sampler=_in_order,
            seed=seed,
            use_cpu=True,
            dataloader_pin_memory=False,
            disable_tqdm=True,
            logging_strategy="no",
            save_strategy="no",
            report_to="none",
        )
        trainer = _Trainer(
            model=model,
            args=arguments,
            train_dataset=dataset,
            loss=MultipleNegativesRankingLoss(model, scale=_SCALE),
            callbacks=[_Progress()],
        )
        trainer.remove_callback(PrinterCallback)  # standard output belongs to the command line
        trainer.train()


def _in_order(dataset: Dataset, batch_size: int, drop_last: bool, **_: object) -> DefaultBatchSampler:
    return DefaultBatchSampler(SequentialSampler(dataset), batch_size, drop_last)


class _Trainer(SentenceTransformerTrainer):
    def add_model_card_callback(self, *_: object) -> None:
        """Leave the card out: it would copy texts of the catalogue into the model."""


class _Progress(TrainerCallback):
    def on_train_begin(self, *given: object, **_: object) -> None:
        self.steps = cast("TrainerState", given[1]).max_steps
        self.bar = tqdm(total=self.steps, desc="fine-tune", unit=" steps", disable=None)

    def on_step_end(self, *given: object, **_: object) -> None:
        self.bar.update()
        done = cast("TrainerState", given[1]).global_step
        if done % max(1, self.steps // _REPORTS) == 0:
            logger.info("fine-tuning: step %d of %d", done, self.steps)

    def on_train_end(self, *_: object, **__: object) -> None:
        self.bar.close()
