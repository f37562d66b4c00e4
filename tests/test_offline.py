"""What a job's own models answer offline; every SavedModel is a real one."""

import dataclasses
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from producers.scoring.offline import ROWS, answers
from producers.truth import Truth
from streaming.batches import model_column
from streaming.errors import Mistakes, PermanentError
from streaming.job import EventTime, Message, Reference
from streaming.models.attempts import Attempts
from streaming.wiring import (
    Condition,
    Contract,
    EnsembleCall,
    FeatureColumn,
    Member,
    ModelPlan,
    Output,
    RemoteCall,
    SavedModelCall,
    Selection,
)
from tests.score_cases import FED, SENT, contract, message, multiplier, truth


def model(saved_models: Path, name: str, kind: str = "", **rest: Any) -> ModelPlan:
    call = SavedModelCall(str(saved_models / (kind or name)), watch=timedelta(hours=1))
    return multiplier(name, **({"call": call, "timeout": timedelta(milliseconds=1)} | rest))


def told(sent: Truth, job: Contract, column: str = "prediction") -> list[tuple[int, str, Any]]:
    table = answers(sent, job)
    return list(zip(*(table[name].to_pylist() for name in ("number", "model", column)), strict=True))


def test_every_confirmed_message_that_reaches_the_models_is_answered(saved_models: Path) -> None:
    job = contract(model(saved_models, "times5"), model(saved_models, "times10"))
    table = answers(truth(*SENT), job)
    assert table.schema.names == [
        "number",
        "model",
        "prediction",
        "model_fingerprint",
        "model_version",
        "rejected",
    ]
    good = [0, 1, 4, 5, 8]
    assert table["number"].to_pylist() == good * 2
    assert table["model"].to_pylist() == ["times5"] * 5 + ["times10"] * 5
    assert table["prediction"].to_pylist() == [50.0 * each for each in good] + [100.0 * each for each in good]
    assert table["rejected"].to_pylist() == [False] * 10
    assert table["model_fingerprint"].null_count == 0
    assert len(table["model_fingerprint"].unique()) == 2


def test_a_cascade_is_fed_and_a_model_is_asked_by_its_condition(saved_models: Path) -> None:
    times5 = model_column("times5")
    cascade = model(
        saved_models, "cascade", "times10", features=(FED,), shares_examples=False, takes=Selection(fed_by=(times5,))
    )
    high = Selection(conditions=(Condition(times5, output="prediction", above=60.0),))
    job = contract(model(saved_models, "times5"), cascade, model(saved_models, "high", "times10", takes=high))
    assert told(truth(message(1), message(2)), job) == [
        (1, "times5", 50.0),
        (2, "times5", 100.0),
        (1, "cascade", 500.0),
        (2, "cascade", 1000.0),
        (2, "high", 200.0),
    ]


def test_an_ensemble_is_computed_and_has_no_fingerprint(saved_models: Path) -> None:
    members = tuple(Member(model_column(name), "prediction") for name in ("times5", "times10"))
    mean = ModelPlan(
        "mean",
        EnsembleCall("mean", members),
        (Output("mean", "mean", pa.float64()),),
        takes=Selection(fed_by=tuple(member.column for member in members)),
    )
    job = contract(model(saved_models, "times5"), model(saved_models, "times10"), mean)
    sent = truth(message(2))
    assert told(sent, job, "mean") == [(2, "times5", None), (2, "times10", None), (2, "mean", 150.0)]
    assert answers(sent, job)["model_fingerprint"][2].as_py() is None


def test_what_a_model_refuses_is_rejected(saved_models: Path) -> None:
    job = contract(model(saved_models, "picky"))
    inputs = message(1)["inputs"]
    sent = truth(message(1, inputs=inputs | {"value": 13.0}), message(2, inputs=inputs | {"value": 1e300}), message(3))
    assert told(sent, job, "rejected") == [(2, "picky", True), (1, "picky", True), (3, "picky", False)]


def test_many_messages_are_asked_in_batches(saved_models: Path) -> None:
    job = contract(model(saved_models, "times5"))
    count = ROWS + 1
    assert told(truth(*map(message, range(count))), job) == [(each, "times5", 50.0 * each) for each in range(count)]


def test_messages_are_routed_by_the_attributes_that_the_truth_knows(saved_models: Path) -> None:
    where = Selection(conditions=(Condition("attributes", attribute="device", one_of=("device-1",)),))
    job = by_attribute(model(saved_models, "times5", takes=where), "device")
    assert told(truth(message(1), message(2)), job) == [(1, "times5", 50.0)]


def by_attribute(plan: ModelPlan, attribute: str) -> Contract:
    message = Message(format="avro", schema="r.avsc", key=Reference(attribute=attribute), event_time=EventTime())
    return dataclasses.replace(contract(plan), message=message)


def test_an_attribute_that_the_truth_does_not_know_is_named(saved_models: Path) -> None:
    where = Selection(conditions=(Condition("attributes", attribute="site", one_of=("north",)),))
    with pytest.raises(Mistakes) as caught:
        answers(truth(message(1)), by_attribute(model(saved_models, "times5", takes=where), "device"))
    assert caught.value.lines == (
        "models.times5.when: needs the attribute site, which a truth file does not hold; such a job cannot be scored",
    )


def test_a_field_that_the_truth_lacks_is_named(saved_models: Path) -> None:
    sent = truth(message(1))
    lacking = sent.messages.set_column(
        sent.messages.schema.get_field_index("inputs"), "inputs", pa.array([{"value": 1.0}])
    )
    with pytest.raises(Mistakes) as caught:
        answers(dataclasses.replace(sent, messages=lacking), contract(model(saved_models, "times5")))
    assert caught.value.lines == tuple(
        f"message.schema: the truth file's messages have no field {name}; name the job file of that run"
        for name in ("device_id", "event_time")
    )


def test_a_remote_model_that_is_away_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Attempts.__init__, "__kwdefaults__", Attempts.__init__.__kwdefaults__ | {"retry_for": 0.01})
    away = multiplier(
        "away",
        call=RemoteCall("http://127.0.0.1:1/v1/models/away"),
        features=(FeatureColumn("x", "field:value", pa.float64()),),
        shares_examples=False,
    )
    with pytest.raises(PermanentError, match=r"^models.away: cannot be asked offline: .*; score where it can"):
        answers(truth(message(1)), contract(away))
