"""What must come of messages that say something: a prediction for their inputs, or a dead letter of which stage."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from producers.devices.slots import Integers
from producers.synthesis import message_times
from producers.synthesis.contents import Contents
from producers.target import Target
from streaming.batches import TIMESTAMP
from streaming.features import LARGEST_FLOAT32
from streaming.job_parts import Reference

_MICROSECOND = timedelta(microseconds=1)
_NO_STAGE = pa.scalar(None, pa.string())


class Expectations:
    """Tells what must come of messages up to the models.

    Args:
        target: the job that reads them.
    """

    def __init__(self, target: Target) -> None:
        self._message = target.message
        self._past = target.message.event_time.max_past // _MICROSECOND
        self._future = target.message.event_time.max_future // _MICROSECOND
        own = [field for field in target.schema.fields if field.name in target.example_fields]
        self._doubles = [field.name for field in own if field.type == pa.float64()]

    def __call__(self, contents: Contents, unreadable: pa.BooleanArray, published: Integers) -> pa.RecordBatch:
        """The columns `id`, `key`, `event_time`, `stage` and `inputs` of `producers.messages`.

        Args:
            contents: what the messages say, as far as it can be read.
            unreadable: the messages of whose fields nothing can be read.
            published: when they are sent, in microseconds since 1970.
        """
        key, id_ = _text(contents, self._message.key), self._ids(contents)
        undecoded = pc.or_(unreadable, key.is_null())
        if self._message.id is not None:
            undecoded = pc.or_(undecoded, id_.is_null())
        time, untimely = self._times(contents, published)
        rejected = pc.make_struct(undecoded, untimely, self._overflows(contents))
        stage = pc.case_when(rejected, "decode", "event_time", "to_example", _NO_STAGE)
        fields = contents.fields
        inputs = pa.StructArray.from_arrays(fields.columns, names=fields.schema.names, mask=stage.is_valid())
        columns = {"id": id_, "key": key, "event_time": pc.if_else(undecoded, None, time), "stage": stage}
        return pa.RecordBatch.from_pydict(columns | {"inputs": inputs})

    def _ids(self, contents: Contents) -> pa.StringArray:
        if self._message.id is None:
            return pa.nulls(contents.fields.num_rows, pa.string())
        return _text(contents, self._message.id)

    def _times(self, contents: Contents, published: Integers) -> tuple[pa.TimestampArray, pa.BooleanArray]:
        """The event times that the messages say, and which of them the job refuses."""
        place = self._message.event_time
        if place.attribute is not None:
            times = message_times.of_text(contents.attributes[place.attribute])
        elif place.field is not None:
            times = message_times.of_field(contents.fields.column(place.field), place.unit)
        else:
            return pa.nulls(len(published), TIMESTAMP), pa.array(np.zeros(len(published), bool))
        micros = times.cast(pa.int64())
        timely = pc.and_(
            pc.greater_equal(micros, pa.array(published - self._past)),
            pc.less_equal(micros, pa.array(published + self._future)),
        )
        return times, pc.invert(timely.fill_null(False))

    def _overflows(self, contents: Contents) -> pa.BooleanArray:
        """The messages with a finite feature that no float32 can hold."""
        overflows = pa.array(np.zeros(contents.fields.num_rows, bool))
        for name in self._doubles:
            values = contents.fields.column(name).fill_null(0.0)
            overflows = pc.or_(overflows, pc.and_(pc.is_finite(values), pc.greater(pc.abs(values), LARGEST_FLOAT32)))
        return overflows


def _text(contents: Contents, place: Reference) -> pa.StringArray:
    """What stands there, as text; null where it is missing or empty."""
    if place.field is None:
        texts = contents.attributes[str(place.attribute)]
    else:
        texts = contents.fields.column(place.field).cast(pa.string())
    return pc.if_else(pc.equal(texts, ""), None, texts)
