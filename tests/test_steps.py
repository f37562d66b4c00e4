"""Pure steps as DoFns: rows that nobody foresaw are dead-lettered; a step that is broken fails the bundle."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest
from google.pubsub_v1.types import PubsubMessage

from streaming.batches import FAILURE, NO_FAILURES, Batch, Failure, failure_rows
from streaming.decode import Decoder
from streaming.job_parts import Reference
from streaming.schema import parse_schema
from streaming.steps import BatchCoder, BatchToBatch, MessagesToBatch, unforeseen
from tests.builders import readings

BAD = Failure("decode", "Bad", "no good")
NEGATIVE = Failure("double", "Negative", "below 0")


class OddRowError(Exception):
    """What a step raises that its author did not foresee."""


class Doubling:
    """Adds the column `double`; raises where a value is odd, and rejects negative ones, as it foresees them."""

    def __init__(self) -> None:
        self.calls: list[int] = []

    def __call__(self, batch: Batch) -> Batch:
        self.calls.append(len(batch))
        values = batch.column("field:value").to_pylist()
        odd = [value for value in values if value % 2]
        if odd:
            raise OddRowError(f"odd:\n{odd}")
        negative = [value < 0 for value in values]
        batch = batch.with_column("double", pa.array([2 * value for value in values], pa.float64()))
        return batch.rejecting(
            pa.array(negative, pa.bool_()), [Failure("double", "Negative", "below 0")] * sum(negative)
        )


def run(step: BatchToBatch, before: Batch) -> Batch:
    (after,) = step.process(before)
    return after


def doubles(after: Batch) -> list[tuple[str, float]]:
    rows = after.rows.select(["id", "double"]).to_pylist()
    return [(row["id"], row["double"]) for row in rows]


def reasons(after: Batch) -> list[tuple[str, str, str, str]]:
    names = ["message_id", "stage", "error_class", "error_message"]
    return [tuple(row[name] for name in names) for row in after.failures.to_pylist()]


def test_where_nothing_raises_the_function_sees_the_whole_batch_once() -> None:
    function = Doubling()
    before = readings([2.0, 4.0]).failing(pa.array([True, False]), [BAD])
    after = run(BatchToBatch(function, "double"), before)
    assert after == Doubling()(before)
    assert doubles(after) == [("id-0", 4.0), ("id-1", 8.0)]
    assert function.calls == [2]


def test_an_empty_batch_passes() -> None:
    before = readings([1.0]).rejecting(pa.array([True]), [BAD])
    after = run(BatchToBatch(Doubling(), "double"), before)
    assert (after.rows.schema.names[-1], len(after), after.failures) == ("double", 0, before.failures)


def test_a_row_that_raises_is_rejected_with_its_stack_trace_and_its_neighbours_pass(
    caplog: pytest.LogCaptureFixture,
) -> None:
    before = readings([2.0, 4.0, 5.0, 6.0])
    after = run(BatchToBatch(Doubling(), "double"), before)
    assert doubles(after) == [("id-0", 4.0), ("id-1", 8.0), ("id-3", 12.0)]
    assert after.failures.schema == FAILURE
    (row,) = after.failures.to_pylist()
    trace = row["stacktrace"]
    assert trace.startswith("Traceback (most recent call last):\n")
    assert trace.endswith("OddRowError: odd:\n[5.0]\n")
    assert after.failures == failure_rows(
        before.rows.slice(2, 1), [Failure("double", "OddRowError", "odd: [5.0]", stacktrace=trace)]
    )
    (record,) = caplog.records
    assert (record.levelno, record.getMessage()) == (
        logging.ERROR,
        "double: dead letters for 1 of 4 rows it cannot handle",
    )
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], OddRowError)


def test_failures_are_those_of_earlier_steps_then_foreseen_then_unforeseen() -> None:
    before = readings([1.0, -2.0, 3.0, -4.0, 6.0]).rejecting(pa.array([True, *[False] * 4]), [BAD])
    after = run(BatchToBatch(Doubling(), "double"), before)
    assert doubles(after) == [("id-4", 12.0)]
    assert reasons(after) == [
        ("message-0", "decode", "Bad", "no good"),
        ("message-1", "double", "Negative", "below 0"),
        ("message-3", "double", "Negative", "below 0"),
        ("message-2", "double", "OddRowError", "odd: [3.0]"),
    ]


@pytest.mark.parametrize("rows", [1, 8, 100])
def test_every_row_raises(rows: int) -> None:
    function = Doubling()
    after = run(BatchToBatch(function, "double"), readings([1.0] * rows))
    assert after.rows.schema == Doubling()(readings([])).rows.schema
    assert len(after) == 0
    assert reasons(after) == [(f"message-{n}", "double", "OddRowError", "odd: [1.0]") for n in range(rows)]
    assert len(function.calls) < 50


def test_three_batches_in_a_row_that_fail_whole_fail_the_bundle() -> None:
    step, broken = BatchToBatch(Doubling(), "double"), readings([1.0] * 20)
    for _ in range(2):
        assert run(step, broken).failures.num_rows == 20
    with pytest.raises(OddRowError, match="odd"):
        run(step, broken)


def test_a_few_odd_messages_one_by_one_do_not_fail_the_bundle() -> None:
    step = BatchToBatch(Doubling(), "double")
    for _ in range(5):
        assert run(step, readings([1.0])).failures.num_rows == 1


@pytest.mark.parametrize("good", [[2.0], [1.0] * 9 + [2.0]], ids=["a good batch", "a good row"])
def test_one_row_that_passes_shows_that_the_step_is_not_broken(good: list[float]) -> None:
    step, broken = BatchToBatch(Doubling(), "double"), readings([1.0] * 20)
    for _ in range(4):
        for _ in range(2):
            assert run(step, broken).failures.num_rows == 20
        assert len(run(step, readings(good))) == 1


def test_what_says_nothing_about_rows_fails_the_bundle() -> None:
    def full(batch: Batch) -> Batch:
        raise MemoryError

    with pytest.raises(MemoryError):
        run(BatchToBatch(full, "double"), readings([1.0, 2.0]))


def message(number: int) -> bytes:
    payload = b'{"value": 1.5}'
    sent = PubsubMessage(data=payload, message_id=f"m{number}", attributes={"device": "d"})
    return bytes(PubsubMessage.serialize(sent))


def decoder() -> Decoder:
    schema = parse_schema('{"type": "record", "name": "R", "fields": [{"name": "value", "type": "double"}]}', "r.avsc")
    return Decoder(schema, "json", Reference(attribute="device"), clock=lambda: 0)


def decoded(messages: list[bytes]) -> Batch:
    (after,) = MessagesToBatch(decoder()).process(messages)
    return after


def test_messages_become_a_batch() -> None:
    assert decoded([message(1), message(2)]) == decoder()([message(1), message(2)])
    assert decoded([]) == decoder()([])


def test_bytes_that_are_no_message_are_rejected_alone() -> None:
    after = decoded([message(1), b"\xff\xff", message(3)])
    assert after.rows == decoder()([message(1), message(3)]).rows
    (row,) = after.failures.to_pylist()
    assert (row["stage"], row["error_class"], row["payload"]) == ("decode", "DecodeError", b"\xff\xff")
    assert row["stacktrace"].startswith("Traceback")


def test_the_failure_of_a_row_that_raised() -> None:
    def raised(call: Callable[[], Any]) -> Exception:
        try:
            call()
        except ZeroDivisionError as error:
            return error
        raise AssertionError

    failure = unforeseen("window", raised(lambda: 1 / 0))
    assert failure == Failure("window", "ZeroDivisionError", "division by zero", stacktrace=failure.stacktrace)
    assert str(failure.stacktrace).endswith("ZeroDivisionError: division by zero\n")


def test_the_coder_is_the_batchs_own() -> None:
    coder, batch = BatchCoder(), readings([1.0, None]).failing(pa.array([True, False]), [BAD])
    assert coder.decode(coder.encode(batch)) == batch
    assert (coder.is_deterministic(), coder.to_type_hint()) == (False, Batch)
    assert coder.decode(coder.encode(readings([]))).failures == NO_FAILURES
