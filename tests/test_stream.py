"""A stream says what must come of each message, as the job's own steps find it; and its bytes never change."""

import itertools
import subprocess
import sys
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from google.pubsub_v1.types import PubsubMessage

from producers.messages import MESSAGE, Fault
from producers.synthesis.payloads import Encoding
from producers.target import Target
from streaming.batches import Batch, field_column
from streaming.decode import Decoder
from streaming.errors import Mistakes
from streaming.windows import Windower
from tests.stream_cases import FAULTS, READING, REPOSITORY, START, fingerprint, rows, scenario, schema, stream, target

JOB = target(schema(READING))
MILLIS = {"type": "long", "logicalType": "timestamp-millis"}
LOCAL = {"type": "long", "logicalType": "local-timestamp-micros"}
DATE = {"type": "int", "logicalType": "date"}
PLACE = {"type": "record", "name": "Place", "fields": [{"name": "lat", "type": ["double", "string"]}]}
UNFILLED = {"raw": "bytes", "tags": {"type": "array", "items": DATE}, "place": PLACE, "grade": ["string", "null"]}
IN_SECONDS = {"field": "event_time", "unit": "s"}
JOBS: dict[str, Target] = {
    "as multiply": JOB,
    "all in attributes": target(
        schema({"value": "double"}),
        key={"attribute": "device"},
        id={"attribute": "uuid"},
        event_time={"attribute": "at"},
    ),
    "an id field, milliseconds, a nullable key": target(
        schema({"device_id": ["null", "string"], "event_time": MILLIS, "value": "float", "uuid": "string"}), id="uuid"
    ),
    "a number as id, whole seconds": target(
        schema({"device_id": "string", "event_time": "long", "value": ["double", "null"], "n": "int"}),
        id="n",
        event_time=IN_SECONDS,
    ),
    "a local time, and fields that nothing fills": target(
        schema(READING | {"event_time": LOCAL} | UNFILLED, {"grade": "A", "raw": "\u00ff", "tags": [1]})
    ),
    "a text as time": target(schema(READING | {"event_time": "string"})),
    "a date as time": target(schema(READING | {"event_time": DATE})),
    "a fraction of seconds": target(schema(READING | {"event_time": "double"}), event_time=IN_SECONDS),
    "the publish time": target(schema(READING), event_time="publish_time"),
}
MARKS: dict[Encoding, dict[str, str]] = {
    "avro": {"googclient_schemaencoding": "BINARY"},
    "avro_json": {"googclient_schemaencoding": "JSON"},
    "json": {},
}
_PRINT_FINGERPRINT = "from tests.stream_cases import fingerprint; print(fingerprint())"


def published(message: dict[str, Any], number: int, encoding: Encoding) -> bytes:
    """The message as Pub/Sub delivers it."""
    delivered = PubsubMessage(
        data=message["payload"],
        attributes=dict(message["attributes"]) | MARKS[encoding],
        message_id=str(number),
        publish_time=START + timedelta(milliseconds=number),
    )
    return PubsubMessage.serialize(delivered)


def found_by_job(job: Target, messages: list[bytes], encoding: Encoding) -> dict[str, dict[str, Any]]:
    """What the job's own steps make of each message, up to the models, by message id."""
    decode = Decoder(job.schema, "json" if encoding == "json" else "avro", job.message.key, job.message.id)
    batch: Batch = Windower(job.message.event_time, timedelta(minutes=1))(decode(messages))
    failed = {
        row["message_id"]: {name: row[name] for name in ("id", "key", "event_time", "stage")} | {"inputs": None}
        for row in batch.failures.to_pylist()
    }
    names = {field.name: field_column(field.name) for field in job.schema.fields}
    read = {
        row["message_id"]: {name: row[name] for name in ("id", "key", "event_time")}
        | {"stage": None, "inputs": {name: row[column] for name, column in names.items()}}
        for row in batch.rows.to_pylist()
    }
    return failed | read


def as_found(message: dict[str, Any], number: int, job: Target) -> dict[str, Any]:
    """What the stream says of a message, with what it cannot know taken from the delivery."""
    said = {name: message[name] for name in ("id", "key", "event_time", "stage", "inputs")}
    if said["id"] is None:
        said["id"] = str(number)
    if job.message.event_time == JOBS["the publish time"].message.event_time and said["stage"] is None:
        said["event_time"] = START + timedelta(milliseconds=number)
    return said


@pytest.mark.parametrize("encoding", MARKS)
@pytest.mark.parametrize("name", JOBS)
def test_what_must_come_of_each_message_is_what_the_job_finds(name: str, encoding: Encoding) -> None:
    job = JOBS[name]
    messages = rows(stream(scenario(FAULTS), job, encoding=encoding)(600)).to_pylist()
    found = found_by_job(job, [published(each, number, encoding) for number, each in enumerate(messages)], encoding)
    assert [found[str(number)] for number in range(600)] == [
        as_found(each, number, job) for number, each in enumerate(messages)
    ]


