"""The same messages through a subscription, files and a table: the same predictions, dead letters, ids and windows."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fastavro
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from google.cloud.bigquery import LoadJobConfig, SchemaField, Table

from producers import multiply
from producers.messages import Fault
from producers.scenario import load_scenario
from producers.synthesis.stream import Stream
from producers.target import target_of
from producers.training import write_examples
from streaming.endpoints import bigquery_client, publisher_client
from streaming.job import load_job
from streaming.stored.inputs import find
from streaming.stored.tables import read
from tests.integration.service import PROJECT, Service, await_true

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]

MESSAGES = 100_000
EXAMPLE = Path(__file__).parents[2] / "examples" / "multiply"
COMPARED = (
    "prediction_id",
    "key",
    "event_time",
    "window_start",
    "window_end",
    "model",
    "model_version",
    "model_fingerprint",
    "job_hash",
    "prediction",
)
"""The columns of the predictions table, but for those that say when and in which company a message was read."""

UNFIT = (Fault.TRUNCATED, Fault.WRONG_SCHEMA)
"""Messages of which files of typed columns cannot hold what their payload says."""

Row = dict[str, Any]
DeadLetters = Counter[tuple[str, str, str | None, Any]]
"""By stage, error class, model and payload."""


def with_id(name: str) -> str:
    """A schema of the example, whose readings have ids, and which may lack a key."""
    schema = json.loads((EXAMPLE / name).read_text())
    schema["fields"][0] = {"name": "device_id", "type": ["null", "string"], "default": None}
    schema["fields"].append({"name": "reading_id", "type": "string"})
    return json.dumps(schema)


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The multiply example, with messages in JSON that say their ids, and trained models."""
    directory = tmp_path_factory.mktemp("multiply")
    for name in ("reading.avsc", "reading_v2.avsc"):
        (directory / name).write_text(with_id(name))
    job = (EXAMPLE / "job.yaml").read_text().replace("format: avro", "format: json")
    (directory / "job.yaml").write_text(job.replace("key: device_id", "key: device_id\n  id: reading_id"))
    at_once = (EXAMPLE / "scenario.yaml").read_text().replace("after: 5s, ", "")
    (directory / "scenario.yaml").write_text(at_once)
    multiply.train(directory / "models")
    return directory


@pytest.fixture(scope="module")
def messages(example: Path) -> list[Row]:
    """What the fleet sends: one message in nine has a fault."""
    stream = Stream(
        load_scenario(str(example / "scenario.yaml")),
        target_of(load_job(str(example / "job.yaml"))),
        seed=8,
        rate=20_000,
        start=datetime.now(UTC),
        encoding="json",
    )
    return [row for block in stream(MESSAGES) for row in block.rows.to_pylist()]


@pytest.fixture(scope="module")
def streamed(example: Path, messages: list[Row], emulators_of_module: None) -> tuple[dict[str, Row], DeadLetters]:
    """What comes of them by way of the subscription: predictions by id, and dead letters."""
    service = Service(example / "job.yaml")
    with publisher_client() as publisher:
        for start in range(0, len(messages), 1000):
            data = [{"data": message["payload"]} for message in messages[start : start + 1000]]
            publisher.publish(topic=service.topic("in"), messages=data)
    letters = sum(1 if each["stage"] else len(each["rejected_by"]) for each in messages)
    answers = 2 * answered(messages)
    with service.running() as process:
        await_true(lambda: service.row_count() >= answers, 600)
        await_true(lambda: service.row_count("DISTINCT CONCAT(message_id, model)") >= answers)
        await_true(lambda: dead_letters(service.dead_letters()).total() >= letters)
        assert service.end(process) == 0
    found = find(None, service.table, set(COMPARED))
    table = pa.Table.from_batches([records.rows for part in found.parts for records in read(part, found.columns)])
    return by_id(table), dead_letters(service.dead_letters())


