"""The page: what stands on it, that it fetches nothing, and that no name becomes markup."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from producers.report.html import to_html
from producers.scoring.scores import Came, Finding, Kind, Quality, Score, Trace
from tests.scored import GOOD, NOTHING, TIMES, WRONG

HOSTILE = """<script src="http://x">alert(1)</script>'"&amp;{{ 7*7 }}"""


class Page(HTMLParser):
    """What a page holds, as texts.

    Attributes:
        headings: as in `h1 Every message is accounted for.`.
        tables: rows of cells.
        figures: name -> caption.
        paragraphs: with single spaces.
        tags: all that occur.
        attributes: all that occur.
    """

    def __init__(self, page: str) -> None:
        super().__init__()
        self.headings: list[str] = []
        self.tables: list[list[list[str]]] = []
        self.figures: dict[str, str] = {}
        self.paragraphs: list[str] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self._open: list[str] = []
        self.feed(page)
        self.paragraphs = [" ".join(text.split()) for text in self.paragraphs]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs
        if tag not in ("meta", "use", "path"):
            self._open.append(tag)
        if tag in ("h1", "h2", "h3"):
            self.headings.append(f"{tag} ")
        elif tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")
        elif tag == "p":
            self.paragraphs.append("")
        elif tag == "figure":
            self.figures[str(dict(attrs)["id"])] = ""

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("use", "path"):
            assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        tag = self._open[-1] if self._open else ""
        if tag in ("h1", "h2", "h3"):
            self.headings[-1] += data
        elif tag in ("td", "th"):
            self.tables[-1][-1][-1] += data
        elif tag == "p":
            self.paragraphs[-1] += data
        elif tag == "figcaption":
            self.figures[list(self.figures)[-1]] += data


def hostile() -> Score:
    return replace(
        WRONG,
        sent=replace(WRONG.sent, topic=HOSTILE, scenario=HOSTILE, faults={HOSTILE: 1}, ending=HOSTILE),
        came=[Came("table", {HOSTILE: 1})],
        findings=[Finding(Kind.LOST, "table", HOSTILE, HOSTILE, HOSTILE)],
        dead_letters={(HOSTILE, HOSTILE): 1},
        quality=[Quality(HOSTILE, HOSTILE, HOSTILE, 1, {HOSTILE: 1.0})],
        traces=[Trace(HOSTILE, HOSTILE, HOSTILE, HOSTILE, TIMES[:1], [1.0], [1.0])],
    )


@pytest.fixture(scope="module")
def good() -> str:
    return to_html(GOOD)


def test_a_good_score_has_numbers_plots_and_quality(good: str) -> None:
    page = Page(good)
    assert page.headings == [
        "h1 Every message is accounted for.",
        "h3 The run",
        "h2 Numbers",
        "h3 What was sent",
        "h3 What came out",
        "h3 Dead letters",
        "h3 Latency: seconds from publishing to prediction",
        "h3 Throughput: messages a second, in steps of 1 s",
        "h2 Course of the run",
        "h2 How right the models are",
        "h3 How right risk is: failure against hours_to_failure at most 24",
        "h3 How right life is: hours against hours_to_failure",
        "h2 Predictions and the truth",
    ]
    assert page.tables == [
        [
            ["topic", "projects/local/topics/readings"],
            ["scenario", "examples/multiply/scenario.yaml"],
            ["seed", "7"],
            ["published", "2026-03-01 12:00:00 to 12:00:05 UTC, 5 s"],
            ["ending", "completed"],
        ],
        [["4,000", "messages that Pub/Sub has taken"]],
        [
            ["table", "3,920", "predictions of times10"],
            ["", "3,922", "predictions of times5"],
            ["messages", "3,920", "predictions of times10"],
            ["", "3,922", "predictions of times5"],
        ],
        [
            ["stage", "error class", "count"],
            ["decode", "AvroError", "30"],
            ["infer:times5", "NonFinitePredictionError", "10"],
        ],
        [["p50", "p90", "p95", "p99", "p99.9", "slowest"], ["0.100", "0.400", "1.250", "2.075", "9.000", "12.000"]],
        [
            ["", "mean", "peak"],
            ["published", "800", "850"],
            ["predictions", "1,307", "1,800"],
            ["dead letters", "10", "30"],
        ],
        [
            ["predictions", "3,920", "held against the truth"],
            ["ROC AUC", "0.9313", "1 is perfect, 0.5 is chance"],
            ["average precision", "-", "1 is perfect, the base rate is chance"],
        ],
        [
            ["predictions", "3,920", "held against the truth"],
            ["mean absolute error", "12,346", "how far off a prediction is on average"],
        ],
    ]
    assert page.paragraphs == [
        "4,000 messages were sent; 7,842 predictions of 2 models and 40 dead letters came out. "
        "Half of the predictions came within 0.1 s, 99 % within 2.08 s.",
        "Of 100 predictions, 95 came within p95, and 99 within p99.",
        "Each model's answer to a message counts as one prediction.",
        "Each model's answer to a message counts as one prediction. "
        "A peak is the job catching up with messages that had waited.",
        "Of 100 predictions, 95 came within p95, and 99 within p99. The axis is logarithmic.",
        "The stage of the job that rejected the message, and the error.",
        "Their predictions, held against the real state of the devices, which no message says. "
        "Hours are those of the fleet's life, of which the scenario's speed may put many into a second.",
        "Truth: hours_to_failure, where more than 24 counts as 24. A dash: nothing to compute it from.",
        "Truth: hours_to_failure.",
        "A few devices, message by message, at the time of measuring. "
        "A model is right where its predictions (dots) lie on the truth (grey).",
        "Truth: wear.",
        "Truth: what the same model answers offline to what was sent.",
    ]
    assert page.figures == {
        "rates": "Published, predicted and dead-lettered a second",
        "latency": "Seconds from publishing to prediction",
        "dead-letters": "Dead letters by stage and error class",
        "trace-0": "pump-0001: failure of risk",
        "trace-1": "pump-0002: prediction of times5",
    }


