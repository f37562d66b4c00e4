"""Read: lists of serialized PubsubMessages, from Dataflow's native reader or from ours, which acknowledges last."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import apache_beam as beam
from apache_beam.io.gcp.pubsub import ReadFromPubSub
from apache_beam.io.iobase import RestrictionProgress, RestrictionTracker
from apache_beam.io.watermark_estimators import WalltimeWatermarkEstimator
from apache_beam.transforms.core import RestrictionProvider
from apache_beam.utils.timestamp import Duration

from streaming import metrics
from streaming.errors import Mistakes
from streaming.pubsub.subscription import Subscription
from streaming.registry import shared
from streaming.stopping import stop_asked

BATCH_BYTES = 8_000_000
"""A batch closes when its messages reach so many bytes."""

BATCHES_PER_BUNDLE = 4
"""As many are taken in one bundle while they wait already, so that one is decoded while another is being appended."""

WAIT_SECONDS = 2.0
"""How long a bundle waits for a first message. A message or a stop ends the wait."""

QUIET_SECONDS = 5.0
REST_SECONDS = 0.4
"""After so long without a message a bundle no longer waits, and the next one comes after a rest: a runner asks about
each bundle in hand ten times a second, which costs it several times as much as an empty bundle now and then."""


@dataclass(frozen=True)
class ReadLimits:
    """When a batch closes: so many messages, `BATCH_BYTES`, or so many seconds after its first message."""

    messages: int
    seconds: float


class ReadOnDataflow(beam.PTransform):
    """Dataflow's native reader, which acknowledges once the fused stage has committed, and `BatchElements`.

    Args:
        subscription: `projects/P/subscriptions/S`.
        messages: most messages of a batch.
        max_wait: seconds to collect a batch over several bundles, by state; None for what a bundle brings.

    Raises:
        Mistakes: the subscription's name is none that Google Cloud knows.
    """

    def __init__(self, subscription: str, messages: int, max_wait: float | None) -> None:
        super().__init__()
        try:
            self._pull = _ReadSerialized(subscription=subscription, with_attributes=True)
        except ValueError as error:
            raise Mistakes([f"--input_subscription: {error}"]) from error
        self._messages = messages
        self._max_wait = max_wait
        self._subscription = subscription

    def display_data(self) -> dict[str, Any]:
        return {"input_subscription": self._subscription}

    def expand(self, pipeline: beam.Pipeline) -> beam.PCollection[list[bytes]]:
        return (
            pipeline
            | "Pull" >> self._pull
            | "Batch"
            >> beam.BatchElements(
                min_batch_size=self._messages,  # equal sizes: the default starts small and probes its way up
                max_batch_size=self._messages,
                max_batch_duration_secs=self._max_wait,
                element_size_fn=partial(_share, self._messages),
            ).with_output_types(list[bytes])
        )


class _ReadSerialized(ReadFromPubSub):
    """The native reader with attributes, without the Python object that Beam makes of each message: 26 us of 28."""

    def expand_continued(self, messages: beam.PCollection[bytes]) -> beam.PCollection[bytes]:
        return messages


def _share(messages: int, message: bytes) -> float:
    """How much of a batch a message takes up: one of `messages`, or its part of `BATCH_BYTES`."""
    return max(1.0, len(message) * messages / BATCH_BYTES)


class ReadBySubscriber(beam.PTransform):
    """Our reader, for every runner but Dataflow: acknowledges in a bundle finalizer, after the sinks have flushed."""

    def __init__(self, subscription: str, limits: ReadLimits) -> None:
        super().__init__()
        self._subscription = subscription
        self._limits = limits

    def display_data(self) -> dict[str, Any]:
        return {"input_subscription": self._subscription}

    def expand(self, pipeline: beam.Pipeline) -> beam.PCollection[list[bytes]]:
        pull = beam.ParDo(_Pull(self._limits)).with_output_types(list[bytes])
        return pipeline | beam.Create([self._subscription], reshuffle=False) | "Pull" >> pull


def subscription(name: str, messages: int) -> Subscription:
    """This process's subscription of that name. Two batches are fetched ahead."""
    made = shared(("subscription", name), lambda: Subscription(name, 2 * messages, 2 * BATCH_BYTES))
    with _lock:
        _readers.add(made)
    if stop_asked.is_set():
        made.stop()
    return made


_lock = threading.Lock()
_readers: set[Subscription] = set()


def stop_reading() -> None:
    """Let this process's readers finish what is in hand and end. The job is done when all of it is acknowledged."""
    stop_asked.set()
    with _lock:
        readers = list(_readers)
    for reader in readers:
        reader.stop()


class _Forever(RestrictionTracker):
    """An endless restriction: open until it is checkpointed or the reader stops. It is never divided.

    A runner that split it would have two readers take turns on one subscription.
    """

    def __init__(self, is_open: bool) -> None:
        self._open = is_open

    def current_restriction(self) -> bool:
        return self._open

    def current_progress(self) -> RestrictionProgress:
        return RestrictionProgress(fraction=0.0)

    def try_claim(self, position: object) -> bool:
        return self._open

    def try_split(self, fraction_of_remainder: float) -> tuple[bool, bool] | None:
        if fraction_of_remainder != 0 or not self._open:
            return None
        self._open = False
        return False, True

    def check_done(self) -> bool:
        return True

    def is_bounded(self) -> bool:
        return False


class _Restrictions(RestrictionProvider):
    def initial_restriction(self, element: str) -> bool:
        return True

    def create_tracker(self, restriction: bool) -> _Forever:
        return _Forever(restriction)

    def restriction_size(self, element: str, restriction: bool) -> int:
        return 1

    def truncate(self, element: str, restriction: bool) -> None:
        return None  # a drain reads no more


class _Pull(beam.DoFn):
    def __init__(self, limits: ReadLimits) -> None:
        self._limits = limits
        self._in_hand: list[str] = []
        self._subscription: Subscription | None = None

    @beam.DoFn.unbounded_per_element()
    def process(
        self,
        name: str,
        finalizer: Any = beam.DoFn.BundleFinalizerParam,  # Beam finds it only right after the element
        tracker: Any = beam.DoFn.RestrictionParam(_Restrictions()),
        estimator: Any = beam.DoFn.WatermarkEstimatorParam(WalltimeWatermarkEstimator.default_provider()),
    ) -> Iterator[list[bytes]]:
        in_hand: list[str] = []
        reader = self._subscription = subscription(name, self._limits.messages)
        # First of all, also where nothing will be read: Prism finalizes every bundle and complains of one without.
        finalizer.register(partial(_acknowledge, reader, in_hand))
        self._in_hand = in_hand
        metrics.mark_ready()
        quiet = reader.quiet_for() > QUIET_SECONDS
        for number in range(BATCHES_PER_BUNDLE):
            if (number and not reader.has(self._limits.messages)) or not tracker.try_claim(number):
                break
            wait = 0.0 if quiet else WAIT_SECONDS
            received = reader.take(self._limits.messages, BATCH_BYTES, wait, self._limits.seconds)
            if not received:
                break
            in_hand += [each.ack_id for each in received]
            yield [each.message for each in received]
        if not reader.stopping:
            tracker.defer_remainder(Duration(REST_SECONDS if quiet and not in_hand else 0))

    def teardown(self) -> None:
        """Where a bundle has failed no finalizer is called: its messages may come again at once."""
        if self._subscription and self._in_hand:
            self._subscription.give_back(self._in_hand)


def _acknowledge(reader: Subscription, in_hand: list[str]) -> None:
    reader.acknowledge(in_hand)
    in_hand.clear()
