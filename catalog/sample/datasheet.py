"""The data sheet of a sample: what it is, how it was made and what it must not be taken for (Gebru et al. 2021)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from catalog.aside import write_aside
from catalog.sample.book import LabelledPair

DATASHEET_FILE = "DATASHEET.md"
_SHOWN = 12

_TEXT = Path(__file__).with_name("datasheet.txt")


def write_datasheet(path: Path, counts: dict[str, int], pairs: Sequence[LabelledPair]) -> None:
    """Write the data sheet of a sample.

    Parameters
    ----------
    path : Path
        Markdown file to replace.
    counts : dict
        ``records``, ``masters`` and ``seed``.
    pairs : sequence of LabelledPair
        All of them.
    """
    kinds = Counter((pair.phenomenon, pair.tag) for pair in pairs)
    rows = "\n".join(f"| {kind} ({tag}) | {count:,} |" for (kind, tag), count in kinds.most_common(_SHOWN))
    valid = sum(pair.tag == "valid" for pair in pairs)
    figures = {**counts, "pairs": len(pairs), "valid": valid, "kinds": len(kinds)}
    with write_aside(path) as aside:
        text = _TEXT.read_text(encoding="utf-8")
        aside.write_text(text.format(**figures, phenomena=rows), encoding="utf-8")
