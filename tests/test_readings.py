"""The readings: what is wrong with the bad ones, what must come of each, and how they are published."""

import io
import json
import math
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import fastavro
import grpc
import pytest
from google.pubsub_v1 import PublishRequest, PublishResponse

from producers.readings import READING, Account, Encoding, Fault, Inputs, Reading, Refused, publish, readings
from streaming.errors import PermanentError

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
TOPIC = "projects/p/topics/t"
ENCODINGS: list[Encoding] = ["avro", "avro_json", "json"]
UNREADABLE = {Fault.TRUNCATED, Fault.TRAILING_BYTES, Fault.EMPTY, Fault.GARBAGE, Fault.OTHER_SCHEMA}


def read(payload: bytes, encoding: Encoding) -> dict[str, Any]:
    """What a strict reader makes of a payload; it raises where the payload is no reading."""
    return read_avro(payload) if encoding == "avro" else read_json(payload)


def read_avro(payload: bytes) -> dict[str, Any]:
    buffer = io.BytesIO(payload)
    record: Any = fastavro.schemaless_reader(buffer, READING, None)
    if rest := buffer.read():
        raise ValueError(f"{rest!r} follow")
    return dict(record)


def read_json(payload: bytes) -> dict[str, Any]:
    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is not JSON")

    record = json.loads(payload, parse_constant=refuse)
    time = record["event_time"]
    if isinstance(time, int):
        record["event_time"] = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=time)
    else:
        record["event_time"] = datetime.fromisoformat(time)
    return {name: record[name] for name in ("device_id", "event_time", "value")}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_the_same_seed_gives_the_same_readings(encoding: Encoding) -> None:
    first, second = (list(readings(seed=7, start=START, count=300, encoding=encoding)) for _ in range(2))
    assert first == second
    assert first != list(readings(seed=8, start=START, count=300, encoding=encoding))


def test_without_a_count_they_never_end() -> None:
    endless = readings(seed=7, start=START)
    counted = list(readings(seed=7, start=START, count=300))
    assert [next(endless) for _ in range(300)] == counted


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_good_payload_reads_as_what_is_expected_of_it(encoding: Encoding) -> None:
    for reading in readings(seed=7, start=START, count=200, bad_every=0, encoding=encoding):
        record = read(reading.payload, encoding)
        assert reading.expected == Inputs(record["device_id"], record["event_time"], record["value"])
        assert reading.fault is None


def test_keys_times_and_values_keep_their_ranges() -> None:
    interval = timedelta(seconds=1)
    made = list(readings(seed=7, start=START, count=500, devices=3, bad_every=0, interval=interval))
    inputs = [reading.expected for reading in made if isinstance(reading.expected, Inputs)]
    assert {each.key for each in inputs} == {"device-0000", "device-0001", "device-0002"}
    assert [each.value for each in inputs[:4]] == [105, 108, 1000, 1013]
    assert all(1 <= each.value <= 1000 for each in inputs[4:])
    lags = [START + number * interval - each.event_time for number, each in enumerate(inputs)]
    assert all(timedelta() <= lag <= timedelta(seconds=5) for lag in lags)


def test_the_sequence_is_an_attribute() -> None:
    made = readings(seed=7, start=START, count=2)
    assert [reading.attributes for reading in made] == [{"sequence": "0"}, {"sequence": "1"}]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_fault_has_its_turn_and_says_what_comes_of_it(encoding: Encoding) -> None:
    made = list(readings(seed=7, start=START, count=2 * len(Fault), devices=1, bad_every=2, encoding=encoding))
    assert [reading.fault for reading in made[::2]] == [None] * len(Fault)
    expected = {reading.fault: reading.expected for reading in made[1::2]}
    not_a_number = expected.pop(Fault.NOT_A_NUMBER)
    assert expected == {
        **dict.fromkeys(UNREADABLE, Refused("decode")),
        Fault.NO_KEY: Refused("decode"),
        Fault.YEAR_2000: Refused("event_time", "device-0000"),
    }
    if encoding == "avro":
        assert isinstance(not_a_number, Inputs)
        assert math.isnan(not_a_number.value)
    else:
        assert not_a_number == Refused("decode")


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_what_must_not_decode_cannot_be_read(encoding: Encoding) -> None:
    unreadable = UNREADABLE if encoding == "avro" else UNREADABLE | {Fault.NOT_A_NUMBER}
    for reading in readings(seed=7, start=START, count=1000, bad_every=1, encoding=encoding):
        if reading.fault in unreadable:
            with pytest.raises((EOFError, LookupError, ValueError)):
                read(reading.payload, encoding)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_fault_in_one_field_spoils_only_that_field(encoding: Encoding) -> None:
    made = readings(seed=7, start=START, count=len(Fault), bad_every=1, encoding=encoding)
    records = {
        reading.fault: read(reading.payload, encoding)
        for reading in made
        if reading.fault in (Fault.NO_KEY, Fault.YEAR_2000)
    }
    assert records[Fault.NO_KEY]["device_id"] == ""
    assert records[Fault.YEAR_2000]["event_time"] == datetime(2000, 1, 1, tzinfo=UTC)


