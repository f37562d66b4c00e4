"""Errors a user can cause: what they look like, also after a journey to another process."""

import pickle

import pytest

from streaming.errors import JobError, Mistakes, PermanentError, no_credentials, one_line


def test_mistakes_are_shown_one_a_line() -> None:
    mistakes = Mistakes(line for line in ("models: missing; add it", "window.fixed: missing; add it"))
    assert mistakes.lines == ("models: missing; add it", "window.fixed: missing; add it")
    assert str(mistakes) == "models: missing; add it\nwindow.fixed: missing; add it"


def test_both_kinds_are_the_users_to_mend() -> None:
    assert (Mistakes.__mro__[1], PermanentError.__mro__[1]) == (JobError, JobError)


def test_mistakes_can_be_pickled() -> None:
    again = pickle.loads(pickle.dumps(Mistakes(["a", "b"])))
    assert (type(again), again.lines, str(again)) == (Mistakes, ("a", "b"), "a\nb")


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("short"), "short"),
        (ValueError(" one\n\ttwo \r\n three\n"), "one two three"),
        (ValueError(), "ValueError"),
        (ValueError(" \n"), "ValueError"),
        (KeyError("x"), "'x'"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
    ],
)
def test_a_message_on_one_line(error: BaseException, line: str) -> None:
    assert one_line(error) == line


def test_missing_credentials_come_with_the_remedy() -> None:
    line = "no valid credentials; run gcloud auth application-default login (none here)"
    assert no_credentials(ValueError("none\nhere")) == line
