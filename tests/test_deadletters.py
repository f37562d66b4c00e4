"""A failure's row keeps its message's bytes and says what went wrong, within what BigQuery takes."""

import base64
import json
from typing import Any

import pytest

from streaming.deadletters import to_rows
from streaming.pubsub.pubsub_limits import MESSAGE_BYTES
from tests.deadletter_cases import EVENT, NOW, failures

MEGABYTE = 1 << 20


def row(**change: Any) -> dict[str, Any]:
    return to_rows(failures(change), "job", NOW)[0][0]


def insert_id(**change: Any) -> str | None:
    return to_rows(failures(change), "job", NOW)[1][0]


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
