"""BigQuery tables, read by the Storage Read service: Arrow from BigQuery to the batch.

A session is opened at launch, also where the job is only checked: nothing else tells what the columns are in Arrow, and
whether they may be read so. It sees the table as it is then, and lives for six hours. BigQuery divides the rows among
its streams as it sees fit, so a row has a number only within one: the records of stream 2 are `P.D.T/2#1` and so on.
Another session may number them otherwise; the job file's `message.id` is what identifies a row for good.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

import pyarrow as pa
from google.api_core.exceptions import FailedPrecondition, Forbidden, GoogleAPIError, NotFound
from google.cloud.bigquery import Table
from google.cloud.bigquery_storage_v1.types import DataFormat, ReadSession

from streaming.arguments import value_of
from streaming.bigquery.table_ids import TableId, parse_table_id
from streaming.bigquery.tables import RETRY
from streaming.endpoints import bigquery_client, bigquery_read_client
from streaming.errors import Mistakes, PermanentError
from streaming.registry import shared
from streaming.service_errors import as_mistakes, in_words
from streaming.stored.records import Part, Records

_REFUSALS = {
    NotFound: "no such table; correct the name",
    Forbidden: "no permission to read it; grant roles/bigquery.dataViewer on it, and roles/bigquery.readSessionUser "
    "on its project",
    GoogleAPIError: "BigQuery could not read it",
}
_SESSION_SECONDS = 120.0  # a large table takes BigQuery a while
_CLIENT = "bigquery_read_client"


def parts(name: str, wanted: Collection[str] | None, place: str) -> tuple[tuple[Part, ...], pa.Schema]:
    """A part for each stream of a new session, and the columns of its rows.

    Args:
        name: `P:D.T` or `P.D.T`.
        wanted: the columns to read, those of them that the table has; None for all.
        place: the flag that names the table, for the error messages.

    Raises:
        Mistakes: there is no such table, it cannot be read, or has none of the columns.
    """
    table_id = value_of(place, name, parse_table_id)
    with as_mistakes(f"{place} {table_id}", _REFUSALS):
        table = bigquery_client(table_id.project).get_table(str(table_id), retry=RETRY)
        names = [field.name for field in table.schema if wanted is None or field.name in wanted]
        _see(table, names, f"{place} {table_id}")
        session = _session(table_id, names)
    schema = pa.ipc.read_schema(pa.py_buffer(session.arrow_schema.serialized_schema)).remove_metadata()
    changed = int(table.modified.timestamp() * 1_000_000)
    streams = enumerate((stream.name for stream in session.streams), 1)
    found = tuple(Part(f"{table_id}/{number}", "table", 1, changed, stream) for number, stream in streams)
    return found, schema


def read(part: Part, columns: pa.Schema) -> Iterator[Records]:
    """The rows of a stream, as many at once as BigQuery sends; a broken connection is taken up again.

    Raises:
        PermanentError: the session has ended.
    """
    client = shared(_CLIENT, bigquery_read_client)
    first = part.first
    try:
        for response in client.read_rows(part.name):
            data = pa.py_buffer(response.arrow_record_batch.serialized_record_batch)
            rows = pa.ipc.read_record_batch(data, columns)
            yield Records(part.origin, first, part.published, rows)
            first += rows.num_rows
    except (NotFound, FailedPrecondition) as error:
        why = f"the session that reads it is over ({in_words(error)})"
        raise PermanentError(f"{part.origin}: {why}; start the job again: a session lives for 6 hours") from error


def _see(table: Table, names: list[str], place: str) -> None:
    if table.table_type not in ("TABLE", "SNAPSHOT", "EXTERNAL"):
        raise Mistakes([f"{place}: is a {table.table_type}, which cannot be read so; store its rows in a table"])
    if not names:
        there = ", ".join(field.name for field in table.schema)
        raise Mistakes([f"{place}: has no column that the job reads, but {there or 'none at all'}"])


def _session(table_id: TableId, names: list[str]) -> ReadSession:
    table = f"projects/{table_id.project}/datasets/{table_id.dataset}/tables/{table_id.table}"
    options = ReadSession.TableReadOptions(selected_fields=names)
    wanted = ReadSession(table=table, data_format=DataFormat.ARROW, read_options=options)
    client = shared(_CLIENT, bigquery_read_client)
    parent = f"projects/{table_id.project}"
    return client.create_read_session(parent=parent, read_session=wanted, timeout=_SESSION_SECONDS)
