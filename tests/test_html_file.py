"""Where a report can be written is known before it is made; what keeps it from being written then is one line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from producers.report.html import to_html
from producers.report.html_file import write_html, wrong_html
from streaming.errors import Mistakes
from tests.scored import NOTHING


def test_no_report_and_one_that_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = tmp_path / "there.html"
    there.write_text("an older one")
    monkeypatch.chdir(tmp_path)
    for path in (None, str(there), str(tmp_path / "new.html"), "new.html"):
        assert list(wrong_html(path)) == []
    assert there.read_text() == "an older one"
    assert [each.name for each in tmp_path.iterdir()] == ["there.html"]


def test_a_path_that_is_no_file_s(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert list(wrong_html(str(tmp_path))) == [f"--html: {tmp_path} is a directory; name a file in it"]
    for parent in ("none", "file"):
        assert list(wrong_html(f"{tmp_path}/{parent}/a.html")) == [
            f"--html: no directory {tmp_path}/{parent}; make it, or correct the path"
        ]


def test_a_name_that_no_file_can_have(tmp_path: Path) -> None:
    path = str(tmp_path / ("x" * 300))
    assert list(wrong_html(path)) == [f"--html: {path} cannot be written: File name too long; name another file"]
    assert list(wrong_html("")) == ["--html: an empty path is a directory; name a file in it"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_place_where_this_user_may_not_write(tmp_path: Path) -> None:
    (tmp_path / "file").touch(0o400)
    tmp_path.chmod(0o500)
    for name in ("file", "new"):
        line = f"--html: no permission to write {tmp_path}/{name}; name another file"
        assert list(wrong_html(f"{tmp_path}/{name}")) == [line]
    tmp_path.chmod(0o700)


def test_the_report_takes_an_older_one_s_place(tmp_path: Path) -> None:
    path = tmp_path / "score.html"
    path.write_text("an older one")
    write_html(str(path), NOTHING)
    assert path.read_text(encoding="utf-8") == to_html(NOTHING)


def test_a_directory_that_has_gone_since(tmp_path: Path) -> None:
    path = tmp_path / "none" / "score.html"
    with pytest.raises(Mistakes) as caught:
        write_html(str(path), NOTHING)
    assert caught.value.lines == (f"--html: {path} cannot be written: No such file or directory; name another file",)
