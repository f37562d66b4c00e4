"""The file that a report is written into: what would hinder that is found before anything is scored."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path

from producers.scoring.scores import Score
from streaming.errors import Mistakes

_PACKAGES = ("jinja2", "matplotlib")


def wrong_html(path: str | None) -> Iterator[str]:
    """A line for each reason why a report cannot be written to `path`; None is where none is wanted."""
    if path is None:
        return
    for package in _PACKAGES:
        if importlib.util.find_spec(package) is None:
            yield f"--html: needs the package {package}; install it with pip install 'pubsub-inference[report]'"
    try:
        yield from _wrong_path(path)
    except OSError as error:  # a directory that may not be searched, a name that is too long
        yield _not_written(path, error)


def _wrong_path(path: str) -> Iterator[str]:
    directory = Path(path).absolute().parent
    if not path or Path(path).is_dir():
        yield f"--html: {path or 'an empty path'} is a directory; name a file in it"
    elif not directory.is_dir():
        yield f"--html: no directory {directory}; make it, or correct the path"
    elif not (os.access(path, os.W_OK) if Path(path).exists() else os.access(directory, os.W_OK | os.X_OK)):
        yield f"--html: no permission to write {path}; name another file"


def write_html(path: str, score: Score) -> None:
    """Write the report.

    Raises:
        Mistakes: the file cannot be written.
    """
    from producers.report.html import to_html  # the packages are there only with the extra `report`

    try:
        Path(path).write_text(to_html(score), encoding="utf-8")
    except OSError as error:
        raise Mistakes([_not_written(path, error)]) from error


def _not_written(path: str, error: OSError) -> str:
    return f"--html: {path} cannot be written: {error.strerror}; name another file"
