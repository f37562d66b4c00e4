"""A request until it is answered: attempts with back-off and jitter, held back while most of them fail.

Beam's `RemoteModelHandler` has the same task, but it owns `run_inference`: it sends whole batches again, after sleeps
of 5 s and more, and knows no partial answers. So only the part of it that fits is used: its adaptive throttling, which
also tells Dataflow's autoscaler that more workers would not help.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Sequence

import tenacity
from apache_beam.io.components.adaptive_throttler import ReactiveThrottler

from streaming import metrics
from streaming.errors import one_line
from streaming.models.service import Answer, Service, TransientError
from streaming.predictors import ModelFaultError, ModelTimeoutError, ModelUnavailableError
from streaming.stopping import stop_asked

_LOG = logging.getLogger(__name__)

MOST_FAULTS = 3
"""So many attempts may end in a fault of the service: its cause may be a row, for which the caller will look."""

FEWEST_FAILURES = 5
"""So many attempts must have failed within 10 s before any is held back."""

OUTAGE_SECONDS = 60.0
"""At least so long between two warnings of a model: a service at its limit refuses and answers in turns."""


class Attempts:
    """How often and how fast a model's service is asked; any number of threads may use it.

    Args:
        model: its name.
        retry_for: seconds for which a request is tried again while the service is unavailable.
        backoff: shortest and longest window, in seconds, of the random wait between two attempts; doubled each time.
        throttler: holds attempts back while most of them fail.
        on_retry: called before each attempt but the first, on the thread that asks.
        pause: waits for so many seconds, or until this process is asked to stop; whether it is.
        clock: seconds, on a clock that never goes back.
    """

    def __init__(
        self,
        model: str,
        *,
        retry_for: float = 60.0,
        backoff: tuple[float, float] = (0.2, 10.0),
        throttler: Throttler | None = None,
        on_retry: Callable[[], None] = lambda: None,
        pause: Callable[[float], bool] = stop_asked.wait,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._model = model
        self._throttler = throttler or Throttler(f"{metrics.NAMESPACE}_{model}")
        self._on_retry = on_retry
        self._pause = pause
        self._outage = _Outage(model, retry_for, clock)
        self._retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type((TransientError, ModelFaultError)),
            wait=_Wait(backoff),
            stop=tenacity.stop_any(tenacity.stop_before_delay(retry_for), _FaultStop()),
            before_sleep=self._before_retry,
            sleep=self._sleep,
            reraise=True,
        )

    def ask(self, service: Service, instances: Sequence[bytes], timeout: float) -> Answer:
        """What the service answers; arguments and errors as `Service.ask`, of the last attempt.

        Raises:
            ModelUnavailableError: also where another attempt would be due, but this process is asked to stop.
        """
        return self._retrying(self._attempt, service, instances, timeout)

    def _attempt(self, service: Service, instances: Sequence[bytes], timeout: float) -> Answer:
        self._throttler.throttle()
        answered = True
        try:
            answer = service.ask(instances, timeout)
            self._outage.over(service.address)
            return answer
        except (TransientError, ModelTimeoutError):
            answered = False  # any other error is an answer: fewer requests would not help
            raise
        finally:
            self._throttler.over(_milliseconds(), answered)

    def _before_retry(self, state: tenacity.RetryCallState) -> None:
        error = _error(state)
        _LOG.info("model %s: attempt %d failed: %s", self._model, state.attempt_number, one_line(error))
        if isinstance(error, TransientError) and not stop_asked.is_set():
            self._outage.begin(error)

    def _sleep(self, seconds: float) -> None:
        if self._pause(seconds):
            raise ModelUnavailableError(f"model {self._model} does not answer, and is not asked again when stopping")
        self._on_retry()


class _Outage:
    """Says once that a service is unavailable, and once that it is back; any number of threads may use it."""

    def __init__(self, model: str, retry_for: float, clock: Callable[[], float]) -> None:
        self._model = model
        self._retry_for = retry_for
        self._clock = clock
        self._lock = threading.Lock()
        self._lasts = False
        self._quiet_until = -math.inf

    def begin(self, error: TransientError) -> None:
        """A request is about to be tried again."""
        with self._lock:
            if self._lasts or self._clock() < self._quiet_until:
                return
            self._lasts = True
            self._quiet_until = self._clock() + OUTAGE_SECONDS
        _LOG.warning("model %s: %s; trying again for up to %g s", self._model, one_line(error), self._retry_for)

    def over(self, address: str) -> None:
        """A request was answered."""
        with self._lock:
            if not self._lasts:
                return
            self._lasts = False
        _LOG.warning("model %s: %s answers again", self._model, address)  # as visible as the outage was


class Throttler(ReactiveThrottler):
    """Beam's adaptive throttling, for several threads.

    It begins when more than half of the attempts of the last 10 s have found the service overloaded, and at least
    `FEWEST_FAILURES` of them, so that a hiccup costs nothing beside the back-off. It waits 1 s at a time.
    """

    def __init__(self, namespace: str, throttle_delay_secs: int = 1) -> None:
        super().__init__(10_000, 1_000, 2.0, namespace, throttle_delay_secs)
        self._lock = threading.Lock()

    def throttle_request(self, now: float) -> bool:
        with self._lock:
            failures = self._all_requests.sum(now) - self._successful_requests.sum(now)
            if stop_asked.is_set() or failures < FEWEST_FAILURES:
                return False
            held = bool(super().throttle_request(now))
            if not held:
                # Beam has counted it, and until it is answered it would look like a failure to the other threads.
                self._all_requests.add(now, -1)
            return held

    def over(self, now: float, answered: bool) -> None:
        """Count an attempt that has ended.

        Args:
            now: milliseconds since 1970.
            answered: whether the service was able to answer.
        """
        with self._lock:
            self._all_requests.add(now, 1)
            self._successful_requests.add(now, int(answered))


def _milliseconds() -> float:
    return time.time() * 1000


class _Wait(tenacity.wait_random_exponential):
    """Random waits within a growing window, and at least what the service asks for."""

    def __init__(self, backoff: tuple[float, float]) -> None:
        super().__init__(multiplier=backoff[0], max=backoff[1])

    def __call__(self, retry_state: tenacity.RetryCallState) -> float:
        error = _error(retry_state)
        wished = error.retry_after if isinstance(error, TransientError) else 0.0
        return max(wished, super().__call__(retry_state))


class _FaultStop(tenacity.stop.stop_base):
    """Stop at a fault after `MOST_FAULTS` attempts."""

    def __call__(self, retry_state: tenacity.RetryCallState) -> bool:
        return retry_state.attempt_number >= MOST_FAULTS and isinstance(_error(retry_state), ModelFaultError)


def _error(state: tenacity.RetryCallState) -> BaseException:
    assert state.outcome is not None
    error = state.outcome.exception()
    assert error is not None
    return error
