"""Failures to rows of the dead-letter table and messages of the dead-letter topic, within what either takes."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pyarrow as pa
from google.pubsub_v1.types import PubsubMessage

from streaming.batches import ORIGINAL_ID
from streaming.pubsub.pubsub_limits import (
    ATTRIBUTES,
    KEY_BYTES,
    MESSAGE_BYTES,
    RESERVED_PREFIX,
    VALUE_BYTES,
    cut_text,
    is_longer,
)

_RawMessage = PubsubMessage.pb()  # the class below the wrapper, which costs ten times as much

PAYLOAD_TEXT_BYTES = 1 << 20
PAYLOAD_BYTES = 4 << 20

_PAYLOAD_TEXT_JSON = 3_300_000
_TEXT_JSON = 1 << 16
"""BigQuery takes 10 MB of JSON a row. The payload as base64 takes 5.6, its text one to six times its bytes."""

INSERT_ID_BYTES = 128

PAYLOAD_SIZE = "error_payload_size"
DROPPED = "error_dropped_attributes"
"""The attributes of a message whose payload was cut or some of whose own attributes were dropped."""

ADDED = frozenset(
    {
        "error_stage",
        "error_class",
        "error_message",
        "error_model",
        "error_message_id",
        "error_key",
        "error_job_name",
        "error_timestamp",
        DROPPED,
        PAYLOAD_SIZE,
    }
)
"""What a dead letter has beside its message's own attributes. A device may have an `error_code`, which stays."""

RENAMED = "error_original_"
"""Stands before the names of attributes that Pub/Sub reserves for itself."""

CUT = "(payloadBytes holds "
"""How a row's error message begins where its payload was cut."""

_ATTRIBUTE_TAG_BYTES = 32  # what the attribute error_message takes beside its value


def to_rows(failures: pa.RecordBatch, job_name: str, now: datetime) -> tuple[list[dict[str, Any]], list[str | None]]:
    """Rows of the dead-letter table as `tabledata.insertAll` takes them, and an insert id for each.

    Args:
        failures: rows of `batches.FAILURE`.
        job_name: goes into each row.
        now: when they failed, with a time zone.

    Returns:
        The rows; and ids that are the same whenever the same message fails at the same step, so that BigQuery can
        leave out repetitions. None for a message without an id, and for an event, which is of no message.
    """
    failed = failures.to_pylist()
    return [_row(failure, job_name, now) for failure in failed], [_insert_id(failure) for failure in failed]


def to_messages(failures: pa.RecordBatch, job_name: str, now: datetime) -> list[Any]:
    """Raw `PubsubMessage`s: the original payload and attributes, and `error_*` attributes that say what went wrong.

    What a message has too much for Pub/Sub is cut: first the error message, then original attributes, the largest
    first, whose number `error_dropped_attributes` gives; last the payload, whose size `error_payload_size` gives.

    Args:
        failures: rows of `batches.FAILURE`.
        job_name: goes into each message.
        now: when they failed, with a time zone.
    """
    return [_message(failure, job_name, now) for failure in failures.to_pylist()]


def _row(failure: Mapping[str, Any], job_name: str, now: datetime) -> dict[str, Any]:
    payload = failure["payload"] or b""
    return {
        "timestamp": now.isoformat(),
        "payloadString": _payload_text(payload),
        "payloadBytes": base64.b64encode(payload[:PAYLOAD_BYTES]).decode(),
        "attributes": [{"key": key, "value": value} for key, value in failure["attributes"] or ()],
        "errorMessage": _fit_json(_error_message(failure, len(payload)), _TEXT_JSON),
        "stacktrace": _fit_json(failure["stacktrace"], _TEXT_JSON),
        "stage": failure["stage"],
        "error_class": failure["error_class"],
        "message_id": failure["message_id"],
        "key": _fit_json(failure["key"], _TEXT_JSON),
        "model": failure["model"],
        "job_name": job_name,
    }


