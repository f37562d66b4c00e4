"""What the documentation shows is what the program takes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from producers.messages import Fault
from producers.scenario import Faults, Poison, QualityCheck, Scenario, SchemaChange, load_scenario
from producers.scenario_parts import Devices, Life, Signal, Silence
from streaming.job import parse_job
from streaming.job_parts import Part
from streaming.metrics import METRICS
from streaming.savedmodel.manifest import read_manifest

DOCS = Path(__file__).parent.parent / "docs"
MODELS, FLEET = DOCS / "models.md", DOCS / "fleet.md"
HEAD = "message: {format: avro, schema: s.avsc, key: device_id}\nwindow: {fixed: 60s}\n"


def blocks(language: str, document: Path = MODELS) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", document.read_text(), re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("block", blocks("yaml"))
def test_every_example_of_models_is_one(block: str) -> None:
    assert set(parse_job(HEAD + block, "job.yaml").models) == set(re.findall(r"^  (\w+):", block, re.MULTILINE))


def test_the_manifest_is_one(tmp_path: Path) -> None:
    (block,) = blocks("json")
    (tmp_path / "manifest.json").write_text(block)
    manifest = read_manifest(str(tmp_path / "manifest.json"), "models.m.path")
    assert (manifest.current, list(manifest.generations)) == ("2", ["1", "2"])


def test_every_counter_it_names_is_counted() -> None:
    named = set(re.findall(r"`((?:messages|model|generations?|abandoned|remote|blamed)_\w+)`", MODELS.read_text()))
    columns = {"model_version", "model_fingerprint"}
    assert named - columns <= {metric.name for metric in METRICS}
    assert named >= {"messages_untaken", "generations_refused", "model_failures", "abandoned_calls"}


def test_the_example_of_a_scenario_is_one(tmp_path: Path) -> None:
    (block,) = blocks("yaml", FLEET)
    (tmp_path / "scenario.yaml").write_text(block)
    scenario = load_scenario(str(tmp_path / "scenario.yaml"))
    assert list(scenario.signals) == ["pump_type", "vibration", "temperature"]


@pytest.mark.parametrize("part", [Scenario, Devices, Silence, Life, Signal, Faults, QualityCheck])
def test_every_key_of_a_scenario_is_described(part: type[Part]) -> None:
    text = FLEET.read_text()
    rows = [f"| `{field.alias or name}` | {field.description} |" for name, field in part.model_fields.items()]
    assert "\n".join(rows) in text


@pytest.mark.parametrize(("part", "fault"), [(SchemaChange, "schema_change"), (Poison, "poison")])
def test_what_a_fault_needs_beside_its_rate_is_described(part: type[Part], fault: str) -> None:
    fields = {field.alias or name: field.description for name, field in part.model_fields.items() if name != "rate"}
    assert "\n".join(f"| `{name}` | `{fault}` | {words} |" for name, words in fields.items()) in FLEET.read_text()


def test_every_fault_is_named() -> None:
    assert [fault for fault in Fault if f"| `{fault}` | " not in FLEET.read_text()] == []
