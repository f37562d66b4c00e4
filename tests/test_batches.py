"""Batches: columns are added, rows move to the failures, and nothing is lost on the way through the coder."""

import dataclasses
import struct
from typing import Any

import pyarrow as pa
import pytest

from streaming.batches import (
    ENVELOPE,
    FAILURE,
    NO_FAILURES,
    TIMESTAMP,
    Batch,
    Failure,
    answer_type,
    concat,
    failure_rows,
    from_bytes,
    to_bytes,
)
from tests.builders import START, answered, batch, envelope, plan, readings

BAD = Failure("decode", "Bad", "no good")
WORSE = Failure("infer:m", "Worse", "no good at all", "m", "Traceback ...")
REFUSED = Failure("generation", "GenerationRefusedError", "generation 2: no variables", "m")


def failure_row(row: int, failure: Failure) -> dict[str, Any]:
    return envelope(row) | dataclasses.asdict(failure)


def event_row(failure: Failure) -> dict[str, Any]:
    return dict.fromkeys(ENVELOPE.names) | dataclasses.asdict(failure)


def test_the_names_of_columns_cannot_collide() -> None:
    output = pa.field("model_version", pa.float64())
    assert answer_type([output]) == pa.struct(
        [
            output,
            pa.field("(model_version)", pa.string()),
            pa.field("(model_fingerprint)", pa.string()),
            pa.field("(processed_at)", TIMESTAMP),
            pa.field("(batch_size)", pa.int64()),
        ]
    )


def test_a_new_column_is_added_at_the_end_and_a_known_one_replaced_where_it_is() -> None:
    added = readings([1.0, 2.0]).with_column("new", pa.array(["a", "b"]))
    assert added.rows.schema == pa.schema([*ENVELOPE, ("field:value", pa.float64()), ("new", pa.string())])
    replaced = added.with_column("field:value", pa.array([True, None]))
    assert replaced.rows.schema == pa.schema([*ENVELOPE, ("field:value", pa.bool_()), ("new", pa.string())])
    assert replaced.rows.to_pylist() == [
        envelope(0) | {"field:value": True, "new": "a"},
        envelope(1) | {"field:value": None, "new": "b"},
    ]


def test_a_batch_does_not_change() -> None:
    before = readings([1.0, 2.0])
    same = readings([1.0, 2.0])
    before.with_column("new", pa.array([1, 2]))
    before.rejecting(pa.array([True, False]), [BAD])
    assert before == same
    with pytest.raises(dataclasses.FrozenInstanceError):
        before.rows = same.rows  # type: ignore[misc]


def test_a_column_of_another_length_is_refused() -> None:
    with pytest.raises(pa.ArrowInvalid):
        readings([1.0, 2.0]).with_column("new", pa.array([1]))


def test_failing_rows_stay_and_are_among_the_failures() -> None:
    before = readings([1.0, 2.0, 3.0])
    after = before.failing(pa.array([True, False, True]), [BAD, WORSE])
    assert after.rows == before.rows
    assert after.failures.schema == FAILURE
    assert after.failures.to_pylist() == [failure_row(0, BAD), failure_row(2, WORSE)]


def test_rejected_rows_leave_and_are_among_the_failures() -> None:
    after = readings([1.0, 2.0, 3.0]).rejecting(pa.array([True, False, True]), [BAD, WORSE])
    assert after.rows.to_pylist() == [envelope(1) | {"field:value": 2.0}]
    assert after.failures.to_pylist() == [failure_row(0, BAD), failure_row(2, WORSE)]


def test_failures_of_several_steps_are_kept_in_order() -> None:
    once = readings([1.0, 2.0, 3.0]).rejecting(pa.array([False, True, False]), [BAD])
    twice = once.failing(pa.array([False, True]), [WORSE]).rejecting(pa.array([True, False]), [BAD])
    assert twice.rows.to_pylist() == [envelope(2) | {"field:value": 3.0}]
    assert twice.failures.to_pylist() == [failure_row(1, BAD), failure_row(2, WORSE), failure_row(0, BAD)]


def test_all_rows_can_be_rejected() -> None:
    after = readings([1.0, 2.0]).rejecting(pa.array([True, True]), [BAD, BAD])
    assert (len(after), after.failures.num_rows) == (0, 2)
    assert after.rows.schema == readings([1.0]).rows.schema


def test_a_row_of_which_nobody_knows_whether_it_failed_stays() -> None:
    after = readings([1.0, 2.0, 3.0]).rejecting(pa.array([None, True, None]), [BAD])
    assert after.column("id").to_pylist() == ["id-0", "id-2"]
    assert after.failures.to_pylist() == [failure_row(1, BAD)]


def test_nothing_failed() -> None:
    before = readings([1.0])
    assert before.failing(pa.array([False]), []) is before
    assert before.rejecting(pa.array([False]), []) is before


def test_events_are_failures_of_no_message() -> None:
    before = readings([1.0, 2.0]).failing(pa.array([False, True]), [BAD])
    after = before.with_events([REFUSED, dataclasses.replace(REFUSED, model="n")])
    assert after.rows == before.rows
    assert after.failures.schema == FAILURE
    assert after.failures.to_pylist() == [
        failure_row(1, BAD),
        event_row(REFUSED),
        event_row(dataclasses.replace(REFUSED, model="n")),
    ]
    assert before.with_events([]) == before


