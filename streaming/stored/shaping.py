"""Decode for stored data, on Beam: records of files and tables to batches."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pyarrow as pa

from streaming import counting, metrics
from streaming.batches import Batch
from streaming.steps import PureStep
from streaming.stored.records import Records
from streaming.stored.shaper import Shaper, broken

_LOG = logging.getLogger(__name__)


class RecordsToBatch(PureStep[Records]):
    """Decode: records to batches. What cannot be read after the last of them becomes one dead letter.

    Args:
        shaper: of the job and the input's form.
        origin: the reader's display data, as `MessagesToBatch` has it.
    """

    def __init__(self, shaper: Shaper, origin: Mapping[str, Any] | None = None) -> None:
        super().__init__(shaper, "decode")
        self._shaper = shaper
        self._origin = dict(origin or {})

    def display_data(self) -> dict[str, Any]:
        return self._origin

    def process(self, element: Records) -> Iterator[Batch]:
        metrics.count(metrics.READ, len(element) + (element.broken is not None))
        metrics.observe(metrics.BATCH_SIZE, [len(element)])
        # Not left to the halves: if the last record is to blame, none of them would answer for it.
        unread = broken(element)
        for batch in super().process(replace(element, broken=None)):
            counting.decoded(batch)
            yield replace(batch, failures=pa.concat_batches([batch.failures, unread]))
        if unread.num_rows and not element.goes_on:  # one line for a file, where its records are lost without number
            _LOG.warning("%s: %s", unread["id"][0], unread["error_message"][0])

    def part(self, element: Records, start: int, length: int) -> Records:
        return element.slice(start, length)

    def envelopes(self, element: Records) -> pa.RecordBatch:
        return self._shaper.envelopes(element)
