"""Dead letters of the table or the topic: which of them are wanted, which can go back, and as what messages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from streaming import deadletters
from streaming.batches import ORIGINAL_ID
from streaming.formats.rfc3339 import parse
from streaming.pubsub.publisher import output_message
from streaming.pubsub.pubsub_limits import RESERVED_PREFIX

_RENAMED_PREFIX = f"{deadletters.RENAMED}{RESERVED_PREFIX}"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter, whether it was read from the table or from the topic.

    Attributes:
        stage: empty if the message on the topic is not a dead letter at all.
        model: the model that rejected the message, where it was one.
        message_id: Pub/Sub's id of the message that failed; empty for an event, which is of no message.
        failed_at: with a time zone.
        attributes: the message's own and, on the topic, the `error_*` ones.
        letter_id: Pub/Sub's id of the letter itself; None for a row of the table.
    """

    stage: str
    error_class: str
    error_message: str
    model: str | None
    message_id: str
    failed_at: datetime
    payload: bytes
    attributes: Mapping[str, str]
    letter_id: str | None = None

    @property
    def original_id(self) -> str:
        """The id under which the message came first, however often it has been replayed since."""
        return self.attributes.get(ORIGINAL_ID) or self.message_id

    def obstacle(self) -> str | None:
        """Why the message cannot be published anew as it was; None if it can be."""
        if not self.stage:
            return "not a dead letter: without the attribute error_stage"
        if not self.message_id:
            return "of an event, not of a message"
        if deadletters.PAYLOAD_SIZE in self.attributes or self.error_message.startswith(deadletters.CUT):
            return "the payload was too large for a dead letter and was cut"
        if deadletters.DROPPED in self.attributes:
            return "attributes were too large for a dead letter and were dropped"
        return None

    def message(self) -> Any:
        """The raw `PubsubMessage` that is published anew: as it was, and with the original id."""
        own = {name: value for name, value in self.attributes.items() if not _is_added(name)}
        return output_message(self.payload, own | {ORIGINAL_ID: self.original_id})

    def received(self) -> Any:
        """The raw `PubsubMessage` that failed, as the job read it."""
        own = {_own_name(name): value for name, value in self.attributes.items() if name not in deadletters.ADDED}
        message = output_message(self.payload, own)
        message.message_id = self.message_id
        return message


@dataclass(frozen=True)
class Selection:
    """Which dead letters are wanted; what is empty or None selects nothing out.

    Attributes:
        stages: as in `decode` or `infer:times5`.
        error_classes: as in `AvroError`.
        model: the model that rejected the message.
        since, until: when it failed: from `since`, before `until`; with a time zone.
    """

    stages: tuple[str, ...] = ()
    error_classes: tuple[str, ...] = ()
    model: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def takes(self, letter: Letter) -> bool:
        """Whether the letter is wanted."""
        return (
            (not self.stages or letter.stage in self.stages)
            and (not self.error_classes or letter.error_class in self.error_classes)
            and (self.model is None or letter.model == self.model)
            and (self.since is None or letter.failed_at >= self.since)
            and (self.until is None or letter.failed_at < self.until)
        )


EVERYTHING = Selection()


def from_row(row: Mapping[str, Any]) -> Letter:
    """The letter in a row of the dead-letter table."""
    return Letter(
        stage=row["stage"] or "",
        error_class=row["error_class"] or "",
        error_message=row["errorMessage"] or "",
        model=row["model"],
        message_id=row["message_id"] or "",
        failed_at=row["timestamp"],
        payload=row["payloadBytes"] or b"",
        attributes={each["key"]: each["value"] or "" for each in row["attributes"] or ()},
    )


def from_message(message: Any) -> Letter:
    """The letter in a raw `PubsubMessage` of the dead-letter topic."""
    attributes = dict(message.attributes)
    return Letter(
        stage=attributes.get("error_stage", ""),
        error_class=attributes.get("error_class", ""),
        error_message=attributes.get("error_message", ""),
        model=attributes.get("error_model"),
        message_id=attributes.get("error_message_id", ""),
        failed_at=_failed_at(message, attributes.get("error_timestamp", "")),
        payload=message.data,
        attributes=attributes,
        letter_id=message.message_id,
    )


def _failed_at(message: Any, text: str) -> datetime:
    microseconds = parse(text)
    if microseconds is None:  # it came to the topic soon after it failed
        microseconds = message.publish_time.ToMicroseconds()
    return _EPOCH + timedelta(microseconds=microseconds)


def _own_name(name: str) -> str:
    return name.removeprefix(deadletters.RENAMED) if name.startswith(_RENAMED_PREFIX) else name


def _is_added(name: str) -> bool:
    """Whether the message that is published anew must do without the attribute.

    Pub/Sub refuses messages that bring attributes of its own, such as googclient_schemaencoding, and sets them itself.
    The dead-letter topic has them renamed: they describe how the message came the first time, and would be stale.
    """
    return name in deadletters.ADDED or name.startswith((RESERVED_PREFIX, _RENAMED_PREFIX))
