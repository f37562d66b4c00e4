"""Child processes that never outlive their parent, and services among them that are awaited until they answer."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import IO, Self

from streaming.errors import JobError

LOOPBACK = "127.0.0.1"

# Runs in the child, before the program takes its place: code between fork and exec (`preexec_fn`) is unsafe in a
# process with threads, and gRPC and TensorFlow start many. 1 is PR_SET_PDEATHSIG, which survives the exec; other
# systems than Linux have no prctl. A parent that died before the call is noticed by the changed parent id.
_LAUNCHER = """
import ctypes, os, signal, sys
try:
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
except AttributeError:
    pass
if os.getppid() != int(sys.argv[1]):
    os._exit(1)
os.execv(sys.argv[2], sys.argv[3:])
"""


def spawn(
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    stdout: int | IO[bytes] = subprocess.DEVNULL,
    stderr: int | IO[bytes] = subprocess.DEVNULL,
    pass_fds: Collection[int] = (),
) -> subprocess.Popen[bytes]:
    """Start a program that the kernel kills (on Linux) as soon as this process has ended, however it ended.

    The child is in a session of its own, so that a terminal's Ctrl-C reaches this process alone. It reads nothing.

    Raises:
        FileNotFoundError: no such program.
        RuntimeError: not called on the main thread. The kernel takes the end of the thread that started the child
            for the end of the parent.
    """
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("a child process must be started on the main thread: it is killed when that thread ends")
    program = shutil.which(argv[0])
    if program is None:
        raise FileNotFoundError(f"no program {argv[0]}")
    return subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _LAUNCHER, str(os.getpid()), program, *argv],
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        pass_fds=pass_fds,
        start_new_session=True,
    )


def stop(process: subprocess.Popen[bytes], grace: float = 5.0) -> bool:
    """End the child: ask by SIGTERM, and kill it when it has not ended after `grace` seconds.

    Returns:
        Whether it ended without being killed.
    """
    process.terminate()
    try:
        process.wait(grace)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return False
    return True


def free_port() -> int:
    """A TCP port of the loopback interface that nobody listens on."""
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        return int(listener.getsockname()[1])


def accepts(port: int) -> bool:
    """Whether somebody listens on the loopback interface's `port`."""
    try:
        socket.create_connection(("localhost", port), timeout=1).close()
    except OSError:
        return False
    return True


class Service(ABC):
    """A child process that serves others: started, awaited until it answers, stopped. A context manager.

    Its output goes to a file whose last line is shown where the service fails. The file is nameless once the service
    answers, so that nothing is left however this process ends; it is kept if the service fails to start.

    Args:
        name: what errors call it.
        argv: its program and arguments.
        env: environment variables to set for it, beside this process's own.
    """

    start_timeout = 60.0
    """Seconds after which a service that runs but does not answer has failed."""

    def __init__(self, name: str, argv: Sequence[str], env: Mapping[str, str] | None = None) -> None:
        self.name = name
        self._argv = argv
        self._env = {**os.environ, **(env or {})}
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None

    @abstractmethod
    def answers(self) -> bool:
        """Whether the service answers requests by now. Returns soon."""

    def start(self) -> None:
        """Start the service and wait until it answers.

        Raises:
            JobError: it ended, or did not answer in time.
        """
        log = tempfile.NamedTemporaryFile(prefix="pubsub-inference-", suffix=".log", delete=False)  # noqa: SIM115 - see `stop`
        self._log = log
        self._process = spawn(self._argv, env=self._env, stdout=log, stderr=subprocess.STDOUT)
        try:
            self._await_answer(self._process, log.name)
        except JobError:
            self.stop()
            raise
        except BaseException:  # Ctrl-C: nobody will look at the log
            self.stop()
            Path(log.name).unlink()
            raise
        Path(log.name).unlink()

    def stop(self) -> None:
        if self._process is not None:
            stop(self._process)
        if self._log is not None:
            self._log.close()

    def ended(self, within: float = 0.0) -> str | None:
        """What to say about a service that has ended, or ends `within` seconds; None while it runs."""
        if self._process is None:
            return None
        try:
            code = self._process.wait(within)
        except subprocess.TimeoutExpired:
            return None
        return f"{self.name} ended with {show_exit(code)}{self._last_words()}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _await_answer(self, process: subprocess.Popen[bytes], log: str) -> None:
        deadline = time.monotonic() + self.start_timeout
        while not self.answers():
            if process.poll() is not None:
                raise JobError(f"{self.ended()} (its log: {log})")
            if time.monotonic() > deadline:
                silence = f"{self.name} does not answer after {self.start_timeout:g} s"
                raise JobError(f"{silence}{self._last_words()} (its log: {log})")
            time.sleep(0.02)  # between two connection attempts; the system offers no event for a port that opens

    def _last_words(self) -> str:
        if self._log is None or self._log.closed:
            return ""
        handle = self._log.fileno()
        tail = os.pread(handle, 4096, max(0, os.fstat(handle).st_size - 4096))  # the child shares the file's position
        lines = tail.decode(errors="replace").strip().splitlines()
        return f": {lines[-1].strip()}" if lines else ""


def show_exit(code: int) -> str:
    """How a process ended, from `Popen.returncode`: `exit code 3`, or `signal 9 (Killed)`."""
    return f"exit code {code}" if code >= 0 else f"signal {-code} ({signal.strsignal(-code)})"
