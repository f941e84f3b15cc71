"""Drawing for the report: SVG inside the page, in its own colours, by light and by dark."""

from __future__ import annotations

import html
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from io import StringIO
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.typing import RcKeyType

# Colours that stand for those which the page's style sheet names, and for others where there is no style sheet.
INK, FAINT, OURS, BASELINE = "#010203", "#020304", "#030405", "#040506"
_NAMED = {
    INK: "var(--ink, #1a1a1a)",
    FAINT: "var(--faint, #c9c9c9)",
    OURS: "var(--onemaster, #0b5cad)",
    BASELINE: "var(--baseline, #b34700)",
}
_STYLE: dict[RcKeyType, Any] = {
    "svg.hashsalt": "onemaster",  # the same picture has the same ids
    "svg.fonttype": "none",  # texts stay texts: small, searchable, and in any script
    "text.parse_math": False,
    "text.color": INK,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "grid.color": FAINT,
    "grid.linewidth": 0.5,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "legend.framealpha": 0,
    "font.size": 9,
    "path.simplify_threshold": 0.3,
}
_NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))
_IDS = re.compile(r'(\bid="|url\(#|href="#)')


@dataclass(frozen=True)
class Picture:
    """A picture for the page.

    Attributes
    ----------
    svg : str
        An ``svg`` element that needs nothing; it takes the style sheet's colours where there is one.
    caption : str
        What stands below it.
    """

    svg: str
    caption: str


def draw(name: str, size: tuple[float, float], paint: Callable[[Figure], None], caption: str) -> Picture:
    """Draw a picture with the page's colours, and under ids that no other picture of the page has.

    Parameters
    ----------
    name : str
        In front of its ids.
    size : tuple of float
        Width and height in inches.
    paint : callable
        Fills the figure.
    caption : str
        What it shows; said aloud, too, to those who cannot see it.

    Returns
    -------
    Picture
        The same for the same content.
    """
    target = StringIO()
    with rc_context(_STYLE), warnings.catch_warnings():
        # The reader's browser has the letters that the font used for measuring lacks.
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
        figure = Figure(figsize=size)
        paint(figure)
        figure.tight_layout()
        figure.savefig(target, format="svg", transparent=True, metadata=_NO_METADATA)
    text = target.getvalue()
    text = _IDS.sub(rf"\g<1>{name}-", text[text.index("<svg") :])
    for colour, variable in _NAMED.items():
        text = text.replace(colour, variable)
    return Picture(text.replace("<svg", f'<svg role="img" aria-label="{html.escape(caption)}"', 1), caption)
