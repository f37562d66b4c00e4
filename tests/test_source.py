"""The readers' graphs and the endless restriction; the reader at work is in `integration/test_service.py`."""

from __future__ import annotations

import apache_beam as beam
import pytest
from apache_beam.typehints import typehints

from streaming.source import BATCH_BYTES, ReadBySubscriber, ReadLimits, ReadOnDataflow, _Forever, _share, stop_reading
from streaming.stopping import stop_asked

SUBSCRIPTION = "projects/my-project/subscriptions/readings"


def test_a_restriction_is_checkpointed_but_never_divided() -> None:
    tracker = _Forever(is_open=True)
    assert tracker.try_claim(0)
    assert tracker.try_split(0.5) is None
    assert tracker.try_split(0) == (False, True)
    assert tracker.try_split(0) is None
    assert not tracker.try_claim(1)
    assert tracker.check_done()
    assert not tracker.is_bounded()


@pytest.mark.parametrize(
    ("messages", "size", "share"), [(1000, 100, 1.0), (1000, 80_000, 10.0), (1000, 9_900_000, 1237.5), (1, 100, 1.0)]
)
def test_a_message_takes_up_its_part_of_a_batch_by_count_or_by_size(messages: int, size: int, share: float) -> None:
    assert BATCH_BYTES == 8_000_000
    assert _share(messages, b"x" * size) == share


def transforms(read: beam.PTransform) -> dict[str, str]:
    """The leaves of the reader's graph: name -> URN."""
    pipeline = beam.Pipeline()
    _ = pipeline | "Read" >> read
    components = pipeline.to_runner_api().components
    return {each.unique_name: each.spec.urn for each in components.transforms.values() if not each.subtransforms}


def test_dataflow_reads_by_the_native_source_and_batches_without_state() -> None:
    assert transforms(ReadOnDataflow(SUBSCRIPTION, 1000, None)) == {
        "Read/Pull/Read": "beam:transform:pubsub_read:v1",
        "Read/Batch/ParDo(_GlobalWindowsBatchingDoFn)": "beam:transform:pardo:v1",
    }


def test_only_a_batch_that_waits_over_bundles_needs_state() -> None:
    waiting = transforms(ReadOnDataflow(SUBSCRIPTION, 1000, 0.2))
    assert "Read/Batch/ParDo(_GlobalWindowsBatchingDoFn)" not in waiting


def test_the_native_source_keeps_attributes_and_makes_no_object_of_a_message() -> None:
    pipeline = beam.Pipeline()
    batches = pipeline | "Read" >> ReadOnDataflow(SUBSCRIPTION, 1000, None)
    assert batches.element_type == typehints.List[bytes]
    pull = next(part for part in pipeline.transforms_stack[0].parts[0].parts if part.full_label == "Read/Pull")
    assert pull.transform._source.with_attributes
    assert pull.transform._source.full_subscription == SUBSCRIPTION


def test_both_readers_give_the_same_element_type() -> None:
    pipeline = beam.Pipeline()
    ours = pipeline | "Ours" >> ReadBySubscriber(SUBSCRIPTION, ReadLimits(1000, 0.05))
    native = pipeline | "Native" >> ReadOnDataflow(SUBSCRIPTION, 1000, None)
    assert ours.element_type == native.element_type == typehints.List[bytes]


def test_who_stops_the_readers_tells_the_whole_process() -> None:
    assert not stop_asked.is_set()
    try:
        stop_reading()
        assert stop_asked.is_set()
    finally:
        stop_asked.clear()
