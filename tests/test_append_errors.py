"""What BigQuery's answers to an append mean."""

import pytest
from google.api_core.exceptions import Aborted, GoogleAPICallError, ResourceExhausted, ServiceUnavailable
from google.cloud.bigquery_storage_v1.types import RowError, StorageError
from google.rpc.code_pb2 import Code
from google.rpc.status_pb2 import Status

from streaming.bigquery.append_errors import is_missing, is_transient, row_faults, to_error
from streaming.bigquery.table_ids import TableId
from streaming.errors import PermanentError

TABLE = TableId("p", "d", "t")
TRANSIENT = {
    "ABORTED",
    "CANCELLED",
    "DEADLINE_EXCEEDED",
    "INTERNAL",
    "RESOURCE_EXHAUSTED",
    "UNAVAILABLE",
    "UNKNOWN",
}


def storage_error(code: StorageError.StorageErrorCode) -> Status:
    status = Status(code=Code.INVALID_ARGUMENT, message="words")
    status.details.add().Pack(StorageError.pb()(code=code))
    return status


def test_what_passes_is_told_from_what_stays() -> None:
    codes = [code for name, code in Code.items() if name != "OK"]
    assert {Code.Name(code) for code in codes if is_transient(Status(code=code))} == TRANSIENT


def test_a_table_that_is_not_found_is_told_from_the_rest() -> None:
    assert [Code.Name(code) for code in Code.values() if is_missing(Status(code=code))] == ["NOT_FOUND"]


def test_a_column_that_is_not_known_yet_passes_and_other_misfits_do_not() -> None:
    assert is_transient(storage_error(StorageError.StorageErrorCode.SCHEMA_MISMATCH_EXTRA_FIELDS))
    assert not is_transient(storage_error(StorageError.StorageErrorCode.INVALID_CMEK_PROVIDED))


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (Code.ABORTED, Aborted),
        (Code.RESOURCE_EXHAUSTED, ResourceExhausted),
        (Code.UNAVAILABLE, ServiceUnavailable),
    ],
)
def test_what_passes_but_lasts_too_long_is_google_s_exception(code: int, kind: type[GoogleAPICallError]) -> None:
    error = to_error(Status(code=code, message="their\n words"), TABLE)
    assert type(error) is kind
    assert str(error).endswith("table p.d.t: BigQuery did not take rows: their words")


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        (Code.NOT_FOUND, "no such table; create it, or name another, and start the job again"),
        (Code.PERMISSION_DENIED, "no permission to write; grant roles/bigquery.dataEditor on its dataset"),
        (Code.UNAUTHENTICATED, "no valid credentials; check the job's account and start the job again"),
        (Code.INVALID_ARGUMENT, "the rows do not fit the table; compare its columns with what the job writes"),
        (Code.OUT_OF_RANGE, "BigQuery refuses the append with OUT_OF_RANGE; see its words"),
        (99, "BigQuery refuses the append with 99; see its words"),
    ],
)
def test_what_stays_is_one_line_with_the_table_the_remedy_and_bigquery_s_words(code: int, remedy: str) -> None:
    error = to_error(Status(code=code, message="their\n words"), TABLE)
    assert type(error) is PermanentError
    assert str(error) == f"table p.d.t: {remedy} (BigQuery: their words)"


def test_row_errors_are_gathered_by_row() -> None:
    errors = [
        RowError.pb()(index=2, code=1, message="no such field: y"),
        RowError.pb()(index=0, code=7, message="a code of later days"),
        RowError.pb()(index=2, code=1, message="x is no number"),
    ]
    assert row_faults(errors, 3) == {
        2: ("FIELDS_ERROR", "no such field: y; x is no number"),
        0: ("ROW_ERROR_7", "a code of later days"),
    }


def test_an_error_of_a_row_that_was_not_sent_says_nothing() -> None:
    assert row_faults([RowError.pb()(index=index, code=1) for index in (-1, 3)], 3) == {}
