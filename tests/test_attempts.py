"""A request is sent again as long as that may help, and an outage is told of once."""

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

import pytest

from streaming.models.attempts import Attempts, Throttler
from streaming.models.service import RequestRefusedError, TransientError
from streaming.models.tf_serving import TensorFlowServing
from streaming.predictors import ModelFaultError, ModelOutputError, ModelTimeoutError, ModelUnavailableError
from streaming.stopping import stop_asked
from tests.predict_server import Drop, PredictServer, Reply, Step, Wait

BUSY = Reply(b"busy", 503)
BROKEN = Reply(b"broken", 500)
PEACE = Reply(b"busy", 429, {"Retry-After": "7"})
LONG_PEACE = Reply(b"busy", 429, {"Retry-After": "3600"})
SECONDS = 10.0


class CountingThrottler(Throttler):
    """Counts what it is asked and told, and lets everything pass."""

    def __init__(self) -> None:
        super().__init__("test", throttle_delay_secs=0)
        self.asked = 0
        self.answers: list[bool] = []

    def throttle_request(self, now: float) -> bool:
        super().throttle_request(now)
        self.asked += 1
        return False

    def over(self, now: float, answered: bool) -> None:
        super().over(now, answered)
        self.answers.append(answered)


class Asker:
    """Asks the server by attempts without waits.

    Attributes:
        slept: the waits there would have been.
        retries: how often `on_retry` was called.
        throttler: of the attempts.
        stopping: whether the process is asked to stop.
        now: the time, in seconds.
    """

    def __init__(self, server: PredictServer) -> None:
        self.slept: list[float] = []
        self.retries = 0
        self.throttler = CountingThrottler()
        self.stopping = False
        self.now = 0.0
        self._service = TensorFlowServing(server.url)
        self._attempts = Attempts(
            "toy",
            backoff=(0.0, 0.0),
            throttler=self.throttler,
            on_retry=self._retry,
            pause=self._pause,
            clock=lambda: self.now,
        )

    def ask(self, timeout: float = SECONDS) -> Sequence[Any]:
        return self._attempts.ask(self._service, [b'{"x":1}'], timeout).predictions

    def _retry(self) -> None:
        self.retries += 1

    def _pause(self, seconds: float) -> bool:
        self.slept.append(seconds)
        return self.stopping


@pytest.fixture
def server() -> Iterator[PredictServer]:
    with PredictServer() as running:
        yield running


@pytest.fixture
def stop() -> Iterator[None]:
    stop_asked.set()
    yield
    stop_asked.clear()


@pytest.fixture
def asker(server: PredictServer) -> Asker:
    return Asker(server)


@pytest.mark.parametrize(
    "failure", [Reply(status=429), Reply(status=502), BUSY, Reply(status=504), BROKEN, Drop(), Drop(begun=True)]
)
def test_the_same_request_is_sent_again(server: PredictServer, asker: Asker, failure: Step) -> None:
    server.script.append(failure)

    assert asker.ask() == [5]
    assert server.bodies == [b'{"signature_name":"serving_default","instances":[{"x":1}]}'] * 2
    assert asker.retries == 1


def test_attempts_go_on_while_there_is_time(server: PredictServer, asker: Asker) -> None:
    server.script += [BUSY] * 9

    assert asker.ask() == [5]
    assert (len(server.asked), asker.retries) == (10, 9)


def test_the_wait_is_at_least_what_the_service_asks_for(server: PredictServer, asker: Asker) -> None:
    server.script += [PEACE, BUSY]

    assert asker.ask() == [5]
    assert asker.slept == [7.0, 0.0]


def test_an_attempt_for_which_there_is_no_time_is_not_made(server: PredictServer, asker: Asker) -> None:
    server.script += [BUSY, LONG_PEACE]

    with pytest.raises(TransientError) as caught:
        asker.ask()

    assert str(caught.value) == f"{server.url} answers 429 Too Many Requests: busy"
    assert isinstance(caught.value, ModelUnavailableError)
    assert (len(server.asked), asker.retries, asker.slept) == (2, 1, [0.0])


def test_a_service_at_fault_is_asked_three_times(server: PredictServer, asker: Asker) -> None:
    server.script += [BROKEN] * 3

    with pytest.raises(ModelFaultError) as caught:
        asker.ask()

    assert str(caught.value) == f"{server.url} answers 500 Internal Server Error: broken"
    assert (len(server.asked), asker.retries) == (3, 2)


