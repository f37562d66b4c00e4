"""What each further model of a job costs: CPU a message for 1, 2 and 4 models side by side, without services.

    python -m benchmarks.models --messages 100000

Three things are measured in this process, each as the difference between many batches and one, so that starts and the
loading of models do not count. Line and loop take turns, and the median of their rounds is given, for a shared machine
is now fast, now slow:

- line: from Decode to Infer with k models, on Beam's Fn API runner;
- loop: decode + k x inference, written by hand without Beam: the pure steps, and k bare calls of the SavedModel after
  each (the goal of the line is at most 1.15 of it);
- stock: tfx-bsl's `RunInferencePerModel` with the same k SavedModels, on ready-made `tf.Example`s. It decodes nothing.
"""

from __future__ import annotations

import argparse
import gc
import io
import json
import multiprocessing
import random
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median
from typing import TypeVar

import apache_beam as beam
import fastavro
import pyarrow as pa
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from google.protobuf.timestamp_pb2 import Timestamp
from google.pubsub_v1.types import PubsubMessage

from benchmarks.throughput import save_model, schema
from streaming.batches import Batch
from streaming.contract import check
from streaming.decode import Decoder
from streaming.features import ToExamples
from streaming.inference import Infer
from streaming.job import load_job
from streaming.models.handlers import handler
from streaming.models.saved_model import SavedModel
from streaming.steps import BatchCoder, BatchToBatch, MessagesToBatch
from streaming.windows import Windower
from streaming.wiring import Contract

BATCH = 1000
MODELS = (1, 2, 4)

T = TypeVar("T")


@dataclass(frozen=True)
class Rounds:
    """Microseconds of CPU a message, a figure for each round."""

    decode: list[float]
    loop: list[float]
    line: list[float]
    stock: list[float]


def main() -> None:
    """Run the benchmark that the command line describes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=200_000, help="in a round")
    parser.add_argument("--fields", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "reading.avsc").write_text(json.dumps(schema(arguments.fields)))
        in_a_process(save_model, directory / "weigh", arguments.fields)
        sizes = (arguments.fields, arguments.messages // BATCH, arguments.rounds)
        report({models: in_a_process(measure, directory, models, *sizes) for models in MODELS})


def in_a_process(function: Callable[..., T], *arguments: object) -> T:
    """What it gives in a process of its own, whose memory and threads nobody else has touched, as a worker's."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, arguments)


