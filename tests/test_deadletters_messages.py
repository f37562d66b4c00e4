"""A failure's message keeps its bytes and says what went wrong, within what Pub/Sub takes."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.deadletters import to_messages
from streaming.pubsub.pubsub_limits import MESSAGE_BYTES, over_limit
from tests.deadletter_cases import EVENT, NOW, failures


def message(**change: Any) -> Any:
    return to_messages(failures(change), "job", NOW)[0]


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
