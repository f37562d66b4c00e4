"""The command `pubsub-inference replay`."""

from __future__ import annotations

import signal
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from streaming.command_options import Debug
from streaming.errors import EXIT_FAILED, JobError

if TYPE_CHECKING:
    from producers.replaying.replay_plan import ReplayPlan
    from producers.replaying.replay_summary import Summary

EPILOG = (
    "Example: pubsub-inference replay --topic projects/P/topics/readings --table P.D.predictions_error_records "
    "--stage decode --since 1h --output-table P.D.predictions --dry-run"
)
EXIT_STOPPED = 130  # as of a process that Ctrl-C ends


def replay(
    topic: Annotated[str, typer.Option(help="The job's input topic, projects/P/topics/T: where the messages go.")],
    table: Annotated[str | None, typer.Option(help="The dead-letter table, P.D.T.")] = None,
    subscription: Annotated[
        str | None, typer.Option(help="Or a subscription of the dead-letter topic, projects/P/subscriptions/S.")
    ] = None,
    stage: Annotated[
        list[str] | None, typer.Option(help="Only dead letters of this stage, as decode or infer:MODEL. Repeatable.")
    ] = None,
    error: Annotated[
        list[str] | None, typer.Option(help="Only those of this error_class, as AvroError. Repeatable.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="Only those of this model.")] = None,
    since: Annotated[
        str | None, typer.Option(help="Only what failed from then on: 2026-01-01T00:00:00Z, or 1h for an hour ago.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Only what failed before then, written likewise.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many messages; which ones is open.")] = None,
    output_table: Annotated[
        str | None,
        typer.Option(help="The predictions, P.D.T. What they answer by now is left out, so nothing goes back twice."),
    ] = None,
    job_file: Annotated[
        str | None, typer.Option(help="The job file, if it names a message.id, by which --output-table is searched.")
    ] = None,
    rate: Annotated[float | None, typer.Option(min=0.001, help="At most so many messages a second.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would go; publish nothing.")] = False,
    _debug: Debug = False,
) -> None:
    """Publish dead letters to the input topic again, once the job or its models are mended.

    Each message goes once, however many models rejected it, with its payload, its attributes, and its first message id
    in the attribute original_message_id: its predictions have the prediction_id that they would have had.
    All models answer it, also those that did before: those rows are repeated under the same prediction_id,
    and the view OUTPUT_TABLE_distinct shows one of them. Ordering keys are not kept.

    A dead letter is acknowledged on its subscription when Pub/Sub has confirmed its message. What is left out, and
    everything on a dry run, goes back to the subscription. Rows of the table stay.

    Of a job whose file names a message.id, give that --job-file with --output-table: its predictions go by that id.
    """
    from producers.replaying.replay_plan import ReplayFlags, to_plan
    from producers.replaying.replay_summary import Summary

    flags = ReplayFlags(
        topic=topic,
        table=table,
        subscription=subscription,
        stages=stage or (),
        error_classes=error or (),
        model=model,
        since=since,
        until=until,
        output_table=output_table,
        job_file=job_file,
        limit=limit,
        rate=rate,
        dry_run=dry_run,
    )
    plan = to_plan(flags, datetime.now(UTC))
    summary = Summary()
    try:
        stopped = _run(plan, summary)
    except JobError:
        if not summary.is_empty:
            _show(summary, plan)
        raise
    _show(summary, plan)
    if stopped:
        Console(stderr=True).print("Stopped: all other dead letters are where they were.")
        raise typer.Exit(EXIT_STOPPED)
    if summary.refused:
        raise typer.Exit(EXIT_FAILED)


def _run(plan: ReplayPlan, summary: Summary) -> bool:
    """Replay; whether Ctrl-C has asked for the end."""
    from producers.interruption import stop_on_signal
    from producers.replaying.replay import replay as run_replay

    status = Console(stderr=True).status("Looking for dead letters")
    with stop_on_signal(lambda _: None, (signal.SIGINT,)) as stop, status:
        run_replay(plan, summary, stop=stop, on_progress=lambda: status.update(_progress(plan, summary)))
    return stop.is_set()


def _progress(plan: ReplayPlan, summary: Summary) -> str:
    verb = "found" if plan.dry_run else "published"
    left_out = sum(held.letters for held in summary.left_out.values())
    return f"{summary.messages:,} messages {verb}, {left_out:,} dead letters left out"


def _show(summary: Summary, plan: ReplayPlan) -> None:
    from producers.replaying.replay_text import render

    Console().print(render(summary, dry_run=plan.dry_run), soft_wrap=True)
