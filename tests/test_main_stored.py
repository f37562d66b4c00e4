"""The entry point over stored data, up to the graph that Dataflow is given, without a network."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import google.auth
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from apache_beam.options.pipeline_options import GoogleCloudOptions, StandardOptions
from apache_beam.portability.api import beam_runner_api_pb2
from google.auth.credentials import AnonymousCredentials
from google.cloud.dataflow_v1beta3 import JobType
from tensorflow.core.example.example_pb2 import Example
from tensorflow.core.example.feature_pb2 import BytesList, Feature, FloatList

from streaming import main, registry
from streaming.errors import Mistakes
from tests.bigquery_read_server import BigQueryReadServer
from tests.bigquery_rest_server import BigQueryRestServer, Reply
from tests.cloud_storage_server import Bucket
from tests.job_cases import SCHEMA
from tests.stored_cases import avro_file, tfrecords

STEPS = Path(__file__).parent / "golden" / "steps_stored.txt"
IMAGE = "europe-west1-docker.pkg.dev/my-project/jobs/inference:1"
RECORD = {"device_id": "d1", "value": 2.0}
TEMPLATE_S = [  # what the launcher of a template that can be a stream adds
    "--runner=DataflowRunner",
    "--streaming=true",
    "--enable_streaming_engine=true",
    "--dataflow_service_options=streaming_mode_at_least_once",
    f"--sdk_container_image={IMAGE}",
    "--dry_run=true",
    "--project=my-project",
    "--region=europe-west1",
    "--temp_location=gs://bucket/temp",
    "--sdk_location=container",
    "--job_name=readings",
]


def example(**features: Feature) -> bytes:
    made = Example()
    for name, feature in features.items():
        made.features.feature[name].CopyFrom(feature)
    return made.SerializeToString()


KEY, VALUE = Feature(bytes_list=BytesList(value=[b"d1"])), Feature(float_list=FloatList(value=[2.0]))


def parquet(path: Path) -> None:
    pq.write_table(pa.Table.from_pylist([RECORD]), path)


FILES: dict[str, Callable[[Path], Any]] = {
    "readings.avro": lambda path: path.write_bytes(avro_file([RECORD], SCHEMA)),
    "readings.ndjson": lambda path: path.write_text(json.dumps(RECORD)),
    "readings.parquet": parquet,
    "readings.tfrecord": lambda path: path.write_bytes(tfrecords([example(device_id=KEY, value=VALUE)])),
}


def dry_run(*argv: str) -> Any:
    """The job that Dataflow would be asked for."""
    with mock.patch.object(google.auth, "default", return_value=(AnonymousCredentials(), "my-project")):
        return main.start(main.checked([*argv, *TEMPLATE_S])).job


def check_translation(job: Any) -> None:
    transforms = job.proto_pipeline.components.transforms.values()
    leaves = {each.unique_name: each for each in transforms if not each.subtransforms}
    assert sorted(leaves) == sorted(STEPS.read_text().splitlines())
    used = {each.environment_id for each in leaves.values() if each.environment_id}
    for each in used:
        environment = job.proto_pipeline.components.environments[each]
        assert beam_runner_api_pb2.DockerPayload.FromString(environment.payload).container_image == IMAGE
    assert job.proto.type_ == JobType.JOB_TYPE_BATCH
    assert not job.options.view_as(StandardOptions).streaming
    assert job.options.view_as(GoogleCloudOptions).dataflow_service_options == []


@pytest.mark.parametrize("name", FILES)
def test_files_of_each_format_are_read_by_a_batch_job(name: str, job_file: str, tmp_path: Path, bucket: Bucket) -> None:
    FILES[name](tmp_path / name)
    bucket.put(name, (tmp_path / name).read_bytes())
    check_translation(dry_run(f"--job_file={job_file}", "--input_files=gs://bucket/r*", "--output_files=gs://b/out"))


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A BigQuery table `p.d.t` that has what the job reads."""
    columns = [{"name": "device_id", "type": "STRING"}, {"name": "value", "type": "FLOAT"}]
    reference = {"projectId": "p", "datasetId": "d", "tableId": "t"}
    with BigQueryReadServer([[pa.RecordBatch.from_pylist([RECORD])]]) as rows, BigQueryRestServer() as server:
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", server.host)
        monkeypatch.setenv("BIGQUERY_STORAGE_EMULATOR_HOST", rows.host)
        server.otherwise = Reply(
            {
                "tableReference": reference,
                "type": "TABLE",
                "lastModifiedTime": "1767225600123",
                "schema": {"fields": columns},
            }
        )
        yield
        registry.forget("bigquery_read_client")


@pytest.mark.usefixtures("table")
def test_a_table_is_read_by_a_batch_job(job_file: str, caplog: pytest.LogCaptureFixture) -> None:
    check_translation(dry_run(f"--job_file={job_file}", "--input_table=p:d.t", "--output_files=gs://b/out"))
    (said,) = [each.getMessage() for each in caplog.records if each.name == "streaming.stored.launch"]
    assert said == (
        "--input_table: p:d.t: the job file has no message.id, so that rows are numbered as BigQuery sends them: "
        "another run gives them other ids, and its predictions come beside these; name the field that identifies a row"
    )


