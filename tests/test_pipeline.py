"""The whole graph on in-memory ends: what comes in, and every row, message and dead letter that comes out."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import apache_beam as beam
import fastavro
import pyarrow.parquet as pq
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from google.pubsub_v1.types import PubsubMessage

from streaming import registry
from streaming.contract import check
from streaming.job import parse_job
from streaming.pipeline import Ends, build
from streaming.runners import EndOfLine
from streaming.source import ReadBySubscriber, ReadLimits
from streaming.stored.error_files import ErrorFiles
from streaming.stored.parquet_output import ParquetFiles
from streaming.wiring import Contract
from tests import memory
from tests.builders import save_multiplier, save_picky
from tests.line import run

NOON = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
SCHEMA = {
    "type": "record",
    "name": "Reading",
    "fields": [
        {"name": "device_id", "type": "string"},
        {"name": "event_time", "type": {"type": "long", "logicalType": "timestamp-micros"}},
        {"name": "value", "type": ["null", "double"], "default": None},
    ],
}
MODELS = ("times5", "times10")
PARALLEL = """
  times5: {path: times5, outputs: {output_0: prediction}}
  times10: {path: times10, outputs: {output_0: prediction}}
"""
CASCADE = """
  times10: {path: times10, features: {x: times5.prediction}, outputs: {output_0: prediction}}
  times5: {path: times5, outputs: {output_0: prediction}}
"""


@pytest.fixture(autouse=True)
def _nothing_was_read_before() -> None:
    registry.forget("redeliveries")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """times5, times10, and one that raises for 13."""
    directory = tmp_path_factory.mktemp("models")
    save_multiplier(directory / "times5", 5.0)
    save_multiplier(directory / "times10", 10.0)
    save_picky(directory / "picky", 13.0)
    (directory / "reading.avsc").write_text(json.dumps(SCHEMA))
    return directory


def contract(
    directory: Path, models: str = PARALLEL, encoding: str = "avro", event_time: str = "event_time"
) -> Contract:
    text = f"""
