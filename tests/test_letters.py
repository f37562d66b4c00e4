"""A dead letter, made as the job makes it, gives back the message that failed; or says why it cannot."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from producers.replaying.letters import EVERYTHING, Letter, Selection, from_message, from_row
from streaming.batches import FAILURE
from streaming.deadletters import PAYLOAD_BYTES, to_messages, to_rows
from streaming.pubsub.pubsub_limits import MESSAGE_BYTES, over_limit

NOW = datetime(2026, 3, 1, 12, 30, 0, 250_000, tzinfo=UTC)
FAILED: dict[str, Any] = {
    "message_id": "4711",
    "key": "device-1",
    "attributes": [("site", "north"), ("error_code", "7"), ("error_original_name", "x")],
    "payload": b"\x00\xff{}",
    "stage": "infer:times5",
    "error_class": "InvalidArgumentError",
    "error_message": "not a number",
    "model": "times5",
    "stacktrace": "Traceback",
}
OWN = dict(FAILED["attributes"])
SOURCES = ("table", "topic")


def letter(source: str, **change: Any) -> Letter:
    failures = pa.RecordBatch.from_pylist([FAILED | change], schema=FAILURE)
    if source == "topic":
        (message,) = to_messages(failures, "job", NOW)
        message.message_id = "letter-1"
        return from_message(message)
    (row,), _ = to_rows(failures, "job", NOW)
    payload = base64.b64decode(row["payloadBytes"])
    return from_row(row | {"timestamp": NOW, "payloadBytes": payload})  # as BigQuery's client reads them


def republished(made: Letter) -> tuple[bytes, dict[str, str], str]:
    message = made.message()
    return message.data, dict(message.attributes), message.ordering_key


@pytest.mark.parametrize("source", SOURCES)
def test_a_letter_says_what_failed_where_and_when(source: str) -> None:
    made = letter(source)
    assert (made.stage, made.error_class, made.error_message, made.model, made.message_id, made.failed_at) == (
        "infer:times5",
        "InvalidArgumentError",
        "not a number",
        "times5",
        "4711",
        NOW,
    )
    assert made.letter_id == ("letter-1" if source == "topic" else None)


@pytest.mark.parametrize("source", SOURCES)
def test_the_message_is_as_it_was_with_its_id_in_an_attribute(source: str) -> None:
    made = letter(source)
    assert made.obstacle() is None
    assert republished(made) == (b"\x00\xff{}", OWN | {"original_message_id": "4711"}, "")


@pytest.mark.parametrize("source", SOURCES)
def test_a_message_that_fails_again_keeps_its_first_id(source: str) -> None:
    made = letter(source, message_id="4712", attributes=[("original_message_id", "4711")])
    assert (made.message_id, made.original_id) == ("4712", "4711")
    assert republished(made) == (b"\x00\xff{}", {"original_message_id": "4711"}, "")


@pytest.mark.parametrize("source", SOURCES)
def test_an_empty_original_id_counts_as_none(source: str) -> None:
    assert letter(source, attributes=[("original_message_id", "")]).original_id == "4711"


@pytest.mark.parametrize("source", SOURCES)
def test_attributes_that_pubsub_sets_itself_are_not_sent(source: str) -> None:
    reserved = [("googclient_schemaencoding", "BINARY"), ("goog_x", "1")]
    made = letter(source, attributes=[*OWN.items(), *reserved])
    assert republished(made) == (b"\x00\xff{}", OWN | {"original_message_id": "4711"}, "")
    assert over_limit(made.message()) is None


@pytest.mark.parametrize("source", SOURCES)
def test_a_letter_moved_to_the_input_by_hand_loses_its_error_attributes(source: str) -> None:
    (moved,) = to_messages(pa.RecordBatch.from_pylist([FAILED], schema=FAILURE), "job", NOW)
    made = letter(source, message_id="4712", attributes=list(moved.attributes.items()))
    assert republished(made) == (b"\x00\xff{}", OWN | {"original_message_id": "4711"}, "")


@pytest.mark.parametrize("source", SOURCES)
def test_an_event_cannot_be_replayed(source: str) -> None:
    event = letter(source, message_id=None, payload=None, attributes=None, stage="generation")
    assert event.obstacle() == "of an event, not of a message"


def test_a_cut_payload_cannot_be_replayed() -> None:
    cut = "the payload was too large for a dead letter and was cut"
    assert letter("table", payload=b"x" * (PAYLOAD_BYTES + 1)).obstacle() == cut
    assert letter("table", payload=b"x" * PAYLOAD_BYTES).obstacle() is None
    assert letter("topic", payload=b"x" * MESSAGE_BYTES).obstacle() == cut
    assert letter("table", attributes=[("error_payload_size", "9999999")]).obstacle() == cut


def test_dropped_attributes_hinder_a_replay() -> None:
    attributes = [(f"a{number}", "x") for number in range(100)]
    dropped = letter("topic", attributes=attributes)
    assert dropped.obstacle() == "attributes were too large for a dead letter and were dropped"
    assert letter("table", attributes=attributes).obstacle() is None


def test_any_other_message_of_the_topic_is_not_a_dead_letter() -> None:
    message = letter("topic").message()
    message.publish_time.FromDatetime(NOW.replace(tzinfo=None))
    stray = from_message(message)
    assert (stray.obstacle(), stray.failed_at) == ("not a dead letter: without the attribute error_stage", NOW)


def test_a_row_without_values_is_read() -> None:
    columns = ("payloadBytes", "attributes", "errorMessage", "stage", "error_class", "message_id", "model")
    row = {"timestamp": NOW, **dict.fromkeys(columns)}
    assert from_row(json.loads(json.dumps(row | {"timestamp": None}))) == Letter(
        stage="",
        error_class="",
        error_message="",
        model=None,
        message_id="",
        failed_at=None,
        payload=b"",
        attributes={},
    )


@pytest.mark.parametrize(
    ("selection", "taken"),
    [
        (EVERYTHING, True),
        (Selection(stages=("decode", "infer:times5")), True),
        (Selection(stages=("infer:times10",)), False),
        (Selection(error_classes=("InvalidArgumentError",)), True),
        (Selection(error_classes=("AvroError",)), False),
        (Selection(model="times5"), True),
        (Selection(model="times10"), False),
        (Selection(since=NOW), True),
        (Selection(since=NOW + timedelta(microseconds=1)), False),
        (Selection(until=NOW + timedelta(microseconds=1)), True),
        (Selection(until=NOW), False),
        (Selection(stages=("infer:times5",), model="times10"), False),
    ],
)
def test_a_selection_takes_what_meets_all_of_it(selection: Selection, taken: bool) -> None:
    assert selection.takes(letter("table")) is taken
