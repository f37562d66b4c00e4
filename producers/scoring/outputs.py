"""What came out of a job: rows of its tables, and output messages from a file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from producers.scoring.message_file import read_messages
from streaming.arguments import value_of
from streaming.batches import TIMESTAMP
from streaming.bigquery.table_ids import parse_table_id
from streaming.errors import Mistakes

NOTHING_NAMED = "--table, --messages: nothing to score; name the job's table, a file of messages, or both"

_PREDICTION = pa.schema(
    [
        ("prediction_id", pa.string()),
        ("key", pa.string()),
        ("message_id", pa.string()),
        ("event_time", TIMESTAMP),
        ("publish_time", TIMESTAMP),
        ("window_start", TIMESTAMP),
        ("window_end", TIMESTAMP),
        ("model", pa.string()),
        ("model_fingerprint", pa.string()),
        ("processed_at", TIMESTAMP),
    ]
)
DEAD_LETTER = pa.schema(
    [
        ("timestamp", TIMESTAMP),
        ("payloadBytes", pa.binary()),
        ("attributes", pa.list_(pa.struct([("key", pa.string()), ("value", pa.string())]))),
        ("errorMessage", pa.string()),
        ("stage", pa.string()),
        ("error_class", pa.string()),
        ("message_id", pa.string()),
        ("key", pa.string()),
        ("model", pa.string()),
    ]
)
"""The columns of dead letters that a score looks at."""


@dataclass(frozen=True)
class Outputs:
    """What came out, as far as it is to be looked at.

    Attributes:
        table: rows of the predictions table, with the columns of `prediction_columns`; None if it is not looked at.
        messages: output messages, with the same columns; None if they are not looked at.
        dead_letters: rows with the columns of `DEAD_LETTER`; None if they are not looked at.
    """

    table: pa.Table | None
    messages: pa.Table | None
    dead_letters: pa.Table | None

    @property
    def places(self) -> Sequence[tuple[str, pa.Table]]:
        """The places of predictions, by name: the table before the messages."""
        named = (("table", self.table), ("messages", self.messages))
        return [(name, rows) for name, rows in named if rows is not None]


def prediction_columns(output_columns: Sequence[pa.Field]) -> pa.Schema:
    """The columns of predictions that a score looks at.

    Args:
        output_columns: those that the job's models fill.
    """
    return pa.schema([*_PREDICTION, *output_columns])


def read_outputs(
    table: str | None,
    deadletter_table: str | None,
    messages_file: str | None,
    since: datetime,
    output_columns: Sequence[pa.Field] = (),
    on_step: Callable[[str], None] = lambda _: None,
) -> Outputs:
    """What came out of a job since a time.

    Args:
        table: of predictions, as `P.D.T` or `P:D.T`.
        deadletter_table: as `table`; without it, that of `table`.
        messages_file: NDJSON, an output message's data a line, local or gs://.
        since: of predictions the publish time, of dead letters their own; with a time zone.
        output_columns: the columns that the job's models fill.
        on_step: is told what is being read.

    Raises:
        Mistakes: nothing is named to read from, a table or file does not exist or does not hold what it should.
        JobError: BigQuery refuses, or cannot be reached.
    """
    if table is None and messages_file is None:
        raise Mistakes([NOTHING_NAMED])
    wanted = prediction_columns(output_columns)

    def rows(table: str | None, columns: pa.Schema, time_column: str, place: str) -> pa.Table | None:
        if table is None:
            return None
        from producers.scoring.table_rows import read_table  # Google's client costs a second

        on_step(f"Reading {table}")
        return read_table(value_of(place, table, parse_table_id), columns, time_column, since, place)

    return Outputs(
        rows(table, wanted, "publish_time", "--table"),
        read_messages(messages_file, wanted, since) if messages_file is not None else None,
        rows(_letters(table, deadletter_table), DEAD_LETTER, "timestamp", "--deadletter-table"),
    )


def see_tables(table: str | None, deadletter_table: str | None, output_columns: Sequence[pa.Field] = ()) -> None:
    """See that there is what `read_outputs` reads from BigQuery; arguments and errors are those."""
    columns = ((table, prediction_columns(output_columns)), (_letters(table, deadletter_table), DEAD_LETTER))
    for place, (name, wanted) in zip(("--table", "--deadletter-table"), columns, strict=True):
        if name is not None:
            from producers.scoring.table_rows import see_table  # as above

            see_table(value_of(place, name, parse_table_id), wanted, place)


def _letters(table: str | None, deadletter_table: str | None) -> str | None:
    return deadletter_table or (table and f"{table}_error_records")
