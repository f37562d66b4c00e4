"""RFC 3339 texts mean the same one by one and by the column."""

from datetime import UTC, datetime, timedelta, timezone

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.formats.rfc3339 import PER_SECOND, parse, parse_column, parse_local, show_column, writable

NOON = 1_769_860_800_000_000  # 2026-01-31T12:00:00Z


@pytest.mark.parametrize(
    ("text", "microseconds"),
    [
        ("2026-01-31T12:00:00Z", NOON),
        ("2026-01-31t12:00:00z", NOON),
        ("2026-01-31 12:00:00Z", NOON),
        ("2026-01-31T13:30:00+01:30", NOON),
        ("2026-01-31T01:00:00-11:00", NOON),
        ("2026-01-31T12:00:00.5Z", NOON + 500_000),
        ("2026-01-31T12:00:00.000001Z", NOON + 1),
        ("2026-01-31T12:00:00.0000019999Z", NOON + 1),
        ("1970-01-01T00:00:00Z", 0),
        ("1969-12-31T23:59:59.999999Z", -1),
        ("0001-01-01T00:00:00Z", -62_135_596_800_000_000),
        ("2024-02-29T00:00:00Z", 1_709_164_800_000_000),
    ],
)
def test_times_are_read(text: str, microseconds: int) -> None:
    assert parse(text) == microseconds
    assert parse_column(pa.array([text])).cast(pa.int64()).to_pylist() == [microseconds]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2026-01-31",
        "2026-01-31T12:00:00",
        "2026-01-31T12:00Z",
        "2026-01-31T12:00:00.Z",
        "2026-01-31T12:00:00,5Z",
        "2026-01-31T12:00:00+0130",
        "2026-01-31T12:00:00+01",
        "2026-01-31T12:00:00+24:00",
        "2026-01-31T12:00:00+01:60",
        "2026-01-31T24:00:00Z",
        "2026-01-31T12:00:60Z",
        "2026-02-30T12:00:00Z",
        "2026-13-01T12:00:00Z",
        "0000-01-01T00:00:00Z",
        "12026-01-31T12:00:00Z",
        "٢٠٢٦-01-31T12:00:00Z",
        " 2026-01-31T12:00:00Z",
        "2026-01-31T12:00:00Z\n",
    ],
)
def test_what_is_no_time_is_not_read(text: str) -> None:
    assert parse(text) is None
    assert parse_column(pa.array([text, "1970-01-01T00:00:00Z"])).cast(pa.int64()).to_pylist() == [None, 0]


def test_a_local_time_has_no_zone() -> None:
    assert parse_local("2026-01-31T12:00:00.25") == NOON + 250_000
    assert parse_local("2026-01-31T12:00:00Z") is None
    assert parse_local("2026-02-30T12:00:00") is None
    assert parse_local("٢٠٢٦-01-31T12:00:00") is None


def test_nulls_stay_nulls() -> None:
    assert parse_column(pa.array([None, "1970-01-01T00:00:00Z"])).cast(pa.int64()).to_pylist() == [None, 0]
    assert parse_column(pa.array([], pa.string())).type == pa.timestamp("us", "UTC")


@settings(deadline=None)
@given(
    st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)),
    st.integers(-1439, 1439),
    st.sampled_from(["seconds", "milliseconds", "microseconds"]),
)
def test_pythons_own_texts_are_read(moment: datetime, offset: int, precision: str) -> None:
    text = moment.replace(tzinfo=timezone(timedelta(minutes=offset))).isoformat(timespec=precision)
    expected = (datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    assert parse(text) == expected
    assert parse_column(pa.array([text])).cast(pa.int64()).to_pylist() == [expected]


@settings(deadline=None)
@given(
    st.lists(
        st.from_regex(r"\A[12]\d{3}-[01]\d-[0-3]\dT[0-2]\d:[0-6]\d:[0-6]\d(\.\d{1,9})?(Z|[+-][0-2]\d:[0-6]\d)\Z"),
        max_size=3,
    )
)
def test_a_column_is_read_as_its_texts_are(texts: list[str]) -> None:
    assert parse_column(pa.array(texts, pa.string())).cast(pa.int64()).to_pylist() == [parse(text) for text in texts]


@pytest.mark.parametrize(("unit", "decimals"), [("s", ""), ("ms", ".250"), ("us", ".250000"), ("ns", ".250000000")])
@pytest.mark.parametrize("zone", [None, "UTC", "Asia/Tokyo"])
def test_times_are_shown_in_utc(unit: str, decimals: str, zone: str | None) -> None:
    noon = NOON * PER_SECOND[unit] // 10**6 + PER_SECOND[unit] // 4
    times = pa.array([0, noon, None, noon], pa.timestamp(unit, zone)).slice(1)
    text = f"2026-01-31T12:00:00{decimals}Z"
    assert show_column(times).to_pylist() == [text, None, text]


@pytest.mark.parametrize("unit", ["s", "ms", "us"])
def test_times_of_other_years_are_not_writable(unit: str) -> None:
    first, end = (PER_SECOND[unit] * second for second in (-62_135_596_800, 253_402_300_800))
    times = pa.array([first, end - 1, None, first - 1, end, 2**63 - 1, -(2**63)], pa.timestamp(unit, "UTC"))
    assert writable(times).cast(pa.int64()).to_pylist() == [first, end - 1, *[None] * 5]
    begin, last, *others = show_column(times).to_pylist()
    assert (begin[:19], last[:19], others) == ("0001-01-01T00:00:00", "9999-12-31T23:59:59", [None] * 5)


@given(st.lists(st.none() | st.datetimes(timezones=st.just(UTC))))
def test_what_is_shown_is_read(times: list[datetime | None]) -> None:
    column = pa.array(times, pa.timestamp("us", "UTC"))
    assert parse_column(show_column(column)).equals(column)
