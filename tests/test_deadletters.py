"""A failure keeps its message's bytes and says what went wrong, within what BigQuery and Pub/Sub take."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.batches import ENVELOPE, FAILURE, Batch, Failure
from streaming.deadletters import to_messages, to_rows
from streaming.pubsub.pubsub_limits import MESSAGE_BYTES, over_limit

NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
FAILED: dict[str, Any] = {
    "id": "id-1",
    "message_id": "4711",
    "publish_time": NOW,
    "key": "device-1",
    "event_time": None,
    "attributes": [("site", "north"), ("unit", "°C")],
    "payload": b'{"x": 1}',
    "stage": "infer:times5",
    "error_class": "InvalidArgumentError",
    "error_message": "not a number",
    "model": "times5",
    "stacktrace": "Traceback",
}
MEGABYTE = 1 << 20


def failures(*changes: dict[str, Any]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([FAILED | change for change in changes], schema=FAILURE)


def row(**change: Any) -> dict[str, Any]:
    return to_rows(failures(change), "job", NOW)[0][0]


def insert_id(**change: Any) -> str | None:
    return to_rows(failures(change), "job", NOW)[1][0]


def message(**change: Any) -> Any:
    return to_messages(failures(change), "job", NOW)[0]


def test_a_row_has_google_s_columns_and_ours() -> None:
    assert row() == {
        "timestamp": "2026-03-01T12:30:00+00:00",
        "payloadString": '{"x": 1}',
        "payloadBytes": base64.b64encode(b'{"x": 1}').decode(),
        "attributes": [{"key": "site", "value": "north"}, {"key": "unit", "value": "°C"}],
        "errorMessage": "not a number",
        "stacktrace": "Traceback",
        "stage": "infer:times5",
        "error_class": "InvalidArgumentError",
        "message_id": "4711",
        "key": "device-1",
        "model": "times5",
        "job_name": "job",
    }


def test_what_is_not_known_is_null_and_the_payload_empty() -> None:
    unknown = dict.fromkeys(["message_id", "key", "attributes", "payload", "model", "stacktrace", "error_message"])
    assert row(**unknown, stage="decode") == {
        "timestamp": "2026-03-01T12:30:00+00:00",
        "payloadString": "",
        "payloadBytes": "",
        "attributes": [],
        "errorMessage": None,
        "stacktrace": None,
        "stage": "decode",
        "error_class": "InvalidArgumentError",
        "message_id": None,
        "key": None,
        "model": None,
        "job_name": "job",
    }


EVENT = Batch(pa.RecordBatch.from_pylist([], schema=ENVELOPE)).with_events(
    [Failure("generation", "GenerationRefusedError", "generation 2: no variables", "times5")]
)


def test_an_event_is_a_row_without_a_message() -> None:
    assert to_rows(EVENT.failures, "job", NOW) == (
        [
            {
                "timestamp": "2026-03-01T12:30:00+00:00",
                "payloadString": "",
                "payloadBytes": "",
                "attributes": [],
                "errorMessage": "generation 2: no variables",
                "stacktrace": None,
                "stage": "generation",
                "error_class": "GenerationRefusedError",
                "message_id": None,
                "key": None,
                "model": "times5",
                "job_name": "job",
            }
        ],
        [None],
    )


def test_an_event_is_a_message_of_attributes_alone() -> None:
    (dead,) = to_messages(EVENT.failures, "job", NOW)
    assert (dead.data, dict(dead.attributes)) == (
        b"",
        {
            "error_stage": "generation",
            "error_class": "GenerationRefusedError",
            "error_message": "generation 2: no variables",
            "error_model": "times5",
            "error_job_name": "job",
            "error_timestamp": "2026-03-01T12:30:00+00:00",
        },
    )
    assert over_limit(dead) is None


def test_bytes_that_are_no_text_are_kept_as_bytes_and_replaced_in_the_text() -> None:
    failed = row(payload=b"a\xff\xc3")
    assert failed["payloadString"] == "a\ufffd\ufffd"
    assert base64.b64decode(failed["payloadBytes"]) == b"a\xff\xc3"


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        (b"x" * MEGABYTE, "x" * MEGABYTE),
        (b"x" * (MEGABYTE + 1), "x" * MEGABYTE),
        ("ü".encode() * MEGABYTE, "ü" * (MEGABYTE // 2)),
        (b"x" + "ü".encode() * MEGABYTE, "x" + "ü" * (MEGABYTE // 2 - 1)),
        (b"\x00" * MEGABYTE, "\x00" * (MEGABYTE // 2)),  # six characters of JSON each
    ],
)
def test_the_payload_s_text_is_cut_at_a_mebibyte_between_characters(payload: bytes, text: str) -> None:
    assert row(payload=payload)["payloadString"] == text


def test_the_payload_s_bytes_are_cut_at_four_mebibytes_and_the_message_says_so() -> None:
    whole = row(payload=b"x" * 4 * MEGABYTE)
    assert (len(base64.b64decode(whole["payloadBytes"])), whole["errorMessage"]) == (4 * MEGABYTE, "not a number")
    cut = row(payload=b"x" * (4 * MEGABYTE + 1))
    assert len(base64.b64decode(cut["payloadBytes"])) == 4 * MEGABYTE
    assert cut["errorMessage"] == "(payloadBytes holds 4194304 of 4194305 bytes) not a number"


def test_the_largest_row_is_below_ten_megabytes_of_json() -> None:
    worst = row(
        payload=b"\x00" * MESSAGE_BYTES,
        error_message="\x00" * MEGABYTE,
        stacktrace="\x00" * MEGABYTE,
        key="\x00" * MEGABYTE,
        attributes=[(f"{n:\x00>256}", "\x00" * 1024) for n in range(100)],
    )
    assert len(json.dumps(worst)) < 10_000_000


def test_a_row_s_insert_id_is_its_message_and_step() -> None:
    assert insert_id(stage="decode", model=None) == "4711/decode"
    assert insert_id(stage="infer:times5", model="times5") == "4711/infer:times5"


def test_failures_of_several_models_at_one_step_have_insert_ids_of_their_own() -> None:
    assert insert_id(stage="write_table", model="times5") == "4711/write_table/times5"


def test_an_insert_id_is_at_most_128_bytes_and_still_the_same_each_time() -> None:
    first, second = (insert_id(stage="write_table", model=name * 120) for name in "ab")
    assert first is not None
    assert len(first) == 64
    assert first != second
    assert first == insert_id(stage="write_table", model="a" * 120)


def test_without_a_message_id_there_is_no_insert_id() -> None:
    assert insert_id(message_id=None) is None


def test_a_message_has_the_original_payload_and_attributes_and_what_went_wrong() -> None:
    dead = message()
    assert dead.data == b'{"x": 1}'
    assert dict(dead.attributes) == {
        "site": "north",
        "unit": "°C",
        "error_stage": "infer:times5",
        "error_class": "InvalidArgumentError",
        "error_message": "not a number",
        "error_model": "times5",
        "error_message_id": "4711",
        "error_key": "device-1",
        "error_job_name": "job",
        "error_timestamp": "2026-03-01T12:30:00+00:00",
        "original_message_id": "4711",
    }


def test_attributes_of_an_earlier_failure_are_replaced_and_the_first_message_id_stays() -> None:
    before = [
        ("error_stage", "decode"),
        ("error_model", "times10"),
        ("error_dropped_attributes", "3"),
        ("error_code", "the device's own"),
        ("original_message_id", "42"),
    ]
    dead = message(attributes=before, stage="event_time", model=None)
    assert dict(dead.attributes) == {
        "error_code": "the device's own",
        "error_stage": "event_time",
        "error_class": "InvalidArgumentError",
        "error_message": "not a number",
        "error_message_id": "4711",
        "error_key": "device-1",
        "error_job_name": "job",
        "error_timestamp": "2026-03-01T12:30:00+00:00",
        "original_message_id": "42",
    }


def test_names_that_are_pubsub_s_own_are_changed() -> None:
    dead = message(attributes=[("googclient_schemaencoding", "JSON"), ("googly", "x"), ("agoog", "y")])
    originals = {name: value for name, value in dead.attributes.items() if "goog" in name}
    assert originals == {
        "error_original_googclient_schemaencoding": "JSON",
        "error_original_googly": "x",
        "agoog": "y",
    }


def test_values_are_cut_at_1024_bytes_between_characters() -> None:
    dead = message(error_message="x" + "ü" * 1000, key="y" * 2000)
    assert dead.attributes["error_message"] == "x" + "ü" * 511
    assert dead.attributes["error_key"] == "y" * 1024


def test_the_largest_originals_give_way_to_ours_and_are_counted() -> None:
    dead = message(attributes=[(f"a{n:03}", "x" * n) for n in range(100)])
    assert len(dead.attributes) == 100
    assert dead.attributes["error_dropped_attributes"] == "10"
    assert sorted(name for name in dead.attributes if name.startswith("a")) == [f"a{n:03}" for n in range(90)]


def test_a_name_that_is_too_long_once_changed_is_dropped_and_counted() -> None:
    dead = message(attributes=[("goog" + "x" * 252, "v")])
    assert dead.attributes["error_dropped_attributes"] == "1"
    assert not [name for name in dead.attributes if "goog" in name]


def size_without(name: str) -> int:
    """Bytes of the dead letter of an empty payload without this attribute."""
    dead = message(payload=b"", attributes=[("site", "north")])
    dead.attributes.pop(name, "")
    size: int = dead.ByteSize()
    return size


def test_a_large_message_loses_of_its_error_message_first() -> None:
    room = MESSAGE_BYTES - size_without("error_message") - 100
    dead = message(payload=b"x" * room, attributes=[("site", "north")], error_message="e" * 1000)
    assert 0 < len(dead.attributes["error_message"]) < 100
    assert (len(dead.data), dead.attributes["site"]) == (room, "north")
    assert over_limit(dead) is None


def test_then_its_largest_originals() -> None:
    room = MESSAGE_BYTES - size_without("error_message") - 100
    originals = [("site", "north"), ("large", "l" * 900), ("larger", "L" * 1000)]
    dead = message(payload=b"x" * room, attributes=originals)
    assert "error_message" not in dead.attributes
    assert (len(dead.data), dead.attributes["site"]) == (room, "north")
    assert dead.attributes["error_dropped_attributes"] == "2"
    assert over_limit(dead) is None


def test_last_of_its_payload_and_says_so() -> None:
    payload = bytes(range(250)) * 40_000
    dead = message(payload=payload)
    assert dead.attributes["error_payload_size"] == "10000000"
    assert MESSAGE_BYTES - 10 < dead.ByteSize() <= MESSAGE_BYTES
    assert payload.startswith(dead.data)


@settings(max_examples=20, deadline=None)
@given(
    attributes=st.dictionaries(st.text(max_size=260), st.text(max_size=400), max_size=120),
    error_message=st.none() | st.text(max_size=2000),
    key=st.none() | st.text(max_size=2000),
    payload_size=st.sampled_from([0, 100, MESSAGE_BYTES - 5000, MESSAGE_BYTES, 10_000_000]),
)
def test_every_dead_letter_is_one_that_pubsub_takes(
    attributes: dict[str, str], error_message: str | None, key: str | None, payload_size: int
) -> None:
    dead = message(
        attributes=list(attributes.items()), error_message=error_message, key=key, payload=b"x" * payload_size
    )
    assert over_limit(dead) is None
    assert not [name for name in dead.attributes if name.startswith("goog")]
    assert dead.attributes["error_stage"] == "infer:times5"
