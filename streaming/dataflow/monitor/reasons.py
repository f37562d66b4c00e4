"""Why the latest dead letters of a job are dead: a query on their BigQuery table."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import requests
from google.api_core import exceptions

from streaming.asking import Service
from streaming.bigquery.table_ids import parse_table_id
from streaming.endpoints import bigquery_client
from streaming.errors import PermanentError
from streaming.monitoring.report import Reason
from streaming.service_errors import in_words

if TYPE_CHECKING:
    from google.cloud.bigquery import Client, Row

SPAN = timedelta(days=1)
"""So long ago a dead letter may be: the table is partitioned by day, and a query pays for what it reads."""

MOST = 10
REQUEST_SECONDS = 8.0

_BIGQUERY = Service(
    "BigQuery",
    lambda: "BigQuery",
    {
        exceptions.Forbidden: "the caller needs roles/bigquery.jobUser on the job's project and "
        "roles/bigquery.dataViewer on the table",
        exceptions.NotFound: "name the table by --deadletter-table",
    },
)
_QUERY = """\
SELECT MAX(timestamp) AS latest, stage, error_class, errorMessage AS message
FROM `{table}`
WHERE timestamp >= @since AND job_name = @job_name
GROUP BY stage, error_class, message
ORDER BY latest DESC
LIMIT {most}"""


def ask_reasons(table: str, project: str, job_name: str, now: datetime) -> tuple[Reason, ...]:
    """The reasons of the latest dead letters, the latest first, equal ones once.

    Args:
        table: `P:D.T` or `P.D.T`.
        project: where the query runs, and is paid for.
        job_name: whose dead letters.
        now: the end of the day that is looked at.

    Raises:
        PermanentError: BigQuery refuses, or the name is none of a table.
    """
    try:
        table = str(parse_table_id(table))
    except ValueError as error:
        raise PermanentError(f"the dead letters cannot be read: {error}") from error
    client = _BIGQUERY.connected(partial(bigquery_client, project))
    what = f"read the latest dead letters of {table}"
    try:
        rows = _BIGQUERY.asked(
            what, partial(_rows, client, job_name, now - SPAN), _QUERY.format(table=table, most=MOST)
        )
    except requests.exceptions.RequestException as error:
        raise PermanentError(f"cannot {what}: {in_words(error)}") from error
    return tuple(
        Reason(row.latest.astimezone(UTC), row.stage or "", row.error_class or "", row.message or "") for row in rows
    )


def _rows(client: Client, job_name: str, since: datetime, request: str, retry: None, timeout: float) -> Sequence[Row]:
    from google.cloud.bigquery import QueryJobConfig, ScalarQueryParameter

    parameters = [
        ScalarQueryParameter("since", "TIMESTAMP", since),
        ScalarQueryParameter("job_name", "STRING", job_name),
    ]
    seconds = min(timeout, REQUEST_SECONDS)
    config = QueryJobConfig(query_parameters=parameters)
    found = client.query_and_wait(
        request, job_config=config, api_timeout=seconds, wait_timeout=seconds, retry=retry, job_retry=None
    )
    return list(found)
