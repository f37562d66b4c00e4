"""What several test modules share. A fixture imports what takes seconds itself: most tests need none of it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests import builders
from tests.cloud_storage_server import Bucket, cloud_storage
from tests.job_cases import write_job

if TYPE_CHECKING:
    from tests import cli_cases, launch_cases, monitor_cases
    from tests.dataflow_server import DataflowServer
    from tests.versions import Versions


@pytest.fixture(scope="session")
def saved_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of SavedModels, each named for what it does."""
    directory = tmp_path_factory.mktemp("saved_models")
    builders.save_multiplier(directory / "times5", 5.0)
    builders.save_multiplier(directory / "times10", 10.0)
    builders.save_keras(directory / "keras", 5.0)
    builders.save_classic(directory / "classic", 5.0, ["serve+gpu", "serve"])
    builders.save_picky(directory / "picky", 13.0)
    builders.save_root(directory / "root")
    builders.save_many_outputs(directory / "many_outputs")
    builders.save_dropping(directory / "dropping")
    return directory


@pytest.fixture
def job_file(saved_models: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The path of the job file of `job_cases`, in a directory with its schema alone."""
    return write_job(tmp_path_factory.mktemp("job"), saved_models)


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> cli_cases.Command:
    """Runs `pubsub-inference` with the arguments that it is given."""
    from tests.cli_cases import run

    return partial(run, monkeypatch, capsys)


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of what `contract_cases` saves: a schema and models; a module may add its own."""
    from tests.contract_cases import save_cases

    return save_cases(tmp_path_factory.mktemp("contract"))


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    """The bucket `gs://bucket`, with nothing in it."""
    with cloud_storage(monkeypatch) as served:
        yield served


@pytest.fixture
def dataflow(monkeypatch: pytest.MonkeyPatch) -> Iterator[DataflowServer]:
    """A Dataflow without jobs, which commands and clients find in the environment."""
    from tests.dataflow_cases import dataflow_server

    with dataflow_server(monkeypatch) as server:
        yield server


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> Iterator[monitor_cases.Cloud]:
    """The services that a job's monitor asks."""
    from tests.monitor_cases import cloud

    with cloud(monkeypatch) as running:
        yield running


@pytest.fixture
def google(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], saved_models: Path
) -> Iterator[launch_cases.Cloud]:
    """The services that a launch asks, with a template and a job of two models."""
    from tests.launch_cases import cloud

    with cloud(monkeypatch, capsys, saved_models) as ready:
        yield ready


@pytest.fixture
def versions(tmp_path: Path, saved_models: Path) -> Versions:
    """A model's directory, without a generation yet."""
    from tests.versions import Versions

    return Versions(tmp_path / "versions", saved_models)
