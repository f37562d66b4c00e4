"""The example files say what their READMEs say they say."""

import json
from pathlib import Path
from typing import Any

import pytest

from producers.messages import Fault
from producers.scenario import load_scenario
from streaming.job import Job, load_job

MULTIPLY = Path(__file__).parent.parent / "examples" / "multiply"
PUMPS = MULTIPLY.parent / "pumps"


def expected_job(models: dict[str, Any]) -> Job:
    return Job.model_validate(
        {
            "message": {
                "format": "avro",
                "schema": str(MULTIPLY / "reading.avsc"),
                "key": {"field": "device_id"},
                "event_time": {"field": "event_time"},
            },
            "window": {"fixed": "60s"},
            "features": {"x": {"field": "value"}},
            "models": models,
        }
    )


def expected_model(name: str, **wiring: Any) -> dict[str, Any]:
    model = {"path": str(MULTIPLY / "models" / name), "outputs": {"output_0": "prediction"}}
    return {**model, "signature": "serving_default", **wiring}


def feeders(job: Job) -> dict[str, str | None]:
    return {
        name: model.features["x"].field.removesuffix(".prediction") if model.features else None
        for name, model in job.models.items()
    }


def test_job_feeds_both_models_the_value() -> None:
    job = load_job(str(MULTIPLY / "job.yaml"))
    expected = expected_job({"times5": expected_model("times5"), "times10": expected_model("times10")})
    assert job.model_dump() == expected.model_dump()
    assert feeders(job) == {"times5": None, "times10": None}


def test_cascade_feeds_the_second_model_the_firsts_answer() -> None:
    job = load_job(str(MULTIPLY / "cascade.yaml"))
    second = expected_model("times10", features={"x": {"field": "times5.prediction"}})
    assert job.model_dump() == expected_job({"times5": expected_model("times5"), "times10": second}).model_dump()
    assert feeders(job) == {"times5": None, "times10": "times5"}


def test_the_scenario_of_multiply_has_every_fault_and_the_articles_values_first() -> None:
    scenario = load_scenario(str(MULTIPLY / "scenario.yaml"))
    assert scenario.faults.rates().keys() == set(Fault)
    assert scenario.job_path == str(MULTIPLY / "job.yaml")
    assert scenario.signals["value"].first == (105, 108, 1000, 1013)


@pytest.mark.parametrize("name", ["scenario.yaml", "storm.yaml"])
def test_the_scenarios_of_the_pumps_have_every_fault(name: str) -> None:
    scenario = load_scenario(str(PUMPS / name))
    assert scenario.faults.rates().keys() == set(Fault)
    assert scenario.job_path == str(PUMPS / "job.yaml")


def test_the_storm_is_over_the_pumps_that_the_models_have_learnt() -> None:
    learnt, storm = (load_scenario(str(PUMPS / name)) for name in ("scenario.yaml", "storm.yaml"))
    assert storm.signals == learnt.signals
    assert storm.fleet.life == learnt.fleet.life
    assert storm.quality == learnt.quality


@pytest.mark.parametrize(
    ("example", "added"),
    [(MULTIPLY, ("battery_volts", "double")), (PUMPS, ("oil_temperature_c", ["null", "double"]))],
)
def test_a_newer_schema_has_one_field_more(example: Path, added: tuple[str, Any]) -> None:
    old, new = (json.loads((example / name).read_text()) for name in ("reading.avsc", "reading_v2.avsc"))
    last = new["fields"].pop()
    assert (last["name"], last["type"]) == added
    assert new["fields"] == old["fields"]


def test_poison_is_a_type_of_pump_that_only_failure_risk_takes() -> None:
    poison = load_scenario(str(PUMPS / "scenario.yaml")).faults.poison
    assert poison is not None
    assert poison.set == {"pump_type": "PX-900"}
    assert poison.rejected_by == ("failure_risk",)