def measure(directory: Path, models: int, fields: int, batches: int, rounds: int) -> Rounds:
    """So many models, by each of the ways."""
    beam.coders.registry.register_coder(Batch, BatchCoder)
    batch, contract = messages(fields), job(directory, models)
    calls = [SavedModel(plan, str(directory / "weigh")).predict for plan in contract.models]
    examples = decoded(pure_steps(contract), batch).column("example").to_pylist()
    found = Rounds([], [], [], [])
    for _ in range(rounds):
        found.decode.append(slope(partial(run_loop, contract, batch, []), batches))
        found.loop.append(slope(partial(run_loop, contract, batch, calls), batches))
        found.line.append(slope(partial(run_line, contract, batch), batches))
    found.stock.append(slope(partial(run_stock, directory, models, examples), max(4, batches // 10)))
    return found


def report(found: dict[int, Rounds]) -> None:
    """The figures as a table."""
    print(f"us of CPU a message, in batches of {BATCH}")
    print("models   decode     loop     line    ratio    stock")
    for models, rounds in found.items():
        ratio = median(line / loop for line, loop in zip(rounds.line, rounds.loop, strict=True))
        figures = " ".join(f"{median(each):8.2f}" for each in (rounds.decode, rounds.loop, rounds.line))
        print(f"{models:6} {figures} {ratio:8.2f} {median(rounds.stock):8.1f}")


def job(directory: Path, models: int) -> Contract:
    """So many models side by side, all fed the same."""
    entries = "".join(f"  m{number}: {{path: weigh}}\n" for number in range(models))
    (directory / "job.yaml").write_text(
        "message: {format: avro, schema: reading.avsc, key: device_id, event_time: event_time}\n"
        f"window: {{fixed: 60s}}\nfeatures: {{{features(directory)}}}\nmodels:\n{entries}"
    )
    return check(load_job(str(directory / "job.yaml")))


def features(directory: Path) -> str:
    """The fields that are numbers, each under its own name."""
    fields = json.loads((directory / "reading.avsc").read_text())["fields"]
    return ", ".join(f"{field['name']}: {field['name']}" for field in fields if field["type"] == "double")


def messages(fields: int) -> list[bytes]:
    """One batch of serialized PubsubMessages."""
    parsed, rng, now = fastavro.parse_schema(schema(fields)), random.Random(1), datetime.now(UTC)
    published = Timestamp()
    published.FromDatetime(now)
    batch = []
    for number in range(BATCH):
        buffer = io.BytesIO()
        values = {f"f{field}": rng.random() for field in range(fields)}
        fastavro.schemaless_writer(buffer, parsed, {"device_id": f"device-{number:04}", "event_time": now, **values})
        message = PubsubMessage.pb()(data=buffer.getvalue(), message_id=str(number), publish_time=published)
        batch.append(message.SerializeToString())
    return batch


def slope(run: Callable[[int], float], batches: int) -> float:
    """Microseconds a message, of the CPU seconds that `run` takes for so many batches."""
    return (run(batches + 1) - run(1)) / (batches * BATCH) * 1e6


def run_line(contract: Contract, batch: list[bytes], batches: int) -> float:
    """CPU seconds of the line up to its models."""
    pipeline = beam.Pipeline(runner=FnApiRunner())
    _ = (
        pipeline
        | beam.Create([batches])
        | beam.FlatMap(lambda n: (list(batch) for _ in range(n))).with_output_types(list[bytes])
        | "Decode" >> beam.ParDo(MessagesToBatch(Decoder.of(contract)))
        | "Window" >> beam.ParDo(BatchToBatch(Windower.of(contract), "event_time"))
        | "ToExamples" >> beam.ParDo(BatchToBatch(ToExamples(contract.features), "to_example"))
        | "Infer" >> Infer(contract.models, handler)
    )
    return cpu(lambda: pipeline.run().wait_until_finish())


def run_loop(
    contract: Contract, batch: list[bytes], calls: Sequence[Callable[[pa.RecordBatch], object]], batches: int
) -> float:
    """CPU seconds of the same by hand, on a thread as Beam's workers are."""
    steps = pure_steps(contract)

    def loop() -> None:
        for _ in range(batches):
            rows = decoded(steps, list(batch))
            for call in calls:
                call(rows)

    thread = threading.Thread(target=loop)

    def run() -> None:
        thread.start()
        thread.join()

    return cpu(run)


def run_stock(directory: Path, models: int, examples: Sequence[bytes], batches: int) -> float:
    """CPU seconds of tfx-bsl's transform on so many batches of ready-made `tf.Example`s."""
    from tfx_bsl.public.beam.run_inference import RunInferencePerModel
    from tfx_bsl.public.proto import model_spec_pb2

    spec = model_spec_pb2.InferenceSpecType(
        saved_model_spec=model_spec_pb2.SavedModelSpec(model_path=str(directory / "weigh"))
    )
    pipeline = beam.Pipeline(runner=FnApiRunner())
    _ = (
        pipeline
        | beam.Create([batches])
        | beam.FlatMap(lambda n: (example for _ in range(n) for example in examples)).with_output_types(bytes)
        | RunInferencePerModel([spec] * models)
    )
    return cpu(lambda: pipeline.run().wait_until_finish())


def cpu(run: Callable[[], object]) -> float:
    """CPU seconds of this process meanwhile; what earlier runs have left is out of the collector's sight."""
    gc.collect()
    gc.freeze()
    start = time.process_time()
    run()
    return time.process_time() - start


def pure_steps(contract: Contract) -> tuple[Decoder, Windower, ToExamples]:
    """Decode, Window, ToExamples."""
    return Decoder.of(contract), Windower.of(contract), ToExamples(contract.features)


def decoded(steps: tuple[Decoder, Windower, ToExamples], batch: list[bytes]) -> pa.RecordBatch:
    """The rows of one batch, as the models get them."""
    decode, window, to_examples = steps
    return to_examples(window(decode(batch))).rows


if __name__ == "__main__":
    main()
