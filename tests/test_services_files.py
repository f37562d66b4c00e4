"""The files of a job over stored data: where they go, and what a run removes of earlier ones before it starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import orjson
import pyarrow as pa
import pytest

from streaming import services
from streaming.batches import Batch, Failure
from streaming.errors import Mistakes
from streaming.job import Message
from streaming.job_parts import Reference
from streaming.options import Parameters
from streaming.schema import parse_schema
from streaming.stored.error_files import ErrorFiles
from streaming.stored.output import stem
from streaming.stored.parquet_output import ParquetFiles
from streaming.stored.prediction_log import PredictionLogFiles
from streaming.wiring import Contract
from tests.builders import X, plan, readings
from tests.cloud_storage_server import Bucket

REMOTE = "gs://bucket/out"


def job(directory: Path | str, **given: str) -> Parameters:
    return Parameters(job_file="job.yaml", input_files="in/*.avro", output_files=str(directory), **given)


CONTRACT = Contract(
    Message(format="avro", schema="r.avsc", key=Reference(attribute="device")),
    parse_schema('{"type": "record", "name": "R", "fields": [{"name": "value", "type": "double"}]}', "r.avsc"),
    timedelta(minutes=1),
    (X,),
    (plan(),),
    "j1",
)


def test_a_job_over_files_alone_asks_no_service_and_makes_its_directory(tmp_path: Path) -> None:
    services.prepare(job(tmp_path / "out"), CONTRACT)
    assert [each.name for each in (tmp_path / "out").rglob("*")] == ["error_records"]


def test_a_directory_that_cannot_be_written_to_is_a_mistake_of_output_files(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(Mistakes, match=r"^--output_files: cannot write to .*/out/error_records: Not a directory; name"):
        services.prepare(job(tmp_path / "out"), CONTRACT)


def rejected(*message_ids: str) -> Batch:
    """Records of one part of the input, of which nothing comes but dead letters."""
    batch = readings([0.0] * len(message_ids)).with_column("message_id", pa.array(message_ids))
    return batch.failing(pa.array([True] * len(batch)), [Failure("infer:x", "Odd", "odd", "x")] * len(batch))


def run(parameters: Parameters, origins: Sequence[str], *parts: Batch) -> None:
    """A run over these files, or this table, which are read in these parts."""
    services.prepare(parameters, CONTRACT, origins)
    files = services.error_files(parameters, CONTRACT, "name")
    assert files
    writer = files.writer()
    for part in parts:
        writer.write(part)
    writer.close()


@dataclass(frozen=True)
class Place:
    """A directory in which a job has its output: on this machine, or on Cloud Storage."""

    path: str
    bucket: Bucket

    def put(self, name: str) -> None:
        if self.path == REMOTE:
            self.bucket.put(f"out/{name}", b"")
        else:
            path = Path(self.path, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"")

    def files(self) -> dict[str, bytes]:
        if self.path == REMOTE:
            return {name.removeprefix("out/"): content for name, content in self.bucket.objects.items()}
        found = (path for path in Path(self.path).rglob("*") if path.is_file())
        return {path.relative_to(self.path).as_posix(): path.read_bytes() for path in found}

    def ids(self) -> list[str]:
        """Of the dead letters."""
        lines = b"".join(self.files().values()).splitlines()
        return sorted(orjson.loads(line)["message_id"] for line in lines)


@pytest.fixture(params=["{}/out", REMOTE])
def place(request: pytest.FixtureRequest, tmp_path: Path, bucket: Bucket) -> Place:
    return Place(request.param.format(tmp_path), bucket)


def test_a_table_that_is_divided_otherwise_is_written_anew(place: Place) -> None:
    first = (rejected(f"p.d.t/{stream}#1", f"p.d.t/{stream}#2") for stream in (1, 2, 3))
    run(job(place.path), ["p.d.t"], *first)
    again = (rejected(f"p.d.t/{stream}#1", f"p.d.t/{stream}#2", f"p.d.t/{stream}#3") for stream in (1, 2))
    run(job(place.path), ["p.d.t"], *again)
    assert place.ids() == [f"p.d.t/{stream}#{number}" for stream in (1, 2) for number in (1, 2, 3)]


def test_of_files_that_say_less_than_before_nothing_stays(place: Place) -> None:
    run(job(place.path), ["a", "b"], rejected("a#1"), rejected("b#2", "b#3"))
    run(job(place.path), ["a", "b"], rejected("b#3"))
    assert place.ids() == ["b#3"]


def test_what_came_of_other_files_and_other_jobs_stays(place: Place) -> None:
    run(job(place.path), ["a", "b"], rejected("a#1"), rejected("b#1"))
    run(job(place.path), ["b"], rejected("b#2"))
    services.prepare(job(place.path), replace(CONTRACT, job_hash="j2"), ["a", "b"])
    services.prepare(job(place.path), CONTRACT)
    assert place.ids() == ["a#1", "b#2"]


@pytest.mark.parametrize(
    ("output_format", "left"),
    [
        ("parquet", "prediction_logs/times5/{}-0.tfrecord"),
        ("prediction_log", "predictions/{}-0.parquet"),
    ],
)
def test_every_directory_that_the_job_writes_to_is_cleared(place: Place, output_format: str, left: str) -> None:
    begin = stem("j1", "a")
    names = ["error_records/{}-0.ndjson", "predictions/{}-0.parquet", "prediction_logs/times5/{}-0.tfrecord"]
    for name in names:
        place.put(name.format(begin))
    services.prepare(job(place.path, output_format=output_format), CONTRACT, ["a"])
    assert [*place.files()] == [left.format(begin)]


def test_who_may_only_create_objects_is_told_before_the_start(bucket: Bucket) -> None:
    bucket.only_creates = True
    with pytest.raises(Mistakes) as caught:
        services.prepare(job(REMOTE), CONTRACT, ["a"])
    assert caught.value.lines == (
        "--output_files: cannot write to gs://bucket/out/error_records: not yours; name a directory that you may "
        "write to, on gs:// with roles/storage.objectUser",
    )


def test_the_ends_of_a_job_over_files_alone(tmp_path: Path) -> None:
    out = f"{tmp_path}/out"
    parameters = job(out)
    assert services.prediction_files(parameters, CONTRACT) == ParquetFiles(out, CONTRACT.models, "j1")
    logs = services.prediction_files(job(out, output_format="prediction_log"), CONTRACT)
    assert logs == PredictionLogFiles(out, CONTRACT.models, "j1")
    assert services.error_files(parameters, CONTRACT, "name") == ErrorFiles(out, "name", "j1")
    assert services.dead_letters(parameters, "name") is None


def test_a_stream_writes_no_files() -> None:
    stream = Parameters(job_file="job.yaml", input_subscription="projects/p/subscriptions/s", output_table="p.d.t")
    assert services.prediction_files(stream, CONTRACT) is None
    assert services.error_files(stream, CONTRACT, "name") is None
