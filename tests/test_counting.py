"""What a batch is counted as, when it comes in and when every sink has taken it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from streaming import counting, metrics, registry
from streaming.batches import TIMESTAMP, Batch, Failure
from streaming.tally import Tally
from tests.builders import START, answered, plan, readings

NEGATIVE = Failure("to_example", "FeatureOutOfRangeError", "below 0")


@pytest.fixture(autouse=True)
def _from_zero(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(metrics, "_here", Tally())
    registry.forget("redeliveries")
    yield
    registry.forget("redeliveries")


def read(rows: int, published: datetime = START, event_time: datetime | None = START, at: datetime = START) -> Batch:
    """So many readings, all of the same times."""
    built = readings([1.0] * rows)
    for name, time in (("publish_time", published), ("event_time", event_time), ("read_at", at)):
        built = built.with_column(name, pa.array([time] * rows, TIMESTAMP))
    return built


def counters(prefix: str = "") -> dict[str, int]:
    """What is not zero."""
    counted = metrics.snapshot()["counters"]
    return {name: count for name, count in counted.items() if count and name.startswith(prefix)}


def test_what_comes_in_is_counted_with_what_was_rejected_at_once() -> None:
    batch = read(3, at=START + timedelta(seconds=2)).rejecting(pa.array([False, True, False]), [NEGATIVE])
    counting.came_in(batch)
    assert counters() == {
        "messages_decoded": 2,
        "message_bytes": sum(len(f"payload-{row}") for row in range(3)),
        "queue_ms_bucket_10000": 2,
        "queue_ms_sum": 4000,
    }
    counting.came_in(batch)
    assert counters("redeliveries") == {"redeliveries": 3}


def test_stored_records_have_waited_in_no_queue_and_are_no_redeliveries() -> None:
    for _ in range(2):
        counting.decoded(read(3).rejecting(pa.array([False, True, False]), [NEGATIVE]))
    assert counters() == {"messages_decoded": 4, "message_bytes": 2 * sum(len(f"payload-{row}") for row in range(3))}


def test_a_message_published_by_a_clock_that_is_ahead_has_not_waited() -> None:
    counting.came_in(read(1, published=START + timedelta(hours=1)))
    assert counters("queue_ms") == {"queue_ms_bucket_1000": 1}


def test_messages_without_an_id_are_no_redeliveries() -> None:
    counting.came_in(read(2).with_column("message_id", pa.array(["", None], pa.string())))
    assert counters("redeliveries") == {}


def test_spans_of_what_was_taken_are_counted_from_its_own_times() -> None:
    now = datetime.now(UTC)
    hour = timedelta(hours=1)
    batch = read(2, now - 2 * hour, now - 3 * hour, now - hour)
    counting.taken(batch, [])
    spans = {name: round(count / 3_600_000) for name, count in counters().items() if name.endswith("_sum")}
    assert spans == {"batch_ms_sum": 1, "latency_ms_sum": 4, "event_lag_ms_sum": 4}
    assert counters("latency_ms_bucket") == {"latency_ms_bucket_above": 2}


def test_an_event_from_the_future_has_no_lag_and_an_unknown_one_is_left_out() -> None:
    counting.taken(read(2, event_time=START + timedelta(hours=1)), [])
    counting.taken(read(3, event_time=None), [])
    assert counters("event_lag_ms") == {"event_lag_ms_bucket_60000": 2}


def test_answers_and_dead_letters_are_counted_and_their_reasons_kept() -> None:
    model = plan("times5")
    batch = answered(read(3), model, [{"prediction": 1.0}, None, {"prediction": 2.0}])
    batch = batch.failing(pa.array([False, True, False]), [Failure(model.stage, "Error", "no", "times5")])
    before = datetime.now(UTC).timestamp()
    counting.taken(batch, [model])
    assert counters("predictions") == {"predictions_times5": 2}
    assert counters("dead_letters") == {"dead_letters_infer_times5": 1}
    (reason,) = metrics.snapshot()["reasons"]
    assert before <= reason.pop("at") <= datetime.now(UTC).timestamp()
    assert reason == {"stage": "infer:times5", "error_class": "Error", "message": "no"}


def test_a_batch_without_rows_is_counted_as_nothing_but_its_failures() -> None:
    batch = read(1).rejecting(pa.array([True]), [NEGATIVE])
    counting.taken(batch, [])
    assert counters() == {"dead_letters_to_example": 1}


def test_how_old_stored_records_are_counts_for_nothing() -> None:
    now = datetime.now(UTC)
    counting.taken(read(2, published=START, event_time=START, at=now), [], stored=True)
    counted = counters()
    assert counted.get("latency_ms_bucket_1000") == 2
    assert [name for name in counted if name.startswith("event_lag")] == []
