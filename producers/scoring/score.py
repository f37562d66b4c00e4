"""The score: what came out of a job, held against everything that was sent."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import nullcontext, suppress
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from producers.scoring.checks import check_rows
from producers.scoring.expected import Expected, expect
from producers.scoring.findings import Findings
from producers.scoring.generations import generations
from producers.scoring.letters import check_letters, no_letters
from producers.scoring.losses import check_losses
from producers.scoring.origins import SLACK
from producers.scoring.outputs import Outputs, read_outputs, see_tables
from producers.scoring.places import came, place
from producers.scoring.scores import Score, Sent
from producers.scoring.timing import latency, series
from producers.scoring.traces import qualities, traces, unknown_checks
from producers.table_access import NoTableError
from producers.truth import Truth, read_truth
from streaming.wiring import Contract


def score(truth: Truth, contract: Contract, outputs: Outputs, answers: pa.Table) -> Score:
    """What came of everything that was sent; what is wrong is told once each, as in `producers.scoring`.

    Latency, series, quality and traces are those of the table, or of the output messages where there is no table.

    Args:
        truth: of what was sent.
        contract: of the job that it was sent to.
        outputs: what came out.
        answers: what the job's models answer offline, as `offline.answers` gives it.
    """
    found = Findings()
    expected = expect(truth, contract, answers)
    letters = no_letters(expected)
    if outputs.dead_letters is not None:
        letters = check_letters(outputs.dead_letters, truth, contract, expected, found)
    places = [place(name, rows, truth, contract, expected) for name, rows in outputs.places]
    seen = [generations(each, contract, expected, answers) for each in places]
    not_compared = [
        check_rows(each, contract, expected, answers, letters, its, found)
        for each, its in zip(places, seen, strict=True)
    ]
    check_losses(places, expected, letters, seen[0], found)
    first = places[0]
    return Score(
        sent=_sent(truth, expected),
        came=[came(each, count) for each, count in zip(places, not_compared, strict=True)],
        wrong=found.counts,
        findings=found.examples,
        dead_letters=letters.counts,
        latency=latency(first),
        series=series(truth, first, letters),
        repeated_dead_letters=letters.repeated,
        events=letters.events,
        quality=qualities(truth, first, contract),
        traces=traces(truth, first, contract, expected, answers),
        unconfirmed_dead_letters=letters.unconfirmed,
        foreign_dead_letters=letters.foreign,
        knows_dead_letters=outputs.dead_letters is not None,
    )


def score_run(
    truth_path: str,
    *,
    table: str | None = None,
    deadletter_table: str | None = None,
    messages_file: str | None = None,
    job_file: str | None = None,
    wait: timedelta | None = None,
    stop: threading.Event | None = None,
    on_warning: Callable[[str], None] = lambda _: None,
    on_wait: Callable[[Score], None] = lambda _: None,
    on_step: Callable[[str], None] = lambda _: None,
) -> Score:
    """Read everything, and score it.

    Args:
        truth_path: the truth file.
        table: of predictions, as `P.D.T` or `P:D.T`.
        deadletter_table: without it, that of `table`; without either, dead letters are left out of account.
        messages_file: of output messages, one's data a line. It or `table` must be given.
        job_file: of the job that ran; without it, the one that the truth file names.
        wait: read and score again every second, until all is well or so much time is over; without it, once. Until
            then a table may be missing.
        stop: ends the waiting, after one more score at most.
        on_warning: is told, in one line, what makes the score say less than it could.
        on_wait: is given each score after which another one is made.
        on_step: is told, in a few words, what is being done.

    Raises:
        Mistakes: a file or table is not there, or they do not fit each other.
        JobError: BigQuery refuses or cannot be reached, or a model cannot be run offline.
    """
    from streaming.job import load_job
    from streaming.quiet import import_tensorflow

    on_step(f"Reading {truth_path}")
    truth = read_truth(truth_path)
    job = load_job(job_file or truth.run.job_file, "--job-file" if job_file else f"{truth_path}: job_file")
    with suppress(NoTableError) if wait else nullcontext():
        see_tables(table, deadletter_table)
    on_step("Loading TensorFlow")
    import_tensorflow()
    from producers.scoring.offline import answers
    from streaming.contract import check

    contract = check(job)
    if contract.job_hash != truth.run.job_hash:
        path = job_file or truth.run.job_file
        on_warning(f"--job-file: {path} is not the one of {truth_path}, or has changed since that was written")
    if table is None and deadletter_table is None:
        on_warning("dead letters are left out of account; name their table with --deadletter-table")
    if unknown := ", ".join(unknown_checks(truth, contract)):
        on_warning(f"{truth_path}: these models' quality is left out of account: {unknown}")
    with suppress(NoTableError) if wait else nullcontext():
        see_tables(table, deadletter_table, contract.output_columns)
    on_step("Asking the models offline")
    offline = answers(truth, contract)
    since = truth.run.started_at - SLACK
    stop = stop or threading.Event()
    until = time.monotonic() + (wait or timedelta()).total_seconds()
    while True:
        is_last = stop.is_set() or time.monotonic() + _PAUSE > until
        try:
            outputs = read_outputs(table, deadletter_table, messages_file, since, contract.output_columns, on_step)
        except NoTableError:
            if is_last:
                raise
        else:
            on_step("Comparing")
            result = score(truth, contract, outputs, offline)
            if result.ok or is_last:
                if messages_file is not None and outputs.messages is not None and not len(outputs.messages):
                    on_warning(_without_messages(messages_file))
                return result
            on_wait(result)
        on_step("Waiting for what is still to come")
        stop.wait(_PAUSE)


_PAUSE = 1.0  # seconds between two scores


def _without_messages(path: str) -> str:
    is_empty = "://" not in path and not Path(path).stat().st_size
    return f"--messages: {path} {'is empty' if is_empty else 'holds nothing that was published since the run began'}"


def _sent(truth: Truth, expected: Expected) -> Sent:
    run, messages = truth.run, truth.messages
    counts = {each["values"]: each["counts"] for each in pc.value_counts(messages["status"]).to_pylist()}
    faults = pc.value_counts(messages["fault"].filter(pa.array(expected.confirmed)).drop_null()).to_pylist()
    return Sent(
        topic=run.topic,
        scenario=run.scenario,
        seed=run.seed,
        started_at=run.started_at,
        ended_at=truth.ended_at,
        confirmed=counts.get("confirmed", 0),
        unknown=counts.get("unknown", 0),
        refused=counts.get("refused", 0),
        faults={each["values"]: each["counts"] for each in sorted(faults, key=lambda each: each["values"])},
        ending=truth.ending,
    )
