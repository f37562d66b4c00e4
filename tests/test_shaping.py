"""Records become batches as a DoFn: records that nobody foresaw are dead-lettered, and so is an unreadable rest."""

from __future__ import annotations

import pickle
from dataclasses import replace

import pyarrow as pa
import pytest

from streaming import metrics, registry
from streaming.batches import Batch
from streaming.features import encode
from streaming.stored.records import Records
from streaming.stored.shaper import Shaper
from streaming.stored.shaping import RecordsToBatch
from streaming.tally import Tally
from streaming.wiring import FeatureColumn
from tests.shaping_cases import clock, contract, of_examples, of_rows, reasons
from tests.stream_cases import schema

JOB = contract(schema({"device_id": "string", "value": ["null", "double"]}))
FEATURE = FeatureColumn("device_id", "field:k", pa.string())


@pytest.fixture(autouse=True)
def _from_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "_here", Tally())
    registry.forget("redeliveries")


def examples(*keys: str | None) -> list[bytes]:
    """A `tf.Example` for each key, and bytes that are none for None."""
    made = encode(pa.RecordBatch.from_pydict({"field:k": pa.array(keys, pa.string())}), [FEATURE]).to_pylist()
    return [b"\xff\xff" if key is None else example for key, example in zip(keys, made, strict=True)]


def run(records: Records, form: str = "examples") -> Batch:
    step = RecordsToBatch(Shaper(JOB, "rows" if form == "rows" else "examples", clock))
    (after,) = step.process(records)
    return after


def counters() -> dict[str, int]:
    return {name: count for name, count in metrics.snapshot()["counters"].items() if count}


def test_a_malformed_example_is_rejected_alone() -> None:
    after = run(of_examples(examples("a", None, "c", "d")))
    assert after.rows.select(["message_id", "key"]).to_pylist() == [
        {"message_id": f"gs://b/part-0.tfrecord#{number}", "key": key} for number, key in [(1, "a"), (3, "c"), (4, "d")]
    ]
    assert reasons(after) == [("gs://b/part-0.tfrecord#2", "decode", "InvalidExample", "Unable to parse example.")]
    assert after.failures.column("payload").to_pylist() == [b"\xff\xff"]


@pytest.mark.parametrize(
    "keys", [[], ["a"], ["a", None], [None], [None, "b", None], [None] * 20, ["a"] * 20 + [None]], ids=len
)
def test_an_unreadable_rest_is_one_dead_letter_whatever_comes_before(keys: list[str | None]) -> None:
    sound = run(of_examples(examples(*keys)))
    after = run(of_examples(examples(*keys), broken="the checksum is wrong"))
    assert after.rows == sound.rows
    before, last = reasons(after)[:-1], reasons(after)[-1]
    assert before == reasons(sound)
    number = len(keys) + 1
    assert last == (
        f"gs://b/part-0.tfrecord#{number}",
        "decode",
        "UnreadableFile",
        "the checksum is wrong; the rest of gs://b/part-0.tfrecord cannot be read",
    )


def test_a_part_that_cannot_be_read_at_all_has_no_columns() -> None:
    after = run(of_rows({}, broken="no page"), "rows")
    assert (len(after), [each[2] for each in reasons(after)]) == (0, ["UnreadableFile"])
    whole = run(of_rows({"device_id": pa.array(["a"])}), "rows")
    assert after.rows.schema == whole.rows.schema


def test_records_are_counted_as_messages_are_but_wait_in_no_queue() -> None:
    columns = {"device_id": pa.array(["a", "", "c"])}
    for _ in range(2):
        run(of_rows(columns, broken="no page"), "rows")
    payloads = 2 * sum(len(f'{{"device_id":"{key}"}}') for key in ["a", "", "c"])
    assert counters() == {
        "messages_read": 8,
        "messages_decoded": 4,
        "message_bytes": payloads,
        "batch_size_bucket_100": 2,
        "batch_size_sum": 6,
    }


def test_a_rest_that_is_lost_is_logged_where_one_record_is_not(caplog: pytest.LogCaptureFixture) -> None:
    after = run(of_examples(examples("a"), broken="the checksum is wrong", goes_on=True, damaged=b"\xfe"))
    assert (caplog.messages, after.failures.column("payload").to_pylist()) == ([], [b"\xfe"])
    run(of_examples(examples("a"), broken="the checksum is wrong"))
    words = "the checksum is wrong; the rest of gs://b/part-0.tfrecord cannot be read"
    assert caplog.messages == [f"gs://b/part-0.tfrecord#2: {words}"]


def test_the_step_of_a_job_knows_its_origin_and_can_be_pickled() -> None:
    step = RecordsToBatch(Shaper(JOB, "rows"), {"input_table": "p:d.t"})
    assert step.display_data() == {"input_table": "p:d.t"}
    copied = pickle.loads(pickle.dumps(step))
    (after,) = copied.process(of_rows({"device_id": pa.array(["a"])}))
    assert after.column("key").to_pylist() == ["a"]


def test_the_parts_of_records_have_their_own_numbers() -> None:
    step, records = RecordsToBatch(Shaper(JOB, "examples", clock)), of_examples(examples("a", "b", "c"))
    part = step.part(records, 1, 2)
    assert part == replace(records, first=2, rows=records.rows.slice(1))
    assert step.envelopes(part).column("id").to_pylist() == ["gs://b/part-0.tfrecord#2", "gs://b/part-0.tfrecord#3"]
