"""Why a job failed, on one line: its own errors, a pipeline's traceback, a model that is away."""

from __future__ import annotations

import pytest

from streaming.errors import JobError, PermanentError
from streaming.local.causes import UNAVAILABLE, cause
from streaming.models.service import TransientError
from streaming.predictors import ModelUnavailableError


def test_the_errors_known_by_name_have_it() -> None:
    known = (ModelUnavailableError, TransientError)
    assert tuple(f"{each.__module__}.{each.__qualname__}" for each in known) == UNAVAILABLE


TRACEBACK = """Pipeline job-001 failed in state FAILED: bundle inst002 failed:Traceback (most recent call last):
  File "steps.py", line 8, in process
    raise PLACE from error
         ~~~~~~^^^^^
KeyError: 'k'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "sdk_worker.py", line 310, in _execute
    response = task()
               ^^^^^^
{raised} [while running 'Pull']
"""


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (PermanentError("a\nb"), ("a b", True)),
        (JobError("a"), ("a", False)),
        (RuntimeError("a\nb"), ("RuntimeError: a b", False)),
        (RuntimeError(), ("RuntimeError", False)),
        (
            RuntimeError(TRACEBACK.format(raised="ValueError: odd\n  row")),
            ("ValueError: odd row [while running 'Pull']", False),
        ),
        (
            RuntimeError(TRACEBACK.format(raised="streaming.errors.PermanentError: subscription s:\n mend it")),
            ("subscription s: mend it", True),
        ),
        (
            RuntimeError(TRACEBACK.format(raised="streaming.predictors.ModelUnavailableError: model rem: away")),
            ("model rem: away", False),
        ),
        (
            RuntimeError(TRACEBACK.format(raised="streaming.models.service.TransientError: http://h: 1 answers 503")),
            ("http://h: 1 answers 503", False),
        ),
        (
            RuntimeError(
                TRACEBACK.replace("KeyError: 'k'", "streaming.errors.PermanentError: s").format(raised="OSError: x")
            ),
            ("OSError: x [while running 'Pull']", True),
        ),
    ],
)
def test_the_cause_is_one_line(error: Exception, expected: tuple[str, bool]) -> None:
    assert cause(error) == expected
