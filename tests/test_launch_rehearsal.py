"""A launch up to the graph: the steps are those that Dataflow is given, and nothing but files is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from streaming.dataflow.rehearsal import rehearse
from streaming.errors import Mistakes
from tests.launch_cases import EXAMPLE, PARAMETERS, STEPS


@pytest.fixture
def parameters(tmp_path: Path, saved_models: Path) -> dict[str, str]:
    """Of the job in `examples/multiply`, on this machine."""
    for name in ("job.yaml", "reading.avsc"):
        (tmp_path / name).write_bytes((EXAMPLE / name).read_bytes())
    (tmp_path / "models").symlink_to(saved_models)
    return PARAMETERS | {"job_file": str(tmp_path / "job.yaml")}


@pytest.fixture(autouse=True)
def _no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("credentials are asked for")

    monkeypatch.setattr("google.auth.default", refuse)


def test_the_steps_are_those_that_dataflow_is_given(parameters: dict[str, str]) -> None:
    assert rehearse(parameters) == {*STEPS}


def test_parameters_of_another_version_of_the_program_are_left_out(parameters: dict[str, str]) -> None:
    assert rehearse(parameters | {"newer": "1"}) == {*STEPS}


def test_what_beam_refuses_of_the_parameters_is_a_mistake(parameters: dict[str, str]) -> None:
    with pytest.raises(Mistakes) as mistakes:
        rehearse(parameters | {"input_subscription": "projects/p/subscriptions/readings"})
    assert mistakes.value.lines == ("--input_subscription: Invalid PubSub project name: 'p'.",)
