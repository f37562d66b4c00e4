"""The shape of the job: one straight line, from the reader to the last sink.

An element is one `Batch`: an Arrow table of messages, which each step maps to exactly one batch. Steps add columns, or
move rows that they cannot process out of the table into the batch's own failures. So the line has no branch, runs as
one fused stage, and messages are acknowledged after the last sink has answered. Stored data takes the same line.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import apache_beam as beam

from streaming.batches import Batch
from streaming.decode import Decoder
from streaming.features import ToExamples
from streaming.inference import Infer
from streaming.models.handlers import handler
from streaming.sinks import (
    BatchFiles,
    DeadLetterSink,
    PredictionTable,
    PredictionTopic,
    Publish,
    WriteDeadLetters,
    WriteFiles,
    WriteTable,
)
from streaming.steps import BatchCoder, BatchToBatch, MessagesToBatch, PureStep
from streaming.windows import Windower
from streaming.wiring import Contract


@dataclass(frozen=True)
class Ends:
    """What the line is tied to: services or stored data in production, memory in a test."""

    read: beam.PTransform  # gives lists of serialized PubsubMessages, or what `decode` takes
    table: PredictionTable | None
    topic: PredictionTopic | None
    dead_letters: DeadLetterSink | None
    decode: PureStep[Any] | None = None
    files: BatchFiles | None = None
    error_files: BatchFiles | None = None
    stored: bool = False  # whether the input is stored data, which has waited for nobody


def build(pipeline: beam.Pipeline, contract: Contract, ends: Ends) -> beam.PCollection[Batch]:
    """Draw the job. The labels are an interface: renaming one breaks the update of a running job."""
    beam.coders.registry.register_coder(Batch, BatchCoder)
    models = contract.models
    decode = ends.decode or MessagesToBatch(Decoder.of(contract), ends.read.display_data())
    batches = (
        pipeline
        | "Read" >> ends.read
        | "Decode" >> beam.ParDo(decode)
        | "Window" >> beam.ParDo(BatchToBatch(Windower.of(contract), "event_time"))
        | "ToExamples" >> beam.ParDo(BatchToBatch(ToExamples(contract.features), "to_example"))
        | "Infer" >> Infer(models, handler)
        | "WriteTable" >> beam.ParDo(WriteTable(models, contract.job_hash, ends.table))
        | "Publish" >> beam.ParDo(Publish(models, contract.job_hash, ends.topic))
    )
    if ends.files:
        batches |= "WriteFiles" >> beam.ParDo(WriteFiles(ends.files))
    write_dead_letters = WriteDeadLetters(models, ends.dead_letters, ends.error_files, stored=ends.stored)
    return batches | "WriteDeadLetters" >> beam.ParDo(write_dead_letters)