def _error_message(failure: Mapping[str, Any], payload_size: int) -> str | None:
    message: str | None = failure["error_message"]
    if payload_size <= PAYLOAD_BYTES:
        return message
    return f"{CUT}{PAYLOAD_BYTES} of {payload_size} bytes) {message or ''}".rstrip()


def _payload_text(payload: bytes) -> str:
    beginning = payload[: PAYLOAD_TEXT_BYTES + 4]  # with the rest of a character that the cut goes through
    return _fit_json(cut_text(beginning.decode(errors="replace"), PAYLOAD_TEXT_BYTES), _PAYLOAD_TEXT_JSON)


def _fit_json(text: Any, limit: int) -> Any:
    """The beginning of `text` that is at most `limit` characters of ASCII JSON; None stays."""
    if text is None or len(text) * 6 <= limit:
        return text
    while len(json.dumps(text)) > limit:
        text = text[: len(text) // 2]
    return text


def _insert_id(failure: Mapping[str, Any]) -> str | None:
    if failure["message_id"] is None:
        return None
    parts = [failure["message_id"], failure["stage"]]
    if failure["model"] is not None and not failure["stage"].endswith(f":{failure['model']}"):
        parts.append(failure["model"])  # one message may fail there for several models
    joined = "/".join(parts)
    return hashlib.sha256(joined.encode()).hexdigest() if is_longer(joined, INSERT_ID_BYTES) else joined


def _message(failure: Mapping[str, Any], job_name: str, now: datetime) -> Any:
    attributes = dict(failure["attributes"] or ())
    ours = _our_attributes(failure, attributes, job_name, now)
    originals = {_free_name(name): value for name, value in attributes.items() if name not in ADDED | ours.keys()}
    message = _RawMessage(data=failure["payload"] or b"")
    for name, value in (originals | ours).items():
        message.attributes[name] = cut_text(value, VALUE_BYTES)
    _fit(message, sorted(originals, key=lambda name: len(originals[name])))
    return message


def _our_attributes(
    failure: Mapping[str, Any], attributes: Mapping[str, str], job_name: str, now: datetime
) -> dict[str, str]:
    values = {
        "error_stage": failure["stage"],
        "error_class": failure["error_class"],
        "error_message": failure["error_message"],
        "error_model": failure["model"],
        "error_message_id": failure["message_id"],
        "error_key": failure["key"],
        "error_job_name": job_name,
        "error_timestamp": now.isoformat(),
        ORIGINAL_ID: attributes.get(ORIGINAL_ID, failure["message_id"]),  # a replayed message keeps its first
    }
    return {name: value for name, value in values.items() if value is not None}


def _free_name(name: str) -> str:
    """A name that Pub/Sub lets us use."""
    return f"{RENAMED}{name}" if name.startswith(RESERVED_PREFIX) else name


def _fit(message: Any, originals: list[str]) -> None:
    """Cut from the raw `message` what Pub/Sub does not take; of the `originals`, the last first."""
    for name in [name for name in originals if is_longer(name, KEY_BYTES)]:
        originals.remove(name)
        _drop(message, name)
    while len(message.attributes) > ATTRIBUTES:
        _drop(message, originals.pop())
    if _excess(message) > 0:
        _shorten_error_message(message)
    while _excess(message) > 0 and originals:
        _drop(message, originals.pop())
    if _excess(message) > 0:
        _cut_payload(message)


def _excess(message: Any) -> int:
    excess: int = message.ByteSize() - MESSAGE_BYTES
    return excess


def _drop(message: Any, name: str) -> None:
    del message.attributes[name]
    dropped = int(message.attributes.get(DROPPED, 0)) + 1
    message.attributes[DROPPED] = str(dropped)


def _shorten_error_message(message: Any) -> None:
    words = message.attributes.pop("error_message", "")
    room = -_excess(message) - _ATTRIBUTE_TAG_BYTES
    if room > 0 and words:
        message.attributes["error_message"] = cut_text(words, room)


def _cut_payload(message: Any) -> None:
    message.attributes[PAYLOAD_SIZE] = str(len(message.data))
    message.data = message.data[: -_excess(message)]
