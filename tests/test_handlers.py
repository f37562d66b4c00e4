"""Handlers: a model for each kind of call, one a process, and what Beam is told of it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.internal import pickler
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from streaming import registry
from streaming.batches import Batch, from_bytes, to_bytes
from streaming.errors import PermanentError
from streaming.inference import Infer
from streaming.models.ensemble import Ensemble
from streaming.models.handlers import handler, load
from streaming.models.hot import HotModel
from streaming.models.remote import RemoteModel
from streaming.predictors import OnlyGeneration
from streaming.steps import BatchCoder
from streaming.wiring import EnsembleCall, Member, ModelPlan, RemoteCall, SavedModelCall
from tests.builders import X, plan, readings
from tests.memory import counters
from tests.predict_server import PredictServer, Reply
from tests.predictor_doubles import predictions
from tests.versions import ask

MEMBERS = (Member("model:a", "prediction"), Member("model:b", "prediction"))
ANSWERED: list[bytes] = []


@pytest.fixture(autouse=True)
def _nothing_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_slots", {})


@pytest.fixture
def server() -> Iterator[PredictServer]:
    with PredictServer() as running:
        yield running


def remote(address: str = "http://models:8501/v1/models/toy") -> ModelPlan:
    return plan("toy", features=[X], call=RemoteCall(address))


def test_equal_plans_have_one_model_in_a_process(saved_models: Path) -> None:
    model = plan(path=str(saved_models / "times5"))
    again = plan(path=str(saved_models / "times5"))
    assert model is not again
    assert load(model) is load(again)


def test_another_plan_has_a_model_of_its_own(saved_models: Path) -> None:
    first = plan(path=str(saved_models / "times5"))
    others = [replace(first, batch_size=7), replace(first, call=SavedModelCall(str(saved_models / "times10")))]
    loaded = [load(each) for each in [first, *others]]
    assert len(set(map(id, loaded))) == 3
    assert [ask(each.current())[1] for each in loaded] == [[[10.0]], [[10.0]], [[20.0]]]


def test_a_saved_model_may_change_while_it_serves(saved_models: Path) -> None:
    model = load(plan(path=str(saved_models / "times5")))
    assert type(model) is HotModel
    assert ask(model.current())[1] == [[10.0]]


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        (remote(), RemoteModel),
        (remote("projects/p/locations/l/endpoints/1"), RemoteModel),
        (plan("mix", features=(), call=EnsembleCall("mean", MEMBERS)), Ensemble),
    ],
)
def test_any_other_model_stays_what_it_is(model: ModelPlan, kind: type) -> None:
    loaded = load(model)
    assert type(loaded) is OnlyGeneration
    assert type(loaded.current()) is kind
    assert loaded.current() is loaded.current()
    assert loaded.news() == ()


def test_a_model_that_cannot_be_loaded_is_loaded_once_it_can(saved_models: Path, tmp_path: Path) -> None:
    model = plan(path=str(tmp_path / "export"))
    with pytest.raises(PermanentError, match=r"^models\.times5\.path: no directory "):
        load(model)
    shutil.copytree(saved_models / "times5", tmp_path / "export")
    assert ask(load(model).current())[1] == [[10.0]]


def test_a_handler_that_beam_has_sent_loads_the_models_of_the_process_it_has_come_to(saved_models: Path) -> None:
    model = plan(path=str(saved_models / "times5"))
    sent = handler(model)
    assert registry._slots == {}
    come = pickler.loads(pickler.dumps(sent))
    assert come is not sent
    assert come.plan == model
    assert come.load_model() is load(model)


def test_what_beam_is_told() -> None:
    batch, told = readings([1.0, 2.0, 3.0]), handler(remote())
    assert told.should_skip_batching() is True
    assert told.get_num_bytes(batch) == batch.rows.get_total_buffer_size()
    assert told.get_metrics_namespace() == "pubsub_inference_toy"


def test_requests_that_a_remote_model_is_sent_again_are_counted(server: PredictServer) -> None:
    server.script += [Reply(status=503), Reply(status=429)]
    model = remote(server.url)
    result, after = run(model, readings([1.0, 2.0]))
    assert predictions(after, model) == [5.0, 10.0]
    assert server.bodies == [server.bodies[0]] * 3
    counted = counters(result)
    assert (counted["remote_retries"], counted["model_calls"]) == (2, 1)


def test_beam_counts_the_rows_of_batches_under_the_models_namespace(server: PredictServer) -> None:
    result, _ = run(remote(server.url), readings([1.0, 2.0]))
    assert counters(result, "pubsub_inference_toy") == {"num_inferences": 2}


def run(model: ModelPlan, batch: Batch) -> tuple[beam.runners.runner.PipelineResult, Batch]:
    """What became of the pipeline, and of the batch in it."""
    beam.coders.registry.register_coder(Batch, BatchCoder)
    ANSWERED.clear()
    pipeline = beam.Pipeline(runner=FnApiRunner())
    created = pipeline | beam.Create([batch], reshuffle=False).with_output_types(Batch)
    _ = created | "Infer" >> Infer([model], handler) | beam.Map(_keep)
    result = pipeline.run()
    result.wait_until_finish()
    (after,) = map(from_bytes, ANSWERED)
    return result, after


def _keep(after: Batch) -> None:
    ANSWERED.append(to_bytes(after))
