"""Pub/Sub's limits are in bytes of UTF-8."""

import pytest
from google.pubsub_v1.types import PubsubMessage

from streaming.pubsub.pubsub_limits import MESSAGE_BYTES, ack_requests, cut_text, is_longer, over_limit

Raw = PubsubMessage.pb()


@pytest.mark.parametrize(
    ("text", "limit", "longer"),
    [("", 0, False), ("abcd", 4, False), ("abcde", 4, True), ("üü", 4, False), ("üüü", 4, True), ("😀", 3, True)],
)
def test_length_is_counted_in_bytes(text: str, limit: int, longer: bool) -> None:
    assert is_longer(text, limit) is longer


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [("abcde", 4, "abcd"), ("abcd", 4, "abcd"), ("aüü", 4, "aü"), ("😀😀", 7, "😀"), ("😀", 3, "")],
)
def test_text_is_cut_between_characters(text: str, limit: int, expected: str) -> None:
    assert cut_text(text, limit) == expected


def test_a_message_at_every_limit_is_taken() -> None:
    message = Raw(ordering_key="ü" * 512, attributes={f"{n:0256}": "😀" * 256 for n in range(100)})
    message.data = b"x" * (MESSAGE_BYTES - message.ByteSize() - 5)  # the tag and the length of the data
    assert message.ByteSize() == MESSAGE_BYTES
    assert over_limit(message) is None


@pytest.mark.parametrize(
    ("message", "fault"),
    [
        (
            Raw(data=b"x" * MESSAGE_BYTES),
            ("MessageTooLarge", "the message has 9999005 bytes, 9999000 are the most"),
        ),
        (
            Raw(attributes={str(n): "" for n in range(101)}),
            ("TooManyAttributes", "the message has 101 attributes, 100 are the most"),
        ),
        (Raw(ordering_key="ü" * 513), ("OrderingKeyTooLarge", "the ordering key has more than 1024 bytes")),
        (
            Raw(attributes={"k" * 257: ""}),
            ("AttributeKeyTooLarge", "the attribute key kkkkkkkkkkkkkkkkkkkk... has more than 256 bytes"),
        ),
        (
            Raw(attributes={"k": "ü" * 513}),
            ("AttributeValueTooLarge", "the value of the attribute k has more than 1024 bytes"),
        ),
    ],
)
def test_a_message_over_a_limit_is_named_with_the_limit(message: PubsubMessage, fault: tuple[str, str]) -> None:
    assert over_limit(message) == fault


@pytest.mark.parametrize(("count", "sizes"), [(0, []), (1000, [1000]), (2001, [1000, 1000, 1])])
def test_a_request_takes_a_thousand_acknowledgement_ids(count: int, sizes: list[int]) -> None:
    ack_ids = [str(number) for number in range(count)]
    parts = list(ack_requests(ack_ids))
    assert [len(part) for part in parts] == sizes
    assert [each for part in parts for each in part] == ack_ids
