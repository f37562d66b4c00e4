"""The nouns of publishing: a block of messages that a fleet sends, and what must come of each.

Columns of `Messages.rows`:

| column | what it is |
|---|---|
| `number` | the message's place in the stream, from 0 |
| `id` | what identifies it, where the job file names a field or attribute for that; else null |
| `key` | the device's name; null where the message must not have a key |
| `event_time` | when the message says that it was measured; null where the job can read no event time in it |
| `payload`, `attributes`, `ordering_key` | the Pub/Sub message; an empty ordering key is none |
| `fault` | a `Fault`, or null |
| `duplicate_of` | the number of the message that this one repeats, or null |
| `stage` | of the one dead letter that must come of the message; null where it must reach the models |
| `rejected_by` | the models that must reject it, each with a dead letter of the stage `infer:<model>` |
| `inputs` | a struct of the message schema's fields: what the job must read in it; null where `stage` is not |
| `state` | a struct: how the device really was, which no message says; null of a fleet that does not wear |

The stage is the first that rejects the message. The columns' types are `MESSAGE`'s; `inputs` and `state` are the
scenario's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import pyarrow as pa

from streaming.batches import TIMESTAMP

MESSAGE = pa.schema(
    [
        pa.field("number", pa.int64(), nullable=False),
        pa.field("id", pa.string()),
        pa.field("key", pa.string()),
        pa.field("event_time", TIMESTAMP),
        pa.field("payload", pa.large_binary(), nullable=False),
        pa.field("attributes", pa.map_(pa.string(), pa.string()), nullable=False),
        pa.field("ordering_key", pa.string(), nullable=False),
        pa.field("fault", pa.string()),
        pa.field("duplicate_of", pa.int64()),
        pa.field("stage", pa.string()),
        pa.field("rejected_by", pa.list_(pa.string()), nullable=False),
    ]
)
"""The columns that every block has; the structs `inputs` and `state` follow."""


class Fault(StrEnum):
    """What is odd about a message.

    The first four are still answered, with what they say; a job must dead-letter the others, except that a schema
    change may be one that its reader does not mind.
    """

    LATE = "late"
    OUT_OF_ORDER = "out_of_order"
    CLOCK_SKEW = "clock_skew"
    DUPLICATED = "duplicated"
    TRUNCATED = "truncated"
    WRONG_SCHEMA = "wrong_schema"
    SCHEMA_CHANGE = "schema_change"
    MISSING_KEY = "missing_key"
    OUT_OF_RANGE_EVENT_TIME = "out_of_range_event_time"
    POISON = "poison"


@dataclass(frozen=True)
class Messages:
    """A block of messages that are sent together.

    Attributes:
        due: when, in seconds after the start.
        rows: as the module says.
    """

    due: float
    rows: pa.RecordBatch

    def __len__(self) -> int:
        return int(self.rows.num_rows)
