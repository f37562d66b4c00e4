"""The example files say what their READMEs say they say."""

import json
from pathlib import Path
from typing import Any

import fastavro

from producers.accounts import CASCADE, PARALLEL, Multipliers
from producers.readings import READING
from streaming.job import Job, load_job

MULTIPLY = Path(__file__).parent.parent / "examples" / "multiply"


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


def multiplier_feeders(models: Multipliers) -> dict[str, str | None]:
    return {name: model.feeder for name, model in models.items()}


def test_job_feeds_both_models_the_value() -> None:
    job = load_job(str(MULTIPLY / "job.yaml"))
    expected = expected_job({"times5": expected_model("times5"), "times10": expected_model("times10")})
    assert job.model_dump() == expected.model_dump()
    assert feeders(job) == multiplier_feeders(PARALLEL)


def test_cascade_feeds_the_second_model_the_firsts_answer() -> None:
    job = load_job(str(MULTIPLY / "cascade.yaml"))
    second = expected_model("times10", features={"x": {"field": "times5.prediction"}})
    assert job.model_dump() == expected_job({"times5": expected_model("times5"), "times10": second}).model_dump()
    assert feeders(job) == multiplier_feeders(CASCADE)


def test_the_schema_is_the_one_the_producer_writes() -> None:
    schema = json.loads((MULTIPLY / "reading.avsc").read_text())
    del schema["doc"]
    assert fastavro.parse_schema(schema) == READING
