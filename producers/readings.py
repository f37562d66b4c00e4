"""Devices that publish readings: a seeded stream of good and bad messages, and the account of what was sent.

`readings` makes them, `publish` sends them. What must come of each is said with it, so that `producers.accounts` can
check what came out.
"""

from __future__ import annotations

import io
import itertools
import json
import math
import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Literal, TypeAlias

import fastavro

from streaming.endpoints import publisher_client
from streaming.errors import PermanentError

Schema: TypeAlias = Mapping[str, Any]
Record: TypeAlias = dict[str, Any]
Encoder: TypeAlias = Callable[[Schema, Record], bytes]
Encoding: TypeAlias = Literal["avro", "avro_json", "json"]
"""Avro binary, Avro's own JSON, or plain JSON with RFC 3339 times."""

READING: Schema = fastavro.parse_schema(
    {
        "type": "record",
        "name": "Reading",
        "fields": [
            {"name": "device_id", "type": "string"},
            {"name": "event_time", "type": {"type": "long", "logicalType": "timestamp-micros"}},
            {"name": "value", "type": "double"},
        ],
    }
)
"""The schema of `examples/multiply/reading.avsc`."""

HEARTBEAT: Schema = fastavro.parse_schema(
    {
        "type": "record",
        "name": "Heartbeat",
        "fields": [{"name": "battery_percent", "type": "int"}, {"name": "device_id", "type": "string"}],
    }
)
"""What a device publishes that has the wrong topic. Its first number reads as the length of a longer text."""

FIRST_VALUES = (105.0, 108.0, 1000.0, 1013.0)
"""The first readings' values, whose products are easy to recognise."""

LARGEST_REQUEST = 500
"""Most messages in one publish request."""


class Fault(StrEnum):
    """What is wrong with a bad message."""

    TRUNCATED = "truncated"
    TRAILING_BYTES = "trailing_bytes"
    EMPTY = "empty"
    GARBAGE = "garbage"
    OTHER_SCHEMA = "other_schema"
    NO_KEY = "no_key"
    YEAR_2000 = "year_2000"
    NOT_A_NUMBER = "not_a_number"


@dataclass(frozen=True)
class Inputs:
    """The message must reach the models, with this. A value that is no number then makes each of them fail."""

    key: str
    event_time: datetime
    value: float


@dataclass(frozen=True)
class Refused:
    """The message must become one dead letter of this stage, with the key as far as it is known there."""

    stage: str
    key: str | None = None


@dataclass(frozen=True)
class Reading:
    """One message, and what must come of it."""

    sequence: int
    payload: bytes
    expected: Inputs | Refused
    fault: Fault | None = None

    @property
    def attributes(self) -> dict[str, str]:
        """The message's attributes. Pub/Sub refuses a message that has neither payload nor attributes."""
        return {"sequence": str(self.sequence)}


@dataclass
class Account:
    """What was sent: published message id -> reading. It grows while `publish` runs."""

    sent: dict[str, Reading] = field(default_factory=dict)


def readings(
    *,
    seed: int,
    start: datetime,
    count: int | None = None,
    devices: int = 10,
    bad_every: int = 50,
    interval: timedelta = timedelta(milliseconds=1),
    encoding: Encoding = "avro",
) -> Iterator[Reading]:
    """Readings of a number of devices; the same arguments give the same bytes.

    Args:
        seed: of everything random.
        start: when the first message is sent; it has a time zone. Events lie up to five seconds before their sending.
        count: how many; without it they never end.
        devices: how many devices there are. A device's name is the key of its messages.
        bad_every: every so many messages one is bad, by each `Fault` in turn; 0 for none.
        interval: the time from one message's sending to the next.
        encoding: of the payloads.
    """
    rng = random.Random(seed)
    encode = _ENCODERS[encoding]
    for sequence in itertools.count() if count is None else range(count):
        inputs = Inputs(
            key=f"device-{rng.randrange(devices):04}",
            event_time=start + sequence * interval - timedelta(seconds=rng.uniform(0, 5)),
            value=FIRST_VALUES[sequence] if sequence < len(FIRST_VALUES) else round(rng.uniform(1, 1000), 2),
        )
        fault = _fault(sequence, bad_every)
        inputs = _spoiled_inputs(inputs, fault)
        payload = _payload(inputs, fault, encode, rng)
        yield Reading(sequence, payload, _expected(inputs, fault, encoding), fault)


