"""How fast predictions came: latency, and what was published and came over time."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from producers.scoring.arrays import NO_TIME, micros
from producers.scoring.letters import Letters
from producers.scoring.places import Place
from producers.scoring.scores import Latency, Series
from producers.truth import Truth

PERCENTILES = (50.0, 90.0, 95.0, 99.0, 99.9, 100.0)
STEPS = 120
"""Most steps of a series."""

_PER_DECADE = 10
_SHORTEST = 1e-3  # of a latency in the histogram, in seconds; clocks that differ may give less
_SECOND = 1_000_000


def latency(place: Place) -> Latency:
    """From publish time to `processed_at`, of every row of the run; percentiles are by the nearest rank."""
    rows = place.rows.filter(pa.array(place.origins.of_run))
    published, processed = micros(rows["publish_time"]), micros(rows["processed_at"])
    known = (published != NO_TIME) & (processed != NO_TIME)
    seconds = np.sort(processed[known] - published[known]) / _SECOND
    if len(seconds) == 0:
        return Latency({}, (), ())
    ranks = {percent: math.ceil(round(percent * 10) * len(seconds) / 1000) for percent in PERCENTILES}
    bounds = _bounds(max(seconds[0], _SHORTEST), max(seconds[-1], _SHORTEST))
    counts, _ = np.histogram(np.clip(seconds, bounds[0], bounds[-1]), bounds)
    percentiles = {percent: float(seconds[rank - 1]) for percent, rank in ranks.items()}
    return Latency(percentiles, bounds.tolist(), counts.tolist())


def series(truth: Truth, place: Place, letters: Letters) -> Series:
    """What was published and came in each step since the run began; what is earlier, by another clock, in the first."""
    start = micros(pa.array([truth.run.started_at]))[0]
    rows = place.rows["processed_at"].filter(pa.array(place.origins.of_run))
    times = [micros(truth.messages["sent_at"].drop_null()), micros(rows.drop_null()), letters.times]
    seconds = [np.maximum(each - start, 0) / _SECOND for each in times]
    span = max((each.max() for each in seconds if len(each)), default=0.0)
    step = next(step for step in _steps() if span < step * STEPS)
    count = int(span // step) + 1
    figures = [np.bincount((each // step).astype(np.int64), minlength=count) / step for each in seconds]
    return Series(truth.run.started_at, step, *(each.tolist() for each in figures))


def _bounds(least: float, most: float) -> np.ndarray:
    """Bounds at equal ratios, between round powers of ten, around both figures."""
    first = math.floor(math.log10(least) * _PER_DECADE)
    last = math.floor(math.log10(most) * _PER_DECADE) + 1
    return 10.0 ** (np.arange(first, last + 1) / _PER_DECADE)


def _steps() -> Iterator[float]:
    """Steps as people count time, in seconds, without end."""
    yield from (1.0, 2.0, 5.0, 10.0, 20.0, 30.0)
    minutes = 1.0
    while True:
        yield from (60.0 * minutes, 120.0 * minutes, 300.0 * minutes)
        minutes *= 10
