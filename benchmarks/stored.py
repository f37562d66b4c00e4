"""What a row of stored data costs: our job over Parquet and TFRecords against the usual pipeline, in one run.

    python -m benchmarks.stored --rows 400000 --fields 1

The usual pipeline is that of Google Cloud's article on TFX inference with Dataflow: TFRecords, Python `tf.Example`s,
tfx-bsl's `RunInference`, `PredictionLog`s to TFRecords. Both have the same rows and the same model, and run on Beam's
Fn API runner in one process. Ours is the command `run` with all that it starts.

Each figure is the difference between many rows and few, so that starts and the loading of models do not count; CPU is
that of a process with its children. The pipelines take turns, and of their rounds the cheapest count, for others on the
machine only add to them.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.throughput import write_job

USUAL = "TFRecords -> PredictionLogs, the usual way"

FEW = 1000
"""Rows of the run that stands for everything but the rows."""


@dataclass(frozen=True)
class Cost:
    """Of some rows, or of one."""

    seconds: float
    cpu_seconds: float

    def beyond(self, start: Cost, rows: int) -> Cost:
        """A row's, where `start` is what it takes to begin with."""
        return Cost((self.seconds - start.seconds) / rows, (self.cpu_seconds - start.cpu_seconds) / rows)


def main() -> None:
    """Run the benchmark that the command line describes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=400_000, help="that our job reads, default: %(default)s")
    parser.add_argument("--usual_rows", type=int, default=50_000, help="that the other reads, default: %(default)s")
    parser.add_argument("--fields", type=int, default=1, help="features of the model, default: %(default)s")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        with_tensorflow(partial(write_job, directory, arguments.fields))
        for rows in {FEW, FEW + arguments.rows, FEW + arguments.usual_rows}:
            with_tensorflow(partial(write_rows, directory, rows, arguments.fields))
        report(measured(directory, arguments.rows, arguments.usual_rows, arguments.rounds))


def with_tensorflow(run: Callable[[], None]) -> None:
    """Run it in a process of its own: this one forks."""
    process = multiprocessing.get_context("spawn").Process(target=run)
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit(process.exitcode)


def write_rows(directory: Path, rows: int, fields: int) -> None:
    """The same readings as a Parquet file and as a TFRecord file."""
    from producers.training import write_examples

    rng, begin = np.random.default_rng(1), time.time_ns() // 1000
    keys = pa.array([f"device-{number % 1000:04}" for number in range(rows)])
    times = pa.array(begin + np.arange(rows)).cast(pa.timestamp("us", tz="UTC"))
    values = {f"f{field}": pa.array(rng.random(rows)) for field in range(fields)}
    readings = pa.RecordBatch.from_pydict({"device_id": keys, "event_time": times, **values})
    pq.write_table(pa.Table.from_batches([readings]), directory / f"{rows}.parquet")
    write_examples(directory / f"{rows}.tfrecord", readings)


def measured(directory: Path, rows: int, usual_rows: int, rounds: int) -> dict[str, Cost]:
    """What a row costs each pipeline."""
    pipelines = {
        "Parquet -> Parquet": (partial(run_ours, directory, "parquet", "parquet"), rows),
        "TFRecords -> Parquet": (partial(run_ours, directory, "tfrecord", "parquet"), rows),
        "TFRecords -> PredictionLogs": (partial(run_ours, directory, "tfrecord", "prediction_log"), rows),
        USUAL: (partial(with_usual, directory), usual_rows),
    }
    few: dict[str, list[Cost]] = {name: [] for name in pipelines}
    many: dict[str, list[Cost]] = {name: [] for name in pipelines}
    for _ in range(rounds):
        for name, (run, count) in pipelines.items():
            few[name].append(cost(partial(run, FEW)))
            many[name].append(cost(partial(run, FEW + count)))
    return {name: least(many[name]).beyond(least(few[name]), count) for name, (_, count) in pipelines.items()}


def least(costs: Sequence[Cost]) -> Cost:
    """What is left where least came from others on the machine."""
    return Cost(min(each.seconds for each in costs), min(each.cpu_seconds for each in costs))


def cost(run: Callable[[], None]) -> Cost:
    """What the processes that `run` starts, and waits for, take together with their own."""
    began, cpu = time.monotonic(), _children_cpu()
    run()
    return Cost(time.monotonic() - began, _children_cpu() - cpu)


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run_ours(directory: Path, ending: str, output_format: str, rows: int) -> None:
    """The command over so many rows; what it writes must be one prediction for each."""
    with tempfile.TemporaryDirectory(dir=directory) as output:
        command = [sys.executable, "-m", "streaming", "run", f"--job_file={directory}/job.yaml"]
        command += [f"--input_files={directory}/{rows}.{ending}", f"--output_files={output}"]
        command += [f"--output_format={output_format}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode or f"{rows:,} predictions" not in done.stdout + done.stderr:
            raise SystemExit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")


def with_usual(directory: Path, rows: int) -> None:
    """The usual pipeline in a process of its own, over so many rows."""
    with_tensorflow(partial(run_usual, directory, rows))


def run_usual(directory: Path, rows: int) -> None:
    """TFRecords -> Python `tf.Example`s -> RunInference -> PredictionLogs to TFRecords."""
    import apache_beam as beam
    import tensorflow as tf
    from apache_beam.runners.portability.fn_api_runner import FnApiRunner
    from tensorflow_serving.apis import prediction_log_pb2
    from tfx_bsl.public.beam import RunInference
    from tfx_bsl.public.proto import model_spec_pb2
    from tfx_bsl.public.tfxio import TFExampleRecord

    model = model_spec_pb2.InferenceSpecType(
        saved_model_spec=model_spec_pb2.SavedModelSpec(model_path=str(directory / "weigh"))
    )
    with tempfile.TemporaryDirectory(dir=directory) as output, beam.Pipeline(runner=FnApiRunner()) as pipeline:
        _ = (
            pipeline
            | TFExampleRecord(file_pattern=f"{directory}/{rows}.tfrecord").RawRecordBeamSource()
            | beam.Map(tf.train.Example.FromString)
            | RunInference(model)
            | beam.io.WriteToTFRecord(f"{output}/logs", coder=beam.coders.ProtoCoder(prediction_log_pb2.PredictionLog))
        )


def report(costs: dict[str, Cost]) -> None:
    """A line for each pipeline, and how many times our cost the usual one is."""
    usual = costs[USUAL].cpu_seconds
    width = max(map(len, costs))
    print(f"{'':{width}}  rows a second  CPU us a row  times less CPU")
    for name, each in costs.items():
        figures = f"{1 / each.seconds:13,.0f}  {each.cpu_seconds * 1e6:12.1f}  {usual / each.cpu_seconds:14.1f}"
        print(f"{name:{width}}  {figures}")


if __name__ == "__main__":
    main()
