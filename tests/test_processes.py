"""Child processes: they end with their parent, they end when asked, and services are awaited."""

from __future__ import annotations

import os
import re
import select
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from streaming.errors import JobError
from streaming.local.processes import Service, accepts, free_port, show_exit, spawn, stop

SLEEPER = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"]
DEAF = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(60)",
]
LISTENER = """
import socket, sys
with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as server:
    while True:
        server.accept()
"""
OWNER = """
import subprocess, sys
from streaming.local.processes import spawn
child = spawn([sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"], stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
child.wait()
"""


def test_a_child_ends_when_its_parent_is_killed() -> None:
    owner = subprocess.Popen([sys.executable, "-c", OWNER], stdout=subprocess.PIPE)
    child = os.pidfd_open(int(owner.stdout.readline()))
    owner.kill()
    owner.wait()
    ended, _, _ = select.select([child], [], [], 30)
    assert ended == [child]


def test_a_child_is_in_a_session_of_its_own() -> None:
    child = spawn(SLEEPER, stdout=subprocess.PIPE)
    session = os.getsid(child.pid)
    child.kill()
    child.wait()
    assert session == child.pid


def test_a_child_gets_its_arguments_and_its_environment() -> None:
    code = "import os, sys; print(sys.argv[1:], dict(os.environ)['MARK'])"
    child = spawn([sys.executable, "-c", code, "a b", "--c"], env={"MARK": "x"}, stdout=subprocess.PIPE)
    assert child.communicate()[0] == b"['a b', '--c'] x\n"


def test_a_program_that_does_not_exist_is_named() -> None:
    with pytest.raises(FileNotFoundError, match=r"^no program no-such-program$"):
        spawn(["no-such-program"])


def test_a_child_of_another_thread_is_refused() -> None:
    raised = []

    def attempt() -> None:
        try:
            spawn(SLEEPER)
        except RuntimeError as error:
            raised.append(str(error))

    thread = threading.Thread(target=attempt)
    thread.start()
    thread.join()
    assert raised == ["a child process must be started on the main thread: it is killed when that thread ends"]


def test_stopping_asks_first() -> None:
    child = spawn(SLEEPER, stdout=subprocess.PIPE)
    child.stdout.readline()
    assert stop(child)
    assert child.returncode == -signal.SIGTERM


def test_stopping_kills_what_does_not_listen() -> None:
    child = spawn(DEAF, stdout=subprocess.PIPE)
    child.stdout.readline()
    assert not stop(child, grace=0.01)
    assert child.returncode == -signal.SIGKILL


def test_a_free_port_can_be_listened_on() -> None:
    port = free_port()
    assert not accepts(port)
    with socket.create_server(("127.0.0.1", port)):
        assert accepts(port)


class Listener(Service):
    def __init__(self, code: str = LISTENER) -> None:
        self.port = free_port()
        super().__init__("the listener", [sys.executable, "-c", code, str(self.port)])

    def answers(self) -> bool:
        return accepts(self.port)


def test_a_service_answers_once_it_is_started_and_ends_with_its_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with Listener() as listener:
        assert accepts(listener.port)
        assert listener.ended() is None
    assert listener.ended() == "the listener ended with signal 15 (Terminated)"
    assert not accepts(listener.port)
    assert list(tmp_path.iterdir()) == []


def test_a_service_that_ends_at_its_start_shows_its_last_words_and_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(JobError) as raised:
        Listener("import sys; print('first', flush=True); sys.exit('port taken')").start()
    (log,) = tmp_path.iterdir()
    assert str(raised.value) == f"the listener ended with exit code 1: port taken (its log: {log})"
    assert log.read_text() == "first\nport taken\n"


def test_a_service_that_never_answers_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(Listener, "start_timeout", 0.05)
    listener = Listener("import time; time.sleep(60)")
    with pytest.raises(JobError, match=re.escape("the listener does not answer after 0.05 s (its log: ")):
        listener.start()
    assert listener.ended() == "the listener ended with signal 15 (Terminated)"


def test_a_service_that_was_never_started_has_not_ended() -> None:
    listener = Listener()
    listener.stop()
    assert listener.ended() is None


@pytest.mark.parametrize(("code", "shown"), [(0, "exit code 0"), (3, "exit code 3"), (-9, "signal 9 (Killed)")])
def test_how_a_process_ended(code: int, shown: str) -> None:
    assert show_exit(code) == shown
