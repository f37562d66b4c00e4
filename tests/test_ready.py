"""A plan that is right is made ready: topic, what is to be there, the run and its messages; and nothing is made."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pytest
import yaml
from google.pubsub_v1.types import GetTopicRequest, Topic

from producers.messages import Fault
from producers.publishing.plan import PublishPlan
from producers.publishing.ready import prepare
from producers.publishing.topics import Place, Wanted
from producers.truth import Run
from streaming.errors import Mistakes
from streaming.job import load_job
from tests.grpc_servers import GrpcServer
from tests.publish_cases import SCHEMA, TOPIC, write_files

NOON = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)


class TopicServer(GrpcServer):
    """Has every topic, without a schema; `asked` are the methods that were called."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def service(self, call: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        self.asked.append(call.method.rpartition("/")[2])
        return grpc.unary_unary_rpc_method_handler(
            lambda request, context: Topic(name=request.topic), GetTopicRequest.deserialize, Topic.serialize
        )


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[TopicServer]:
    with TopicServer() as server:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", server.host)
        yield server


def definition(directory: Path) -> str:
    return (directory / "reading.avsc").read_text()


def test_what_a_plan_does_not_say_the_files_say(tmp_path: Path, server: TopicServer) -> None:
    scenario = str(write_files(tmp_path, fleet={"devices": 4}))
    before = datetime.now(UTC)
    ready = prepare(PublishPlan(TOPIC, scenario, truth=tmp_path / "truth.ndjson"))
    started_at = ready.run.started_at
    assert before <= started_at <= datetime.now(UTC)
    job_file = str(tmp_path / "job.yaml")
    assert (ready.place, ready.wanted) == (Place(TOPIC, exists=True), Wanted("avro", "avro", definition(tmp_path)))
    assert ready.run == Run(
        topic=TOPIC,
        scenario=scenario,
        job_file=job_file,
        job_hash=load_job(job_file).hash,
        seed=1,
        rate=100.0,
        devices=4,
        encoding="avro",
        started_at=started_at,
        schema=SCHEMA,
    )
    assert not (tmp_path / "truth.ndjson").exists()
    assert server.asked == ["GetTopic"]


def test_a_plan_comes_before_the_files(tmp_path: Path, server: TopicServer) -> None:
    scenario = str(write_files(tmp_path, fleet={"devices": 4}, faults={"missing_key": {"rate": 1.0}}))
    job = yaml.safe_load((tmp_path / "job.yaml").read_text())
    job["message"]["format"] = "json"
    other = tmp_path / "other.yaml"
    other.write_text(yaml.safe_dump(job))
    plan = PublishPlan(
        TOPIC,
        scenario,
        job_file=str(other),
        devices=2,
        rate=50.0,
        seed=9,
        start=NOON,
        create_topic=True,
        ordering=True,
        faults={Fault.TRUNCATED: 1.0},
        no_faults=True,
    )
    ready = prepare(plan)
    run = ready.run
    assert ready.wanted == Wanted("json", "json", definition(tmp_path), create_topic=True)
    assert (run.job_file, run.job_hash) == (str(other), load_job(str(other)).hash)
    assert (run.devices, run.rate, run.seed, run.encoding, run.started_at) == (2, 50.0, 9, "json", NOON)
    rows = [row for block in ready.stream(40) for row in block.rows.to_pylist()]
    assert {row["fault"] for row in rows} == {"truncated"}
    assert sorted({row["ordering_key"] for row in rows}) == ["device-0000", "device-0001"]
    assert {row["payload"][:1] for row in rows} == {b"{"}


def test_the_same_plan_is_made_ready_for_the_same_messages(tmp_path: Path, server: TopicServer) -> None:
    plan = PublishPlan(TOPIC, str(write_files(tmp_path)), start=NOON, seed=3)
    first, second = (prepare(plan) for _ in range(2))
    assert first.run == second.run
    assert [block.rows for block in first.stream(30)] == [block.rows for block in second.stream(30)]


def test_what_the_topic_does_not_take_is_said_with_the_rest(tmp_path: Path, server: TopicServer) -> None:
    plan = PublishPlan(TOPIC, str(write_files(tmp_path)), encoding="json", messages=-1, start=NOON.replace(tzinfo=None))
    with pytest.raises(Mistakes) as caught:
        prepare(plan)
    time = NOON.replace(tzinfo=None).isoformat()
    assert caught.value.lines == (
        "--messages: -1; write how many, or 0 for no end",
        f"--start: {time} has no time zone; write {time}Z",
        "--encoding: the job file takes avro from a topic without a schema; use --encoding=avro",
    )


def test_files_that_are_not_there_are_all_named(tmp_path: Path, server: TopicServer) -> None:
    with pytest.raises(Mistakes) as caught:
        prepare(PublishPlan(TOPIC, str(tmp_path / "s.yaml"), job_file=str(tmp_path / "j.yaml"), encoding="json"))
    assert caught.value.lines == (
        f"--scenario: no file {tmp_path}/s.yaml; correct the path",
        f"--job-file: no file {tmp_path}/j.yaml; correct the path",
    )
