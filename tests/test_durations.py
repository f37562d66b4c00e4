"""Durations as people write them."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from streaming.durations import Duration, parse_duration, show_duration

WRITTEN = {
    "1ms": timedelta(milliseconds=1),
    "500ms": timedelta(milliseconds=500),
    "30s": timedelta(seconds=30),
    "5m": timedelta(minutes=5),
    "1h": timedelta(hours=1),
    "7d": timedelta(days=7),
    "10000d": timedelta(days=10_000),
}


@pytest.mark.parametrize("text", WRITTEN)
def test_a_duration_is_read_and_shown(text: str) -> None:
    assert parse_duration(text) == WRITTEN[text]
    assert show_duration(WRITTEN[text]) == text


@pytest.mark.parametrize(
    ("text", "shown"), [("60s", "1m"), ("1000ms", "1s"), ("24h", "1d"), ("90s", "90s"), ("0060s", "1m")]
)
def test_a_duration_is_shown_in_the_largest_unit_that_divides_it(text: str, shown: str) -> None:
    assert show_duration(parse_duration(text)) == shown


@given(st.integers(1, 864_000_000_000).map(lambda milliseconds: timedelta(milliseconds=milliseconds)))
def test_what_is_shown_is_read_again(duration: timedelta) -> None:
    assert parse_duration(show_duration(duration)) == duration


@pytest.mark.parametrize(
    "text", ["", "60", 60, "s", "1.5s", "-1s", "1 s", "60S", "1w", "60s\n", "٣s", None, True, "1" * 13 + "s"]
)
def test_no_duration(text: object) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is compared whole
        parse_duration(text)
    assert str(caught.value) == f"{text!r} is not a duration; write a number and ms, s, m, h or d, as in 60s"


@pytest.mark.parametrize("text", ["0s", "000ms", "10001d", "864000001s", "999999999999d"])
def test_a_duration_out_of_range(text: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is compared whole
        parse_duration(text)
    assert str(caught.value) == f"{text!r} is not between 1ms and 10000d"


def test_as_a_field_of_a_model() -> None:
    adapter: TypeAdapter[timedelta] = TypeAdapter(Duration)
    assert adapter.validate_python("90s") == adapter.validate_python(timedelta(seconds=90)) == timedelta(seconds=90)
    assert adapter.dump_json(timedelta(seconds=90)) == b'"90s"'
    assert adapter.json_schema() == {"type": "string", "pattern": "^[0-9]+(ms|s|m|h|d)$"}
    with pytest.raises(ValidationError):
        adapter.validate_python("90")
