"""The stream of messages that a scenario's fleet sends, with what must come of each.

What a stream sends depends on the scenario, the seed, the start, the rate and the encoding, and on nothing else.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from producers.devices.fleet import Fleet
from producers.devices.seeding import generator
from producers.devices.slots import Booleans, Floats, Integers, Slots
from producers.messages import MESSAGE, Fault, Messages
from producers.scenario import Scenario
from producers.synthesis.contents import Composer, Contents
from producers.synthesis.corruption import PayloadWriter, Sent
from producers.synthesis.expectations import Expectations
from producers.synthesis.faults import Drawn, FaultPlan, with_repetitions
from producers.synthesis.identifiers import identifiers
from producers.synthesis.payloads import Encoding
from producers.target import Target
from streaming.files import read_file
from streaming.schema import MessageSchema, parse_schema

LARGEST_BLOCK = 1000
"""Most messages of a block: as many as a publish request takes."""

_BLOCKS_PER_SECOND = 20
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Stream:
    """Makes the messages of a scenario's fleet, a block after the other.

    Args:
        scenario: the fleet, what it measures, and what goes wrong.
        target: the job that is to read the messages.
        seed: of everything random; 0 or more.
        rate: messages a second, above 0.
        start: when the first message is due; with a time zone.
        encoding: of the payloads.
        ordering: whether messages have ordering keys: the devices' names.

    Raises:
        Mistakes: the schema of the scenario's schema change cannot be used.
    """

    def __init__(
        self,
        scenario: Scenario,
        target: Target,
        *,
        seed: int,
        rate: float,
        start: datetime,
        encoding: Encoding,
        ordering: bool = False,
    ) -> None:
        faults = scenario.faults
        self._size = max(1, min(LARGEST_BLOCK, int(rate / _BLOCKS_PER_SECOND)))
        self._seed = seed
        self._start = (start - _EPOCH) // timedelta(microseconds=1)
        self._ordering = ordering
        self._event_time = target.message.event_time
        self._poison = faults.poison
        self._plan = FaultPlan(faults, seed)
        self._fleet = Fleet(scenario, seed, rate)
        self._names = pa.array(self._fleet.names, pa.string())
        self._compose = Composer(target.schema, target.message, faults.poison.set if faults.poison else {})
        self._write = PayloadWriter(target.schema, encoding, _newer_schema(scenario))
        self._expect = Expectations(target)
        self.inputs_type: pa.StructType = pa.struct([(field.name, field.type) for field in target.schema.fields])
        self.state_type: pa.StructType | None = _state_type(self._fleet)
        self._rows = _rows_schema(self.inputs_type, self.state_type)

    def __call__(self, messages: int | None = None) -> Iterator[Messages]:
        """The blocks from the first message on.

        Args:
            messages: how many messages there are; without it they never end.
        """
        previous = None
        for first in itertools.count(0, self._size) if messages is None else range(0, messages, self._size):
            block = self._block(first, previous)
            previous = block.rows.slice(len(block) - 1)
            # Every block is made whole, so that its bytes do not depend on how many messages are wanted.
            yield block if messages is None else Messages(block.due, block.rows.slice(0, messages - first))

    def _block(self, first: int, previous: pa.RecordBatch | None) -> Messages:
        slots = self._fleet.slots(first, self._size)
        drawn = self._plan.draw(slots)
        slots = self._plan.shifted(slots, drawn)
        signals, state = self._fleet.measure(slots)
        devices = self._names.take(pa.array(slots.devices))
        contents = self._contents(slots, drawn, signals, devices)
        sent = self._write(contents, drawn, generator(self._seed, "payloads", first))
        expected = self._expect(sent.contents, sent.unreadable, self._micros(slots.due))
        rows = self._assembled(slots, drawn, sent, devices, expected, state)
        return Messages(float(slots.due[0]), with_repetitions(rows, previous))

    def _contents(self, slots: Slots, drawn: Drawn, signals: pa.RecordBatch, devices: pa.StringArray) -> Contents:
        keyless = pa.array(drawn.having(Fault.MISSING_KEY))
        return self._compose(
            slots.numbers,
            signals,
            keys=pc.if_else(keyless, None, devices),
            # Of another start, so that the ids of two runs on one table differ, as real devices' do.
            ids=identifiers(len(slots), generator(self._seed, "ids", abs(self._start), int(slots.numbers[0]))),
            times=self._micros(self._plan.times(slots, drawn, self._event_time)),
            poisoned=pa.array(drawn.having(Fault.POISON)),
        )

    def _assembled(
        self,
        slots: Slots,
        drawn: Drawn,
        sent: Sent,
        devices: pa.StringArray,
        expected: pa.RecordBatch,
        state: pa.RecordBatch | None,
    ) -> pa.RecordBatch:
        answerable = expected.column("stage").is_null().to_numpy(zero_copy_only=False)
        columns = {name: expected.column(name) for name in expected.schema.names} | {
            "number": pa.array(slots.numbers),
            "payload": sent.payloads,
            "attributes": sent.contents.attribute_maps(),
            "ordering_key": devices if self._ordering else pa.repeat("", len(slots)),
            "fault": drawn.names(),
            "duplicate_of": pa.nulls(len(slots), pa.int64()),
            "rejected_by": self._rejected_by(drawn.having(Fault.POISON) & answerable),
        }
        if state is not None:
            columns["state"] = state.to_struct_array()
        return pa.RecordBatch.from_pydict(columns, schema=self._rows)

    def _rejected_by(self, rejected: Booleans) -> pa.ListArray:
        models = self._poison.rejected_by if self._poison else ()
        offsets = np.concatenate([[0], np.cumsum(rejected) * len(models)]).astype(np.int32)
        return pa.ListArray.from_arrays(offsets, pa.array(models * int(rejected.sum()), pa.string()))

    def _micros(self, times: Floats) -> Integers:
        """Seconds after the start as microseconds since 1970."""
        return self._start + np.rint(times * 1_000_000).astype(np.int64)


def _newer_schema(scenario: Scenario) -> MessageSchema | None:
    change = scenario.faults.schema_change
    if change is None:
        return None
    text = read_file(change.schema_path, "faults.schema_change.schema").decode("utf-8", errors="replace")
    return parse_schema(text, change.schema_path)


def _state_type(fleet: Fleet) -> pa.StructType | None:
    _, state = fleet.measure(fleet.slots(0, 1))
    return None if state is None else pa.struct(list(state.schema))


def _rows_schema(inputs: pa.StructType, state: pa.StructType | None) -> pa.Schema:
    rows = MESSAGE.append(pa.field("inputs", inputs))
    return rows if state is None else rows.append(pa.field("state", state))