def test_a_silent_service_is_not_asked_again(server: PredictServer, asker: Asker) -> None:
    gate = threading.Event()
    server.script.append(Wait(gate))

    with pytest.raises(ModelTimeoutError):
        asker.ask(timeout=0.1)
    gate.set()

    assert (len(server.asked), asker.retries) == (1, 0)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(status=400), RequestRefusedError),
        (Reply(status=403), ModelUnavailableError),
        (Reply(b"garbage"), ModelOutputError),
    ],
)
def test_what_another_attempt_would_not_mend_is_not_tried_again(
    server: PredictServer, asker: Asker, reply: Reply, kind: type[Exception]
) -> None:
    server.script.append(reply)

    with pytest.raises(kind):
        asker.ask()

    assert (len(server.asked), asker.retries) == (1, 0)


def test_each_retry_is_logged(server: PredictServer, asker: Asker, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "streaming.models.attempts")
    server.script.append(BUSY)

    asker.ask()

    said = f"model toy: attempt 1 failed: {server.url} answers 503 Service Unavailable: busy"
    assert [each.getMessage() for each in caplog.records if each.levelno == logging.INFO] == [said]


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


def test_an_outage_is_said_once_and_so_is_its_end(
    server: PredictServer, asker: Asker, caplog: pytest.LogCaptureFixture
) -> None:
    server.script += [BUSY] * 5

    asker.ask()
    asker.ask()

    assert warnings(caplog) == [
        f"model toy: {server.url} answers 503 Service Unavailable: busy; trying again for up to 60 s",
        f"model toy: {server.url} answers again",
    ]


def test_an_outage_may_outlast_a_request(server: PredictServer, asker: Asker, caplog: pytest.LogCaptureFixture) -> None:
    server.script += [BUSY, LONG_PEACE, BUSY]
    with pytest.raises(TransientError):
        asker.ask()
    asker.ask()

    assert warnings(caplog) == [
        f"model toy: {server.url} answers 503 Service Unavailable: busy; trying again for up to 60 s",
        f"model toy: {server.url} answers again",
    ]


@pytest.mark.parametrize(("later", "said"), [(59.0, 2), (60.0, 4)])
def test_a_service_that_comes_and_goes_is_told_of_once_a_minute(
    server: PredictServer, asker: Asker, caplog: pytest.LogCaptureFixture, later: float, said: int
) -> None:
    server.script.append(BUSY)
    asker.ask()
    asker.now = later
    server.script.append(BUSY)
    asker.ask()

    assert len(warnings(caplog)) == said


def test_a_service_at_fault_is_no_outage(server: PredictServer, asker: Asker, caplog: pytest.LogCaptureFixture) -> None:
    server.script.append(BROKEN)

    asker.ask()

    assert warnings(caplog) == []


@pytest.mark.parametrize("failure", [BUSY, BROKEN])
def test_a_process_that_stops_does_not_ask_again(server: PredictServer, asker: Asker, failure: Step) -> None:
    server.script.append(failure)
    asker.stopping = True

    with pytest.raises(ModelUnavailableError) as caught:
        asker.ask()

    assert str(caught.value) == "model toy does not answer, and is not asked again when stopping"
    assert (len(server.asked), asker.retries) == (1, 0)


def test_a_process_that_stops_still_asks_what_it_has_not_asked(server: PredictServer, asker: Asker) -> None:
    asker.stopping = True

    assert asker.ask() == [5]


def test_by_default_a_stop_ends_the_wait_and_promises_nothing(
    server: PredictServer, stop: None, caplog: pytest.LogCaptureFixture
) -> None:
    server.script.append(BUSY)
    attempts = Attempts("toy", backoff=(1000.0, 1000.0), retry_for=1e6)

    with pytest.raises(ModelUnavailableError):
        attempts.ask(TensorFlowServing(server.url), [b'{"x":1}'], SECONDS)

    assert (len(server.asked), warnings(caplog)) == (1, [])


@pytest.mark.parametrize(
    ("script", "answers"),
    [
        ([], [True]),
        ([BUSY, BUSY], [False, False, True]),
        ([Reply(status=400)], [True]),
        ([BROKEN] * 3, [True] * 3),
        ([Reply(b"garbage")], [True]),
        ([LONG_PEACE], [False]),
    ],
)
def test_the_throttler_is_asked_before_each_attempt_and_told_what_became_of_it(
    server: PredictServer, asker: Asker, script: list[Reply], answers: list[bool]
) -> None:
    server.script += script

    with suppress(ModelUnavailableError, ModelFaultError, ValueError):
        asker.ask()

    assert (asker.throttler.asked, asker.throttler.answers) == (len(answers), answers)
