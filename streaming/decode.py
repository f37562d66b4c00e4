"""Decode: serialized PubsubMessages to a batch of envelopes and field columns, each message in its own encoding."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from google.protobuf.message import DecodeError
from google.pubsub_v1.types import PubsubMessage

from streaming.batches import ENVELOPE, ORIGINAL_ID, TIMESTAMP, Batch, Failure, by_row, field_column
from streaming.formats.avro import AvroReader
from streaming.formats.decoded import Decoded, columns_schema, failure, interleave
from streaming.formats.json_records import JsonReader
from streaming.job_parts import Reference
from streaming.schema import MessageSchema
from streaming.wiring import Contract

_Reader = AvroReader | JsonReader
_MESSAGE = PubsubMessage.pb()  # the class below the wrapper, which would cost thirty times as much
_ENCODING = "googclient_schemaencoding"  # Pub/Sub sets it on the messages of a topic that has a schema


class Assembler:
    """A function of envelopes and field columns to a `Batch`, wherever both come from.

    The rows have the columns of `ENVELOPE`, `read_at` and one for each usable field, in the order of the messages;
    `event_time` is null. A message is rejected, in the stage decode, if its payload could not be decoded or its key or
    id is missing.

    Args:
        schema: what each message holds.
        key: where the key comes from; as text.
        id: what identifies a message; without it the id that its envelope has.
        clock: nanoseconds since 1970.
    """

    def __init__(
        self,
        schema: MessageSchema,
        key: Reference,
        id: Reference | None = None,  # noqa: A002 - as the job file calls it
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self._key = key
        self._id = id
        self._clock = clock
        self._columns = pa.schema([*ENVELOPE, ("read_at", TIMESTAMP), *columns_schema(schema.fields)])

    def now(self) -> pa.Scalar:
        """The time, as `read_at` has it."""
        return pa.scalar(self._clock() // 1000, TIMESTAMP)

    def __call__(self, envelopes: pa.RecordBatch, decoded: Decoded, read_at: pa.Scalar) -> Batch:
        times = pa.repeat(read_at, envelopes.num_rows)
        columns = [*envelopes.columns, times, *decoded.columns.columns]
        rows = pa.RecordBatch.from_arrays(columns, schema=self._columns)
        return self._identified(Batch(rows), dict(decoded.failures))

    def _identified(self, batch: Batch, failures: dict[int, Failure]) -> Batch:
        """The batch with its keys and ids, without the rows that have none and those that failed before."""
        keys = _texts(batch, self._key)
        for row in _nulls(keys):
            failures.setdefault(row, failure("MissingKey", f"no key: {_missing(self._key)}"))
        batch = batch.with_column("key", keys)
        if self._id is not None:
            ids = _texts(batch, self._id)
            for row in _nulls(ids):
                failures.setdefault(row, failure("MissingId", f"no id: {_missing(self._id)}"))
            batch = batch.with_column("id", pc.coalesce(ids, batch.column("id")))
        return batch.rejecting(*by_row(len(batch), failures))


class Decoder:
    """A picklable function of serialized PubsubMessages to a `Batch`, as `Assembler` makes it.

    Args:
        schema: what each message holds.
        format: how a message is encoded that Pub/Sub's schema service has not marked: avro is Avro binary, json is
            plain JSON. Marked ones are Avro binary or Avro's JSON encoding.
        key: where the key comes from; as text.
        id: what identifies a message; without it the attribute `original_message_id` or else the message id.
        clock: nanoseconds since 1970; picklable.
    """

    def __init__(
        self,
        schema: MessageSchema,
        format: Literal["avro", "json"],  # noqa: A002 - as the job file calls it
        key: Reference,
        id: Reference | None = None,  # noqa: A002 - as the job file calls it
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self._arguments = (schema, format, key, id, clock)
        self._assemble = Assembler(schema, key, id, clock)
        binary = AvroReader(schema)
        self._marked: Mapping[str | None, _Reader] = {"BINARY": binary, "JSON": JsonReader(schema, plain=False)}
        self._unmarked: _Reader = binary if format == "avro" else JsonReader(schema, plain=True)

    @classmethod
    def of(cls, contract: Contract) -> Decoder:
        """The decoder of a job."""
        message = contract.message
        return cls(contract.schema, message.format, message.key, message.id)

    def __reduce__(self) -> tuple[type[Decoder], tuple[Any, ...]]:
        return (Decoder, self._arguments)

    def __call__(self, messages: Sequence[bytes]) -> Batch:
        started = self._assemble.now()
        parsed = [_MESSAGE.FromString(message) for message in messages]
        payloads = [message.data for message in parsed]
        envelopes = _envelopes(parsed, payloads)
        return self._assemble(envelopes, self._decode(payloads, envelopes.column("attributes")), started)

    def _decode(self, payloads: list[bytes], attributes: pa.MapArray) -> Decoded:
        encodings = pc.map_lookup(attributes, _ENCODING, "first").dictionary_encode("encode")
        readers = [self._marked.get(name, self._unmarked) for name in encodings.dictionary.to_pylist()]
        if len(readers) <= 1:
            return (readers or [self._unmarked])[0].read(payloads)
        codes = encodings.indices.to_numpy()
        groups = [np.flatnonzero(codes == code) for code in range(len(readers))]
        decoded = [each.read([payloads[row] for row in rows]) for each, rows in zip(readers, groups, strict=True)]
        return interleave(list(zip(groups, decoded, strict=True)))


def raw_envelopes(messages: Sequence[bytes]) -> pa.RecordBatch:
    """The envelopes of serialized PubsubMessages, without what only the payload tells.

    Bytes that are no PubsubMessage become the payload of an envelope that is otherwise empty.
    """
    parsed = [_tolerant(message) for message in messages]
    return _envelopes(parsed, [message.data for message in parsed])


def _tolerant(message: bytes) -> Any:
    try:
        return _MESSAGE.FromString(message)
    except DecodeError:
        return _MESSAGE(data=message)


def _envelopes(messages: Sequence[Any], payloads: Sequence[bytes]) -> pa.RecordBatch:
    attributes = _attributes([message.attributes for message in messages])
    message_ids = pa.array([message.message_id for message in messages], pa.string())
    times = [message.publish_time for message in messages]
    columns = {
        "id": pc.coalesce(_not_empty(pc.map_lookup(attributes, ORIGINAL_ID, "first")), message_ids),
        "message_id": message_ids,
        "publish_time": pa.array([time.seconds * 1_000_000 + time.nanos // 1000 for time in times], TIMESTAMP),
        "key": pa.nulls(len(messages), pa.string()),
        "event_time": pa.nulls(len(messages), TIMESTAMP),
        "attributes": attributes,
        "payload": pa.array(payloads, pa.large_binary()),
    }
    return pa.RecordBatch.from_pydict(columns, schema=ENVELOPE)


def _attributes(maps: Sequence[Any]) -> pa.MapArray:
    offsets = np.zeros(len(maps) + 1, np.int32)
    np.cumsum([len(each) for each in maps], out=offsets[1:])
    keys = [key for each in maps for key in each]
    values = [each[key] for each in maps for key in each]  # `values()` is Python's, and four times as slow
    return pa.MapArray.from_arrays(offsets, pa.array(keys, pa.string()), pa.array(values, pa.string()))


def _texts(batch: Batch, reference: Reference) -> pa.StringArray:
    """What the reference names in each row, as text; null where it is missing or empty."""
    if reference.field is not None:
        return _not_empty(batch.column(field_column(reference.field)).cast(pa.string()))
    return _not_empty(pc.map_lookup(batch.column("attributes"), reference.attribute, "first"))


def _not_empty(texts: pa.StringArray) -> pa.StringArray:
    return pc.if_else(pc.equal(texts, ""), None, texts)


def _nulls(values: pa.Array) -> list[int]:
    return np.flatnonzero(values.is_null()).tolist() if values.null_count else []


def _missing(reference: Reference) -> str:
    if reference.field is not None:
        return f"the field {reference.field} is null or empty"
    return f"the attribute {reference.attribute} is missing or empty"
