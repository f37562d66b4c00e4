"""Rows get their event time and their window, or a reason why not."""

import json
import pickle
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.batches import ENVELOPE, TIMESTAMP, Batch
from streaming.job import EventTime
from streaming.schema import parse_schema
from streaming.windows import Windower, check_event_time

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Attributes = Sequence[tuple[str, str]]


def batch_of(values: pa.Array, published: datetime = NOON, attributes: Sequence[Attributes] | None = None) -> Batch:
    rows = len(values)
    names = [str(position) for position in range(rows)]
    columns: dict[str, Any] = {name: pa.nulls(rows, ENVELOPE.field(name).type) for name in ENVELOPE.names}
    columns |= {
        "id": names,
        "message_id": names,
        "publish_time": [published] * rows,
        "attributes": attributes or [[]] * rows,
    }
    envelopes = pa.RecordBatch.from_pydict(columns, schema=ENVELOPE)
    return Batch(envelopes.append_column("field:t", values))


def window(values: pa.Array, event_time: EventTime, size: timedelta = MINUTE) -> Batch:
    return Windower(event_time, size)(batch_of(values))


def times(batch: Batch) -> list[tuple[Any, ...]]:
    names = ["id", "event_time", "window_start", "window_end"]
    return list(zip(*(batch.column(name).to_pylist() for name in names), strict=True))


def failures(batch: Batch) -> list[tuple[Any, ...]]:
    names = ["id", "stage", "error_class", "error_message", "event_time"]
    return list(zip(*(batch.failures.column(name).to_pylist() for name in names), strict=True))


def test_by_default_the_event_time_is_the_publish_time() -> None:
    batch = window(pa.array([1]), EventTime())
    assert times(batch) == [("0", NOON, NOON, NOON + MINUTE)]
    assert failures(batch) == []


@pytest.mark.parametrize(
    ("values", "unit"),
    [
        (pa.array([NOON], pa.timestamp("us", "UTC")), None),
        (pa.array([NOON], pa.timestamp("ms", "UTC")), None),
        (pa.array([NOON.replace(tzinfo=None)], pa.timestamp("us")), None),
        (pa.array(["2026-01-31T13:00:00+01:00"]), None),
        (pa.array([1_769_860_800], pa.int32()), "s"),
        (pa.array([1_769_860_800_000], pa.int64()), "ms"),
        (pa.array([1_769_860_800.0]), "s"),
    ],
)
def test_an_event_time_may_be_a_field(values: pa.Array, unit: Any) -> None:
    batch = window(values, EventTime(field="t", unit=unit))
    assert times(batch) == [("0", NOON, NOON, NOON + MINUTE)]
    assert batch.rows.schema.names[-2:] == ["window_start", "window_end"]
    assert [batch.column(name).type for name in ("event_time", "window_start", "window_end")] == [TIMESTAMP] * 3


def test_an_event_time_may_be_an_attribute() -> None:
    attributes: list[Attributes] = [
        [("at", "1769860800000")],
        [("to", "x"), ("at", "2026-01-31T12:00:59.999999Z")],
        [("to", "x")],
        [("at", "noon")],
    ]
    batch = Windower(EventTime(attribute="at"), MINUTE)(batch_of(pa.array([0] * 4), attributes=attributes))
    assert times(batch) == [
        ("0", NOON, NOON, NOON + MINUTE),
        ("1", NOON + MINUTE - timedelta(microseconds=1), NOON, NOON + MINUTE),
    ]
    assert failures(batch) == [
        ("2", "event_time", "MissingEventTime", "attribute at: no event time", None),
        (
            "3",
            "event_time",
            "UnreadableEventTime",
            "attribute at: 'noon' is not a time such as 2026-01-31T12:00:00Z",
            None,
        ),
    ]


