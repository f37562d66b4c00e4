"""What must come of messages: the first stage that rejects each, and what the job knows of it then."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from producers.synthesis.contents import Contents
from producers.synthesis.expectations import Expectations
from producers.target import Target
from tests.stream_cases import MICROS, schema, target

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SCHEMA = schema({"device_id": ["null", "string"], "event_time": ["null", MICROS], "value": ["null", "double"]})
GOOD = {"device_id": "a", "event_time": NOW, "value": 1.0}
SECOND = timedelta(seconds=1)


def expect(job: Target, *messages: dict[str, Any], unreadable: bool = False, **attributes: Any) -> list[Any]:
    fields = pa.RecordBatch.from_pylist(list(messages), schema=pa.schema([(f.name, f.type) for f in job.schema.fields]))
    texts = {name: pa.array([text] * len(messages), pa.string()) for name, text in attributes.items()}
    published = np.full(len(messages), NOW.timestamp() * 1e6).astype(np.int64)
    mask = pa.array([unreadable] * len(messages))
    return Expectations(job)(Contents(fields, texts), mask, published).to_pylist()


def rejected(stage: str, **known: Any) -> dict[str, Any]:
    return {"id": None, "key": None, "event_time": None, "stage": stage, "inputs": None} | known


def test_a_good_message_is_answered_with_what_it_says() -> None:
    (found,) = expect(target(SCHEMA), GOOD)
    assert found == {"id": None, "key": "a", "event_time": NOW, "stage": None, "inputs": GOOD}


@pytest.mark.parametrize("key", [None, ""])
def test_a_message_without_a_key_is_not_decoded(key: str | None) -> None:
    assert expect(target(SCHEMA), GOOD | {"device_id": key}) == [rejected("decode")]


def test_a_message_without_an_id_keeps_its_key() -> None:
    job = target(SCHEMA, key={"attribute": "device"}, id="device_id")
    assert expect(job, GOOD | {"device_id": ""}, device="b") == [rejected("decode", key="b")]


def test_of_an_unreadable_message_attributes_are_known() -> None:
    nothing = dict.fromkeys(GOOD)
    in_attributes = target(
        SCHEMA, key={"attribute": "device"}, id={"attribute": "uuid"}, event_time={"attribute": "at"}
    )
    known = {"device": "b", "uuid": "u1", "at": "2026-03-01T12:00:00Z"}
    assert expect(in_attributes, nothing, unreadable=True, **known) == [rejected("decode", key="b", id="u1")]
    assert expect(target(SCHEMA), nothing, unreadable=True) == [rejected("decode")]


def test_event_times_must_lie_within_the_limits() -> None:
    limits = {"field": "event_time", "max_past": timedelta(hours=1), "max_future": timedelta(minutes=1)}
    offsets = [-3601, -3600, 60, 61]
    times = [NOW + offset * SECOND for offset in offsets]
    found = expect(target(SCHEMA, event_time=limits), *[GOOD | {"event_time": time} for time in times])
    assert [each["stage"] for each in found] == ["event_time", None, None, "event_time"]
    assert [(each["key"], each["event_time"]) for each in found] == [("a", time) for time in times]


def test_a_message_without_an_event_time_is_rejected_there() -> None:
    assert expect(target(SCHEMA), GOOD | {"event_time": None}) == [rejected("event_time", key="a")]
    job = target(SCHEMA, event_time={"attribute": "at"})
    assert expect(job, GOOD, at="yesterday") == [rejected("event_time", key="a")]


def test_the_publish_time_is_known_to_nobody_before() -> None:
    (found,) = expect(target(SCHEMA, event_time="publish_time"), GOOD | {"event_time": None})
    assert (found["stage"], found["event_time"]) == (None, None)


@pytest.mark.parametrize("value", [1e39, -1e39])
def test_a_feature_beyond_float32_makes_no_example(value: float) -> None:
    job = target(SCHEMA, example_fields=["value"])
    assert expect(job, GOOD | {"value": value}) == [rejected("to_example", key="a", event_time=NOW)]
    assert expect(target(SCHEMA), GOOD | {"value": value})[0]["stage"] is None


@pytest.mark.parametrize("value", [3e38, float("inf"), None])
def test_other_features_make_examples(value: float | None) -> None:
    assert expect(target(SCHEMA, example_fields=["value"]), GOOD | {"value": value})[0]["stage"] is None


def test_the_first_stage_counts() -> None:
    job = target(SCHEMA, example_fields=["value"])
    wrong = {"device_id": None, "event_time": None, "value": 1e39}
    assert [each["stage"] for each in expect(job, wrong, wrong | {"device_id": "a"})] == ["decode", "event_time"]
