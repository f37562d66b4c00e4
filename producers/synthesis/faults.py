"""Which messages have which fault, and what it does to their times and to their place in the stream."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from producers.devices.seeding import generator
from producers.devices.slots import Booleans, Floats, Integers, Slots
from producers.messages import Fault
from producers.scenario import Faults
from streaming.job import EventTime

_FAULTS = tuple(Fault)
_NONE = -1
_DELAYS = (Fault.LATE, Fault.OUT_OF_ORDER)
_YEAR = 365 * 86_400.0
_BEYOND = (_YEAR, 5 * _YEAR)
"""How many seconds beyond the job's limits an event time out of range lies: sent a year late, it is out still."""


@dataclass(frozen=True)
class Drawn:
    """The faults of a block's messages, as positions in `Fault`; -1 for none."""

    codes: Integers

    def having(self, *faults: Fault) -> Booleans:
        """The messages that have one of these."""
        return np.isin(self.codes, [_FAULTS.index(fault) for fault in faults])

    def rows(self, *faults: Fault) -> Integers:
        """The positions of these messages in the block."""
        return np.flatnonzero(self.having(*faults))

    def names(self) -> pa.StringArray:
        """What each message's fault is called; null for none."""
        known = pa.array([fault.value for fault in Fault])
        return known.take(pa.array(self.codes, mask=self.codes == _NONE))


class FaultPlan:
    """Draws the faults of any block of a stream.

    A message has one fault at most, by a single draw, so that each fault has exactly its rate, whatever the others'.

    Args:
        faults: with their rates.
        seed: of the run.
    """

    def __init__(self, faults: Faults, seed: int) -> None:
        self._faults = faults
        self._seed = seed
        self._codes = np.array([*(_FAULTS.index(fault) for fault in faults.rates()), _NONE])
        self._bounds = np.cumsum(list(faults.rates().values()))

    def draw(self, slots: Slots) -> Drawn:
        """The faults of the messages of a block."""
        drawn = generator(self._seed, "faults", int(slots.numbers[0])).random(len(slots))
        codes = self._codes[np.searchsorted(self._bounds, drawn, side="right")]
        impossible = (codes == _FAULTS.index(Fault.DUPLICATED)) & (slots.numbers == 0)
        if (change := self._faults.schema_change) is not None:
            early = slots.due < change.after.total_seconds()
            impossible |= (codes == _FAULTS.index(Fault.SCHEMA_CHANGE)) & early
        return Drawn(np.where(impossible, _NONE, codes))

    def shifted(self, slots: Slots, drawn: Drawn) -> Slots:
        """The slots with delayed messages measured earlier, and skewed clocks fast or slow."""
        random = generator(self._seed, "shifts", int(slots.numbers[0]))
        share, fast = random.random(len(slots)), random.random(len(slots)) < 0.5
        shifts = {fault: self._shift(fault, drawn, share) for fault in (*_DELAYS, Fault.CLOCK_SKEW)}
        skew = np.where(fast, 1.0, -1.0) * shifts[Fault.CLOCK_SKEW]
        delay = sum(shifts[fault] for fault in _DELAYS)
        return replace(slots, measured=slots.measured - delay, clocks=slots.clocks + skew)

    def times(self, slots: Slots, drawn: Drawn, event_time: EventTime) -> Floats:
        """When the messages say that they were measured, in seconds after the start.

        Args:
            slots: of the messages, shifted.
            drawn: their faults; of a time out of range half lie before the job's limits, and half after.
            event_time: has these limits.
        """
        random = generator(self._seed, "times", int(slots.numbers[0]))
        beyond = random.uniform(*_BEYOND, len(slots))
        past, future = event_time.max_past.total_seconds(), event_time.max_future.total_seconds()
        away = np.where(random.random(len(slots)) < 0.5, -past - beyond, future + beyond)
        usual = slots.measured + slots.clocks
        return np.where(drawn.having(Fault.OUT_OF_RANGE_EVENT_TIME), slots.due + away, usual)

    def _shift(self, fault: Fault, drawn: Drawn, share: Floats) -> Floats:
        """By how many seconds the messages that have the fault are shifted."""
        part = getattr(self._faults, fault.value)
        if part is None:
            return np.zeros(len(share))
        least, most = (bound.total_seconds() for bound in part.by)
        return np.where(drawn.having(fault), least + share * (most - least), 0.0)


def with_repetitions(rows: pa.RecordBatch, previous: pa.RecordBatch | None) -> pa.RecordBatch:
    """The rows of a block, those of duplicates made anew: each says what the row before it does.

    Args:
        rows: with the columns of `producers.messages`.
        previous: the last row of the block before; None for the first block, whose first row is no duplicate.
    """
    repeated = pc.equal(rows.column("fault"), Fault.DUPLICATED.value).fill_null(False)
    mask = repeated.to_numpy(zero_copy_only=False)
    if not mask.any():
        return rows
    whole = pa.concat_batches([rows.slice(0, 1) if previous is None else previous, rows])
    # The row of `whole` before each run of duplicates: its first is the previous block's.
    sources = np.maximum.accumulate(np.where(mask, 0, np.arange(1, len(mask) + 1)))
    taken = whole.take(pa.array(sources))
    first = pc.coalesce(taken.column("duplicate_of"), taken.column("number"))
    changed = {
        "number": rows.column("number"),
        "fault": rows.column("fault"),
        "duplicate_of": pc.if_else(repeated, first, None),
    }
    columns = [changed.get(name, column) for name, column in zip(rows.schema.names, taken.columns, strict=True)]
    return pa.RecordBatch.from_arrays(columns, schema=rows.schema)
