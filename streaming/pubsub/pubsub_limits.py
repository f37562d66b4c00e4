"""What Pub/Sub takes in a message and a request; all sizes are bytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

MESSAGE_BYTES = 9_999_000
"""A whole request may have 10,000,000: the rest is for the topic's name and the tags around a message alone in it."""

ATTRIBUTES = 100
KEY_BYTES = 256
VALUE_BYTES = 1024
ORDERING_KEY_BYTES = 1024
REQUEST_MESSAGES = 1000
REQUEST_BYTES = 9_500_000
REQUEST_ACK_IDS = 1000

RESERVED_PREFIX = "goog"
"""Attributes whose keys begin so are Pub/Sub's own; it refuses a message that brings one."""


def is_longer(text: str, limit: int) -> bool:
    """Whether `text` takes more than `limit` bytes in UTF-8; most are short enough to tell by their characters."""
    return len(text) * 4 > limit and len(text.encode()) > limit


def cut_text(text: str, limit: int) -> str:
    """The beginning of `text` that takes at most `limit` bytes in UTF-8, whole characters only."""
    return text.encode()[:limit].decode(errors="ignore") if is_longer(text, limit) else text


def over_limit(message: Any) -> tuple[str, str] | None:
    """A name and words for the limit that the raw `message` breaks; None when it keeps them all."""
    size = message.ByteSize()
    if size > MESSAGE_BYTES:
        return "MessageTooLarge", f"the message has {size} bytes, {MESSAGE_BYTES} are the most"
    if len(message.attributes) > ATTRIBUTES:
        return "TooManyAttributes", f"the message has {len(message.attributes)} attributes, {ATTRIBUTES} are the most"
    if is_longer(message.ordering_key, ORDERING_KEY_BYTES):
        return "OrderingKeyTooLarge", f"the ordering key has more than {ORDERING_KEY_BYTES} bytes"
    if size - len(message.data) <= KEY_BYTES:  # spares most messages a look at each attribute
        return None
    return _attribute_over_limit(message)


def _attribute_over_limit(message: Any) -> tuple[str, str] | None:
    for key, value in message.attributes.items():
        if is_longer(key, KEY_BYTES):
            return "AttributeKeyTooLarge", f"the attribute key {key[:20]}... has more than {KEY_BYTES} bytes"
        if is_longer(value, VALUE_BYTES):
            return "AttributeValueTooLarge", f"the value of the attribute {key} has more than {VALUE_BYTES} bytes"
    return None


def ack_requests(ack_ids: Sequence[str]) -> Iterator[list[str]]:
    """What acknowledges messages or extends their leases, in parts of what a request takes."""
    for start in range(0, len(ack_ids), REQUEST_ACK_IDS):
        yield list(ack_ids[start : start + REQUEST_ACK_IDS])
