"""Dead letters into their BigQuery table by `tabledata.insertAll`, which, unlike Storage Write, takes JSON."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import requests
from google.api_core import exceptions
from google.api_core.retry import Retry
from google.auth.exceptions import GoogleAuthError, TransportError
from google.cloud.bigquery import Client

from streaming.bigquery.table_ids import TableId
from streaming.errors import PermanentError, one_line
from streaming.slices import slices

_LOG = logging.getLogger(__name__)

REQUEST_ROWS = 500
REQUEST_BYTES = 8_000_000

_NO_CREDENTIALS = "no valid credentials; check the job's account and start the job again"
_REMEDIES = {
    exceptions.NotFound: "no such table; create it, or name another, and start the job again",
    exceptions.Forbidden: "no permission to write; grant roles/bigquery.dataEditor on its dataset",
    exceptions.Unauthorized: _NO_CREDENTIALS,
    GoogleAuthError: _NO_CREDENTIALS,
}
_PASSING_ERRORS = (
    exceptions.TooManyRequests,
    exceptions.ServerError,
    TransportError,
    requests.exceptions.ConnectionError,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.Timeout,
)
_PASSING_REASONS = frozenset({"backendError", "internalError", "rateLimitExceeded", "quotaExceeded", "timeout"})
_STOPPED = "stopped"  # the reason of a row that was not written because another one is bad


def insert(
    client: Client,
    table_id: TableId,
    rows: Sequence[Mapping[str, Any]],
    insert_ids: Sequence[str | None],
    *,
    retry_for: float = 120.0,
    not_found_for: float = 20.0,
    backoff: tuple[float, float] = (0.2, 10.0),
    on_retry: Callable[[], None] = lambda: None,
) -> None:
    """Insert all rows; when it returns, all are in the table.

    Args:
        client: of any project.
        table_id: where they go.
        rows: as JSON, each at most 10 MB.
        insert_ids: one for each row, by which BigQuery leaves out repetitions within a minute or so; None for none.
        retry_for: seconds a request may go on failing for transient reasons.
        not_found_for: seconds a table may be not found, since it may have been made a moment ago.
        backoff: shortest and longest mean wait, in seconds, between attempts; doubled each time, with full jitter.
        on_retry: called where a request has failed and is sent again.

    Raises:
        PermanentError: BigQuery does not take a row, or the table cannot be written to. Rows may have been inserted.
        RetryError: BigQuery could not be had for `retry_for` seconds. Rows may have been inserted.
    """
    retrying = partial(Retry, initial=backoff[0], maximum=backoff[1], multiplier=2.0, on_error=partial(_warn, on_retry))
    passing, appearing = retrying(_is_passing, timeout=retry_for), retrying(_is_missing, timeout=not_found_for)
    send = appearing(passing(_send))
    for part in slices([len(json.dumps(row)) for row in rows], REQUEST_ROWS, REQUEST_BYTES):
        try:
            send(client, table_id, rows[part], insert_ids[part])
        except (exceptions.GoogleAPIError, GoogleAuthError) as error:
            _raise_permanent(error, table_id)
            error.add_note(f"while inserting dead letters into {table_id}")
            raise


def _warn(on_retry: Callable[[], None], error: Exception) -> None:
    on_retry()
    _LOG.warning("Inserting dead letters again: %s", one_line(error))


def _send(
    client: Client, table_id: TableId, rows: Sequence[Mapping[str, Any]], insert_ids: Sequence[str | None]
) -> None:
    refused = client.insert_rows_json(str(table_id), rows, row_ids=insert_ids, retry=None, timeout=60.0)
    for row in refused:
        for fault in row["errors"]:
            if fault["reason"] != _STOPPED:
                _raise_fault(fault, rows[row["index"]], table_id)
    if refused:
        raise exceptions.ServiceUnavailable(f"{len(refused)} rows were not inserted")


def _raise_fault(fault: Mapping[str, str], row: Mapping[str, Any], table_id: TableId) -> None:
    words = f"{fault['reason']}: {fault.get('message', '')} {fault.get('location', '')}".rstrip()
    if fault["reason"] in _PASSING_REASONS:
        raise exceptions.ServiceUnavailable(words)
    letter = f"the dead letter of message {row.get('message_id')}"
    raise PermanentError(f"table {table_id}: BigQuery refuses {letter}; compare the table's columns ({words})")


def _is_passing(error: BaseException) -> bool:
    reasons = {detail.get("reason") for detail in getattr(error, "errors", ()) if isinstance(detail, Mapping)}
    return (
        isinstance(error, _PASSING_ERRORS)
        or bool(reasons & _PASSING_REASONS)
        or (isinstance(error, GoogleAuthError) and bool(error.retryable))
    )


def _is_missing(error: BaseException) -> bool:
    return isinstance(error, exceptions.NotFound)


def _raise_permanent(error: Exception, table_id: TableId) -> None:
    """Raise what stays until somebody mends it; return for anything else."""
    cause = error.cause if isinstance(error, exceptions.RetryError) else error
    for kind, remedy in _REMEDIES.items():
        if isinstance(cause, kind) and not _is_passing(cause):
            raise PermanentError(f"table {table_id}: {remedy} ({one_line(cause)})") from error
