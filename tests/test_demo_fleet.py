"""The demo's fleet publishes, and takes up output messages meanwhile; stopped or failed, it says so, and ends."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.empty_pb2 import Empty
from google.pubsub_v1.types import AcknowledgeRequest, GetTopicRequest, PullRequest, PullResponse, Topic

from producers.truth import read_truth
from streaming.errors import JobError, Mistakes
from streaming.local.demo_fleet import DemoFleet
from tests.publish_cases import TOPIC, write_files
from tests.pubsub_publisher_server import PATIENCE, PublisherServer

SUBSCRIPTION = "projects/my-project/subscriptions/predictions"
OUTPUTS = [b'{"prediction": 1.5}', "é".encode(), b""]


class PubSub(PublisherServer):
    """A topic to publish to, and a subscription that has `OUTPUTS` once.

    Attributes:
        asked_for: what was pulled, and what was acknowledged.
        is_acknowledged: set when something is.
    """

    def __init__(self) -> None:
        super().__init__()
        self.asked_for: list[Any] = []
        self.is_acknowledged = threading.Event()

    def service(self, call: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        return {
            "GetTopic": grpc.unary_unary_rpc_method_handler(
                lambda request, _: Topic(name=request.topic),
                GetTopicRequest.deserialize,
                Topic.serialize,
            ),
            "Pull": grpc.unary_unary_rpc_method_handler(self._pull, PullRequest.deserialize, PullResponse.serialize),
            "Acknowledge": grpc.unary_unary_rpc_method_handler(
                self._acknowledge, AcknowledgeRequest.deserialize, Empty.SerializeToString
            ),
        }.get(call.method.rpartition("/")[2]) or super().service(call)

    def _pull(self, request: PullRequest, _: grpc.ServicerContext) -> PullResponse:
        if any(isinstance(each, PullRequest) for each in self.asked_for):
            return PullResponse()
        self.asked_for.append(request)
        return PullResponse(
            received_messages=[
                {"ack_id": f"ack-{number}", "message": {"data": data}} for number, data in enumerate(OUTPUTS)
            ]
        )

    def _acknowledge(self, request: AcknowledgeRequest, _: grpc.ServicerContext) -> Empty:
        self.asked_for.append(request)
        self.is_acknowledged.set()
        return Empty()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[PubSub]:
    with PubSub() as server:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", server.host)
        yield server


def fleet(directory: Path, scenario: Path) -> DemoFleet:
    return DemoFleet(scenario, TOPIC, "my-project:d.predictions", SUBSCRIPTION, 0, 1000.0, directory)


def test_its_files_are_in_its_directory(tmp_path: Path) -> None:
    demo = fleet(tmp_path, tmp_path / "scenario.yaml")
    paths = [demo.truth_path, demo.messages_path, demo.report_path]
    assert paths == [tmp_path / name for name in DemoFleet.FILES]


def test_one_that_was_never_started_has_no_score(tmp_path: Path) -> None:
    demo = fleet(tmp_path, tmp_path / "scenario.yaml")
    demo.stop()
    assert (demo.published, list(tmp_path.iterdir())) == (0, [])
    with pytest.raises(JobError, match=r"^the demo's fleet failed: it was stopped$"):
        demo.score()


def test_one_that_is_stopped_has_told_all_that_it_has_done(tmp_path: Path, server: PubSub) -> None:
    demo = fleet(tmp_path, write_files(tmp_path))
    assert [demo.start(), demo.start()] == [True, False]
    assert server.is_acknowledged.wait(PATIENCE)
    server.await_asked(1)
    demo.stop()
    assert demo.done.is_set()
    assert demo.published == sum(len(messages) for _, messages in server.published) > 0
    assert read_truth(demo.truth_path).messages["status"].to_pylist() == ["confirmed"] * demo.published
    assert demo.messages_path.read_bytes() == b"".join(data + b"\n" for data in OUTPUTS)
    assert server.asked_for == [
        PullRequest(subscription=SUBSCRIPTION, max_messages=1000),
        AcknowledgeRequest(subscription=SUBSCRIPTION, ack_ids=["ack-0", "ack-1", "ack-2"]),
    ]
    assert not demo.report_path.exists()
    with pytest.raises(JobError, match=r"^the demo's fleet failed: it was stopped$"):
        demo.score()


def test_what_keeps_it_from_publishing_is_told_by_the_score(tmp_path: Path, server: PubSub) -> None:
    demo = fleet(tmp_path, tmp_path / "none.yaml")
    demo.start()
    assert demo.done.wait(PATIENCE)
    with pytest.raises(Mistakes) as caught:
        demo.score()
    assert caught.value.lines == (f"--scenario: no file {tmp_path}/none.yaml; correct the path",)
    assert (demo.published, server.published) == (0, [])
    demo.stop()


def test_what_nobody_has_foreseen_is_one_line(tmp_path: Path, server: PubSub) -> None:
    scenario = write_files(tmp_path)
    demo = DemoFleet(scenario, TOPIC, "t", SUBSCRIPTION, "many", 1000.0, tmp_path)  # type: ignore[arg-type]
    demo.start()
    assert demo.done.wait(PATIENCE)
    with pytest.raises(JobError, match=r"^the demo's fleet failed: '<' not supported between instances of "):
        demo.score()
    demo.stop()


def test_output_messages_that_cannot_be_kept_are_told_by_the_score(tmp_path: Path, server: PubSub) -> None:
    demo = fleet(tmp_path, write_files(tmp_path))
    demo.messages_path.mkdir()
    demo.start()
    assert demo.done.wait(PATIENCE)
    demo.stop()
    told = rf"^the demo's fleet failed: \[Errno 21\] Is a directory: '{demo.messages_path}'$"
    with pytest.raises(JobError, match=told):
        demo.score()
