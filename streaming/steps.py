"""Pure steps on Beam: a function of batches becomes a DoFn that cannot be stopped for ever by one odd message."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterator, Mapping, Sized
from typing import Any, Generic, TypeVar

import apache_beam as beam
import pyarrow as pa

from streaming import batches, counting, metrics
from streaming.batches import Batch, Failure
from streaming.blame import Verdict, by_halves
from streaming.decode import Decoder, raw_envelopes
from streaming.errors import one_line

_LOG = logging.getLogger(__name__)

Element = TypeVar("Element", bound=Sized)

WHOLE_FAILURES = 3
"""So many batches in a row in which no row that was tried passed a step: the step is broken, not the messages."""


class BatchCoder(beam.coders.Coder):
    """A `Batch` as versioned Arrow IPC. Beam encodes samples of elements even where a stage is fused."""

    def encode(self, value: Batch) -> bytes:
        return batches.to_bytes(value)

    def decode(self, encoded: bytes) -> Batch:
        return batches.from_bytes(encoded)

    def estimate_size(self, value: Batch) -> int:
        # Beam would encode its samples only to measure them.
        return int(value.rows.get_total_buffer_size() + value.failures.get_total_buffer_size())

    def is_deterministic(self) -> bool:
        return False

    def to_type_hint(self) -> type[Batch]:
        return Batch


class PureStep(beam.DoFn, Generic[Element]):
    """A pure function of an element to a batch, which keeps one odd message from stopping the stream.

    A row that makes the function raise what it did not foresee is found by halves and rejected, with its stack
    trace; what it foresees it rejects itself.

    Raises:
        Exception: what the function raised, when no row has passed it for several batches in a row. The bundle fails
            and its messages stay unacknowledged.
    """

    def __init__(self, function: Callable[[Element], Batch], stage: str) -> None:
        self._function: Callable[[Element], Batch] = function
        self._stage = stage
        self._whole_failures = 0

    def process(self, element: Element) -> Iterator[Batch]:
        rows = len(element)
        if rows == 0:
            yield self._function(element)
            return
        verdict = by_halves(rows, lambda start, length: self._function(self.part(element, start, length)))
        if verdict.guilty:
            yield self._without_guilty(element, verdict)
        else:
            self._whole_failures = 0
            yield verdict.answers[0][2]

    def part(self, element: Element, start: int, length: int) -> Element:
        """Some rows of the element, and nothing else; the element itself for all of them."""
        raise NotImplementedError

    def envelopes(self, element: Element) -> pa.RecordBatch:
        """The envelopes of the element's rows, as far as they are known."""
        raise NotImplementedError

    def _without_guilty(self, element: Element, verdict: Verdict[Batch]) -> Batch:
        self._note(verdict, len(element))
        errors = dict(verdict.guilty)
        if verdict.hopeless:
            errors = dict.fromkeys(range(len(element)), verdict.guilty[0][1]) | errors
        parts = [batch for _, _, batch in verdict.answers] or [self._function(self.part(element, 0, 0))]
        guilty = self.envelopes(element).take(pa.array(sorted(errors)))
        failures = batches.failure_rows(guilty, [unforeseen(self._stage, errors[row]) for row in sorted(errors)])
        before = element.failures if isinstance(element, Batch) else batches.NO_FAILURES
        rest = batches.concat(parts)
        return Batch(rest.rows, pa.concat_batches([before, rest.failures, failures]))

    def _note(self, verdict: Verdict[Batch], rows: int) -> None:
        error = verdict.guilty[0][1]
        blamed = rows if verdict.hopeless else len(verdict.guilty)
        _LOG.error("%s: dead letters for %d of %d rows it cannot handle", self._stage, blamed, rows, exc_info=error)
        self._whole_failures = self._whole_failures + 1 if verdict.hopeless else 0
        if self._whole_failures >= WHOLE_FAILURES:
            raise error


class MessagesToBatch(PureStep[list[bytes]]):
    """Decode: lists of serialized PubsubMessages to batches.

    Args:
        decoder: of the job.
        origin: the reader's display data. It is shown here, for Dataflow keeps none of transforms that have parts.
    """

    def __init__(self, decoder: Decoder, origin: Mapping[str, Any] | None = None) -> None:
        super().__init__(decoder, "decode")
        self._origin = dict(origin or {})

    def display_data(self) -> dict[str, Any]:
        return self._origin

    def process(self, element: list[bytes]) -> Iterator[Batch]:
        metrics.count(metrics.READ, len(element))
        metrics.observe(metrics.BATCH_SIZE, [len(element)])
        for batch in super().process(element):
            counting.came_in(batch)
            yield batch

    def part(self, element: list[bytes], start: int, length: int) -> list[bytes]:
        return element[start : start + length]

    def envelopes(self, element: list[bytes]) -> pa.RecordBatch:
        return raw_envelopes(element)


class BatchToBatch(PureStep[Batch]):
    """Any other pure step: a batch to a batch."""

    def part(self, element: Batch, start: int, length: int) -> Batch:
        return element if length == len(element) else element.slice(start, length)

    def envelopes(self, element: Batch) -> pa.RecordBatch:
        return element.rows


def unforeseen(stage: str, error: Exception) -> Failure:
    """The failure of a row that made `stage` raise `error`."""
    trace = "".join(traceback.format_exception(error))
    return Failure(stage, type(error).__name__, one_line(error), stacktrace=trace)
