"""The screen of a job, to the letter: on a wide console, a narrow one, and one that knows plain ASCII alone."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import timedelta

import pytest
from rich.console import Console

from streaming.monitoring.figures import Figures
from streaming.monitoring.report import JobHeader, Report, Said
from streaming.monitoring.screen import MOST_MODELS, render
from streaming.monitoring.series import Reading
from streaming.monitoring.verdict import Health, Verdict
from tests.monitoring_points import NOW
from tests.monitoring_reports import healthy, troubled, unknown


def shown(report: Report, width: int = 80, encoding: str = "utf-8", rows: int | None = None) -> str:
    """What a console that is no terminal gets, without the blanks at the ends of lines."""
    written = io.BytesIO()
    file = io.TextIOWrapper(written, encoding=encoding, write_through=True)
    Console(file=file, width=width).print(render(report, rows))
    return "".join(f"{line.rstrip()}\n" for line in written.getvalue().decode(encoding).splitlines())


HEALTHY = """\
HEALTHY
readings  2026-03-01_01_00_00-1234567890123456789  my-project, us-central1
running (since 09:00:00); seen at 12:00:00 UTC
https://console.cloud.google.com/dataflow/jobs/us-central1/1?project=my-project

input        100/s, 12.3 kB/s  latency p50  ≤ 1.0 s
backlog      42 → 0/s          latency p99  ≤ 1.0 s
oldest wait  1.5 s             queue p99    ≤ 1.0 s
watermark    12 s behind       batch size   100
workers      3, 12 vCPUs

model           predictions  call p50  call p99  time  refused
times5                 98/s   ≤ 10 ms  > 100 ms  75 %        0
times10                98/s   ≤ 10 ms  > 100 ms  10 %        0

dead letters  none
"""

JUDGED = """\
UNHEALTHY [oldest_unacked] falling behind: for 10 minutes a message has waited
for 330 s or longer: model times5 takes 75 % of the time
UNHEALTHY [backlog_growing] falling behind: the backlog grows by 11.7
messages/s: model times5 takes 75 % of the time
UNHEALTHY [late_answers] slow: 15.3 % of the messages take longer than 10 s:
model times5 takes 75 % of the time
UNHEALTHY [sink_refusals] refused: BigQuery refuses rows, see the dead letters;
requests to BigQuery are sent again
UNHEALTHY [generation_refused] model times10: a new generation was refused, the
one before answers; see the dead letters
readings  2026-03-01_01_00_00-1234567890123456789  my-project, us-central1
running (since 09:00:00); seen at 12:00:00 UTC
https://console.cloud.google.com/dataflow/jobs/us-central1/1?project=my-project
"""

TOLD = """\
sinks
  table: 10 requests sent again, 20 rows or messages refused in 10 minutes
the job says
  12:00:00 error: Root mean square
  11:00:00 warning: a worker is short of memory
not known
  Cloud Monitoring: no data since 11:57:00: permission denied; grant
roles/monitoring.viewer
  the job's messages: no data: the service is unavailable
"""

TROUBLED = f"""\
{JUDGED}
input        100/s, 12.3 kB/s   latency p50  ≤ 1.0 s
backlog      21,100 ↑ 12/s      latency p99  > 30 s
oldest wait  7 min (2 min old)  queue p99    ≤ 1.0 s
watermark    12 s behind        batch size   100
workers      3, 12 vCPUs

model           predictions  call p50  call p99  time  refused
times5                 98/s   ≤ 10 ms  > 100 ms  75 %        0
times10                98/s   ≤ 10 ms  > 100 ms  10 %        1