def publish(
    topic: str,
    readings: Iterable[Reading],
    rate: float,
    *,
    stop: threading.Event | None = None,
    account: Account | None = None,
) -> Account:
    """Publishes the readings, `rate` a second, until they end or `stop` is set.

    A request whose answer gets lost is sent again; the messages of the first then come with ids that no account knows.

    Args:
        topic: `projects/P/topics/T`, on the emulator that PUBSUB_EMULATOR_HOST names, if any.
        readings: what to publish, in this order.
        rate: messages a second, above 0.
        stop: ends the publishing, at once and between two requests.
        account: the account to add to, for another thread to look at meanwhile.

    Returns:
        The account of what was sent.

    Raises:
        PermanentError: there is no such topic.
    """
    from google.api_core.exceptions import NotFound  # costs a second

    stop = threading.Event() if stop is None else stop
    account = Account() if account is None else account
    with publisher_client() as publisher:
        for chunk in _paced(readings, rate, stop):
            messages = [{"data": reading.payload, "attributes": reading.attributes} for reading in chunk]
            try:
                answer = publisher.publish(topic=topic, messages=messages)
            except NotFound as error:
                message = f"topic {topic} does not exist; create it: gcloud pubsub topics create {topic}"
                raise PermanentError(message) from error
            account.sent.update(zip(answer.message_ids, chunk, strict=True))
    return account


def _paced(readings: Iterable[Reading], rate: float, stop: threading.Event) -> Iterator[Sequence[Reading]]:
    """The readings in requests, each when it is due: some twenty a second, more where they would grow too large."""
    source, sent, started = iter(readings), 0, time.monotonic()
    size = min(max(1, int(rate / 20)), LARGEST_REQUEST)
    while chunk := list(itertools.islice(source, size)):
        if stop.wait(max(0.0, started + sent / rate - time.monotonic())):
            return
        yield chunk
        sent += len(chunk)


def _fault(sequence: int, bad_every: int) -> Fault | None:
    if not bad_every or (sequence + 1) % bad_every:
        return None
    return list(Fault)[sequence // bad_every % len(Fault)]


def _spoiled_inputs(inputs: Inputs, fault: Fault | None) -> Inputs:
    match fault:
        case Fault.NO_KEY:
            return replace(inputs, key="")
        case Fault.YEAR_2000:
            return replace(inputs, event_time=datetime(2000, 1, 1, tzinfo=UTC))
        case Fault.NOT_A_NUMBER:
            return replace(inputs, value=math.nan)
    return inputs


def _payload(inputs: Inputs, fault: Fault | None, encode: Encoder, rng: random.Random) -> bytes:
    payload = encode(READING, {"device_id": inputs.key, "event_time": inputs.event_time, "value": inputs.value})
    match fault:
        case Fault.TRUNCATED:
            return payload[: rng.randrange(1, len(payload))]
        case Fault.TRAILING_BYTES:
            return payload + b"\0\0\0"
        case Fault.EMPTY:
            return b""
        case Fault.GARBAGE:  # neither UTF-8 nor an Avro number, which ends with a byte below 0x80
            return bytes(rng.randrange(0x80, 0x100) for _ in range(24))
        case Fault.OTHER_SCHEMA:
            return encode(HEARTBEAT, {"battery_percent": rng.randrange(51, 101), "device_id": inputs.key})
    return payload


def _expected(inputs: Inputs, fault: Fault | None, encoding: Encoding) -> Inputs | Refused:
    if fault is None or (fault is Fault.NOT_A_NUMBER and encoding == "avro"):
        return inputs
    if fault is Fault.YEAR_2000:
        return Refused("event_time", inputs.key)
    return Refused("decode")  # of NaN, too: JSON has no such number


def _avro(schema: Schema, record: Record) -> bytes:
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, schema, record)
    return buffer.getvalue()


def _avro_json(schema: Schema, record: Record) -> bytes:
    buffer = io.StringIO()
    fastavro.json_writer(buffer, schema, [record])
    return buffer.getvalue().encode()


def _json(_: Schema, record: Record) -> bytes:
    return json.dumps(record, default=lambda time: time.isoformat()).encode()


_ENCODERS: Mapping[Encoding, Encoder] = {"avro": _avro, "avro_json": _avro_json, "json": _json}