def test_what_is_wrong_stands_before_the_numbers_with_all_examples() -> None:
    page = Page(to_html(WRONG))
    assert page.headings[0] == "h1 1,008 things are wrong: 1,007 lost, 1 wrong key."
    assert page.headings[1:6] == [
        "h3 The run",
        "h2 What is wrong",
        "h3 1,007 lost: neither a prediction nor a dead letter",
        "h3 1 wrong key",
        "h2 Numbers",
    ]
    assert page.tables[1:3] == [
        [["message"], *([f"1{number}"] for number in range(7))],
        [
            ["place", "message", "model", "what is wrong"],
            ["messages", "18", "[/b]", r"it is\n'[red]', not '\x1b[2J'"],
        ],
    ]


def test_a_run_that_sent_nothing_has_a_page_as_well() -> None:
    page = Page(to_html(NOTHING))
    assert page.headings == [
        "h1 The truth file is cut off: it has no end, and later messages may not be in it. "
        "No message was sent, so there is nothing to account for.",
        "h3 The run",
        "h2 Numbers",
        "h3 What was sent",
        "h2 Course of the run",
    ]
    assert list(page.figures) == ["rates", "latency", "dead-letters"]


def test_the_page_fetches_nothing() -> None:
    page = Page(to_html(hostile()))
    assert page.tags.isdisjoint({"script", "link", "img", "image", "iframe", "object", "embed", "a", "base"})
    assert {name for name, _ in page.attributes}.isdisjoint({"src", "srcset", "data", "action", "background"})
    assert all(value and value.startswith("#") for name, value in page.attributes if name.endswith("href"))
    assert not any("url(" in str(value).replace("url(#", "") for _, value in page.attributes)
    assert ("content", "default-src 'none'; style-src 'unsafe-inline'") in page.attributes


def test_the_style_imports_nothing_and_has_a_dark_and_a_printed_form(good: str) -> None:
    style = good[good.index("<style>") : good.index("</style>")]
    assert "@import" not in style
    assert "url(" not in style
    assert "@media screen and (prefers-color-scheme: dark)" in style
    assert "@media print" in style


def test_names_that_are_markup_are_shown_as_they_are() -> None:
    text = to_html(hostile())
    page = Page(text)
    assert page.tables[0][:2] == [["topic", HOSTILE], ["scenario", HOSTILE]]
    assert page.tables[1][1] == ["table", HOSTILE, HOSTILE, HOSTILE]
    assert page.tables[2][2] == ["1", HOSTILE]
    assert page.tables[3] == [["table", "1", f"predictions of {HOSTILE}"]]
    assert page.tables[4][1] == [HOSTILE, HOSTILE, "1"]
    assert page.tables[5] == [["predictions", "1", "held against the truth"], [HOSTILE, "1", ""]]
    assert page.figures["trace-0"] == f"{HOSTILE}: {HOSTILE}"[:89] + "…"
    assert "<script" not in text


def test_no_two_elements_have_the_same_id(good: str) -> None:
    ids = [value for name, value in Page(good).attributes if name == "id"]
    assert len(ids) == len(set(ids))


def test_the_same_score_is_the_same_page(good: str) -> None:
    assert to_html(GOOD) == good


@pytest.mark.parametrize("package", ["jinja2", "matplotlib"])
def test_without_a_package_the_page_says_how_to_install_it_and_the_other_forms_work(package: str) -> None:
    program = f"""
import sys
sys.modules[{package!r}] = None  # as if it were not installed
from producers.report.as_json import to_json
from producers.report.html import to_html
from producers.report.terminal import render
from streaming.errors import JobError
from tests.scored import NOTHING
to_json(NOTHING), render(NOTHING)
try:
    to_html(NOTHING)
except JobError as error:
    print(error, end="")
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout == "the HTML report needs jinja2 and matplotlib; run: pip install 'pubsub-inference[report]'"