def test_windows_are_aligned_to_1970() -> None:
    moments = [EPOCH - timedelta(microseconds=1), EPOCH, EPOCH + timedelta(seconds=7)]
    values = pa.array(moments, TIMESTAMP)
    batch = Windower(EventTime(field="t"), timedelta(seconds=7))(batch_of(values, published=EPOCH))
    starts = [EPOCH - timedelta(seconds=7), EPOCH, EPOCH + timedelta(seconds=7)]
    assert [row[2] for row in times(batch)] == starts
    assert [row[3] for row in times(batch)] == [start + timedelta(seconds=7) for start in starts]


def test_event_times_too_far_from_their_publish_time_are_rejected() -> None:
    event_time = EventTime.model_validate({"field": "t", "max_past": "1h", "max_future": "30s"})
    hour, half, step = timedelta(hours=1), timedelta(seconds=30), timedelta(microseconds=1)
    moments = [NOON - hour, NOON - hour - step, NOON + half, NOON + half + step]
    batch = window(pa.array(moments, TIMESTAMP), event_time)
    assert [row[:2] for row in times(batch)] == [("0", NOON - hour), ("2", NOON + half)]
    too_early = (
        "event time 2026-01-31T10:59:59.999999Z is more than max_past 1h before publish time 2026-01-31T12:00:00Z; "
        "if it is right, raise message.event_time.max_past in the job file"
    )
    too_late = (
        "event time 2026-01-31T12:00:30.000001Z is more than max_future 30s after publish time 2026-01-31T12:00:00Z; "
        "if it is right, raise message.event_time.max_future in the job file"
    )
    assert failures(batch) == [
        ("1", "event_time", "EventTimeOutOfRange", too_early, NOON - hour - step),
        ("3", "event_time", "EventTimeOutOfRange", too_late, NOON + half + step),
    ]


@pytest.mark.parametrize(
    ("values", "unit", "shown", "limit"),
    [
        (pa.array([2**63 - 1]), "s", "9223372036854000000 microseconds from 1970", "max_future 1d after"),
        (
            pa.array([-(2**63)], pa.timestamp("ms", "UTC")),
            None,
            "-9223372036854775000 microseconds from 1970",
            "max_past 365d before",
        ),
        (pa.array([1e300]), "us", "9223372036854774784 microseconds from 1970", "max_future 1d after"),
        (
            pa.array([2**31 - 1], pa.int32()).cast(pa.date32()),
            None,
            "9223372022400000000 microseconds from 1970",
            "max_future 1d after",
        ),
    ],
)
def test_no_event_time_is_too_far_to_be_named(values: pa.Array, unit: Any, shown: str, limit: str) -> None:
    batch = window(values, EventTime(field="t", unit=unit))
    far = f"event time {shown} is more than {limit} publish time 2026-01-31T12:00:00Z"
    name, _ = limit.split(" ", 1)
    message = f"{far}; if it is right, raise message.event_time.{name} in the job file"
    assert failures(batch) == [("0", "event_time", "EventTimeOutOfRange", message, None)]
    assert times(batch) == []


def test_what_is_no_time_is_rejected() -> None:
    texts = ["2026-01-31T12:00:00Z", "2026-02-30T12:00:00Z", None, "x" * 200]
    batch = window(pa.array(texts), EventTime(field="t"))
    assert [row[0] for row in times(batch)] == ["0"]
    example = "is not a time such as 2026-01-31T12:00:00Z"
    assert failures(batch) == [
        ("1", "event_time", "UnreadableEventTime", f"field t: '2026-02-30T12:00:00Z' {example}", None),
        ("2", "event_time", "MissingEventTime", "field t: no event time", None),
        ("3", "event_time", "UnreadableEventTime", f"field t: '{'x' * 99}… {example}", None),
    ]


def test_a_number_that_is_none_is_unreadable() -> None:
    batch = window(pa.array([float("nan"), float("inf")]), EventTime(field="t", unit="s"))
    assert [row[2:4] for row in failures(batch)] == [
        ("UnreadableEventTime", "field t: nan is not a time such as 2026-01-31T12:00:00Z"),
        ("UnreadableEventTime", "field t: inf is not a time such as 2026-01-31T12:00:00Z"),
    ]


