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


def test_an_interrupted_import_shows_nothing(tmp_path: Path) -> None:
    (tmp_path / "tensorflow.py").write_text("import os; os.write(2, b'no GPU here'); raise KeyboardInterrupt")
    done = run(CODE, tmp_path)
    assert done.stderr.startswith("Traceback ")


@pytest.mark.parametrize(
    ("setting", "given", "told"),
    [
        ("TF_CPP_MIN_LOG_LEVEL", None, "3"),
        ("TF_CPP_MIN_LOG_LEVEL", "0", "0"),
        ("TF_ENABLE_ONEDNN_OPTS", None, "0"),
        ("TF_ENABLE_ONEDNN_OPTS", "1", "1"),
    ],
)
def test_tensorflow_s_own_log_and_one_dnn_are_off_unless_the_user_has_set_them(
    tmp_path: Path, setting: str, given: str | None, told: str
) -> None:
    (tmp_path / "tensorflow.py").write_text(f"import os; print(os.environ[{setting!r}])")
    code = f"import os; os.environ.pop({setting!r}, None)\n"
    code += f"os.environ[{setting!r}] = {given!r}\n" if given else ""
    assert run(code + CODE, tmp_path).stdout == f"{told}\n"


def test_tensorflow_warns_nobody_but_its_errors_are_shown(tmp_path: Path) -> None:
    (tmp_path / "tensorflow.py").write_text("")
    code = "\nlog = logging.getLogger('tensorflow')\nlog.warning('never built'); log.error('broken')"
    assert run(f"import logging\n{CODE}{code}", tmp_path).stderr == "afterwardsbroken\n"


def test_other_libraries_warn_as_before(tmp_path: Path) -> None:
    (tmp_path / "tensorflow.py").write_text("")
    code = "\nlogging.getLogger('apache_beam').warning('slow')"
    assert run(f"import logging\n{CODE}{code}", tmp_path).stderr == "afterwardsslow\n"


def test_what_others_write_later_is_shown_again_though_nothing_was_flushed(tmp_path: Path) -> None:
    (tmp_path / "tensorflow.py").write_text("")
    code = "import sys\nsys.stderr.write('before ')\n" + CODE
    assert run(code, tmp_path).stderr == "before afterwards"