@pytest.fixture(scope="module")
def emulators_of_module(pubsub_emulator: Any, bigquery_emulator: Any) -> Any:
    """Both, as the environment names them, for fixtures that live as long as the module."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**pubsub_emulator.environment(), **bigquery_emulator.environment()}.items():
            patch.setenv(name, value)
        yield


def answered(messages: list[Row]) -> int:
    return sum(each["stage"] is None and not each["rejected_by"] for each in messages)


def by_id(table: pa.Table) -> dict[str, Row]:
    """The predictions by their ids; of a message that came twice, one."""
    return {row["prediction_id"]: row for row in table.select(COMPARED).to_pylist()}


def dead_letters(rows: list[Row]) -> DeadLetters:
    """Of a message that was delivered twice, one."""
    once = {(row["message_id"], row["stage"], row["model"]): row for row in rows}.values()
    return Counter((row["stage"], row["error_class"], row["model"], row["payloadString"]) for row in once)


def stored(example: Path, stored_input: str, output: Path) -> tuple[pa.Table, list[Row]]:
    """What comes of files or of a table, which a flag names: predictions and dead letters."""
    command = [sys.executable, "-m", "streaming", "run", f"--job_file={example}/job.yaml"]
    command += [stored_input, f"--output_files={output}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = [line for path in sorted(output.glob("error_records/*")) for line in path.read_bytes().splitlines()]
    return pq.read_table(output / "predictions"), [orjson.loads(line) for line in lines]


def check_equal(predictions: dict[str, Row], expected: dict[str, Row]) -> None:
    """Whole rows are equal, predictions within 1e-6 of themselves."""
    assert predictions.keys() == expected.keys()
    for name, row in expected.items():
        assert math.isclose(predictions[name]["prediction"], row["prediction"], rel_tol=1e-6), name
    without = {name: {**row, "prediction": None} for name, row in predictions.items()}
    assert without == {name: {**row, "prediction": None} for name, row in expected.items()}


def test_lines_give_what_messages_give(
    example: Path, messages: list[Row], streamed: tuple[dict[str, Row], DeadLetters], tmp_path: Path
) -> None:
    (tmp_path / "readings.ndjson").write_bytes(b"\n".join(message["payload"] for message in messages))
    table, letters = stored(example, f"--input_files={tmp_path}/readings.ndjson", tmp_path / "out")
    assert table.num_rows == 2 * answered(messages)
    check_equal(by_id(table), streamed[0])
    assert dead_letters(letters) == streamed[1]


@pytest.fixture(scope="module")
def fit_rows(messages: list[Row]) -> list[Row]:
    """What those messages say that typed columns can hold."""
    return [
        {**document, "event_time": datetime.fromisoformat(document["event_time"])}
        for message in messages
        if message["fault"] not in UNFIT and not is_repetition_of_unfit(message, messages)
        for document in [{"device_id": None} | orjson.loads(message["payload"])]
    ]


def is_repetition_of_unfit(message: Row, messages: list[Row]) -> bool:
    return message["duplicate_of"] is not None and messages[message["duplicate_of"]]["fault"] in UNFIT


def write_avro(rows: list[Row], directory: Path) -> str:
    schema = json.loads(with_id("reading.avsc"))
    with (directory / "readings.avro").open("wb") as file:
        fastavro.writer(file, schema, rows, codec="deflate")
    return f"--input_files={directory}/readings.avro"


def write_parquet(rows: list[Row], directory: Path) -> str:
    pq.write_table(pa.Table.from_pylist(rows), directory / "readings.parquet")
    return f"--input_files={directory}/readings.parquet"


def write_row_groups(rows: list[Row], directory: Path) -> str:
    """Three files of four row groups."""
    table = pa.Table.from_pylist(rows)
    third = math.ceil(len(rows) / 3)
    for number in range(3):
        path = directory / f"readings-{number}.parquet"
        pq.write_table(table.slice(number * third, third), path, row_group_size=math.ceil(third / 4))
    return f"--input_files={directory}/readings-*.parquet"


def write_tfrecords(rows: list[Row], directory: Path) -> str:
    """With the feature that the models take, instead of the field."""
    columns = [name.replace("value", "x") for name in rows[0]]
    batch = pa.RecordBatch.from_pylist(rows)
    write_examples(directory / "readings.tfrecord", pa.RecordBatch.from_arrays(batch.columns, columns))
    return f"--input_files={directory}/readings.tfrecord"


def load_table(rows: list[Row], directory: Path) -> str:
    write_parquet(rows, directory)
    client = bigquery_client(PROJECT)
    client.create_dataset("stored")
    types = {"device_id": "STRING", "event_time": "TIMESTAMP", "value": "FLOAT64", "reading_id": "STRING"}
    table = client.create_table(Table(f"{PROJECT}.stored.readings", [SchemaField(*each) for each in types.items()]))
    with (directory / "readings.parquet").open("rb") as file:
        client.load_table_from_file(file, table, job_config=LoadJobConfig(source_format="PARQUET")).result()
    return f"--input_table={PROJECT}:stored.readings"


@pytest.mark.parametrize(
    ("write", "parts"),
    [(write_avro, 1), (write_parquet, 1), (write_row_groups, 12), (write_tfrecords, 1), (load_table, None)],
)
def test_typed_records_give_what_messages_give(
    write: Callable[[list[Row], Path], str],
    parts: int | None,
    example: Path,
    fit_rows: list[Row],
    streamed: tuple[dict[str, Row], DeadLetters],
    tmp_path: Path,
) -> None:
    table, letters = stored(example, write(fit_rows, tmp_path), tmp_path / "out")
    assert parts in (None, len([*tmp_path.glob("out/predictions/*")]))  # a table's are as BigQuery divides it
    held = {row["reading_id"] for row in fit_rows}
    expected = {name: row for name, row in streamed[0].items() if name.rpartition("/")[0] in held}
    check_equal(by_id(table), expected)
    reasons = Counter(name[:3] for name in dead_letters(letters).elements())
    assert reasons == Counter(name[:3] for name in streamed[1].elements() if is_fit(name[3], held))


def is_fit(payload: str, held: set[str]) -> bool:
    """Whether a dead letter is of a reading that the files hold."""
    try:
        document = json.loads(payload)
    except ValueError:
        return False
    return isinstance(document, dict) and document.get("reading_id") in held


def test_the_messages_have_every_fault(messages: list[Row]) -> None:
    assert {message["fault"] for message in messages} == {*Fault, None}