def refused(*argv: str) -> tuple[str, ...]:
    with pytest.raises(Mistakes) as mistakes:
        main.checked(["--runner=FnApiRunner", *argv])
    return mistakes.value.lines


def test_a_table_of_no_such_form_is_said_once(job_file: str, tmp_path: Path) -> None:
    assert refused(f"--job_file={job_file}", "--input_table=nonsense", f"--output_files={tmp_path}") == (
        "--input_table: 'nonsense' is not a table; write PROJECT:DATASET.TABLE or PROJECT.DATASET.TABLE",
    )


def test_two_inputs_are_refused_and_neither_is_looked_at(job_file: str, tmp_path: Path) -> None:
    inputs = ("--input_files=nothing/*.avro", "--input_table=p:d.t")
    assert refused(f"--job_file={job_file}", *inputs, f"--output_files={tmp_path}") == (
        "--input_table: goes without --input_files; keep one of them",
    )


def test_files_beside_the_output_are_found_by_any_name_of_the_directory(
    job_file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    FILES["readings.ndjson"](tmp_path / "readings.ndjson")
    monkeypatch.chdir(tmp_path)
    assert refused(f"--job_file={job_file}", "--input_files=*.ndjson", f"--output_files={tmp_path}/") == (
        "--output_files: readings.ndjson is in it, which --input_files reads; name a directory of its own",
    )


def test_files_that_the_job_would_write_beside_are_refused(job_file: str, tmp_path: Path) -> None:
    FILES["readings.ndjson"](tmp_path / "readings.ndjson")
    inputs = f"--input_files={tmp_path}/*.ndjson"
    assert refused(f"--job_file={job_file}", inputs, f"--output_files={tmp_path}/") == (
        f"--output_files: {tmp_path}/readings.ndjson is in it, which --input_files reads; name a directory of its own",
    )


def test_dataflow_is_given_no_files_of_this_machine(job_file: str, tmp_path: Path) -> None:
    FILES["readings.ndjson"](tmp_path / "readings.ndjson")
    inputs = f"--input_files={tmp_path}/*.ndjson"
    assert refused(f"--job_file={job_file}", inputs, "--output_files=out", "--runner=DataflowRunner") == (
        f"--input_files: {tmp_path}/*.ndjson is on this machine, out of the workers' reach; name a place on gs://",
        "--output_files: out is on this machine, out of the workers' reach; name a place on gs://",
    )


def test_mistakes_of_flags_job_file_and_input_are_named_at_once(tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    assert refused("--job_file=none.yaml", f"--input_files={nowhere}/*.avro", "--batch_size=0") == (
        "--output_table: missing; give --output_table=OUTPUT_TABLE, --output_files=DIRECTORY, or both",
        "--batch_size: input should be greater than or equal to 1, not '0'",
        "job_file: no file none.yaml; correct the path",
        f"--input_files: nothing matches {nowhere}/*.avro; name files, as in gs://bucket/readings/*.avro",
    )


def test_what_is_written_anew_is_all_that_is_read_unless_nothing_runs(job_file: str, tmp_path: Path) -> None:
    FILES["readings.ndjson"](tmp_path / "readings.ndjson")
    (tmp_path / "empty.ndjson").write_bytes(b"")
    argv = [f"--job_file={job_file}", f"--input_files={tmp_path}/*.ndjson", f"--output_files={tmp_path}/out"]
    launch = main.checked([*argv, "--runner=FnApiRunner"])
    assert launch.origins == (f"{tmp_path}/empty.ndjson", f"{tmp_path}/readings.ndjson")
    assert main.checked([*argv, "--runner=FnApiRunner", "--dry_run=true"]).origins == ()


def test_rows_without_the_key_are_refused(job_file: str, tmp_path: Path) -> None:
    pq.write_table(pa.Table.from_pylist([{"value": 1.0}]), path := tmp_path / "r.parquet")
    (line,) = refused(f"--job_file={job_file}", f"--input_files={path}", f"--output_files={tmp_path}/out")
    assert line == f"--input_files: {path}: no column device_id, which message.key takes; add it"


def test_examples_without_the_key_are_refused(job_file: str, tmp_path: Path) -> None:
    path = tmp_path / "r.tfrecord"
    path.write_bytes(tfrecords([example(value=VALUE)]))
    (line,) = refused(f"--job_file={job_file}", f"--input_files={path}", f"--output_files={tmp_path}/out")
    assert line == f"--input_files: {path}: no feature device_id, which message.key takes; add it"


@pytest.mark.parametrize("content", [b"", tfrecords([b"\xff"]), b"cut"])
def test_examples_that_tell_nothing_are_left_to_the_job(content: bytes, job_file: str, tmp_path: Path) -> None:
    path = tmp_path / "r.tfrecord"
    path.write_bytes(content)
    argv = [f"--job_file={job_file}", f"--input_files={path}", f"--output_files={tmp_path}/out"]
    found = main.checked([*argv, "--runner=FnApiRunner"]).found
    assert found is not None
    assert [part.origin for part in found.parts] == ([str(path)] if content else [])
