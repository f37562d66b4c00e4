"""Rows are cut to requests that keep their order and their numbers."""

import pyarrow as pa
import pytest

from streaming.bigquery.append_requests import MAX_REQUEST_BYTES, AppendRequest, cut, to_request
from streaming.bigquery.table_ids import TableId

TABLE = TableId("p", "d", "t")
STREAM = "projects/p/datasets/d/tables/t/streams/_default"


def texts(*sizes: int) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict({"text": pa.array(["x" * size for size in sizes])})


def sent(request: AppendRequest) -> pa.RecordBatch:
    """The rows as a receiver reads them."""
    rows = request.message(with_schema=True).arrow_rows
    schema = pa.ipc.read_schema(pa.py_buffer(rows.writer_schema.serialized_schema))
    return pa.ipc.read_record_batch(pa.py_buffer(rows.rows.serialized_record_batch), schema)


def test_what_fits_is_one_request_of_the_table_s_default_stream() -> None:
    (request,), refusals = cut(TABLE, texts(1, 2, 3))
    assert request.message(with_schema=True).write_stream == STREAM
    assert (sent(request), list(request.numbers), refusals) == (texts(1, 2, 3), [0, 1, 2], [])


def test_no_rows_are_no_request() -> None:
    assert cut(TABLE, texts()) == ([], [])


def test_the_schema_is_left_out_where_the_stream_has_it() -> None:
    message = to_request(TABLE, texts(1), [0]).message(with_schema=False)
    assert message.write_stream == STREAM
    assert not message.arrow_rows.HasField("writer_schema")


def test_rows_above_the_limit_are_halved_in_their_order() -> None:
    requests, refusals = cut(TABLE, texts(*[1000] * 10), limit=4000)
    assert [list(request.numbers) for request in requests] == [[0, 1], [2, 3, 4], [5, 6], [7, 8, 9]]
    assert [sent(request) for request in requests] == [texts(*[1000] * len(request.numbers)) for request in requests]
    assert refusals == []


@pytest.mark.parametrize("rows", [1, 1000])
def test_the_size_of_a_request_is_never_less_than_its_bytes(rows: int) -> None:
    request = to_request(TABLE, texts(*[100] * rows), range(rows))
    size = request.message(with_schema=True).ByteSize()
    assert size <= request.size <= size + 64


def test_a_row_that_fits_into_no_request_is_refused_with_its_size() -> None:
    requests, (refusal,) = cut(TABLE, texts(10, 20, 5000, 30), limit=4000)
    assert [list(request.numbers) for request in requests] == [[0, 1], [3]]
    assert (refusal.row, refusal.error_class) == (2, "RowTooLarge")
    assert "4000 are the most; shorten its values" in refusal.message


def test_the_usual_limit_leaves_bigquery_a_fifth_of_its_ten_megabytes() -> None:
    requests, _ = cut(TABLE, texts(*[1_000_000] * 12))
    assert MAX_REQUEST_BYTES == 8_000_000
    assert [len(request.numbers) for request in requests] == [6, 6]


def test_a_request_without_some_rows_keeps_the_numbers_of_the_others() -> None:
    request = to_request(TABLE, texts(0, 1, 2, 3), [10, 11, 12, 13])
    rest = request.without({0, 2})
    assert rest is not None
    assert (sent(rest), list(rest.numbers)) == (texts(1, 3), [11, 13])
    again = rest.without({0})
    assert again is not None
    assert (sent(again), list(again.numbers)) == (texts(3), [13])


def test_a_request_without_all_its_rows_is_none() -> None:
    assert to_request(TABLE, texts(0, 1), [0, 1]).without({0, 1}) is None
