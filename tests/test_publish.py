"""Everything that is wrong with a plan is said at once, before anything is made or written."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import grpc
import pyarrow.compute as pc
import pytest
import typer
from google.pubsub_v1.types import GetTopicRequest, Topic
from typer.testing import CliRunner

from producers.commands.publish import EPILOG, FAULTS, summary
from producers.commands.publish import publish as command
from producers.messages import Fault
from producers.publishing import topics
from producers.publishing.plan import PublishPlan
from producers.publishing.publish import publish
from producers.publishing.sending import Totals
from producers.truth import read_truth
from streaming.errors import Mistakes, PermanentError
from tests.publish_cases import SCHEMA, TOPIC, write_files
from tests.pubsub_publisher_server import Fail, PublisherServer


class HiddenTopicServer(PublisherServer):
    """Takes messages for a topic that nobody may look at."""

    def service(self, call: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        if call.method.endswith("/GetTopic"):
            return grpc.unary_unary_rpc_method_handler(_denied, GetTopicRequest.deserialize, Topic.serialize)
        return super().service(call)


def _denied(_: Any, context: grpc.ServicerContext) -> Topic:
    context.abort(grpc.StatusCode.PERMISSION_DENIED, "may not look")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[HiddenTopicServer]:
    with HiddenTopicServer() as server:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", server.host)
        yield server


@pytest.fixture
def scenario(tmp_path: Path) -> str:
    return str(write_files(tmp_path))


def mistakes(plan: PublishPlan) -> tuple[str, ...]:
    with pytest.raises(Mistakes) as raised:
        publish(plan)
    assert plan.truth is None or not plan.truth.exists() or plan.truth.read_text() == "mine"
    return raised.value.lines


@pytest.mark.parametrize(
    ("plan", "count"),
    [
        ({}, None),
        ({"messages": 7}, 7),
        ({"duration": timedelta(seconds=2), "rate": 50.0}, 100),
        ({"duration": timedelta(seconds=2), "rate": 50.0, "messages": 7}, 7),
        ({"duration": timedelta(seconds=2), "rate": 50.0, "messages": 700}, 100),
        ({"duration": timedelta(seconds=2), "rate": 0.1}, 1),
        ({"duration": timedelta(seconds=2), "rate": float("nan")}, None),
    ],
)
def test_messages_and_duration_say_how_many(plan: dict[str, Any], count: int | None) -> None:
    assert PublishPlan(TOPIC, "scenario.yaml", **plan).count() == count


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path, scenario: str) -> None:
    truth = tmp_path / "truth.ndjson"
    truth.write_text("mine")
    plan = PublishPlan(
        "readings",
        scenario,
        devices=0,
        rate=0.0,
        messages=-1,
        seed=-1,
        start=datetime(1999, 1, 1, tzinfo=UTC),
        truth=truth,
        faults={Fault.TRUNCATED: 2.0},
        no_faults=True,
    )
    assert mistakes(plan) == (
        "--rate: 0 messages a second; write 0.01 to 100,000",
        "--devices: 0; write 1 to 100,000",
        "--messages: -1; write how many, or 0 for no end",
        "--seed: -1; write 0 to 9223372036854775807",
        "--fault: truncated=2; a rate is a share of all messages, from 0 to 1",
        f"--truth: {truth} exists; name another file, or remove it",
        "--start: 1999-01-01T00:00:00+00:00 is more than the job's max_past 365d before the publish time; "
        "write a later one",
        "--topic: 'readings' is no topic; write projects/PROJECT/topics/TOPIC",
    )


def test_a_truth_file_that_no_directory_can_hold_is_refused(tmp_path: Path, scenario: str) -> None:
    truth = tmp_path / ("x" * 300)
    told = f"--truth: {truth} cannot be written: File name too long; name another"
    with pytest.raises(Mistakes) as raised:
        publish(PublishPlan("readings", scenario, truth=truth))
    assert told in raised.value.lines


@pytest.mark.parametrize("rate", [0.0, -1.0, 0.001, 200_000.0, float("nan"), float("inf")])
def test_an_impossible_rate_is_refused(rate: float, scenario: str) -> None:
    plan = PublishPlan("readings", scenario, rate=rate)
    assert mistakes(plan)[0] == f"--rate: {rate:g} messages a second; write 0.01 to 100,000"


def test_mistakes_of_the_scenario_are_said_with_those_of_flags(tmp_path: Path) -> None:
    path = write_files(tmp_path, signals={"valve": {"base": 1}})
    lines = mistakes(PublishPlan("readings", str(path), messages=-1))
    assert [line for line in lines if line.startswith(f"{path}: ")] == list(lines[:-2])
    assert lines[-2:] == (
        "--messages: -1; write how many, or 0 for no end",
        "--topic: 'readings' is no topic; write projects/PROJECT/topics/TOPIC",
    )


def test_a_fault_that_needs_more_than_a_rate_is_named(scenario: str) -> None:
    lines = mistakes(PublishPlan("readings", scenario, faults={Fault.LATE: 0.1}))
    assert lines[0] == "--fault late: needs more than a rate; describe it in the scenario file"


@pytest.mark.parametrize(
    ("start", "words"),
    [
        (datetime.now(UTC) + timedelta(days=3), "is more than the job's max_future 1d after the publish time"),
        (datetime(2026, 1, 1), "has no time zone; write 2026-01-01T00:00:00Z"),
    ],
)
def test_a_start_at_which_nothing_could_be_taken_is_refused(start: datetime, words: str, scenario: str) -> None:
    (line, _) = mistakes(PublishPlan("readings", scenario, start=start))
    assert line.startswith(f"--start: {start.isoformat()} {words}")


def test_any_start_will_do_where_the_publish_time_is_the_event_time(tmp_path: Path) -> None:
    path = write_files(tmp_path, {"event_time": "publish_time"})
    plan = PublishPlan("readings", str(path), start=datetime(1999, 1, 1, tzinfo=UTC))
    assert [line for line in mistakes(plan) if line.startswith("--start")] == []


def test_a_time_that_only_just_is_one_will_do(tmp_path: Path, server: HiddenTopicServer) -> None:
    signals = {"value": {"base": 1}, "event_time": {"base": 0}}
    path, truth = write_files(tmp_path, {"event_time": "publish_time"}, signals=signals), tmp_path / "truth.ndjson"
    for start in (datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)):
        assert publish(PublishPlan(TOPIC, str(path), rate=0.5, messages=2, start=start, truth=truth)).published == 2
        assert read_truth(truth).run.started_at == start
        truth.unlink()


def test_the_largest_seed_is_one_that_the_truth_file_holds(
    tmp_path: Path, scenario: str, server: HiddenTopicServer
) -> None:
    truth = tmp_path / "truth.ndjson"
    publish(PublishPlan(TOPIC, scenario, rate=1000, messages=1, seed=2**63 - 1, truth=truth))
    assert read_truth(truth).run.seed == 2**63 - 1
    assert mistakes(PublishPlan("readings", scenario, seed=2**63))[0] == (
        "--seed: 9223372036854775808; write 0 to 9223372036854775807"
    )


def test_a_job_file_s_mistakes_begin_with_its_path(tmp_path: Path) -> None:
    path = write_files(tmp_path, {"key": "device"}, job="nowhere.yaml")
    (tmp_path / "empty.yaml").write_text("{signals: 1}")
    job, missing = tmp_path / "job.yaml", tmp_path / "nowhere.yaml"
    assert mistakes(PublishPlan("readings", str(path)))[0] == f"{path}: job: no file {missing}; correct the path"
    assert mistakes(PublishPlan("readings", str(path), job_file="no.yaml"))[0] == (
        "--job-file: no file no.yaml; correct the path"
    )
    assert mistakes(PublishPlan("readings", str(path), job_file=str(job)))[0] == (
        f"{job}: message.key: the schema has no field 'device'; did you mean device_id?"
    )
    assert all(
        line.startswith(f"{tmp_path / 'empty.yaml'}: ")
        for line in mistakes(PublishPlan("readings", str(path), job_file=str(tmp_path / "empty.yaml")))[:-1]
    )


def test_a_truth_file_of_nothing_is_not_left_behind(
    tmp_path: Path, scenario: str, server: HiddenTopicServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermanentError("may not create")

    monkeypatch.setattr("producers.publishing.publish.create", refuse)
    with pytest.raises(PermanentError, match=r"^may not create$"):
        publish(PublishPlan(TOPIC, scenario, messages=1, truth=tmp_path / "truth.ndjson"))
    assert not (tmp_path / "truth.ndjson").exists()


@pytest.mark.parametrize(
    ("totals", "said"),
    [
        (Totals(100, seconds=1.0, ending="completed"), "completed: 100 messages published in 1.0 s (100/s)"),
        (
            Totals(97, 3, seconds=1.0, ending="stopped", reason="InvalidArgument: bad", planted=3),
            "stopped: 97 messages published in 1.0 s (100/s), 3 refused "
            "(InvalidArgument: bad; all of them for a planted fault)",
        ),
        (
            Totals(96, 4, seconds=1.0, ending="completed", reason="InvalidArgument: bad", planted=1),
            "completed: 96 messages published in 1.0 s (100/s), 4 refused "
            "(InvalidArgument: bad; 1 of them for a planted fault)",
        ),
    ],
)
def test_the_last_line_says_what_came_of_all(totals: Totals, said: str) -> None:
    assert summary(totals, Path("t.ndjson")) == f"{said}; truth: t.ndjson"


def closed_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def test_an_emulator_that_is_down_is_one_line(tmp_path: Path, scenario: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topics, "REFUSED_SECONDS", 0.1)
    host = f"127.0.0.1:{closed_port()}"
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", host)
    truth = tmp_path / "truth.ndjson"
    with pytest.raises(PermanentError) as raised:
        publish(PublishPlan(TOPIC, scenario, messages=1, truth=truth))
    words = f"the Pub/Sub emulator (PUBSUB_EMULATOR_HOST={host}) does not answer; start it, or correct the variable ("
    assert str(raised.value).startswith(words)
    assert not truth.exists()
    assert mistakes(PublishPlan(TOPIC, scenario, messages=-1, truth=truth))[1].startswith(words)


def statuses(truth: Path) -> dict[str, int]:
    return Counter(read_truth(truth).messages["status"].to_pylist())


def test_who_may_publish_need_not_be_allowed_to_look_at_the_topic(
    tmp_path: Path, scenario: str, server: HiddenTopicServer
) -> None:
    truth = tmp_path / "truth.ndjson"
    plan = PublishPlan(TOPIC, scenario, rate=1000, messages=120, devices=3, seed=5, truth=truth)
    totals = publish(plan)
    read = read_truth(truth)
    assert (totals.published, totals.ending, statuses(truth)) == (120, "completed", {"confirmed": 120})
    run = read.run
    assert (run.topic, run.scenario, run.seed, run.rate, run.devices) == (TOPIC, scenario, 5, 1000, 3)
    assert (run.job_file, run.encoding, run.schema) == (str(tmp_path / "job.yaml"), "avro", SCHEMA)
    sent = sorted(sha256(each.data).hexdigest() for _, messages in server.published for each in messages)
    assert sent == sorted(read.messages["payload_sha256"].to_pylist())


def test_the_same_seed_gives_the_same_bytes(scenario: str, server: HiddenTopicServer) -> None:
    start = datetime.now(UTC) - timedelta(hours=1)
    payloads = []
    for seed in (1, 1, 2):
        server.published.clear()
        publish(PublishPlan(TOPIC, scenario, rate=1000, messages=100, seed=seed, start=start))
        payloads.append(sorted(each.data for _, messages in server.published for each in messages))
    assert payloads[0] == payloads[1] != payloads[2]


def test_no_permission_is_one_line_and_nothing_is_published(
    tmp_path: Path, scenario: str, server: HiddenTopicServer
) -> None:
    server.script.extend([Fail(grpc.StatusCode.PERMISSION_DENIED)] * 100)
    truth = tmp_path / "truth.ndjson"
    with pytest.raises(PermanentError) as raised:
        publish(PublishPlan(TOPIC, scenario, rate=1000, messages=100, truth=truth))
    failed = f"failed: topic {TOPIC}: no permission to publish; grant roles/pubsub.publisher on it (403 scripted)"
    known = f"messages: published 0, not published 50, unknown 0; {truth} tells which"
    assert str(raised.value) == f"{failed}; {known}"
    assert (read_truth(truth).ending, set(statuses(truth))) == (failed, {"refused"})


def test_a_service_that_goes_away_half_way_leaves_messages_unknown(
    tmp_path: Path, scenario: str, server: HiddenTopicServer
) -> None:
    def fail_from_now_on(totals: Totals) -> None:
        if totals.messages >= 200:
            server.script.extend([Fail(grpc.StatusCode.UNAVAILABLE, published=True)] * 10_000)

    truth = tmp_path / "truth.ndjson"
    with pytest.raises(PermanentError, match=r"^failed: the Pub/Sub emulator .* has not answered: 503 scripted; "):
        publish(PublishPlan(TOPIC, scenario, rate=1000, retry_for=0.05, truth=truth), on_progress=fail_from_now_on)
    read = read_truth(truth)
    messages = [each for _, sent in server.published for each in sent]
    received = {sha256(each.data).hexdigest() for each in messages}
    by_status = {
        status: read.messages.filter(pc.equal(read.messages["status"], status))["payload_sha256"].to_pylist()
        for status in ("confirmed", "unknown", "refused")
    }
    assert len(by_status["confirmed"]) >= 150
    assert by_status["unknown"] != []
    assert received >= {*by_status["confirmed"]}
    assert received.isdisjoint(by_status["refused"])
    assert read.ending.endswith("has not answered: 503 scripted")


def invoke(*arguments: str) -> Any:
    app = typer.Typer()
    app.command(epilog=EPILOG)(command)
    return CliRunner().invoke(app, arguments)


def test_the_command_s_help_has_an_example() -> None:
    result = invoke("--help")
    assert result.exit_code == 0
    assert "Example: pubsub-inference publish --topic" in result.output


def test_what_the_command_cannot_read_is_said_at_once() -> None:
    result = invoke(
        "--topic=t",
        "--scenario=s",
        "--duration=5",
        "--start=9999-12-31T23:59:59-01:00",
        "--fault=lat=0.1",
        "--fault=late",
        "--fault=late=a",
        "--job-file=j",
        "--rate=-1",
    )
    assert isinstance(result.exception, Mistakes)
    assert result.exception.lines == (
        "--duration: '5' is not a duration; write a number and ms, s, m, h or d, as in 60s",
        "--start: '9999-12-31T23:59:59-01:00' is not a time; write one such as 2026-01-31T12:00:00Z",
        f"--fault: there is no lat; write one of {', '.join(Fault)}",
        "--fault: 'late' is not a fault and its rate; write one such as late=0.01",
        "--fault: 'late=a' is not a fault and its rate; write one such as late=0.01",
        "--scenario: no file s; correct the path",
        "--job-file: no file j; correct the path",
        "--rate: -1 messages a second; write 0.01 to 100,000",
        "--topic: 't' is no topic; write projects/PROJECT/topics/TOPIC",
    )


def test_the_help_lists_every_fault() -> None:
    assert FAULTS.split(", ") == [*Fault]
