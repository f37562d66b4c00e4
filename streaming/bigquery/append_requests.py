"""Arrow rows to requests of the BigQuery Storage Write API: cut to size, with or without some of their rows."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from google.cloud.bigquery_storage_v1.types import AppendRowsRequest

from streaming.bigquery.table_ids import TableId
from streaming.refusals import Refusal

MAX_REQUEST_BYTES = 8_000_000
"""BigQuery takes 10 MB or more in a request, by what it makes of the rows: they may grow there by a quarter."""

_ENVELOPE_BYTES = 64  # the tags and lengths around the four texts of a request

_RawRequest = AppendRowsRequest.pb()  # proto-plus objects around large bytes cost more than sending them


@dataclass(frozen=True, eq=False)
class AppendRequest:
    """Rows of one table that BigQuery takes or refuses together.

    Attributes:
        write_stream: the table's default stream.
        rows: as they are sent.
        numbers: of each row, where it stood in what the caller gave.
        schema, serialized: the rows as Arrow IPC messages.
    """

    table: TableId
    rows: pa.RecordBatch
    numbers: Sequence[int]
    schema: bytes
    serialized: bytes

    @property
    def write_stream(self) -> str:
        table = self.table
        return f"projects/{table.project}/datasets/{table.dataset}/tables/{table.table}/streams/_default"

    @property
    def size(self) -> int:
        """Bytes of the request, schema included."""
        return len(self.serialized) + len(self.schema) + len(self.write_stream) + _ENVELOPE_BYTES

    def message(self, *, with_schema: bool) -> Any:
        """The raw `AppendRowsRequest`; a stream keeps the schema until it changes."""
        message = _RawRequest(write_stream=self.write_stream)
        message.arrow_rows.rows.serialized_record_batch = self.serialized
        if with_schema:
            message.arrow_rows.writer_schema.serialized_schema = self.schema
        return message

    def without(self, indexes: Collection[int]) -> AppendRequest | None:
        """This request without the rows at `indexes` of it; None when nothing is left."""
        kept = [index for index in range(len(self.numbers)) if index not in indexes]
        if not kept:
            return None
        return to_request(self.table, self.rows.take(kept), [self.numbers[index] for index in kept])


def to_request(table: TableId, rows: pa.RecordBatch, numbers: Sequence[int]) -> AppendRequest:
    """One request of all `rows`, whatever their size."""
    return AppendRequest(table, rows, numbers, rows.schema.serialize().to_pybytes(), rows.serialize().to_pybytes())


def cut(
    table: TableId, rows: pa.RecordBatch, limit: int = MAX_REQUEST_BYTES
) -> tuple[list[AppendRequest], list[Refusal]]:
    """As few halvings of `rows` as make every request fit, in row order, and the rows that fit in none.

    Args:
        table: where they go.
        rows: with the columns of the table; none give no request.
        limit: bytes of a request.
    """
    requests: list[AppendRequest] = []
    refusals: list[Refusal] = []
    waiting = [range(rows.num_rows)] if rows.num_rows else []
    while waiting:
        numbers = waiting.pop()
        request = to_request(table, rows.slice(numbers.start, len(numbers)), numbers)
        half = len(numbers) // 2
        if request.size <= limit:
            requests.append(request)
        elif half:
            waiting += [numbers[half:], numbers[:half]]
        else:
            words = f"the row makes a request of {request.size} bytes, {limit} are the most; shorten its values"
            refusals.append(Refusal(numbers.start, "RowTooLarge", words))
    return requests, refusals
