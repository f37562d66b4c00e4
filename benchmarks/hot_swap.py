"""What a change of a model's generation costs the batches that are predicted meanwhile, and the memory it leaves.

    python -m benchmarks.hot_swap --megabytes 100 --swaps 10

One thread takes batch after batch through ToExamples and Infer, while generation after generation of a model with large
variables is taken up. Prints for each swap: the process's memory before, at most, and after; how long loading took; and
the longest time between the ends of two batches, also as a multiple of the median without a swap.

TensorFlow's oneDNN allocator keeps memory for later; `--onednn` measures with it, as TensorFlow does by default.
"""

from __future__ import annotations

import argparse
import itertools
import multiprocessing
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:  # TensorFlow may be imported only when its switches are set
    from streaming.models.hot import HotModel
    from streaming.predictors import Predictor

MEGABYTE = 1_000_000
QUIET_SECONDS = 3.0


@dataclass(frozen=True)
class Tick:
    """The end of a batch."""

    time: float
    memory: int
    version: str | None


class Batches:
    """A thread that does the same again and again, with the generation that then is current."""

    def __init__(self, model: HotModel, predict: Callable[[Predictor], object]) -> None:
        self._model, self._predict = model, predict
        self._ticks: list[Tick] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Batches:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def taken(self) -> list[Tick]:
        """The ticks since it was last asked, and the last one before."""
        ticks, self._ticks = self._ticks, self._ticks[-1:]
        return ticks

    def _run(self) -> None:
        process = psutil.Process()
        while not self._stop.is_set():
            predictor = self._model.current()
            self._predict(predictor)
            self._ticks.append(Tick(time.perf_counter(), process.memory_info().rss, predictor.version))


def main() -> None:
    """Measure as the flags say."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=100, help="size of the model's variables")
    parser.add_argument("--swaps", type=int, default=10, help="how many generations are taken up after the first")
    parser.add_argument("--rows", type=int, default=1000, help="of a batch")
    parser.add_argument("--onednn", action="store_true", help="leave TensorFlow's oneDNN kernels and allocator on")
    arguments = parser.parse_args()
    os.environ["TF_ENABLE_ONEDNN_OPTS"] = str(int(arguments.onednn))
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with tempfile.TemporaryDirectory() as directory:
        measure(Path(directory), arguments.megabytes, arguments.swaps, arguments.rows)


def measure(directory: Path, megabytes: int, swaps: int, rows: int) -> None:
    """Swap, and print a line for each."""
    from streaming.features import ToExamples
    from streaming.inference import infer
    from streaming.models.hot import HotModel
    from tests.builders import X, plan, readings

    exports = [directory / "even", directory / "odd"]
    with multiprocessing.get_context("spawn").Pool(1) as another_process:  # whose memory is not measured
        another_process.starmap(
            save_large, [(export, megabytes, float(number)) for number, export in enumerate(exports)]
        )
    versions = directory / "versions"
    versions.mkdir()
    (versions / "1").symlink_to(exports[1])
    swapped = plan(path=str(versions))
    model, to_examples = HotModel(swapped), ToExamples([X])
    batch = readings([float(row) for row in range(rows)])
    with Batches(model, lambda predictor: infer(to_examples(batch), swapped, predictor)) as batches:
        time.sleep(QUIET_SECONDS)
        quiet = intervals(batches.taken())
        median = statistics.median(quiet)
        print(
            f"without a swap: batches of {rows} rows, {median * 1000:.1f} ms each, {max(quiet) * 1000:.0f} ms at most; "
            f"variables of {megabytes} MB"
        )
        for version in range(2, swaps + 2):
            (versions / str(version)).symlink_to(exports[version % 2])
            swap(model, batches, median)


def save_large(directory: Path, megabytes: int, factor: float) -> None:
    """A multiplier whose factor is one number in a variable of so many megabytes."""
    import tensorflow as tf

    from tests.builders import save_model

    variable = tf.Variable(tf.fill([megabytes * MEGABYTE // 4], factor))
    save_model(directory, lambda x: {"output_0": x * variable[0]}, variable)


def intervals(ticks: list[Tick]) -> list[float]:
    """The seconds between the ends of two batches."""
    return [after.time - before.time for before, after in itertools.pairwise(ticks)]


def swap(model: HotModel, batches: Batches, median: float) -> None:
    """Have the generation taken up that now is current, and print what became of it."""
    before = batches.taken()[-1]
    model.look()
    started = time.perf_counter()
    model.look()
    seconds = time.perf_counter() - started
    time.sleep(QUIET_SECONDS / 3)
    ticks = batches.taken()
    longest = max(intervals(ticks))
    print(
        f"generation {before.version} -> {ticks[-1].version}: {seconds:.2f} s; memory {before.memory // MEGABYTE} MB, "
        f"at most {max(tick.memory for tick in ticks) // MEGABYTE}, then {ticks[-1].memory // MEGABYTE}; "
        f"longest pause {longest * 1000:.0f} ms, {longest / median:.1f} batches"
    )


if __name__ == "__main__":
    main()
