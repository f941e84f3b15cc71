"""The embedded sample: an invented catalogue, as hard as a real one, with its truth.

Word lists (`lexicon`) make artists and works (`people`, `works`), these the hidden masters (`versions`, `masters`,
`truth`); sources with habits (`sources`) write each of them down in their own ways (`writing`, `written_titles`,
`written_credits`, `written_codes`, `slips`); pairs of rows are proposed (`lookalikes`) and labelled (`labelling`).
`benchmarks/sample_realism.py` measures how close the result is to a real catalogue.
"""

from __future__ import annotations

from catalog.sample.book import LabelledPair
from catalog.sample.files import TRUTH_FILE, SampleReport, holds_its_pairs, write_sample
from catalog.sample.generating import Sample, generate
from catalog.sample.phenomena import INVALID_PHENOMENA, PHENOMENA, VALID_PHENOMENA

__all__ = [
    "INVALID_PHENOMENA",
    "PHENOMENA",
    "TRUTH_FILE",
    "VALID_PHENOMENA",
    "LabelledPair",
    "Sample",
    "SampleReport",
    "generate",
    "holds_its_pairs",
    "write_sample",
]
