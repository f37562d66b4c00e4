"""Ctrl-C ends the command quietly, however early it comes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("begin", [("-m", "streaming"), ("-c", "from streaming.__main__ import main; main()")])
def test_ctrl_c_while_the_command_is_imported_ends_without_a_traceback(begin: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text("import signal; signal.raise_signal(signal.SIGINT)")
    path = os.pathsep.join([str(tmp_path), str(Path(__file__).parents[1])])
    command = [sys.executable, *begin, "--help"]
    environment = os.environ | {"PYTHONPATH": path}
    ended = subprocess.run(command, check=False, env=environment, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "")
