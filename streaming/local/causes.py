"""Why a job failed, in words for its user: the failure of a pipeline holds a traceback as text."""

from __future__ import annotations

import re
import traceback
from collections.abc import Sequence
from itertools import dropwhile

from streaming.errors import JobError, PermanentError, one_line

PERMANENT = f"{PermanentError.__module__}.{PermanentError.__qualname__}"
UNAVAILABLE = ("streaming.predictors.ModelUnavailableError", "streaming.models.service.TransientError")
"""Errors by the names they have in a traceback; their text is meant for the user as it is."""


def cause(error: Exception) -> tuple[str, bool]:
    """Why a job failed, on one line, and whether a restart cannot help.

    The failure of a pipeline holds a traceback as text, whose last exception is what counts.
    """
    if isinstance(error, JobError):
        return one_line(error), isinstance(error, PermanentError)
    line = _last_raised(str(error))
    if line is None:
        return " ".join("".join(traceback.format_exception_only(error)).split()), False
    return _own(line, (PERMANENT, *UNAVAILABLE)) or line, PERMANENT in str(error)


def model_away(error: Exception) -> str | None:
    """The words of a model that cannot be asked now, if that is why the pipeline failed; None of any other failure."""
    return _own(_last_raised(str(error)) or "", UNAVAILABLE)


def _last_raised(text: str) -> str | None:
    """The last exception of the last traceback in a text, on one line; None without a traceback."""
    _, found, after = text.rpartition("Traceback (most recent call last):\n")
    if not found:
        return None
    raised = dropwhile(lambda line: line.startswith(" "), after.splitlines())
    return " ".join(" ".join(raised).split())


def _own(line: str, names: Sequence[str]) -> str | None:
    """The text of an exception of one of these names, without the step in which Beam met it; None of any other."""
    name, found, words = line.partition(": ")
    return re.sub(r" \[while running '[^']*'\]$", "", words) if found and name in names else None
