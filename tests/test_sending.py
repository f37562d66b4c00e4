"""Everything that is sent is accounted for, whatever the service does meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from grpc import StatusCode

from producers.messages import Messages
from producers.publishing.sending import Totals, raw_messages, send
from producers.truth import TruthWriter, read_truth
from streaming.endpoints import publisher_client
from streaming.pubsub.publish_requests import Requests
from tests.publish_cases import RUN, TOPIC, block, blocks, message
from tests.pubsub_publisher_server import Fail, Message, PublisherServer, Wait

FAR = 3600.0  # seconds: when no test waits any more


@dataclass
class Case:
    """A server, and a truth file of what is sent to it."""

    server: PublisherServer
    path: Path

    def send(self, stream: Any, stop: threading.Event | None = None, retry_for: float = 10.0, **rest: Any) -> Totals:
        service = Requests(publisher_client(), retry_for=retry_for, backoff=(0.001, 0.01))
        with TruthWriter(self.path, RUN) as truth:
            return send(stream, TOPIC, 1000.0, service, truth=truth, stop=stop, **rest)

    def told(self, *names: str) -> list[tuple[Any, ...]]:
        columns = read_truth(self.path).messages
        return list(zip(*(columns[name].to_pylist() for name in names), strict=True))

    def refusals(self) -> list[str]:
        return [line for line in self.path.read_text().splitlines() if '"kind":"refused"' in line]


@pytest.fixture
def case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Case]:
    with PublisherServer() as server:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", server.host)
        yield Case(server, tmp_path / "truth.ndjson")


def counts(totals: Totals) -> tuple[int, int, int, str]:
    return totals.published, totals.refused, totals.unknown, totals.ending


def test_messages_go_out_as_they_are_and_are_told_of(case: Case) -> None:
    assert counts(case.send(blocks(25, 10))) == (25, 0, 0, "completed")
    sent = [each for _, messages in case.server.published for each in messages]
    assert sorted(sent, key=lambda each: int(each.data[8:])) == [
        Message(f"payload {n}".encode(), (("number", str(n)),)) for n in range(25)
    ]
    assert sorted(case.server.asked) == [5, 10, 10]
    assert case.told("number", "status", "message_id", "attempts") == [
        (number, "confirmed", str(number % 10), 1) for number in range(25)
    ]
    assert read_truth(case.path).ending == "completed"


def test_part_of_a_batch_becomes_its_messages() -> None:
    rows = block([message(number, attributes=[("n", str(number))] * (number % 2)) for number in range(6)]).rows
    raw = raw_messages(rows.slice(2, 3))
    assert [(each.data, dict(each.attributes)) for each in raw] == [
        (b"payload 2", {}),
        (b"payload 3", {"n": "3"}),
        (b"payload 4", {}),
    ]


def test_each_ordering_key_keeps_its_order(case: Case) -> None:
    rows = [message(number, ordering_key=f"device-{number % 3}") for number in range(60)]
    case.server.script.extend([Fail(StatusCode.UNAVAILABLE)] * 3)
    case.send([block(rows[first : first + 12]) for first in range(0, 60, 12)])
    for key in range(3):
        sent = [m.data for _, ms in case.server.published for m in ms if m.ordering_key == f"device-{key}"]
        assert sent == [f"payload {number}".encode() for number in range(key, 60, 3)]


def test_only_the_guilty_message_is_refused(case: Case) -> None:
    case.server.refuse = lambda message: message.data == b"payload 7"
    assert counts(case.send(blocks(10, 10))) == (9, 1, 0, "completed")
    assert case.told("number", "status") == [(n, "refused" if n == 7 else "confirmed") for n in range(10)]
    assert "InvalidArgument: One or more messages are bad." in case.refusals()[0]


def test_a_message_over_a_limit_is_refused_without_a_request(case: Case) -> None:
    rows = [message(0), message(1, attributes=[("a", "x" * 1025)]), message(2)]
    assert counts(case.send([block(rows)])) == (2, 1, 0, "completed")
    assert case.told("status", "message_id") == [("confirmed", "0"), ("refused", None), ("confirmed", "1")]
    assert "AttributeValueTooLarge: the value of the attribute a has more than 1024 bytes" in case.refusals()[0]


def test_messages_that_may_be_published_twice_have_several_attempts(case: Case) -> None:
    case.server.script.append(Fail(StatusCode.UNAVAILABLE, published=True))
    assert counts(case.send(blocks(2, 2))) == (2, 0, 0, "completed")
    assert case.told("status", "attempts") == [("confirmed", 2), ("confirmed", 2)]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (StatusCode.NOT_FOUND, "no such topic; create it with gcloud pubsub topics create (404 scripted)"),
        (StatusCode.PERMISSION_DENIED, "no permission to publish; grant roles/pubsub.publisher on it (403 scripted)"),
    ],
)
def test_what_somebody_has_to_mend_ends_the_sending(code: StatusCode, words: str, case: Case) -> None:
    case.server.script.extend([Fail(code)] * 100)
    totals = case.send([*blocks(4, 2), block([message(4)], due=FAR)])
    assert counts(totals) == (0, totals.refused, 0, f"failed: topic {TOPIC}: {words}")
    assert totals.failed
    assert {status for (status,) in case.told("status")} == {"refused"}
    assert f"topic {TOPIC}: {words}" in case.refusals()[0]
    assert read_truth(case.path).ending == totals.ending


def test_requests_that_wait_behind_a_failure_are_not_sent(case: Case) -> None:
    gate = threading.Event()
    case.server.script.extend([Wait(gate), Fail(StatusCode.NOT_FOUND)])
    rows = [message(number, ordering_key="k") for number in range(3)]

    def stream() -> Iterator[Messages]:
        yield from (block([row]) for row in rows)
        gate.set()

    assert counts(case.send(stream()))[:3] == (1, 2, 0)
    assert case.server.asked == [1, 1]
    assert case.told("status") == [("confirmed",), ("refused",), ("refused",)]
    assert f'"error":"not sent: topic {TOPIC}: no such topic' in case.refusals()[1]


def test_messages_without_an_answer_are_unknown(case: Case) -> None:
    def stream() -> Iterator[Messages]:
        first, second = blocks(4, 2)
        yield first
        case.server.await_asked(1)
        case.server.script.extend([Fail(StatusCode.UNAVAILABLE, published=True)] * 1000)
        yield second
        yield block([message(4)], due=FAR)

    totals = case.send(stream(), retry_for=0.05)
    host = f"the Pub/Sub emulator (PUBSUB_EMULATOR_HOST={case.server.host})"
    assert counts(totals) == (2, 0, 2, f"failed: {host} has not answered: 503 scripted")
    assert case.told("status") == [("confirmed",), ("confirmed",), ("unknown",), ("unknown",)]


def test_a_stop_ends_the_wait_for_the_next_block(case: Case) -> None:
    stop = threading.Event()

    def stream() -> Iterator[Messages]:
        yield block([message(0)])
        threading.Timer(0.01, stop.set).start()
        yield block([message(1)], due=FAR)

    assert counts(case.send(stream(), stop)) == (1, 0, 0, "stopped")
    assert case.told("number") == [(0,)]


def test_a_stop_waits_for_the_answers_under_way(case: Case) -> None:
    stop, gate = threading.Event(), threading.Event()
    case.server.script.append(Wait(gate))
    with ThreadPoolExecutor(1) as threads:
        sending = threads.submit(case.send, [block([message(0)]), block([message(1)], due=FAR)], stop)
        case.server.await_asked(1)
        stop.set()
        assert not sending.done()
        gate.set()
        assert counts(sending.result(10)) == (1, 0, 0, "stopped")


def test_progress_is_told_after_each_block(case: Case) -> None:
    told: list[Totals] = []
    case.send(blocks(30, 10), on_progress=told.append)
    assert [totals.messages for totals in told] == [10, 20, 30]
    assert {totals.ending for totals in told} == {""}


def test_the_rate_counts_the_time_until_the_next_block_would_be_due(case: Case) -> None:
    totals = case.send([block([message(0)], due=0.0)] * 0)
    assert (totals.rate, totals.messages, totals.ending) == (0.0, 0, "completed")
    assert Totals(90, 6, 4, seconds=2.0).rate == 50.0


def test_without_a_truth_file_messages_are_sent_all_the_same(case: Case) -> None:
    service = Requests(publisher_client())
    assert counts(send(blocks(3, 3), TOPIC, 1000.0, service)) == (3, 0, 0, "completed")
