"""The sinks: batches leave in order, when their service has answered, without what it has refused."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any

import pyarrow as pa
import pytest

from streaming import metrics
from streaming.batches import Batch, Failure
from streaming.refusals import Refusal
from streaming.sinks import Publish, WriteDeadLetters, WriteTable
from tests.builders import answered, plan, readings, windowed

MODELS = (plan("times5"), plan("times10"))


class Table:
    """A table whose answers the test gives."""

    def __init__(self) -> None:
        self.rows: list[pa.RecordBatch] = []
        self.answers: list[Future[list[Refusal]]] = []

    def append(self, rows: pa.RecordBatch) -> Future[list[Refusal]]:
        self.rows.append(rows)
        self.answers.append(Future())
        return self.answers[-1]


class Topic:
    """A topic that answers at once, and refuses what it is told to."""

    def __init__(self, refusals: Sequence[Refusal] = ()) -> None:
        self.published: list[tuple[bytes, dict[str, str], str]] = []
        self._refusals = list(refusals)

    def publish(
        self, data: Sequence[bytes], attributes: Sequence[dict[str, str]], keys: Sequence[str]
    ) -> Future[list[Refusal]]:
        self.published += zip(data, attributes, keys, strict=True)
        answer: Future[list[Refusal]] = Future()
        answer.set_result(self._refusals)
        return answer


class DeadLetters:
    def __init__(self, error: Exception | None = None) -> None:
        self.written: list[dict[str, Any]] = []
        self._error = error

    def write(self, failures: pa.RecordBatch) -> None:
        if self._error:
            raise self._error
        self.written += failures.to_pylist()


def predicted(*values: float) -> Batch:
    """Messages that both models have answered."""
    batch = windowed(readings(list(values)))
    for model, factor in zip(MODELS, (5.0, 10.0), strict=True):
        batch = answered(batch, model, [{"prediction": value * factor} for value in values])
    return batch


def predictions(batch: Batch, model: str) -> list[float | None]:
    answers = batch.column(f"model:{model}").to_pylist()
    return [None if answer is None else answer["prediction"] for answer in answers]


def reasons(batch: Batch) -> list[tuple[str, str, str, str, str]]:
    names = ("message_id", "stage", "model", "error_class", "error_message")
    return [tuple(row[name] for name in names) for row in batch.failures.to_pylist()]


def test_batches_leave_in_order_and_only_when_they_are_answered() -> None:
    table = Table()
    sink, first, second, third = WriteTable(MODELS, table), predicted(1.0), predicted(2.0), predicted(3.0)
    sink.start_bundle()
    assert list(sink.process(first)) == []
    assert list(sink.process(second)) == []
    table.answers[1].set_result([])
    assert list(sink.process(third)) == []
    table.answers[0].set_result([])
    table.answers[2].set_result([])
    assert [each.value for each in sink.finish_bundle()] == [first, second, third]


def test_an_answered_batch_leaves_with_the_next_one() -> None:
    table = Table()
    sink, first, second = WriteTable(MODELS, table), predicted(1.0), predicted(2.0)
    assert list(sink.process(first)) == []
    table.answers[0].set_result([])
    assert list(sink.process(second)) == [first]
    table.answers[1].set_result([])
    assert [each.value for each in sink.finish_bundle()] == [second]


def test_the_table_gets_a_row_for_each_model_and_message() -> None:
    table = Table()
    list(WriteTable(MODELS, table).process(predicted(1.0, 2.0)))
    (rows,) = table.rows
    ids = rows.column("prediction_id").to_pylist()
    assert dict(zip(ids, rows.column("prediction").to_pylist(), strict=True)) == {
        "id-0/times5": 5.0,
        "id-1/times5": 10.0,
        "id-0/times10": 10.0,
        "id-1/times10": 20.0,
    }


def test_what_the_table_refuses_becomes_failures_of_its_message_and_model() -> None:
    table = Table()
    sink = WriteTable(MODELS, table)
    list(sink.process(predicted(1.0, 2.0, 3.0)))
    table.answers[0].set_result(
        [Refusal(1, "INVALID", "odd"), Refusal(3, "INVALID", "odder"), Refusal(5, "TOO_LARGE", "oddest")]
    )
    (batch,) = [each.value for each in sink.finish_bundle()]
    assert predictions(batch, "times5") == [5.0, None, 15.0]
    assert predictions(batch, "times10") == [None, 20.0, None]
    assert reasons(batch) == [
        ("message-1", "write_table", "times5", "INVALID", "odd"),
        ("message-0", "write_table", "times10", "INVALID", "odder"),
        ("message-2", "write_table", "times10", "TOO_LARGE", "oddest"),
    ]


def test_a_table_that_fails_fails_the_bundle_and_the_next_bundle_begins_anew() -> None:
    table = Table()
    sink = WriteTable(MODELS, table)
    sink.start_bundle()
    list(sink.process(predicted(1.0)))
    table.answers[0].set_exception(ConnectionError("gone"))
    with pytest.raises(ConnectionError, match="gone"):
        list(sink.finish_bundle())
    list(sink.process(predicted(2.0)))
    sink.start_bundle()
    assert list(sink.finish_bundle()) == []


def test_the_topic_gets_what_is_answered_with_its_key() -> None:
    topic = Topic()
    batch = predicted(1.0, 2.0).without_answers("times5", pa.array([True, False]))
    assert list(Publish(MODELS, topic).process(batch)) == [batch]
    assert [(attributes["prediction_id"], attributes["key"], key) for _, attributes, key in topic.published] == [
        ("id-1/times5", "device-1", "device-1"),
        ("id-0/times10", "device-0", "device-0"),
        ("id-1/times10", "device-1", "device-1"),
    ]


def test_what_the_topic_refuses_is_a_failure_of_publish() -> None:
    sink = Publish(MODELS, Topic([Refusal(2, "MessageTooLarge", "too large")]))
    (batch,) = sink.process(predicted(1.0, 2.0))
    assert predictions(batch, "times10") == [None, 20.0]
    assert reasons(batch) == [("message-0", "publish", "times10", "MessageTooLarge", "too large")]


def test_without_a_topic_a_batch_passes_as_it_is() -> None:
    sink, batch = Publish(MODELS, None), predicted(1.0)
    assert list(sink.process(batch)) == [batch]
    assert list(sink.finish_bundle()) == []


def test_dead_letters_are_written_and_all_that_was_delivered_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "_here", metrics._Here())
    sink = DeadLetters()
    batch = predicted(1.0, 2.0).without_answers("times5", pa.array([True, False]))
    failed = batch.failing(pa.array([True, False]), [Failure("infer:times5", "Odd", "odd", "times5")])
    assert list(WriteDeadLetters(MODELS, sink).process(failed)) == [failed]
    assert sink.written == failed.failures.to_pylist()
    snapshot = metrics.snapshot()
    assert (snapshot["predictions"], snapshot["dead_letters"]) == (3, 1)
    assert sum(count for _, count in snapshot["latency"]) == 2


def test_without_failures_nothing_is_written() -> None:
    batch = predicted(1.0)
    assert list(WriteDeadLetters(MODELS, DeadLetters(AssertionError())).process(batch)) == [batch]


def test_a_dead_letter_that_cannot_be_written_fails_the_bundle_and_is_not_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(metrics, "_here", metrics._Here())
    failed = predicted(1.0).failing(pa.array([True]), [Failure("decode", "Odd", "odd")])
    with pytest.raises(ConnectionError):
        list(WriteDeadLetters(MODELS, DeadLetters(ConnectionError())).process(failed))
    assert (metrics.snapshot()["predictions"], metrics.snapshot()["dead_letters"]) == (0, 0)