@pytest.mark.parametrize("event_time", [EventTime(), EventTime(field="t"), EventTime(attribute="at")])
def test_an_empty_batch_gets_its_columns(event_time: EventTime) -> None:
    batch = window(pa.array([], TIMESTAMP), event_time)
    assert batch.rows.schema == pa.schema(
        [
            *ENVELOPE,
            pa.field("field:t", TIMESTAMP),
            pa.field("window_start", TIMESTAMP),
            pa.field("window_end", TIMESTAMP),
        ]
    )
    assert times(batch) == []


def test_earlier_failures_stay() -> None:
    batch = batch_of(pa.array([NOON], TIMESTAMP))
    first = Windower(EventTime(field="t"), MINUTE)(batch_of(pa.array([None], TIMESTAMP)))
    both = Windower(EventTime(field="t"), MINUTE)(Batch(batch.rows, first.failures))
    assert failures(both) == failures(first)


def test_a_windower_survives_pickling() -> None:
    windower = Windower(EventTime(field="t"), MINUTE)
    batch = batch_of(pa.array([NOON], TIMESTAMP))
    assert pickle.loads(pickle.dumps(windower))(batch).rows.equals(windower(batch).rows)


@settings(deadline=None)
@given(
    st.lists(st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))),
    st.timedeltas(timedelta(milliseconds=1), timedelta(days=400)),
)
def test_windows_are_those_of_plain_arithmetic(moments: list[datetime], size: timedelta) -> None:
    event_time = EventTime.model_validate({"field": "t", "max_past": "10000d", "max_future": "10000d"})
    batch = Windower(event_time, size)(
        batch_of(pa.array(moments, TIMESTAMP), published=datetime(2000, 1, 1, tzinfo=UTC))
    )
    near = [moment for moment in moments if abs(moment - datetime(2000, 1, 1, tzinfo=UTC)) <= timedelta(days=10_000)]
    starts = [moment - (moment - EPOCH) % size for moment in near]
    assert [row[1:] for row in times(batch)] == [
        (moment, start, start + size) for moment, start in zip(near, starts, strict=True)
    ]
    assert batch.failures.num_rows == len(moments) - len(near)


SCHEMA = parse_schema(
    json.dumps(
        {
            "type": "record",
            "name": "R",
            "fields": [
                {"name": "micros", "type": ["null", {"type": "long", "logicalType": "timestamp-micros"}]},
                {"name": "number", "type": "long"},
                {"name": "text", "type": "string"},
                {"name": "single", "type": "float"},
                {"name": "labels", "type": {"type": "map", "values": "string"}},
            ],
        }
    ),
    "r.avsc",
)


@pytest.mark.parametrize(
    ("event_time", "wrong"),
    [
        ({}, None),
        ({"attribute": "at"}, None),
        ({"field": "micros"}, None),
        ({"field": "text"}, None),
        ({"field": "number", "unit": "ms"}, None),
        ({"field": "number"}, "the field number is int64, a number without a unit; add unit: s, ms, us"),
        (
            {"field": "micros", "unit": "us"},
            "the field micros is timestamp[us, tz=UTC], which needs no unit; remove unit: us",
        ),
        (
            {"field": "single", "unit": "s"},
            "the field single is float; take a timestamp, a date, a string, an int, a long or a double",
        ),
        ({"field": "labels"}, "the field labels cannot be used: a map"),
        ({"field": "numbr"}, "the schema has no field 'numbr'; did you mean number?"),
        ({"field": "when"}, "the schema has no field 'when'"),
    ],
)
def test_the_contract_knows_which_fields_are_event_times(event_time: dict[str, Any], wrong: str | None) -> None:
    assert check_event_time(EventTime.model_validate(event_time), SCHEMA) == wrong