def test_a_batch_without_rows_takes_events() -> None:
    after = readings([]).with_events([REFUSED])
    assert (len(after), after.failures.to_pylist()) == (0, [event_row(REFUSED)])


@pytest.mark.parametrize("failures", [[BAD], [BAD] * 3])
def test_each_failing_row_needs_its_failure(failures: list[Failure]) -> None:
    with pytest.raises(ValueError, match=f"2 envelopes for {len(failures)} failures"):
        readings([1.0, 2.0]).rejecting(pa.array([True, True]), failures)


def test_failure_rows_take_the_envelope_and_leave_the_rest() -> None:
    rows = failure_rows(readings([1.0, 2.0]).rows, [BAD, WORSE])
    assert rows.schema == FAILURE
    assert rows.to_pylist() == [failure_row(0, BAD), failure_row(1, WORSE)]


def test_failure_rows_of_an_envelope_that_is_known_in_part() -> None:
    unknown = {**dict.fromkeys(ENVELOPE.names), "message_id": "m", "payload": b"\x00"}
    rows = failure_rows(pa.RecordBatch.from_pylist([unknown], schema=ENVELOPE), [BAD])
    assert rows.to_pylist() == [unknown | dataclasses.asdict(BAD)]


def test_answers_are_taken_back_from_the_masked_rows() -> None:
    model, other = plan("m"), plan("other")
    before = answered(answered(batch(3), model, [{"prediction": 1.0}, {"prediction": 2.0}, None]), other, [None] * 3)
    after = before.without_answers("m", pa.array([True, False, False]))
    assert after == answered(
        answered(batch(3), model, [None, {"prediction": 2.0}, None]), other, [None] * 3
    ).with_column(model.column, before.column(model.column).take(pa.array([None, 1, None])))
    assert before.column(model.column).null_count == 1


def test_a_slice_has_its_rows_and_no_failures() -> None:
    whole = readings([1.0, 2.0, 3.0]).failing(pa.array([True, False, False]), [BAD])
    part = whole.slice(1, 2)
    assert part.rows.to_pylist() == [envelope(1) | {"field:value": 2.0}, envelope(2) | {"field:value": 3.0}]
    assert part.failures == NO_FAILURES


def test_slices_put_together_are_the_whole() -> None:
    whole = readings([1.0, None, 3.0]).failing(pa.array([True, False, False]), [BAD])
    parts = [whole.slice(0, 1), whole.slice(1, 0), whole.slice(1, 2)]
    assert concat(parts) == Batch(whole.rows)
    assert concat([whole, *parts]).failures == whole.failures


def every_kind_of_column() -> Batch:
    """Nulls, maps, lists and structs in all the places they can have."""
    rows = batch(
        4,
        text=pa.array(["a", None, "", "é\U0001f600"]),
        numbers=pa.array([[1.5], None, [], [2.5, None]], pa.list_(pa.float64())),
        time=pa.array([0, None, -1, 1], pa.timestamp("ms", tz="UTC")),
    )
    rows = rows.with_column(
        "attributes", pa.array([[], None, [("a", "b")], [("a", None)]], ENVELOPE.field("attributes").type)
    )
    rows = rows.with_column("example", pa.array([b"\x00", b"", None, b"x"], pa.large_binary()))
    return answered(rows, plan("m"), [None, {"prediction": 1.0}, {"prediction": None}, None])


@pytest.mark.parametrize(
    "whole",
    [
        batch(0),
        Batch(pa.RecordBatch.from_pylist([], schema=ENVELOPE), failure_rows(batch(2).rows, [BAD, WORSE])),
        every_kind_of_column(),
        every_kind_of_column().failing(pa.array([True, False, False, True]), [BAD, WORSE]),
        every_kind_of_column().failing(pa.array([True, False, False, False]), [BAD]).with_events([REFUSED, REFUSED]),
        every_kind_of_column().slice(1, 2),
        every_kind_of_column().slice(4, 0),
        every_kind_of_column().rejecting(pa.array([True] * 4), [BAD] * 4),
    ],
    ids=[
        "empty",
        "failures only",
        "every kind",
        "with failures",
        "with events",
        "slice",
        "empty slice",
        "all rejected",
    ],
)
def test_the_coder_gives_back_what_it_was_given(whole: Batch) -> None:
    again = from_bytes(to_bytes(whole))
    assert again == whole
    assert (again.rows.schema, again.failures.schema) == (whole.rows.schema, FAILURE)
    again.rows.validate(full=True)


def test_the_code_of_a_slice_is_not_that_of_the_whole() -> None:
    whole = batch(1000, text=pa.array(["x" * 100] * 1000))
    assert len(to_bytes(whole.slice(500, 10))) < len(to_bytes(whole)) / 20


@pytest.mark.parametrize("data", [b"", b"batch", b"batch\x02" + to_bytes(batch(1))[6:], b"Batch\x01"])
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="not a batch of version 1: starts with "):
        from_bytes(data)


def test_the_code_begins_with_its_version_and_the_size_of_the_rows() -> None:
    code = to_bytes(batch(2))
    (size,) = struct.unpack("<Q", code[6:14])
    with pa.ipc.open_stream(code[14 : 14 + size]) as rows, pa.ipc.open_stream(code[14 + size :]) as failures:
        assert code[:6] == b"batch\x01"
        assert (rows.read_next_batch(), failures.read_next_batch()) == (batch(2).rows, NO_FAILURES)


def test_an_event_time_is_utc() -> None:
    assert batch(1).column("event_time").to_pylist() == [START]
