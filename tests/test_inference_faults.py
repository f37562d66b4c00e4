"""Models that fail: for every row, for too long, because they cannot be asked, or because they are not to be served."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from streaming import deadlines, metrics
from streaming.batches import Failure
from streaming.deadlines import MOST_HANGING
from streaming.inference import BatchModelHandler, told
from streaming.predictors import (
    ModelFaultError,
    ModelOutputError,
    ModelTimeoutError,
    ModelUnavailableError,
    News,
    OnlyGeneration,
)
from streaming.tally import Tally
from streaming.wiring import ModelPlan, RemoteCall
from tests.builders import plan
from tests.predictor_doubles import (
    CASCADED,
    Double,
    Values,
    examples,
    failures,
    infer,
    predictions,
    raising,
    refusing,
    times,
)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """What this process counts from now on; how long calls take is another matter."""
    here = Tally()
    monkeypatch.setattr(metrics, "_here", here)
    return here._totals


def positive(counted: Counter[str]) -> dict[str, int]:
    """The counters that are not zero, but for the times of calls."""
    return {name: amount for name, amount in counted.items() if amount and not name.startswith("model_ms_")}


def timed(counted: Counter[str]) -> int:
    """So many calls have a time."""
    return sum(amount for name, amount in counted.items() if name.startswith("model_ms_times5_bucket_"))


def test_every_row_fails(caplog: pytest.LogCaptureFixture) -> None:
    model = refusing(7.0)
    after = infer(examples([7.0] * 100), plan(), model)
    message = "model times5 failed for every row tried, 8 of 100: no [7.0]"
    failure = Failure("infer:times5", "ModelFailedError", message, "times5")
    assert predictions(after, plan()) == [None] * 100
    assert failures(after) == [(f"message-{n}", failure) for n in range(100)]
    assert caplog.record_tuples == [("streaming.inference", logging.ERROR, message)]
    assert len(model.calls) < 50


def test_every_row_of_a_cascade_fails_and_those_that_were_not_asked_do_not_fail_again() -> None:
    fed = plan("fed", features=[CASCADED])
    before = infer(examples([*[7.0] * 20, 13.0]), plan(), refusing(13.0))
    after = infer(before, fed, refusing(7.0))
    assert [message_id for message_id, failure in failures(after) if failure.model == "fed"] == [
        f"message-{n}" for n in range(20)
    ]


def test_what_says_nothing_about_rows_fails_the_bundle() -> None:
    def compute(x: np.ndarray) -> Values:
        raise MemoryError

    with pytest.raises(MemoryError):
        infer(examples([1.0, 2.0]), plan(), Double(compute))


def test_a_long_message_is_cut() -> None:
    ((_, failure),) = failures(infer(examples([13.0]), plan(), raising(ValueError("no\n" + "x" * 2000))))
    assert failure == Failure("infer:times5", "ValueError", ("no " + "x" * 2000)[:1000], "times5")


def remote(**rest: Any) -> ModelPlan:
    return plan("remote", call=RemoteCall("http://models/v1/models/m"), **rest)


def test_a_model_that_is_unavailable_fails_the_bundle() -> None:
    with pytest.raises(ModelUnavailableError, match=r"^gone$"):
        infer(examples([1.0, 2.0]), plan(), raising(ModelUnavailableError("gone"), 2.0))


@pytest.mark.parametrize("error", [ModelTimeoutError("too slow"), ModelFaultError("500")])
def test_a_service_that_answers_no_call_of_a_batch_is_unavailable(error: Exception) -> None:
    for rows in (1, 100):
        with pytest.raises(ModelUnavailableError, match=f"^model remote: {error}$"):
            infer(examples([1.0] * rows), remote(), raising(error))


def test_a_service_that_answers_for_other_rows_has_guilty_ones() -> None:
    model = raising(ModelFaultError("500"), 3.0)
    after = infer(examples([1.0, 2.0, 3.0, 4.0]), remote(), model)
    assert predictions(after, remote()) == [1.0, 2.0, None, 4.0]
    assert failures(after) == [("message-2", Failure("infer:remote", "ModelFaultError", "500", "remote"))]


def test_a_service_that_is_broken_dead_letters_its_rows() -> None:
    after = infer(examples([1.0] * 100), remote(), raising(ModelOutputError("no JSON")))
    message = "model remote failed for every row tried, 8 of 100: no JSON"
    assert {failure for _, failure in failures(after)} == {
        Failure("infer:remote", "ModelFailedError", message, "remote")
    }
    assert after.failures.num_rows == 100


class Hanging:
    """A call that hangs where one of the values is among its x, until it is let go."""

    def __init__(self, *values: float) -> None:
        self.go = threading.Event()
        self._values = set(values)

    def __call__(self, x: np.ndarray) -> Values:
        if self._values & set(x.tolist()):
            self.go.wait(30)
        return {"output_0": x}


@pytest.fixture
def nothing_hangs(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No thread is left behind yet, nor afterwards; and this process goes on whatever hangs."""
    monkeypatch.setattr(deadlines, "_hanging", deadlines._Hanging())
    monkeypatch.setattr(deadlines, "GRACE_SECONDS", 3600.0)
    yield
    for thread in threading.enumerate():
        if thread.name == "model-call":
            thread.join(30)


