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
4,000 messages were sent; 7,842 predictions of 2 models and 40 dead letters came out. Half of the
predictions came within 0.1 s, 99 % within 2.08 s.

The run
  topic      projects/local/topics/readings
  scenario   examples/multiply/scenario.yaml
  seed       7
  published  2026-03-01 12:00:00 to 12:00:05 UTC, 5 s
  ending     completed

What was sent
  4,000  messages that Pub/Sub has taken

What came out
  table     3,920  predictions of times10
            3,922  predictions of times5
  messages  3,920  predictions of times10
            3,922  predictions of times5

Dead letters
  stage         error class               count
  decode        AvroError                    30
  infer:times5  NonFinitePredictionError     10

Latency: seconds from publishing to prediction
    p50    p90    p95    p99  p99.9  slowest
  0.100  0.400  1.250  2.075  9.000   12.000
  Of 100 predictions, 95 came within p95, and 99 within p99.

Throughput: messages a second, in steps of 1 s
                 mean   peak
  published       800    850
  predictions   1,307  1,800
  dead letters     10     30
  Each model's answer to a message counts as one prediction.

How right risk is: failure against hours_to_failure at most 24
  predictions         3,920  held against the truth
  ROC AUC            0.9313  1 is perfect, 0.5 is chance
  average precision       -  1 is perfect, the base rate is chance
  Truth: hours_to_failure, where more than 24 counts as 24. A dash: nothing to compute it from.

How right life is: hours against hours_to_failure
  predictions           3,920  held against the truth
  mean absolute error  12,346  how far off a prediction is on average
  Truth: hours_to_failure.
"""
WRONG_REPORT = r"""
1,008 things are wrong: 1,007 lost, 1 wrong key.
1,000,000 messages were sent; 999,000 predictions of 1 model came out.

The run
  topic      projects/local/topics/readings
  scenario   scenario.yaml
  seed       0
  published  2026-03-01 12:00:00 to 14:00:00 UTC, 7,200 s
  ending     failed: 503 the service is not there

What was sent
  1,000,000  messages that Pub/Sub has taken, of these
    999,976  without a fault
         20  late: measured long before it was sent
          4  out of order: measured before others that were sent earlier
          3  messages of which nobody knows whether they were sent: they may come out or not
      1,000  messages that Pub/Sub has refused: they must not come out
  Faults are planted on purpose. Late, out of order, skewed and duplicated messages must be answered
  like any other; the rest must become dead letters, unless the job's schema takes a changed one.

What came out
  table     999,000  predictions of [b]
                  1  repeated with the same prediction_id, as delivery at least once allows
                  2  of messages of which nobody knows whether they were sent
                  3  answers to dead letters that were published anew
                  4  not compared: offline, the model has another generation or no such answer
                  5  of messages published before or after the run
  messages        0  predictions

Dead letters
  6 dead letters repeated, as delivery at least once allows; 8 dead letters of messages of which
  nobody knows whether they were sent; 9 dead letters of messages published before or after the run;
  7 dead letters of no message, as of a refused generation of a model

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
The truth file is cut off: it has no end, and later messages may not be in it. No message was sent,
so there is nothing to account for.

The run
  topic      projects/local/topics/readings
  scenario   scenario.yaml
  seed       0
  published  2026-03-01 12:00:00 to 12:00:00 UTC, 0 s
  ending     cut off: the truth file has no end

What was sent
  0  messages that Pub/Sub has taken
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