dead letters     rate  total
decode              -  1,012
infer:times5    0.2/s    300
  11:59:11 decode: AvroError: the payload ends after 12 of 40 bytes [31m, and m…
  2026-02-27 12:00:00 infer:times5: NonFinitePredictionError: NaN
{TOLD}"""

UNKNOWN = """\
UNKNOWN cannot tell: Cloud Monitoring does not answer
readings  1  p, r
starting; seen at 12:00:00 UTC

input        -  latency p50  -
backlog      -  latency p99  -
oldest wait  -  queue p99    -
watermark    -  batch size   -
workers      -

model           predictions  call p50  call p99  time  refused
-

dead letters  -
not known
  Cloud Monitoring does not answer
"""

NARROW = """\
UNHEALTHY [oldest_unacked] falling
behind: for 10 minutes a message has
waited for 330 s or longer: model times5
takes 75 % of the time
UNHEALTHY [backlog_growing] falling
behind: the backlog grows by 11.7
messages/s: model times5 takes 75 % of
the time
UNHEALTHY [late_answers] slow: 15.3 % of
the messages take longer than 10 s:
model times5 takes 75 % of the time
UNHEALTHY [sink_refusals] refused:
BigQuery refuses rows, see the dead
letters; requests to BigQuery are sent
again
UNHEALTHY [generation_refused] model
times10: a new generation was refused,
the one before answers; see the dead
letters
readings
2026-03-01_01_00_00-1234567890123456789
my-project, us-central1
running (since 09:00:00); seen at
12:00:00 UTC
https://console.cloud.google.com/dataflo
w/jobs/us-central1/1?project=my-project

input        100/s, 12.3 kB/s
backlog      21,100 ↑ 12/s
oldest wait  7 min (2 min old)
watermark    12 s behind
workers      3, 12 vCPUs
latency p50  ≤ 1.0 s
latency p99  > 30 s
queue p99    ≤ 1.0 s
batch size   100

model    predictions  call p99
times5          98/s  > 100 ms
times10         98/s  > 100 ms

dead letters   rate  total
decode            -  1,012
infer:times5  0.2/s    300
  11:59:11 decode: AvroError: the paylo…
  2026-02-27 12:00:00 infer:times5: Non…
sinks
  table: 10 requests sent again, 20 row…
the job says
  12:00:00 error: Root mean square
  11:00:00 warning: a worker is short of
memory
not known
  Cloud Monitoring: no data since
11:57:00: permission denied; grant
roles/monitoring.viewer
  the job's messages: no data: the
service is unavailable
"""

ASCII = f"""\
{JUDGED}
input        100/s, 12.3 kB/s   latency p50  <= 1.0 s
backlog      21,100 +12/s       latency p99  > 30 s
oldest wait  7 min (2 min old)  queue p99    <= 1.0 s
watermark    12 s behind        batch size   100
workers      3, 12 vCPUs

model           predictions  call p50  call p99  time  refused
times5                 98/s  <= 10 ms  > 100 ms  75 %        0
times10                98/s  <= 10 ms  > 100 ms  10 %        1

dead letters     rate  total
decode              -  1,012
infer:times5    0.2/s    300
  11:59:11 decode: AvroError: the payload ends after 12 of 40 bytes [31m, and mo
  2026-02-27 12:00:00 infer:times5: NonFinitePredictionError: NaN
{TOLD}"""


def test_a_job_that_is_well() -> None:
    assert shown(healthy()) == HEALTHY


def test_a_job_with_every_kind_of_trouble() -> None:
    assert shown(troubled()) == TROUBLED


def test_a_job_of_which_nothing_is_known() -> None:
    assert shown(unknown()) == UNKNOWN


def test_a_narrow_console_gets_one_column_and_the_figures_that_matter_most() -> None:
    assert shown(troubled(), width=40) == NARROW


def test_a_console_of_ascii_gets_other_signs() -> None:
    assert shown(troubled(), encoding="ascii") == ASCII


BRIEF = """\
UNHEALTHY [oldest_unacked] falling behind: for 10 minutes a message has waited
for 330 s or longer: model times5 takes 75 % of the time
UNHEALTHY [backlog_growing] falling behind: the backlog grows by 11.7 messages/…
UNHEALTHY [late_answers] slow: 15.3 % of the messages take longer than 10 s: mo…
UNHEALTHY [sink_refusals] refused: BigQuery refuses rows, see the dead letters;…
UNHEALTHY [generation_refused] model times10: a new generation was refused, the…
readings  2026-03-01_01_00_00-1234567890123456789  my-project, us-central1
running (since 09:00:00); seen at 12:00:00 UTC
input        100/s, 12.3 kB/s   latency p50  ≤ 1.0 s
backlog      21,100 ↑ 12/s      latency p99  > 30 s
oldest wait  7 min (2 min old)  queue p99    ≤ 1.0 s
watermark    12 s behind        batch size   100
workers      3, 12 vCPUs
model           predictions  call p50  call p99  time  refused
times5                 98/s   ≤ 10 ms  > 100 ms  75 %        0
times10                98/s   ≤ 10 ms  > 100 ms  10 %        1
dead letters     rate  total
decode              -  1,012
infer:times5    0.2/s    300
  11:59:11 decode: AvroError: the payload ends after 12 of 40 bytes [31m, and m…
sinks
  table: 10 requests sent again, 20 rows or messages refused in 10 minutes
the job says
  12:00:00 error: Root mean square
not known
  Cloud Monitoring: no data since 11:57:00: permission denied; grant roles/moni…
  the job's messages: no data: the service is unavailable
"""


def test_what_matters_least_is_left_out_where_there_are_few_rows() -> None:
    assert shown(healthy(), rows=16) == HEALTHY
    without_gaps = [line for line in HEALTHY.splitlines() if line and not line.startswith("https:")]
    for rows in (15, 12, 1):
        assert shown(healthy(), rows=rows).splitlines() == without_gaps
    assert shown(troubled(), rows=len(TROUBLED.splitlines())) == TROUBLED
    for rows in (27, 1):
        assert shown(troubled(), rows=rows) == BRIEF


def test_what_the_job_has_said_is_told_to_the_end_unless_it_is_long() -> None:
    report = replace(healthy(), said=(Said(NOW, True, "Not found: " + "x" * 100), Said(NOW, False, "y" * 1000)))
    whole = shown(report).splitlines()
    assert whole[whole.index("the job says") + 1 :] == [
        "  12:00:00 error: Not found:",
        "x" * 80,
        "x" * 20,
        "  12:00:00 warning:",
        *["y" * 80] * 3,
        "y" * 42 + "...",
    ]


def test_a_verdict_does_not_say_its_word_twice() -> None:
    verdict = Verdict(Health.HEALTHY, "healthy so far: the job has run for 9 s")
    assert shown(replace(healthy(), verdicts=(verdict,))).splitlines()[0] == "HEALTHY so far: the job has run for 9 s"


@pytest.mark.parametrize("width", [1, 10, 20, 79, 80, 120, 500])
def test_no_line_is_longer_than_the_console(width: int) -> None:
    lines = shown(troubled(), width).splitlines()
    assert max(map(len, lines)) <= width


def test_colours_are_for_terminals() -> None:
    console = Console(file=io.StringIO(), width=80, force_terminal=True, color_system="standard")
    with console.capture() as captured:
        console.print(render(troubled()))
    assert captured.get().startswith("\x1b[1;31mUNHEALTHY [oldest_unacked]\x1b[0m falling behind: ")
    assert "\x1b[31m," not in captured.get()  # a dead letter's words


def test_of_many_models_the_first_are_shown() -> None:
    names = tuple(f"m{number}" for number in range(MOST_MODELS + 3))
    header = JobHeader("readings", "1", "this machine", "running", NOW, models=names)
    lines = shown(replace(unknown(), job=header)).splitlines()
    assert [line.split()[0] for line in lines if line.startswith("m")] == ["model", *names[:MOST_MODELS]]
    assert "and 3 more" in lines


@pytest.mark.parametrize(
    ("seconds", "cell"),
    [
        (0, "100/s"),
        (90, "100/s"),
        (91, "100/s (2 min old)"),
        (150, "100/s (2 min old)"),
        (600, "100/s (10 min old)"),
        (9000, "100/s (2.5 h old)"),
    ],
)
def test_a_figure_says_how_old_it_is(seconds: float, cell: str) -> None:
    known = Figures(NOW, {"input_rate": {"": Reading(100.0, NOW - timedelta(seconds=seconds))}})
    report = Report(unknown().job, known, (Verdict(Health.HEALTHY, "healthy"),))
    assert shown(report).splitlines()[4].split("  ")[4].strip() == cell


def test_dead_letters_that_nobody_has_counted_are_told_from_none() -> None:
    def said(dead_letters: dict[str, int] | None) -> str:
        lines = shown(replace(unknown(), dead_letters=dead_letters)).splitlines()
        return next(line for line in lines if line.startswith("dead letters"))

    assert (said(None), said({"decode": 0})) == ("dead letters  -", "dead letters  none")


def test_reasons_in_the_table_of_a_job_that_has_counted_no_dead_letters_are_another_runs() -> None:
    lines = shown(replace(healthy(), reasons=troubled().reasons[1:])).splitlines()
    assert lines[-2:] == [
        "dead letters  none counted; the latest of a day in their table:",
        "  2026-02-27 12:00:00 infer:times5: NonFinitePredictionError: NaN",
    ]
