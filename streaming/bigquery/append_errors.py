"""What BigQuery answers to an append that it did not take: to wait for, to give up on, or to hold against a row."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import grpc
from google.api_core.exceptions import from_grpc_status
from google.cloud.bigquery_storage_v1.types import RowError, StorageError
from google.rpc.code_pb2 import (
    ABORTED,
    CANCELLED,
    DEADLINE_EXCEEDED,
    INTERNAL,
    INVALID_ARGUMENT,
    NOT_FOUND,
    PERMISSION_DENIED,
    RESOURCE_EXHAUSTED,
    UNAUTHENTICATED,
    UNAVAILABLE,
    UNKNOWN,
    Code,
)
from google.rpc.status_pb2 import Status

from streaming.bigquery.table_ids import TableId
from streaming.errors import PermanentError

_TRANSIENT = frozenset({ABORTED, CANCELLED, DEADLINE_EXCEEDED, INTERNAL, RESOURCE_EXHAUSTED, UNAVAILABLE, UNKNOWN})

_REMEDIES = {
    NOT_FOUND: "no such table; create it, or name another, and start the job again",
    PERMISSION_DENIED: "no permission to write; grant roles/bigquery.dataEditor on its dataset",
    UNAUTHENTICATED: "no valid credentials; check the job's account and start the job again",
    INVALID_ARGUMENT: "the rows do not fit the table; compare its columns with what the job writes",
}

_ROW_ERROR_NAMES = {int(code): code.name for code in RowError.RowErrorCode}

SILENT = Status(code=DEADLINE_EXCEEDED, message="no answer in time")
CLOSED = Status(code=UNAVAILABLE, message="the server closed the stream")
UNREADABLE = Status(code=INTERNAL, message="the answers cannot be read")


def status_of(error: grpc.RpcError) -> Status:
    """The status that ended an RPC."""
    return Status(code=error.code().value[0], message=error.details() or "")


def is_missing(status: Status) -> bool:
    """Whether the table was not found: it may have been created a moment ago."""
    return bool(status.code == NOT_FOUND)


def is_transient(status: Status) -> bool:
    """Whether the same request may be taken later.

    So may a request with a column that the table has only just been given: the service learns of it within minutes.
    """
    return status.code in _TRANSIENT or _column_unknown_yet(status)


def to_error(status: Status, table: TableId) -> Exception:
    """The error of an append that is given up."""
    words = " ".join(status.message.split())
    if status.code in _TRANSIENT:
        error: Exception = from_grpc_status(status.code, f"table {table}: BigQuery did not take rows: {words}")
        return error
    name = Code.Name(status.code) if status.code in Code.values() else status.code
    remedy = _REMEDIES.get(status.code, f"BigQuery refuses the append with {name}; see its words")
    return PermanentError(f"table {table}: {remedy} (BigQuery: {words})")


def row_faults(row_errors: Iterable[Any], rows: int) -> dict[int, tuple[str, str]]:
    """The class and words of the fault of each row that BigQuery refused, by its index in the request.

    Args:
        row_errors: of the raw response. A row may stand there more than once.
        rows: of the request; an error beyond them says nothing.
    """
    faults: dict[int, tuple[str, str]] = {}
    for error in row_errors:
        if 0 <= error.index < rows:
            name = _ROW_ERROR_NAMES.get(error.code, f"ROW_ERROR_{error.code}")
            _, before = faults.get(error.index, ("", ""))
            faults[error.index] = (name, f"{before}; {error.message}" if before else error.message)
    return faults


def _column_unknown_yet(status: Status) -> bool:
    storage_error = StorageError.pb()()
    unknown = StorageError.StorageErrorCode.SCHEMA_MISMATCH_EXTRA_FIELDS
    return any(detail.Unpack(storage_error) and storage_error.code == unknown for detail in status.details)