class Service:
    """A Pub/Sub service that publishes and nothing else: ids count up, and `on_publish` sees each request first."""

    def __init__(self) -> None:
        self.requests: list[PublishRequest] = []
        self.on_publish: Callable[[grpc.ServicerContext], None] = lambda context: None

    def publish(self, request: PublishRequest, context: grpc.ServicerContext) -> PublishResponse:
        self.on_publish(context)
        first = sum(len(each.messages) for each in self.requests)
        self.requests.append(request)
        return PublishResponse(message_ids=[f"id-{first + number}" for number in range(len(request.messages))])


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    service = Service()
    handler = grpc.unary_unary_rpc_method_handler(
        service.publish, PublishRequest.deserialize, PublishResponse.serialize
    )
    server = grpc.server(ThreadPoolExecutor(max_workers=1))
    server.add_generic_rpc_handlers(
        [grpc.method_handlers_generic_handler("google.pubsub.v1.Publisher", {"Publish": handler})]
    )
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}")
    server.start()
    yield service
    server.stop(grace=None).wait()


def batch(count: int) -> list[Reading]:
    return list(readings(seed=7, start=START, count=count))


def test_what_was_sent_is_in_the_account_under_its_id(service: Service) -> None:
    sent = batch(1200)
    account = publish(TOPIC, sent, rate=1e9)
    assert account == Account({f"id-{number}": reading for number, reading in enumerate(sent)})
    assert [(request.topic, len(request.messages)) for request in service.requests] == [
        (TOPIC, 500),
        (TOPIC, 500),
        (TOPIC, 200),
    ]
    messages = [message for request in service.requests for message in request.messages]
    expected = [(reading.payload, reading.attributes) for reading in sent]
    assert [(message.data, dict(message.attributes)) for message in messages] == expected


def test_an_account_given_is_added_to(service: Service) -> None:
    earlier, sent = batch(3)[2], batch(2)
    account = Account({"earlier": earlier})
    assert publish(TOPIC, sent, rate=1e9, account=account) is account
    assert account == Account({"earlier": earlier, "id-0": sent[0], "id-1": sent[1]})


class Clockwork(threading.Event):
    """An event that nobody waits for: it notes how long it was waited for, to the second."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[int] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(round(timeout or 0))
        return False


def test_requests_are_due_at_the_rate(service: Service) -> None:
    stop = Clockwork()
    publish(TOPIC, batch(4), rate=0.001, stop=stop)
    assert stop.waits == [0, 1000, 2000, 3000]
    assert [len(request.messages) for request in service.requests] == [1, 1, 1, 1]


def test_a_request_holds_a_twentieth_of_a_second(service: Service) -> None:
    publish(TOPIC, batch(25), rate=200, stop=Clockwork())
    assert [len(request.messages) for request in service.requests] == [10, 10, 5]


def test_stop_ends_the_wait_for_the_next_request(service: Service) -> None:
    stop, sent = threading.Event(), batch(2)
    service.on_publish = lambda context: stop.set()
    assert publish(TOPIC, sent, rate=1e-6, stop=stop) == Account({"id-0": sent[0]})


def test_a_missing_topic_is_named(service: Service) -> None:
    service.on_publish = lambda context: context.abort(grpc.StatusCode.NOT_FOUND, "no such topic")
    with pytest.raises(PermanentError) as caught:
        publish(TOPIC, batch(1), rate=1)
    assert str(caught.value) == (
        "topic projects/p/topics/t does not exist; create it: gcloud pubsub topics create projects/p/topics/t"
    )
