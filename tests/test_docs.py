"""What the documentation shows is what the program takes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from streaming.job import parse_job
from streaming.metrics import METRICS
from streaming.savedmodel.manifest import read_manifest

MODELS = Path(__file__).parent.parent / "docs" / "models.md"
HEAD = "message: {format: avro, schema: s.avsc, key: device_id}\nwindow: {fixed: 60s}\n"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", MODELS.read_text(), re.DOTALL | re.MULTILINE)


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
