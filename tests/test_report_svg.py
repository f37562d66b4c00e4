"""How a plot becomes an element of a page."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import matplotlib as mpl
import pytest
from matplotlib.figure import Figure

from producers.report.svg import draw_svg


def draw(figure: Figure) -> None:
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], "o", color="#0072b2")
    axes.set_title("a <b> & $x^2$ ポンプ")


def texts(svg: str) -> list[str]:
    root = ElementTree.fromstring(svg.replace("xlink:", ""))
    return ["".join(text.itertext()) for text in root.iter("text")]


def test_the_same_plot_is_the_same_bytes() -> None:
    assert draw_svg(draw, "one", "", 2) == draw_svg(draw, "one", "", 2)


def test_plots_of_different_names_share_no_id() -> None:
    ids = [set(re.findall(r' id="([^"]*)"', draw_svg(draw, name, "", 2))) for name in ("one", "two")]
    assert all(ids)
    assert ids[0].isdisjoint(ids[1])


def test_what_an_element_refers_to_is_within_it() -> None:
    svg = draw_svg(draw, "one", "", 2)
    references = re.findall(r'href="([^"]*)"|url\(([^)]*)\)', svg)
    assert {"".join(each) for each in references} <= {f"#{name}" for name in re.findall(r' id="([^"]*)"', svg)}
    assert "http" not in svg


def test_text_is_text_and_no_formula() -> None:
    assert "a <b> & $x^2$ ポンプ" in texts(draw_svg(draw, "one", "", 2))


def test_axes_and_text_have_the_colour_of_the_page_and_nothing_is_painted_behind_them() -> None:
    colours = set(re.findall(r"(?:fill|stroke): ([^;\"]*)", draw_svg(draw, "one", "", 2)))
    assert colours == {"none", "currentColor", "var(--0072b2, #0072b2)"}


def test_an_element_is_named_for_those_who_do_not_see_it_and_has_no_size_of_its_own() -> None:
    root = ElementTree.fromstring(draw_svg(draw, "one", 'what "it" <shows>', 2).replace("xlink:", ""))
    assert root.attrib == {"viewBox": "0 0 403.2 144", "role": "img", "aria-label": 'what "it" <shows>'}


@pytest.mark.filterwarnings("error")
def test_drawing_warns_of_nothing_and_leaves_matplotlib_as_it_was() -> None:
    before = dict(mpl.rcParams)
    draw_svg(draw, "one", "", 2)
    assert dict(mpl.rcParams) == before
