"""What is wrong with the names of what is to be scored, as far as it is seen at once, before anything is read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from producers.scoring.outputs import NOTHING_NAMED
from streaming.arguments import wrong_value
from streaming.bigquery.table_ids import parse_table_id

_REMOTE = "://"


def wrong_arguments(
    truth: str, table: str | None, deadletter_table: str | None, messages: str | None, job_file: str | None
) -> Iterator[str]:
    """A line for each mistake; the arguments are those of `producers.scoring.score.score_run`."""
    yield from _wrong_file("--truth", truth, "name a file that publish has written")
    if Path(truth).is_file() and not Path(truth).stat().st_size:
        yield f"--truth: {truth} is empty: publish has written nothing yet"
    if table is None and messages is None:
        yield NOTHING_NAMED
    yield from wrong_value("--table", table, parse_table_id)
    yield from wrong_value("--deadletter-table", deadletter_table, parse_table_id)
    if messages is not None and _REMOTE not in messages:
        yield from _wrong_file("--messages", messages, "name a file of output messages")
    if job_file is not None and _REMOTE not in job_file:
        yield from _wrong_file("--job-file", job_file, "correct the path")


def _wrong_file(flag: str, path: str, remedy: str) -> Iterator[str]:
    if not Path(path).exists():
        yield f"{flag}: no file {path}; {remedy}"
    elif Path(path).is_dir():
        yield f"{flag}: {path} is a directory; {remedy}"
