"""Where Prism's program is found, and how it is provided."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from streaming.errors import JobError, PermanentError
from streaming.local import prism

VERSION = metadata.version("apache-beam")
GO = """#!/bin/sh
echo "$@" >> {log}
mkdir -p "$GOBIN"
echo built > "$GOBIN/prism"
chmod +x "$GOBIN/prism"
"""


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty machine: no Prism anywhere, nothing but the system's programs on the PATH."""
    monkeypatch.delenv("PRISM_BINARY", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    return tmp_path


def program(path: Path, text: str = "#!/bin/sh\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def beams_own(machine: Path) -> Path:
    processor = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
    name = f"apache_beam-v{VERSION}-prism-{platform.system().lower()}-{processor}"
    return machine / "home" / ".apache_beam" / "cache" / "prism" / "bin" / name


def test_the_variable_comes_first(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(prism.cached_path())
    named = program(machine / "mine")
    monkeypatch.setenv("PRISM_BINARY", str(named))
    assert prism.find_prism() == named


def test_a_variable_that_names_no_program_is_refused(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRISM_BINARY", "/nowhere/prism")
    wrong = "PRISM_BINARY: /nowhere/prism is not an executable file; mend or unset the variable"
    with pytest.raises(PermanentError) as found:
        prism.find_prism()
    with pytest.raises(PermanentError) as provided:
        prism.provide()
    assert [str(found.value), str(provided.value)] == [wrong, wrong]


def test_our_cache_comes_before_beams(machine: Path) -> None:
    program(beams_own(machine))
    assert prism.find_prism() == beams_own(machine)
    ours = program(machine / "cache" / "pubsub-inference" / f"prism-v{VERSION}")
    assert prism.find_prism() == ours


def test_without_the_variable_the_cache_is_in_the_home_directory(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert prism.cached_path() == machine / "home" / ".cache" / "pubsub-inference" / f"prism-v{VERSION}"


def test_the_path_comes_last(machine: Path) -> None:
    on_path = program(machine / "bin" / "prism", "#!/bin/sh\necho '  -job_port int' >&2\n")
    assert prism.find_prism() == on_path


@pytest.mark.parametrize("text", ["#!/bin/sh\necho a mock server for APIs\n", "#!/no/such/interpreter\n"])
def test_another_program_of_that_name_is_not_taken_for_it(machine: Path, text: str) -> None:
    program(machine / "bin" / "prism", text)
    with pytest.raises(PermanentError) as raised:
        prism.find_prism()
    assert str(raised.value) == (
        f"Prism, Beam's local runner, is not on this machine (looked at {prism.cached_path()}, {beams_own(machine)}"
        " and the PATH); get it with `make setup`, or set PRISM_BINARY"
    )


def test_providing_builds_once_for_several_that_ask(machine: Path) -> None:
    log = machine / "log"
    program(machine / "bin" / "go", GO.format(log=log))
    command = [sys.executable, "-m", "streaming.local.prism"]
    asking = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    answers = {each.communicate()[0] for each in asking}
    assert answers == {f"Prism: built with go, {prism.cached_path()}\n", f"Prism: found {prism.cached_path()}\n"}
    assert log.read_text() == f"install github.com/apache/beam/sdks/v2/go/cmd/prism@v{VERSION}\n"
    assert prism.cached_path().read_text() == "built\n"
    assert os.access(prism.cached_path(), os.X_OK)
    assert {path.name for path in prism.cached_path().parent.iterdir()} == {f"prism-v{VERSION}", "build.lock"}


def test_all_that_was_tried_is_said(
    machine: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    program(machine / "bin" / "go", "#!/bin/sh\necho 'go: no network' >&2\nexit 1\n")

    def unreadable(scratch: Path) -> Path:
        return (scratch / "missing").rename(scratch / "prism")

    monkeypatch.setattr(prism, "WAYS", {"built with go": prism.WAYS["built with go"], "copied": unreadable})
    with pytest.raises(JobError) as raised:
        prism.provide()
    build = machine / "cache" / "pubsub-inference" / "build"
    assert str(raised.value) == (
        f"Prism {VERSION} could not be provided (built with go: go: no network; copied: [Errno 2] No such file or"
        f" directory: '{build}/missing' -> '{build}/prism'); install Go and run"
        f" `go install github.com/apache/beam/sdks/v2/go/cmd/prism@v{VERSION}`, or set PRISM_BINARY"
    )
    assert not build.exists()


def test_the_command_fails_on_one_line(
    machine: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PRISM_BINARY", "/nowhere/prism")
    assert prism.main() == 1
    assert capsys.readouterr() == (
        "",
        "PRISM_BINARY: /nowhere/prism is not an executable file; mend or unset the variable\n",
    )