def test_each_message_says_what_it_is() -> None:
    first, second = rows(stream(scenario(signals={"value": {"uniform": [1, 9], "first": [2, 3]}}), JOB)(2)).to_pylist()
    assert [first["inputs"]["value"], second["inputs"]["value"]] == [2.0, 3.0]
    for number, message in enumerate((first, second)):
        assert message["number"] == number
        assert message["attributes"] == [("sequence", str(number))]
        assert message["key"] == message["inputs"]["device_id"]
        assert message["event_time"] == message["inputs"]["event_time"]
        unset = ("id", "fault", "duplicate_of", "stage")
        assert [message[name] for name in unset] == [None] * 4
        assert (message["rejected_by"], message["ordering_key"]) == ([], "")


def test_faults_come_with_their_own_marks() -> None:
    messages = rows(stream(scenario(FAULTS), JOB)(3000)).to_pylist()
    by_fault = {fault: [each for each in messages if each["fault"] == fault] for fault in [*Fault, None]}
    assert all(by_fault.values())
    decode = ("truncated", "wrong_schema", "missing_key", "schema_change")
    expected = dict.fromkeys(decode, "decode") | {"out_of_range_event_time": "event_time"}
    for fault, some in by_fault.items():
        if fault != Fault.DUPLICATED:
            assert {each["stage"] for each in some} == {expected.get(str(fault))}
    assert {tuple(each["rejected_by"]) for each in by_fault["poison"]} == {("times5", "times10")}
    assert {each["inputs"]["value"] for each in by_fault["poison"]} == {1e38}
    assert not any(each["rejected_by"] for each in messages if each["fault"] not in ("poison", "duplicated"))


def test_late_messages_lie_back_by_the_delay_and_skewed_ones_to_both_sides() -> None:
    faults = {name: FAULTS[name] for name in ("late", "clock_skew")}
    offsets: dict[str, list[timedelta]] = {"late": [], "clock_skew": []}
    for each in rows(stream(scenario(faults), JOB)(2000)).to_pylist():
        if each["fault"]:
            due = START + timedelta(milliseconds=each["number"])
            offsets[each["fault"]].append(each["event_time"] - due)
    assert all(timedelta(minutes=-30) <= offset <= timedelta(minutes=-1) for offset in offsets["late"])
    skews = offsets["clock_skew"]
    assert all(timedelta(seconds=10) <= abs(skew) <= timedelta(minutes=2) for skew in skews)
    assert min(skews) < timedelta() < max(skews)


def test_a_delayed_reading_is_what_the_device_measured_then() -> None:
    day = {"base": 0.0, "daily": 1000.0}
    late = {"late": {"rate": 0.5, "by": ["6h", "6h"]}}
    messages = rows(stream(scenario(late, signals={"value": day}, fleet={"devices": 1}), JOB)(50)).to_pylist()
    values = {fault: [e["inputs"]["value"] for e in messages if e["fault"] == fault] for fault in (None, "late")}
    assert min(values["late"]) - max(values[None]) > 500 or min(values[None]) - max(values["late"]) > 500


def test_a_duplicate_repeats_the_message_before_it_with_all_that_must_come_of_it() -> None:
    faults = {"duplicated": {"rate": 0.6}, "truncated": {"rate": 0.2}, "poison": FAULTS["poison"]}
    messages = rows(stream(scenario(faults), JOB, rate=100)(400)).to_pylist()  # blocks of five
    own = ("number", "fault", "duplicate_of")
    assert messages[0]["fault"] != "duplicated"
    runs = 0
    for before, each in itertools.pairwise(messages):
        if each["fault"] == "duplicated":
            runs += before["fault"] == "duplicated"
            first = before["number"] if before["duplicate_of"] is None else before["duplicate_of"]
            assert each["duplicate_of"] == first
            assert {name: each[name] for name in each if name not in own} == {
                name: before[name] for name in before if name not in own
            }
        else:
            assert each["duplicate_of"] is None
    assert runs > 50


def test_numbers_rise_and_blocks_are_due_one_after_the_other() -> None:
    blocks = list(stream(scenario(FAULTS), JOB, rate=1000)(120))
    assert [len(block) for block in blocks] == [50, 50, 20]
    assert [block.due for block in blocks] == [0.0, 0.05, 0.1]
    assert rows(iter(blocks))["number"].to_pylist() == list(range(120))


@pytest.mark.parametrize(("rate", "size"), [(1, 1), (30, 1), (1000, 50), (20_000, 1000), (1e6, 1000)])
def test_blocks_grow_with_the_rate(rate: float, size: int) -> None:
    assert len(next(stream(scenario(), JOB, rate=rate)())) == size


