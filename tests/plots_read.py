"""A plot as XML, and the texts in it."""

from xml.etree import ElementTree

from producers.report.axes import Plot


def element(plot: Plot) -> ElementTree.Element:
    return ElementTree.fromstring(plot.svg.replace("xlink:", ""))


def texts(plot: Plot) -> list[str]:
    return ["".join(text.itertext()) for text in element(plot).iter("text")]