@pytest.mark.usefixtures("nothing_hangs")
def test_a_row_that_makes_a_call_hang_takes_its_quarter_of_the_batch_with_it(counted: Counter[str]) -> None:
    hanging = Hanging(7.0)
    model = plan(timeout=timedelta(milliseconds=50))
    after = infer(examples([float(n) for n in range(16)]), model, double := Double(hanging))
    hanging.go.set()
    assert predictions(after, model) == [0.0, 1.0, 2.0, 3.0, *[None] * 4, *map(float, range(8, 16))]
    failure = Failure("infer:times5", "ModelTimeoutError", "no answer within 0.05 s", "times5")
    assert failures(after) == [(f"message-{n}", failure) for n in range(4, 8)]
    assert (double.calls, deadlines.worn_out()) == ([16, 8, 8, 4, 4], True)
    assert positive(counted) == {"model_calls": 5, "model_halvings": 2, "abandoned_calls": 3, "blamed_rows": 4}
    assert timed(counted) == 5


@pytest.mark.usefixtures("nothing_hangs")
def test_a_model_that_turned_slow_is_asked_for_less_at_a_time(counted: Counter[str]) -> None:
    go = threading.Event()

    def compute(x: np.ndarray) -> Values:
        if len(x) > 4:
            go.wait(30)
        return {"output_0": x}

    model = plan(timeout=timedelta(milliseconds=50), batch_size=8)
    values = [float(n) for n in range(8)]
    after = infer(examples(values), model, double := Double(compute))
    go.set()
    assert (predictions(after, model), after.failures.num_rows, double.calls) == (values, 0, [8, 4, 4])
    assert positive(counted) == {"model_calls": 3, "model_halvings": 1, "abandoned_calls": 1}
    assert timed(counted) == 3


@pytest.mark.usefixtures("nothing_hangs")
def test_a_model_that_always_hangs_is_given_up_after_three_calls(counted: Counter[str]) -> None:
    hanging = Hanging(7.0)
    model = plan(timeout=timedelta(milliseconds=50))
    after = infer(examples([7.0] * 100), model, double := Double(hanging))
    hanging.go.set()
    assert len(double.calls) == MOST_HANGING
    message = "model times5 failed for every row tried, 50 of 100: no answer within 0.05 s"
    assert {failure for _, failure in failures(after)} == {
        Failure("infer:times5", "ModelFailedError", message, "times5")
    }
    assert positive(counted) == {"model_calls": 3, "model_halvings": 2, "abandoned_calls": 3, "model_failures": 1}
    assert timed(counted) == 3


def test_a_call_in_time_is_as_any_other() -> None:
    model = plan(timeout=timedelta(seconds=30))
    assert predictions(infer(examples([1.0, 2.0]), model, times(5.0)), model) == [5.0, 10.0]


def test_a_refused_generation_becomes_an_event_among_the_failures() -> None:
    before = examples([1.0])
    assert told(before, plan(), []) == told(before, plan(), [News("2")]) == before
    after = told(before, plan(), [News("3", "misses its golden outputs"), News("4")])
    (event,) = after.failures.to_pylist()
    assert {name: value for name, value in event.items() if value is not None} == {
        "stage": "generation",
        "error_class": "GenerationRefusedError",
        "error_message": "generation 3: misses its golden outputs",
        "model": "times5",
    }
    assert after.rows == before.rows


class Changing(OnlyGeneration):
    """A model of which there is news."""

    def __init__(self, predictor: Double, news: Sequence[News]) -> None:
        super().__init__(predictor)
        self._news = news

    def news(self) -> Sequence[News]:
        told, self._news = self._news, ()
        return told


def test_news_of_generations_comes_with_the_next_batch_and_once(counted: Counter[str]) -> None:
    predictor = times(5.0)
    predictor.plan = plan()
    model = Changing(predictor, [News("2"), News("3", "no good"), News("4")])
    handler = BatchModelHandler(plan(), lambda _: model)
    after = [list(handler.run_inference(examples([1.0]), model)) for _ in range(2)]
    assert [[predictions(batch, plan()) for batch in batches] for batches in after] == [[[5.0]], [[5.0]]]
    event = Failure("generation", "GenerationRefusedError", "generation 3: no good", "times5")
    assert [failures(batch) for (batch,) in after] == [[(None, event)], []]
    assert positive(counted) == {"model_calls": 2, "generation_swaps": 2, "generations_refused_times5": 1}
    assert timed(counted) == 2
