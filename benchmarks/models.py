"""What each further model of a job costs: CPU a message for 1, 2 and 4 models side by side, without services.

    python -m benchmarks.models --messages 100000

Three things are measured on Beam's Fn API runner in this process, each as the slope between two sizes, so that the
start of pipelines and the loading of models do not count:

- the line from Decode to Infer with k models, against decode + k x inference: the line without models, and k times the
  bare call of the SavedModel with ready-made `tf.Example`s (the goal is at most 1.15 of it);
- tfx-bsl's `RunInferencePerModel` with the same k SavedModels, on the same ready-made `tf.Example`s: it decodes nothing.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

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


def main() -> None:
    """Run the benchmark that the command line describes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--fields", type=int, default=20)
    arguments = parser.parse_args()
    beam.coders.registry.register_coder(Batch, BatchCoder)
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "reading.avsc").write_text(json.dumps(schema(arguments.fields)))
        save_model(directory / "weigh", arguments.fields)
        report(directory, messages(arguments.fields), arguments.messages // BATCH)


def report(directory: Path, batch: list[bytes], batches: int) -> None:
    """The figures, in microseconds of CPU a message."""
    one = job(directory, 1)
    decode = slope(lambda n: run_line(one, batch, n, models=False), batches)
    rows = decoded(one, batch)
    call = SavedModel(one.models[0], str(directory / "weigh")).predict
    inference = slope(lambda n: repeat(call, rows, n), batches)
    print(f"decode     {decode:6.2f} us a message (Decode, Window, ToExamples)")
    print(f"inference  {inference:6.2f} us a message (the SavedModel alone, batches of {BATCH})")
    print("models       line   decode + k x inference   ratio   RunInferencePerModel of tfx-bsl")
    examples = rows.column("example").to_pylist()
    for models in (1, 2, 4):
        several = job(directory, models)
        line = slope(lambda n, several=several: run_line(several, batch, n), batches)
        stock = slope(lambda n, models=models: run_stock(directory, models, examples, n), max(4, batches // 10))
        sum_of_parts = decode + models * inference
        print(f"{models:6} {line:10.2f} {sum_of_parts:24.2f} {line / sum_of_parts:7.2f} {stock:33.1f}")


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
    """Microseconds a message, of the CPU seconds that `run` takes for so many batches; the best of three."""
    run(1)
    return min((run(batches + 1) - run(1)) / (batches * BATCH) * 1e6 for _ in range(3))


def run_line(contract: Contract, batch: list[bytes], batches: int, *, models: bool = True) -> float:
    """CPU seconds of the line up to its models."""
    pipeline = beam.Pipeline(runner=FnApiRunner())
    lines = (
        pipeline
        | beam.Create([batches])
        | beam.FlatMap(lambda n: (list(batch) for _ in range(n))).with_output_types(list[bytes])
        | "Decode" >> beam.ParDo(MessagesToBatch(Decoder.of(contract)))
        | "Window" >> beam.ParDo(BatchToBatch(Windower.of(contract), "event_time"))
        | "ToExamples" >> beam.ParDo(BatchToBatch(ToExamples(contract.features), "to_example"))
    )
    if models:
        _ = lines | "Infer" >> Infer(contract.models, handler)
    return cpu(pipeline)


def run_stock(directory: Path, models: int, examples: Sequence[bytes], batches: int) -> float:
    """CPU seconds of tfx-bsl's transform on so many batches of ready-made `tf.Example`s."""
    from tfx_bsl.public.beam import RunInferencePerModel
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
    return cpu(pipeline)


def cpu(pipeline: beam.Pipeline) -> float:
    """CPU seconds of this process while the pipeline runs."""
    start = time.process_time()
    pipeline.run().wait_until_finish()
    return time.process_time() - start


def decoded(contract: Contract, batch: list[bytes]) -> pa.RecordBatch:
    """The rows of one batch, as the models get them."""
    return ToExamples(contract.features)(Windower.of(contract)(Decoder.of(contract)(batch))).rows


def repeat(call: Callable[[pa.RecordBatch], object], rows: pa.RecordBatch, times: int) -> float:
    """CPU seconds of so many calls."""
    start = time.process_time()
    for _ in range(times):
        call(rows)
    return time.process_time() - start


if __name__ == "__main__":
    main()
