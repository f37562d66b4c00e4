"""A plot drawn by matplotlib as SVG that stands within a page: the same bytes whenever it is drawn."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable
from html import escape
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

WIDTH = 5.6
"""Of a plot, in inches of 72 units: text of 10 units is then readable on a telephone as well."""

INK = "#010203"
"""What is drawn in it has the colour of the page's text, in the light and in the dark."""

_STYLE: dict[Any, Any] = {  # matplotlib's stubs want a literal for each key
    "axes.edgecolor": INK,
    "axes.facecolor": "none",
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.formatter.useoffset": False,
    "figure.facecolor": "none",
    "font.family": "DejaVu Sans",  # comes with matplotlib, so that no machine measures text otherwise
    "font.size": 10,
    "legend.frameon": False,
    "svg.fonttype": "none",
    "text.color": INK,
    "text.parse_math": False,  # names may hold dollars
    "xtick.color": INK,
    "ytick.color": INK,
}
_NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))


def draw_svg(draw: Callable[[Figure], None], name: str, label: str, height: float) -> str:
    """An `<svg>` element as wide as its place, without anything that is fetched from elsewhere.

    Args:
        draw: draws on an empty figure.
        name: no other plot's on the same page; the ids within the element depend on it.
        label: what there is to see, for those who do not see it.
        height: in inches.
    """
    with mpl.rc_context(_STYLE | {"svg.hashsalt": name}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # the reader's browser has its own fonts
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        draw(figure)
        file = io.StringIO()
        figure.savefig(file, format="svg", backend="svg", metadata=_NO_METADATA)
    return _within_a_page(file.getvalue(), label, height)


def _within_a_page(document: str, label: str, height: float) -> str:
    content = document[document.index(">", document.index("<svg ")) + 1 :]
    content = re.sub(r'<g id="[^"]*"', "<g", content)  # nothing refers to these, and another plot has the same
    content = re.sub(r"(fill|stroke): (#[0-9a-f]{6})", _in_the_pages_colour, content)
    size = f"0 0 {WIDTH * 72:g} {height * 72:g}"
    return f'<svg viewBox="{size}" role="img" aria-label="{escape(label)}">{content.rstrip()}'


def _in_the_pages_colour(style: re.Match[str]) -> str:
    """The page says what a colour is in the dark: `#0072b2` is its `--0072b2`, where it has that."""
    name, colour = style.groups()
    return f"{name}: currentColor" if colour == INK else f"{name}: var(--{colour[1:]}, {colour})"
