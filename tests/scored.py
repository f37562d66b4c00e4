"""Scores for the tests of the report: one in which all is well, one in which much is wrong, one of nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from producers.scoring.scores import Came, Finding, Kind, Latency, Quality, Score, Sent, Series, Trace

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
NAN = float("nan")

SENT = Sent(
    topic="projects/local/topics/readings",
    scenario="examples/multiply/scenario.yaml",
    seed=7,
    started_at=START,
    ended_at=START + timedelta(seconds=5),
    confirmed=4000,
    unknown=0,
    refused=0,
    faults={},
    ending="completed",
)
LATENCY = Latency(
    percentiles={50: 0.1, 90: 0.4, 95: 1.25, 99: 2.0754, 99.9: 9.0, 100: 12.0},
    bounds=[0.05, 0.1, 0.5, 1.0, 5.0, 20.0],
    counts=[3500, 3900, 300, 120, 22],
)
SERIES = Series(
    start=START,
    step=1.0,
    published=[800.0, 850.5, 800.0, 799.5, 750.0, 0.0, 0.0],
    predicted=[0.0, 900.0, 1800.0, 1700.0, 1500.0, 1200.0, 742.0],
    dead_letters=[0.0, 0.0, 30.0, 0.0, 0.0, 10.0, 0.0],
)
QUALITY = (
    Quality("risk", "failure", "hours_to_failure at most 24", 3920, {"ROC AUC": 0.93125, "average precision": NAN}),
    Quality("life", "hours", "hours_to_failure", 3920, {"mean absolute error": 12_345.67}),
)
TIMES = [START + timedelta(minutes=20 * i) for i in range(4)]
TRACES = (
    Trace("pump-0001", "risk", "failure", "wear", TIMES, [0.1, 0.2, NAN, 0.8], [0.0, 0.3, 0.6, 0.9]),
    Trace("pump-0002", "times5", "prediction", "run offline", TIMES[:1], [525.0], [525.0]),
)

GOOD = Score(
    sent=SENT,
    came=[Came("table", {"times10": 3920, "times5": 3922}), Came("messages", {"times10": 3920, "times5": 3922})],
    wrong={},
    findings=[],
    dead_letters={("infer:times5", "NonFinitePredictionError"): 10, ("decode", "AvroError"): 30},
    latency=LATENCY,
    series=SERIES,
    quality=QUALITY,
    traces=TRACES,
)
WRONG = Score(
    sent=Sent(
        topic="projects/local/topics/readings",
        scenario="scenario.yaml",
        seed=0,
        started_at=START,
        ended_at=START + timedelta(hours=2),
        confirmed=1_000_000,
        unknown=3,
        refused=1000,
        faults={"late": 20, "out_of_order": 4},
        ending="failed: 503 the service is not there.",
    ),
    came=[Came("table", {"[b]": 999_000}, 1, 2, 3, 4, 5), Came("messages", {})],
    wrong={Kind.WRONG_KEY: 1, Kind.LOST: 1007},
    findings=[
        Finding(Kind.WRONG_KEY, "messages", "18", "[/b]", "it is\n'[red]', not '\x1b[2J'"),
        *(Finding(Kind.LOST, "-", f"1{number}", None, "") for number in range(7)),
    ],
    dead_letters={},
    latency=Latency({}, [], []),
    series=Series(START, 60.0, [], [], []),
    repeated_dead_letters=6,
    unconfirmed_dead_letters=8,
    foreign_dead_letters=9,
    events=7,
)
NOTHING = Score(
    sent=Sent("projects/local/topics/readings", "scenario.yaml", 0, START, START, 0, 0, 0, {}, "cut off"),
    came=[],
    wrong={},
    findings=[],
    dead_letters={},
    latency=Latency({}, [], []),
    series=Series(START, 1.0, [], [], []),
)
