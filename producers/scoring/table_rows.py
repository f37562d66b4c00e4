"""Rows of a job's BigQuery tables, as Arrow."""

from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa
from google.cloud.bigquery import QueryJobConfig, ScalarQueryParameter

from producers.table_access import explained, see_columns
from streaming.bigquery.table_ids import TableId
from streaming.endpoints import bigquery_client, emulators
from streaming.service_errors import retry

_REMEDY = "name the table and the job file of the same run"


def see_table(table_id: TableId, columns: pa.Schema, place: str) -> None:
    """See that there is a BigQuery table with such columns.

    Raises:
        NoTableError: there is no such table.
        Mistakes: it lacks columns.
        JobError: BigQuery refuses, or cannot be reached.
    """
    see_columns(bigquery_client(table_id.project), place, table_id, columns.names, _REMEDY)


def read_table(table_id: TableId, columns: pa.Schema, time_column: str, since: datetime, place: str) -> pa.Table:
    """The rows of a BigQuery table whose `time_column` is not before `since`; only `columns`, with their types.

    There is no upper bound: what is published anew comes long after the run.

    Raises:
        NoTableError: there is no such table.
        Mistakes: it lacks columns.
        JobError: BigQuery refuses, or cannot be reached.
    """
    client = bigquery_client(table_id.project)
    see_columns(client, place, table_id, columns.names, _REMEDY)
    names = ", ".join(f"`{name}`" for name in columns.names)
    query = f"SELECT {names} FROM `{table_id}` WHERE `{time_column}` >= @since"  # noqa: S608 - holds no quotes
    config = QueryJobConfig(query_parameters=[ScalarQueryParameter("since", "TIMESTAMP", since.astimezone(UTC))])
    with explained(place, table_id):
        rows = client.query(query, job_config=config, retry=retry(), timeout=60.0).result(retry=retry())
        # The emulator streams the rows of tables, not a query's; over REST, a million rows take BigQuery minutes.
        found = rows.to_arrow(create_bqstorage_client="BIGQUERY_EMULATOR_HOST" not in emulators())
    return found.select(columns.names).cast(columns)