def test_how_many_are_wanted_changes_no_byte() -> None:
    made = stream(scenario(FAULTS), JOB)
    endless = [block.rows for block in itertools.islice(made(), 3)]
    assert rows(made(130)).equals(pa.Table.from_batches(endless).slice(0, 130))


def test_another_process_makes_the_same_bytes() -> None:
    command = [sys.executable, "-c", _PRINT_FINGERPRINT]
    other = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert other.stdout.strip() == fingerprint()


def test_another_seed_makes_other_bytes() -> None:
    one, other = (rows(stream(scenario(FAULTS), JOB, seed=seed)(10))["payload"].to_pylist() for seed in (1, 2))
    assert not set(one) & set(other)


def test_the_rows_have_the_columns_of_messages_then_inputs_and_state() -> None:
    worn = scenario(fleet={"life": {"mean": "30d", "modes": {"bearing": 1.0}}})
    healthy, wearing = stream(scenario(), JOB), stream(worn, JOB)
    assert healthy.state_type is None
    assert next(healthy()).rows.schema == MESSAGE.append(pa.field("inputs", healthy.inputs_type))
    assert healthy.inputs_type == pa.struct(
        [("device_id", pa.string()), ("event_time", pa.timestamp("us", "UTC")), ("value", pa.float64())]
    )
    assert next(wearing()).rows.schema.field("state").type == wearing.state_type
    assert wearing.state_type is not None
    assert [field.name for field in wearing.state_type] == ["wear", "hours_to_failure", "mode"]


def test_ordering_keys_are_the_devices_also_of_messages_without_a_key() -> None:
    missing = {"missing_key": {"rate": 0.5}}
    messages = rows(stream(scenario(missing), JOB, ordering=True)(100)).to_pylist()
    assert {each["ordering_key"][:7] for each in messages} == {"device-"}
    assert all(each["key"] in (None, each["ordering_key"]) for each in messages)
    assert {each["key"] is None for each in messages} == {True, False}


def test_identifiers_are_different_for_each_message_and_stand_where_the_job_looks() -> None:
    for name, value in {
        "all in attributes": lambda each: dict(each["attributes"])["uuid"],
        "an id field, milliseconds, a nullable key": lambda each: each["inputs"]["uuid"],
        "a number as id, whole seconds": lambda each: str(each["inputs"]["n"]),
    }.items():
        messages = rows(stream(scenario(), JOBS[name])(200)).to_pylist()
        assert [value(each) for each in messages] == [each["id"] for each in messages]
        assert len({each["id"] for each in messages}) == 200


def test_an_event_time_is_as_exact_as_its_field() -> None:
    times = rows(stream(scenario(), JOBS["an id field, milliseconds, a nullable key"])(50))["event_time"].to_pylist()
    assert all(time.microsecond % 1000 == 0 for time in times)
    fine = rows(stream(scenario(fleet={"clock_spread": "50ms"}), JOB)(50))["event_time"].to_pylist()
    assert any(time.microsecond % 1000 for time in fine)
    assert isinstance(times[0], datetime)


def test_times_out_of_range_lie_years_before_or_after_the_limits() -> None:
    faults = {"out_of_range_event_time": {"rate": 1.0}}
    job = target(
        schema(READING), event_time={"field": "event_time", "max_past": timedelta(days=30), "max_future": timedelta(1)}
    )
    times = rows(stream(scenario(faults), job)(200))["event_time"].to_pylist()
    past = [START - time for time in times if time < START]
    future = [time - START for time in times if time > START]
    assert timedelta(394) < min(past) < max(past) < timedelta(30 + 5 * 365)
    assert timedelta(365) < min(future) < max(future) < timedelta(1 + 5 * 365, 1)
    assert 70 < len(past) < 130


@pytest.mark.parametrize(
    ("encoding", "stage", "rejected_by"),
    [("avro", None, ["times5"]), ("avro_json", "decode", []), ("json", "decode", [])],
)
def test_not_a_number_reaches_the_models_in_avro_alone(
    encoding: Encoding, stage: str | None, rejected_by: list[str]
) -> None:
    poison = {"poison": {"rate": 1.0, "set": {"value": float("nan")}, "rejected_by": ["times5"]}}
    message = rows(stream(scenario(poison), JOB, encoding=encoding)(1)).to_pylist()[0]
    assert (message["stage"], message["rejected_by"]) == (stage, rejected_by)
    assert (message["key"] is None, message["inputs"] is None) == (stage is not None, stage is not None)


def test_a_newer_schema_that_cannot_be_read_is_a_mistake() -> None:
    change = {"schema_change": {"rate": 0.1, "schema": "nowhere.avsc"}}
    with pytest.raises(Mistakes) as mistakes:
        stream(scenario(change), JOB)
    assert mistakes.value.lines == ("faults.schema_change.schema: no file nowhere.avsc",)
