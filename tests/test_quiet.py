"""TensorFlow is imported without its libraries' chatter, and not without their last words."""

import subprocess
import sys
from pathlib import Path

import pytest


def run(code: str, path: Path) -> "subprocess.CompletedProcess[str]":
    """Run the code where `tensorflow` is what lies in `path`."""
    return subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(path)!r})\n{code}"],
        capture_output=True,
        text=True,
        check=False,
    )


CODE = """
import os
from streaming.quiet import import_tensorflow
import_tensorflow()
os.write(2, b'afterwards')
"""


def test_what_the_libraries_write_is_not_shown(tmp_path: Path) -> None:
    (tmp_path / "tensorflow.py").write_text("import os; os.write(2, b'no GPU here')")
    done = run(CODE, tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "afterwards")


def test_where_the_import_fails_it_is_shown(tmp_path: Path) -> None:
    (tmp_path / "tensorflow.py").write_text("import os; os.write(2, b'no such CPU\\n'); raise ImportError('broken')")
    done = run(CODE, tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("no such CPU\n")
    assert done.stderr.endswith("ImportError: broken\n")


@pytest.mark.parametrize(("given", "level"), [(None, "3"), ("0", "0")])
def test_tensorflow_s_own_log_is_off_unless_the_user_has_set_it(tmp_path: Path, given: str | None, level: str) -> None:
    (tmp_path / "tensorflow.py").write_text("import os; print(os.environ['TF_CPP_MIN_LOG_LEVEL'])")
    code = "import os; os.environ.pop('TF_CPP_MIN_LOG_LEVEL', None)\n"
    code += f"os.environ['TF_CPP_MIN_LOG_LEVEL'] = {given!r}\n" if given else ""
    assert run(code + CODE, tmp_path).stdout == f"{level}\n"


def test_what_others_write_later_is_shown_again_though_nothing_was_flushed(tmp_path: Path) -> None:
    (tmp_path / "tensorflow.py").write_text("")
    code = "import sys\nsys.stderr.write('before ')\n" + CODE
    assert run(code, tmp_path).stderr == "before afterwards"
