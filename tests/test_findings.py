"""The report to the letter, as it is seen without a terminal."""

from __future__ import annotations

import io
from dataclasses import replace

from rich.console import Console

from producers.findings import Finding, Findings, Kind, Sample

GOOD = Findings(
    wrong=[],
    messages=4000,
    bad_messages=80,
    rows={"times5": 3921, "times10": 3920},
    dead_letters={("infer:times5", "NonFinitePredictionError"): 10, ("decode", "AvroError"): 30},
    repeated_rows=1,
    repeated_dead_letters=2,
    latencies={50: 0.1, 95: 1.25, 99: 2.0754, 100: 12.0},
    samples=[
        Sample("device-0001", 105.0, "times5", 525.0),
        Sample("device-0001", 105.0, "times10", 1050.0),
        Sample("[b]", 0.5, "times10", 5.0),
    ],
)
REPORT = """\
What went in and what came out
  in     4,000    messages, 80 of them bad on purpose
  out    3,920    predictions of the model times10
  out    3,921    predictions of the model times5
  out       40    dead letters
             3    of these repeated; delivery is at least once

Dead letters: one for a message, or one for each model that rejects it
  stage           error class                 dead letters
  decode          AvroError                             30
  infer:times5    NonFinitePredictionError              10

The first answers
  key            value    times5    times10
  device-0001      105       525       1050
  [b]              0.5         -          5

Seconds from publishing to prediction
    p50      p95      p99    slowest
  0.100    1.250    2.075     12.000

"""
NOTHING = Findings([], 0, 0, {}, {}, 0, 0, {}, [])
WRONG = [
    Finding(Kind.LOST, "12", "times5"),
    Finding(Kind.WRONG_KEY, "13", None, "[b], not [/b]"),
    Finding(Kind.LOST, "14"),
]


def shown(findings: Findings, most: int = 10) -> str:
    output = io.StringIO()
    Console(file=output, width=80).print(findings.report(most))
    return "".join(f"{line.rstrip()}\n" for line in output.getvalue().splitlines())


def test_the_report_has_tables_and_then_the_verdict() -> None:
    assert shown(GOOD) == REPORT + "Every message is accounted for.\n"


def test_what_is_wrong_is_counted_and_the_first_are_shown() -> None:
    findings = replace(GOOD, wrong=WRONG)
    assert not findings.ok
    assert shown(findings, most=2) == REPORT + (
        "Not every message is accounted for: 2 lost, 1 wrong key.\n"
        "lost: message 12, model times5\n"
        "wrong key: message 13: [b], not [/b]\n"
    )


def test_tables_without_rows_are_left_out() -> None:
    assert shown(NOTHING) == (
        "What went in and what came out\n"
        "  in     0    messages, 0 of them bad on purpose\n"
        "  out    0    dead letters\n"
        "         0    of these repeated; delivery is at least once\n"
        "\n"
        "Every message is accounted for.\n"
    )
