"""What a generation must stand before it is served; every SavedModel is a real one."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from streaming.errors import PermanentError
from streaming.models import trial
from streaming.savedmodel.generations import Generation, fingerprint
from streaming.savedmodel.manifest import Golden
from tests.builders import plan, save_picky
from tests.versions import PLACE, ask, corrupt_the_graph, said, truncate_the_variables

REMEDY = "export a model that fits, or change the job file and start the job anew"


@pytest.fixture
def export(saved_models: Path, tmp_path: Path) -> Path:
    """A SavedModel that multiplies by 5."""
    return Path(shutil.copytree(saved_models / "times5", tmp_path / "export"))


def refusal(directory: Path, **demands: Any) -> str:
    with pytest.raises(PermanentError) as caught:
        trial.load(plan(), Generation("2", str(directory), **demands))
    return str(caught.value)


def test_a_generation_of_which_nothing_is_demanded(export: Path) -> None:
    assert ask(trial.load(plan(), Generation("2", str(export)))) == ("2", [[10.0]])


def test_a_generation_without_a_version_goes_by_its_fingerprint(export: Path) -> None:
    assert ask(trial.load(plan(), Generation(None, str(export)))) == (fingerprint(str(export)), [[10.0]])


def remove_the_variables(export: Path) -> str:
    shutil.rmtree(export / "variables")
    wrong = f"The passed save_path is not a valid checkpoint: {export}/variables/variables"
    return f"{PLACE}: TensorFlow cannot load {export}: {wrong}; export the model again"


def halve_the_variables(export: Path) -> str:
    truncate_the_variables(export)
    return f"{PLACE}: TensorFlow cannot load {export}: Read less bytes than requested; export the model again"


def rename_the_signature(export: Path) -> str:
    graph = (export / "saved_model.pb").read_bytes()
    (export / "saved_model.pb").write_bytes(graph.replace(b"serving_default", b"serving_another"))
    wrong = "the generation has no signature 'serving_default'; it has serving_another"
    return f"{PLACE}: {export} does not fit the job: {wrong}; {REMEDY}"


def rename_the_output(export: Path) -> str:
    graph = (export / "saved_model.pb").read_bytes()
    (export / "saved_model.pb").write_bytes(graph.replace(b"output_0", b"output_1"))
    return f"{PLACE}: {export} does not fit the job: it has no output 'output_0'; did you mean output_1?; {REMEDY}"


@pytest.mark.parametrize(
    "damage",
    [corrupt_the_graph, remove_the_variables, halve_the_variables, rename_the_signature, rename_the_output],
)
def test_a_generation_that_cannot_be_served(export: Path, damage: Callable[[Path], str]) -> None:
    reason = damage(export)
    assert refusal(export) == reason


def test_a_generation_with_a_wrong_bit_in_its_variables(export: Path) -> None:
    (data,) = export.glob("variables/variables.data*")
    content = bytearray(data.read_bytes())
    content[0] ^= 1
    data.write_bytes(bytes(content))
    wrong = f"TensorBundle at {export}/variables/variables shard 0 (4 bytes): Checksum does not match: stored "
    assert refusal(export).startswith(f"{PLACE}: TensorFlow cannot load {export}: {wrong}")


def test_a_generation_that_is_not_there(tmp_path: Path) -> None:
    assert refusal(tmp_path) == f"{PLACE}: no file {tmp_path}/saved_model.pb"


def example(x: float, output_0: float) -> Golden:
    return Golden(features={"x": x}, outputs={"output_0": output_0})


def test_a_generation_that_answers_its_golden_examples(export: Path) -> None:
    golden = (example(2.0, 10.0), example(3.0, 15.0))
    assert ask(trial.load(plan(), Generation("2", str(export), golden=golden))) == ("2", [[10.0]])


def test_a_generation_that_misses_its_golden_examples(export: Path) -> None:
    assert refusal(export, golden=(example(2.0, 11.0), example(3.0, 15.0), example(4.0, 21.0)), tolerance=0.01) == (
        f"{PLACE}: {export}: golden example 1: output_0 is 10.0, not 11.0 within 0.01; "
        "golden example 3: output_0 is 20.0, not 21.0 within 0.01; export the model again, or correct its manifest"
    )


def test_a_generation_that_has_the_fingerprint_it_must_have(export: Path) -> None:
    demanded = Generation("2", str(export), fingerprint(str(export)))
    assert ask(trial.load(plan(), demanded)) == ("2", [[10.0]])


def test_a_generation_with_another_fingerprint_is_not_even_loaded(
    export: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(trial, "SavedModel")
    assert refusal(export, fingerprint="0" * 16) == (
        f"{PLACE}: {export} has the fingerprint {fingerprint(str(export))}, not 0000000000000000 as the manifest says; "
        "upload that one, or correct the manifest"
    )


def test_a_generation_in_which_something_unheard_of_is_wrong(export: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "SavedModel", lambda *_: 1 / 0)
    assert refusal(export) == (
        f"{PLACE}: {export} cannot be loaded: ZeroDivisionError: division by zero; export the model again"
    )


def test_a_generation_that_refuses_the_blank_example_is_served_all_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "streaming.models")
    save_picky(tmp_path, 0.0)
    assert ask(trial.load(plan(), Generation("2", str(tmp_path)))) == ("2", [[2.0]])
    (message,) = said(caplog)
    assert message.startswith("model times5 is not warmed up: assertion failed: [no 0.0]")
