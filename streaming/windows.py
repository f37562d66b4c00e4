"""Window: the event time of each row, and the fixed window that holds it."""

from __future__ import annotations

import difflib
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from streaming.batches import TIMESTAMP, Batch, Failure, field_column
from streaming.durations import show_duration
from streaming.formats.event_times import UNITS, has_no_unit, is_readable, read_attribute, read_field
from streaming.job import EventTime
from streaming.schema import MessageSchema
from streaming.wiring import Contract

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_FIRST = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
_LAST = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
_LONGEST = 100  # of a quoted value, in characters


class Windower:
    """A picklable function of batches: sets `event_time`, and adds `window_start` and `window_end`.

    Windows are aligned to 1970; a window holds its start, and not its end. A row is rejected, in the stage
    event_time, whose event time is missing, cannot be read, or is too far from its publish time.

    Args:
        event_time: where the event time comes from.
        size: the length of a window.
    """

    def __init__(self, event_time: EventTime, size: timedelta) -> None:
        self._source = event_time
        self._past = event_time.max_past // _MICROSECOND
        self._future = event_time.max_future // _MICROSECOND
        self._size = size // _MICROSECOND

    @classmethod
    def of(cls, contract: Contract) -> Windower:
        """The windower of a job."""
        return cls(contract.message.event_time, contract.window)

    def __call__(self, batch: Batch) -> Batch:
        values = self._values(batch)
        read = read_field(values, self._source.unit) if self._source.attribute is None else read_attribute(values)
        unknown = read.is_null().to_numpy(zero_copy_only=False)
        times, published = _micros(read), _micros(batch.column("publish_time").cast(pa.int64()))
        failed = unknown | (times < published - self._past) | (times > published + self._future)
        failures = [
            self._unknown(values[row].as_py()) if unknown[row] else self._too_far(int(times[row]), int(published[row]))
            for row in np.flatnonzero(failed)
        ]
        no_datetime = (times < _FIRST) | (times > _LAST)  # these stay null: reading them would raise an OverflowError
        batch = batch.with_column("event_time", pa.array(times, TIMESTAMP, mask=unknown | no_datetime))
        return self._windowed(batch.rejecting(pa.array(failed), failures), times[~failed])

    def _values(self, batch: Batch) -> pa.Array:
        if self._source.field is not None:
            return batch.column(field_column(self._source.field))
        if self._source.attribute is not None:
            return pc.map_lookup(batch.column("attributes"), self._source.attribute, "first")
        return batch.column("publish_time")

    def _windowed(self, batch: Batch, times: npt.NDArray[np.int64]) -> Batch:
        starts = times // self._size * self._size  # floors, also before 1970
        batch = batch.with_column("window_start", pa.array(starts, TIMESTAMP))
        return batch.with_column("window_end", pa.array(starts + self._size, TIMESTAMP))

    def _unknown(self, value: float | str | None) -> Failure:
        source = self._source
        place = f"attribute {source.attribute}" if source.attribute else f"field {source.field or 'publish_time'}"
        if value is None:
            return Failure("event_time", "MissingEventTime", f"{place}: no event time")
        shown = repr(value) if len(repr(value)) <= _LONGEST else repr(value)[:_LONGEST] + "…"
        return Failure(
            "event_time", "UnreadableEventTime", f"{place}: {shown} is not a time such as 2026-01-31T12:00:00Z"
        )

    def _too_far(self, time: int, published: int) -> Failure:
        name, limit, side = "max_past", self._source.max_past, "before"
        if time > published:
            name, limit, side = "max_future", self._source.max_future, "after"
        far = f"event time {_show(time)} is more than {name} {show_duration(limit)} {side} publish time"
        remedy = f"if it is right, raise message.event_time.{name} in the job file"
        message = f"{far} {_show(published)}; {remedy}"
        return Failure("event_time", "EventTimeOutOfRange", message)


def check_event_time(event_time: EventTime, schema: MessageSchema) -> str | None:
    """Why the job file's event time cannot be taken from messages of this schema, in one line; None if it can."""
    name = event_time.field
    if name is None:
        return None
    field = schema.field(name)
    if field is None:
        return _no_field(name, schema)
    if not is_readable(field.type):
        return f"the field {name} is {field.type}; take a timestamp, a date, a string, an int, a long or a double"
    if has_no_unit(field.type) and event_time.unit is None:
        return f"the field {name} is {field.type}, a number without a unit; add unit: {', '.join(UNITS)}"
    if event_time.unit is not None and not has_no_unit(field.type):
        return f"the field {name} is {field.type}, which needs no unit; remove unit: {event_time.unit}"
    return None


def _no_field(name: str, schema: MessageSchema) -> str:
    if name in schema.unusable:
        return f"the field {name} cannot be used: {schema.unusable[name]}"
    near = difflib.get_close_matches(name, [field.name for field in schema.fields], 1)
    return f"the schema has no field {name!r}" + (f"; did you mean {near[0]}?" if near else "")


def _micros(times: pa.Int64Array) -> npt.NDArray[np.int64]:
    array: npt.NDArray[np.int64] = times.fill_null(0).to_numpy()
    return array


def _show(time: int) -> str:
    if not _FIRST <= time <= _LAST:
        return f"{time} microseconds from 1970"
    return (_EPOCH + time * _MICROSECOND).isoformat().replace("+00:00", "Z")