message: {{format: {encoding}, schema: reading.avsc, key: device_id, event_time: {event_time}}}
window: {{fixed: 60s}}
features: {{x: value}}
models:
{models}
"""
    return check(parse_job(text, str(directory / "job.yaml")))


def avro(device: str = "pump", value: float | None = 2.0, at: datetime = NOON) -> bytes:
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, SCHEMA, {"device_id": device, "event_time": at, "value": value})
    return buffer.getvalue()


def message(number: int, data: bytes, **attributes: str) -> bytes:
    sent = PubsubMessage(data=data, attributes=attributes, message_id=f"m{number}", publish_time=NOON)
    return PubsubMessage.serialize(sent)


def test_a_message_becomes_a_row_and_a_message_for_each_model(models: Path) -> None:
    job = contract(models)
    outcome = run(job, [message(1, avro(at=NOON + timedelta(seconds=61)), site="north")])
    versions = {row["model"]: row.pop("model_version") for row in outcome.rows}
    assert {row["model"]: row.pop("model_fingerprint") for row in outcome.rows} == versions
    (read_at,) = {row.pop("read_at") for row in outcome.rows}
    times = {row["model"]: row.pop("processed_at") for row in outcome.rows}
    common = {
        "key": "pump",
        "message_id": "m1",
        "event_time": NOON + timedelta(seconds=61),
        "publish_time": NOON,
        "window_start": NOON + timedelta(seconds=60),
        "window_end": NOON + timedelta(seconds=120),
        "batch_size": 1,
        "job_hash": job.job_hash,
    }
    assert outcome.rows == [
        {**common, "prediction_id": "m1/times5", "model": "times5", "prediction": 10.0},
        {**common, "prediction_id": "m1/times10", "model": "times10", "prediction": 20.0},
    ]
    assert len(set(versions.values())) == 2
    assert [(attributes, key) for _, attributes, key in outcome.messages] == [
        (
            {
                "key": "pump",
                "model": model,
                "prediction_id": f"m1/{model}",
                "event_time": "2026-07-01T12:01:01.000000Z",
            },
            "pump",
        )
        for model in ("times5", "times10")
    ]
    assert json.loads(outcome.messages[0][0]) == {
        "prediction_id": "m1/times5",
        "key": "pump",
        "message_id": "m1",
        "event_time": "2026-07-01T12:01:01.000000Z",
        "publish_time": "2026-07-01T12:00:00.000000Z",
        "read_at": read_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "window_start": "2026-07-01T12:01:00.000000Z",
        "window_end": "2026-07-01T12:02:00.000000Z",
        "model": "times5",
        "model_version": versions["times5"],
        "model_fingerprint": versions["times5"],
        "prediction": 10.0,
        "processed_at": times["times5"].strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "batch_size": 1,
        "job_hash": job.job_hash,
    }
    assert outcome.failures == []


def test_a_cascade_feeds_the_first_models_answer_to_the_second(models: Path) -> None:
    outcome = run(contract(models, CASCADE), [message(1, avro(value=2.0)), message(2, avro(value=-0.5))])
    assert outcome.predictions() == {"m1/times5": 10.0, "m2/times5": -2.5, "m1/times10": 100.0, "m2/times10": -25.0}
    assert [row["model"] for row in outcome.rows] == ["times5", "times5", "times10", "times10"]


def test_each_kind_of_failure_is_a_dead_letter_and_its_neighbours_are_answered(models: Path) -> None:
    messages = [
        message(1, avro()),
        message(2, avro()[:-3]),
        message(3, avro(device="")),
        message(4, avro(at=NOON - timedelta(days=3650))),
        message(5, avro(value=1e300)),
        message(6, avro(value=float("nan"))),
        message(7, avro(value=None)),
        message(8, avro(value=3.0)),
    ]
    outcome = run(contract(models), messages)
    assert outcome.predictions() == {"m1/times5": 10.0, "m8/times5": 15.0, "m1/times10": 20.0, "m8/times10": 30.0}
    assert sorted(outcome.reasons()) == [
        ("m2", "decode", "AvroError", None),
        ("m3", "decode", "MissingKey", None),
        ("m4", "event_time", "EventTimeOutOfRange", None),
        ("m5", "to_example", "FeatureOutOfRangeError", None),
        ("m6", "infer:times10", "NonFinitePredictionError", "times10"),
        ("m6", "infer:times5", "NonFinitePredictionError", "times5"),
        ("m7", "infer:times10", "InvalidArgumentError", "times10"),
        ("m7", "infer:times5", "InvalidArgumentError", "times5"),
    ]
    assert {each["message_id"]: each["payload"] for each in outcome.failures}["m2"] == avro()[:-3]


def test_what_one_model_raises_for_another_still_answers(models: Path) -> None:
    picky = PARALLEL.replace("times10: {path: times10", "picky: {path: picky")
    outcome = run(contract(models, picky), [message(n, avro(value=float(n))) for n in range(10, 17)])
    assert outcome.predictions() == {f"m{n}/times5": 5.0 * n for n in range(10, 17)} | {
        f"m{n}/picky": float(n) for n in range(10, 17) if n != 13
    }
    assert outcome.reasons() == [("m13", "infer:picky", "InvalidArgumentError", "picky")]


def test_a_row_that_its_feeder_has_not_answered_is_skipped_without_a_second_dead_letter(models: Path) -> None:
    outcome = run(contract(models, CASCADE), [message(1, avro(value=float("inf"))), message(2, avro())])
    assert outcome.predictions() == {"m2/times5": 10.0, "m2/times10": 100.0}
    assert outcome.reasons() == [("m1", "infer:times5", "NonFinitePredictionError", "times5")]


def test_a_row_that_the_table_refuses_is_a_dead_letter_and_is_not_published(models: Path) -> None:
    messages = [message(1, avro("good")), message(2, avro("bad"))]
    outcome = run(contract(models), messages, refuses=_is_bad_times5)
    assert outcome.predictions() == {"m1/times5": 10.0, "m1/times10": 20.0, "m2/times10": 20.0}
    assert {attributes["prediction_id"] for _, attributes, _ in outcome.messages} == set(outcome.predictions())
    assert outcome.reasons() == [("m2", "write_table", "INVALID", "times5")]
    assert [each["error_message"] for each in outcome.failures] == ["no row for bad"]


def test_all_that_happens_to_messages_is_counted_zeros_included(models: Path) -> None:
    messages = [message(1, avro("good")), message(2, avro("bad")), message(3, b"\xff"), message(1, avro("good"))]
    found = dict(run(contract(models), messages, refuses=_is_bad_times5).counters)
    spans = ("queue_ms", "event_lag_ms", "latency_ms", "model_ms_times5", "model_ms_times10", "batch_ms")
    sums = {name: found.pop(f"{name}_sum") for name in spans}  # how long ago noon was, and how long calls take
    calls = [sum(found.pop(f"model_ms_{model}_bucket_{bound}") for bound in (10, 100, "above")) for model in MODELS]
    assert calls == [1, 1]
    assert min(sums.values()) >= 0
    assert found == {
        "messages_read": 4,
        "messages_decoded": 3,
        "message_bytes": sum(map(len, [avro("good"), avro("bad"), b"\xff", avro("good")])),
        "redeliveries": 1,
        "messages_untaken": 0,
        "batch_size_bucket_100": 1,
        "batch_size_bucket_above": 0,
        "batch_size_sum": 4,
        **buckets("queue_ms", 3, 1000, 10_000),
        **buckets("event_lag_ms", 3, 60_000),
        **buckets("latency_ms", 3, 1000, 3000, 10_000, 30_000),
        "predictions_times5": 2,
        "predictions_times10": 3,
        "dead_letters_decode": 1,
        "dead_letters_event_time": 0,
        "dead_letters_to_example": 0,
        "dead_letters_infer_times5": 0,
        "dead_letters_infer_times10": 0,
        "dead_letters_write_table": 1,
        "dead_letters_publish": 0,
        "dead_letters_generation": 0,
        "model_calls": 2,
        "model_halvings": 0,
        "model_failures": 0,
        "blamed_rows": 0,
        "generation_swaps": 0,
        "generations_refused_times5": 0,
        "generations_refused_times10": 0,
        "sink_retries_table": 0,
        "sink_retries_topic": 0,
        "sink_retries_dead_letters": 0,
        "sink_refusals_table": 1,
        "sink_refusals_topic": 0,
        "sink_refusals_dead_letters": 0,
    }


def buckets(name: str, above: int, *bounds: int) -> dict[str, int]:
    """All figures of a histogram are above its bounds: the messages are of long ago."""
    return {**{f"{name}_bucket_{bound}": 0 for bound in bounds}, f"{name}_bucket_above": above}


def _is_bad_times5(row: dict[str, Any]) -> bool:
    return bool(row["key"] == "bad" and row["model"] == "times5")


@pytest.mark.parametrize(
    ("late", "start"),
    [
        (timedelta(0), NOON),
        (timedelta(microseconds=-1), NOON - timedelta(seconds=60)),
        (timedelta(days=-364), NOON - timedelta(days=364)),
        (timedelta(hours=23, seconds=59, milliseconds=999), NOON + timedelta(hours=23)),
    ],
)
def test_late_and_future_events_fall_into_their_own_windows(models: Path, late: timedelta, start: datetime) -> None:
    outcome = run(contract(models), [message(1, avro(at=NOON + late))])
    windows = {(row["event_time"], row["window_start"], row["window_end"]) for row in outcome.rows}
    assert windows == {(NOON + late, start, start + timedelta(seconds=60))}


def test_the_publish_time_and_an_attribute_can_be_the_event_time(models: Path) -> None:
    published = run(contract(models, event_time="publish_time"), [message(1, avro(at=NOON - timedelta(days=4000)))])
    assert {row["event_time"] for row in published.rows} == {NOON}
    attribute = contract(models, event_time="{attribute: measured}")
    outcome = run(attribute, [message(1, avro(), measured="2026-07-01T11:59:59.5+00:00"), message(2, avro())])
    assert {row["event_time"] for row in outcome.rows} == {NOON - timedelta(milliseconds=500)}
    assert outcome.reasons() == [("m2", "event_time", "MissingEventTime", None)]


def test_plain_json_and_both_marked_encodings_in_one_batch(models: Path) -> None:
    plain = {"device_id": "pump", "event_time": "2026-07-01T12:00:00Z", "value": 2}
    tagged = {"device_id": "pump", "event_time": int(NOON.timestamp() * 1e6), "value": {"double": 3.0}}
    messages = [
        message(1, json.dumps(plain).encode()),
        message(2, json.dumps(tagged).encode(), googclient_schemaencoding="JSON"),
        message(3, avro(value=4.0), googclient_schemaencoding="BINARY"),
    ]
    outcome = run(contract(models, encoding="json"), messages)
    assert outcome.failures == []
    assert {key: value for key, value in outcome.predictions().items() if "times5" in key} == {
        "m1/times5": 10.0,
        "m2/times5": 15.0,
        "m3/times5": 20.0,
    }
    assert {row["event_time"] for row in outcome.rows} == {NOON}


def test_a_batch_in_which_every_message_fails_still_passes_the_line(models: Path) -> None:
    outcome = run(contract(models, CASCADE), [message(n, b"\xff") for n in range(20)], [message(99, avro())])
    assert outcome.predictions() == {"m99/times5": 10.0, "m99/times10": 100.0}
    assert outcome.reasons() == [(f"m{n}", "decode", "AvroError", None) for n in range(20)]


def test_a_replayed_message_has_the_prediction_id_of_the_original(models: Path) -> None:
    outcome = run(contract(models), [message(2, avro(), original_message_id="m1")])
    ids = [(row["prediction_id"], row["message_id"]) for row in outcome.rows]
    assert ids == [("m1/times5", "m2"), ("m1/times10", "m2")]


def test_a_message_of_the_largest_size_passes(models: Path) -> None:
    outcome = run(contract(models), [message(1, avro(device="p" * 9_900_000)), message(2, avro())])
    assert [len(row["key"]) for row in outcome.rows] == [9_900_000, 4, 9_900_000, 4]


def test_reader_and_last_sink_run_in_one_stage(models: Path) -> None:
    """Acknowledging last depends on it: a crash between two stages would lose what the first has acknowledged."""
    read = ReadBySubscriber("projects/p/subscriptions/s", ReadLimits(1000, 0.05))
    ends = Ends(read, memory.MemoryTable("t"), memory.MemoryTopic("t"), memory.MemoryDeadLetters("t"))
    pipeline = beam.Pipeline(options=PipelineOptions(streaming=True))
    _ = build(pipeline, contract(models, CASCADE), ends) | "EndOfLine" >> EndOfLine()
    _, stages = FnApiRunner().create_stages(pipeline.to_runner_api())
    (line,) = [names for stage in stages if "Decode" in (names := [each.unique_name for each in stage.transforms])]
    assert line[1:10] == [
        "Read/Pull/Process",
        "Decode",
        "Window",
        "ToExamples",
        "Infer/times5/BeamML_RunInference",
        "Infer/times10/BeamML_RunInference",
        "WriteTable",
        "Publish",
        "WriteDeadLetters",
    ]


def test_the_window_can_be_replaced(models: Path) -> None:
    job = replace(contract(models), window=timedelta(hours=1))
    outcome = run(job, [message(1, avro(at=NOON + timedelta(minutes=59)))])
    assert {(row["window_start"], row["window_end"]) for row in outcome.rows} == {(NOON, NOON + timedelta(hours=1))}


def test_predictions_and_dead_letters_go_to_files_in_the_place_of_services(models: Path, tmp_path: Path) -> None:
    job = contract(models)
    ends = Ends(
        memory.Messages([message(1, avro()), message(2, b"\xff")], [message(3, avro(value=3.0))]),
        None,
        None,
        None,
        files=ParquetFiles(str(tmp_path), job.models, job.job_hash),
        error_files=ErrorFiles(str(tmp_path), "job", job.job_hash),
    )
    pipeline = beam.Pipeline(runner=FnApiRunner())
    build(pipeline, job, ends)
    pipeline.run().wait_until_finish()
    rows = pq.read_table(tmp_path / "predictions").to_pylist()
    assert {row["prediction_id"]: row["prediction"] for row in rows} == {
        "m1/times5": 10.0,
        "m1/times10": 20.0,
        "m3/times5": 15.0,
        "m3/times10": 30.0,
    }
    lines = [line for part in (tmp_path / "error_records").iterdir() for line in part.read_text().splitlines()]
    assert [(each["message_id"], each["stage"]) for each in map(json.loads, lines)] == [("m2", "decode")]


def test_a_step_writes_files_only_where_they_are_asked_for(models: Path) -> None:
    job = contract(models)
    names = []
    for files in (None, ParquetFiles("out", job.models, job.job_hash)):
        pipeline = beam.Pipeline(runner=FnApiRunner())
        build(pipeline, job, Ends(memory.Messages([]), None, None, None, files=files))
        steps = pipeline.to_runner_api().components.transforms.values()
        names.append({step.unique_name for step in steps})
    assert names[1] - names[0] == {"WriteFiles"}
