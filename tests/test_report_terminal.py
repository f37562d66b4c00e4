"""The report in a terminal of 100 columns, to the letter."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from producers.report.terminal import render
from producers.scoring.scores import Score
from tests.scored import GOOD, NOTHING, WRONG

GOOD_REPORT = """\
Every message is accounted for.

What was sent
  4,000  messages that Pub/Sub has taken
  To projects/local/topics/readings by examples/multiply/scenario.yaml with the seed 7, in 5 s from
  2026-03-01 12:00:00 UTC. Publishing was completed.

What came out
  table     3,920  predictions of times10
            3,922  predictions of times5
  messages  3,920  predictions of times10
            3,922  predictions of times5

Dead letters
  stage         error class               dead letters
  decode        AvroError                           30
  infer:times5  NonFinitePredictionError            10

Latency: seconds from publishing to prediction
    p50    p90    p95    p99  p99.9  slowest
  0.100  0.400  1.250  2.075  9.000   12.000

Throughput: a second, in steps of 1 s
                 mean   peak
  published       800  850.5
  predictions   1,307  1,800
  dead letters     10     30

How well risk knows the fleet: failure against hours_to_failure at most 24
  predictions         3,920
  ROC AUC            0.9313
  average precision       -
  -: nothing to compute it from.

How well life knows the fleet: hours against hours_to_failure
  predictions           3,920
  mean absolute error  12,346
"""
WRONG_REPORT = r"""
1,008 things are wrong: 1,007 lost, 1 wrong key.

What was sent
  1,000,000  messages that Pub/Sub has taken
         20  of these: late
          4  of these: out of order
          3  messages of which nobody knows whether they were sent: they may come out or not
      1,000  messages that Pub/Sub has refused: they must not come out
  To projects/local/topics/readings by scenario.yaml with the seed 0, in 7,200 s from 2026-03-01
  12:00:00 UTC. Publishing failed: 503 the service is not there.

What came out
  table     999,000  predictions of [b]
                  1  repeated with the same prediction_id, as delivery at least once allows
                  2  of messages of which nobody knows whether they were sent
                  3  answers to dead letters that were published anew
                  4  not compared: offline, the model has another generation or no such answer
                  5  of messages published before or after the run
  messages        0  predictions

Dead letters
  6 repeated, as delivery at least once allows; 8 of messages of which nobody knows whether they
  were sent; 9 of messages published before or after the run; 7 of no message, as of a refused
  generation of a model

1,007 lost: neither a prediction nor a dead letter
  message
  10
  11
  12
  13
  14
  and 1,002 more

1 wrong key
  place     message  model  what is wrong
  messages  18       [/b]   it is\n'[red]', not '\x1b[2J'
"""
NOTHING_REPORT = """\
No message was sent, so there is nothing to account for.

What was sent
  0  messages that Pub/Sub has taken
  To projects/local/topics/readings by scenario.yaml with the seed 0, in 0 s from 2026-03-01
  12:00:00 UTC. Publishing was cut off: the truth file has no end.
"""


def shown(score: Score, **console: object) -> str:
    output = io.StringIO()
    Console(file=output, width=100, **console).print(render(score))  # type: ignore[arg-type]
    return "".join(f"{line.rstrip()}\n" for line in output.getvalue().splitlines())


@pytest.mark.parametrize(
    ("score", "report"), [(GOOD, GOOD_REPORT), (WRONG, WRONG_REPORT.lstrip()), (NOTHING, NOTHING_REPORT)]
)
def test_the_report_is_this_text(score: Score, report: str) -> None:
    assert shown(score) == report


@pytest.mark.parametrize(("score", "color"), [(GOOD, 32), (WRONG, 31)])
def test_the_verdict_is_green_or_red(score: Score, color: int) -> None:
    first = shown(score, force_terminal=True, color_system="standard").splitlines()[0]
    assert first.startswith(f"\x1b[1;{color}m")
