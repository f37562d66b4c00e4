"""Rows of a job's BigQuery tables, as Arrow."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pyarrow as pa
import requests
from google.api_core import exceptions
from google.auth.exceptions import GoogleAuthError
from google.cloud.bigquery import DEFAULT_RETRY, Client, QueryJobConfig, ScalarQueryParameter

from streaming.bigquery.table_ids import TableId
from streaming.endpoints import bigquery_client, emulators
from streaming.errors import Mistakes, PermanentError, no_credentials, one_line

_RETRY = DEFAULT_RETRY.with_delay(initial=0.2).with_timeout(10.0)  # seconds; somebody waits before the screen


class NoTableError(Mistakes):
    """There is no such table; a job that has only just started may be about to make it."""


def read_table(table_id: TableId, columns: pa.Schema, time_column: str, since: datetime, place: str) -> pa.Table:
    """The rows of a BigQuery table whose `time_column` is not before `since`; only `columns`, with their types.

    Raises:
        NoTableError: there is no such table.
        Mistakes: it lacks columns.
        PermanentError: BigQuery refuses, or cannot be reached.
    """
    with _explained(f"{place} {table_id}"):
        client = bigquery_client(table_id.project)
        _check_columns(client, table_id, columns, place)
        names = ", ".join(f"`{name}`" for name in columns.names)
        query = f"SELECT {names} FROM `{table_id}` WHERE `{time_column}` >= @since"  # noqa: S608 - holds no quotes
        config = QueryJobConfig(query_parameters=[ScalarQueryParameter("since", "TIMESTAMP", since.astimezone(UTC))])
        rows = client.query(query, job_config=config, retry=_RETRY, timeout=60.0).result(retry=_RETRY)
        # The emulator has no service that streams rows; over REST, a million rows take BigQuery minutes.
        found = rows.to_arrow(create_bqstorage_client="BIGQUERY_EMULATOR_HOST" not in emulators())
    return found.select(columns.names).cast(columns)


def _check_columns(client: Client, table_id: TableId, columns: pa.Schema, place: str) -> None:
    there = {field.name for field in client.get_table(str(table_id), retry=_RETRY).schema}
    missing = [name for name in columns.names if name not in there]
    if missing:
        remedy = "name the table and the job file of the same run"
        raise Mistakes([f"{place} {table_id}: lacks the columns {', '.join(missing)}; {remedy}"])


@contextmanager
def _explained(place: str) -> Iterator[None]:
    """Turn what BigQuery says into one line with a remedy."""
    try:
        yield
    except exceptions.NotFound as error:
        raise NoTableError([f"{place}: no such table; name one that the job has made ({one_line(error)})"]) from error
    except exceptions.Forbidden as error:
        remedy = "grant roles/bigquery.dataViewer, jobUser and readSessionUser"
        raise PermanentError(f"{place}: no permission to read it; {remedy} ({one_line(error)})") from error
    except GoogleAuthError as error:
        raise PermanentError(f"{place}: {no_credentials(error)}") from error
    except (exceptions.GoogleAPIError, requests.exceptions.RequestException) as error:
        host = emulators().get("BIGQUERY_EMULATOR_HOST")
        remedy = f"check the emulator at {host}" if host else "check the network and try again"
        raise PermanentError(f"{place}: BigQuery could not read it; {remedy} ({one_line(error)})") from error
