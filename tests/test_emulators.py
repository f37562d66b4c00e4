"""Where the Pub/Sub emulator is found, and what is said when something is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from streaming.errors import PermanentError
from streaming.local import emulators

LIB = "platform/pubsub-emulator/lib"


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without gcloud and without Java."""
    monkeypatch.delenv("PUBSUB_EMULATOR_JAR", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(emulators, "SDK_ROOTS", ("~/google-cloud-sdk",))
    (tmp_path / "bin").mkdir()
    return tmp_path


def install(root: Path, *versions: str) -> Path:
    lib = root / LIB
    lib.mkdir(parents=True, exist_ok=True)
    for version in versions:
        (lib / f"cloud-pubsub-emulator-{version}-all.jar").touch()
    return lib / f"cloud-pubsub-emulator-{versions[-1]}-all.jar"


def gcloud(path: Path, root: Path | str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho {root}\n")
    path.chmod(0o755)
    return path


def test_the_variable_comes_first(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(machine / "home" / "google-cloud-sdk", "0.8.20")
    jar = machine / "mine.jar"
    jar.touch()
    monkeypatch.setenv("PUBSUB_EMULATOR_JAR", str(jar))
    assert emulators.find_jar() == jar


def test_a_variable_that_names_no_file_is_refused(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUBSUB_EMULATOR_JAR", "/nowhere.jar")
    with pytest.raises(
        PermanentError, match=r"^PUBSUB_EMULATOR_JAR: no file /nowhere.jar; mend or unset the variable$"
    ):
        emulators.find_jar()


def test_the_jar_lies_beside_the_gcloud_that_the_path_links_to(machine: Path) -> None:
    install(machine / "home" / "google-cloud-sdk", "0.8.20")
    jar = install(machine / "sdk", "0.8.19")
    (machine / "bin" / "gcloud").symlink_to(gcloud(machine / "sdk" / "bin" / "gcloud"))
    assert emulators.find_jar() == jar


def test_the_jar_lies_where_the_sdk_is_usually_installed(machine: Path) -> None:
    jar = install(machine / "home" / "google-cloud-sdk", "0.8.20")
    assert emulators.find_jar() == jar


def test_gcloud_is_asked_last(machine: Path) -> None:
    jar = install(machine / "elsewhere", "0.8.20")
    gcloud(machine / "bin" / "gcloud", machine / "elsewhere")
    assert emulators.find_jar() == jar


def test_the_newest_of_several_is_taken(machine: Path) -> None:
    jar = install(machine / "home" / "google-cloud-sdk", "0.8.9", "0.8.20")
    assert emulators.find_jar() == jar


@pytest.mark.parametrize("with_gcloud", [False, True])
def test_a_missing_emulator_comes_with_the_remedy(machine: Path, with_gcloud: bool) -> None:
    if with_gcloud:
        gcloud(machine / "bin" / "gcloud")
    with pytest.raises(PermanentError) as raised:
        emulators.find_jar()
    assert str(raised.value) == (
        "the Pub/Sub emulator is not on this machine; `gcloud components install pubsub-emulator`,"
        " or set PUBSUB_EMULATOR_JAR"
    )


def test_a_missing_java_comes_with_the_remedy(machine: Path) -> None:
    with pytest.raises(PermanentError) as raised:
        emulators.PubSubEmulator()
    assert str(raised.value) == ("java, which the Pub/Sub emulator needs, is not on the PATH; install a Java runtime")


def test_a_missing_bigquery_emulator_comes_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.path", [])
    with pytest.raises(PermanentError) as raised:
        emulators.BigQueryEmulator()
    assert str(raised.value) == "bqemulator, the BigQuery emulator, is not installed; pip install -e '.[dev]'"
