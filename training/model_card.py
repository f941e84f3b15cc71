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
    figures = card["figures"]
    mistakes = {name: _mistakes(each) for name, each in figures.items()} if isinstance(figures, dict) else {}
    text = environment.get_template("model_card.md.j2").render(card=card, hardest=hardest, mistakes=mistakes)
    path.write_text(text + "\n", encoding="utf-8")


def _mistakes(figures: Mapping[str, float]) -> dict[str, int]:
    """Count wrong decisions of both kinds from the shares that are kept of them."""
    wrong = round((1 - figures["accuracy"]) * figures["n_pairs"])
    kept_apart = round((1 - figures["recall"]) * figures["n_valid"]) if figures["n_valid"] else 0
    return {"merged": wrong - kept_apart, "kept_apart": kept_apart}
