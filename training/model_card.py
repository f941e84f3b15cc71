"""The model card: what a model is for, how good it is, and what it is not for, in words (Mitchell et al. 2019)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

MODEL_CARD_FILE = "MODEL_CARD.md"
_SHOWN, _FEWEST = 10, 10


def write_model_card(path: Path, card: Mapping[str, object]) -> None:
    """Write the card in words.

    Parameters
    ----------
    path : Path
        Markdown file in a folder that is not published yet.
    card : mapping
        Content of model.json.
    """
    environment = Environment(
        loader=PackageLoader("training", "."),
        autoescape=False,  # noqa: S701 - Markdown of our own figures and of names of phenomena
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    phenomena = card["phenomena"]
    often = [each for each in phenomena if each["n_pairs"] >= _FEWEST] if isinstance(phenomena, list) else []
    hardest = sorted(often, key=lambda each: each["onemaster"]["right"]["value"])[:_SHOWN]
    text = environment.get_template("model_card.md.j2").render(card=card, hardest=hardest)
    path.write_text(text, encoding="utf-8")
