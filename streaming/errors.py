"""The errors a user can cause, and what they look like.

JobError                one line: the thing, the place, the remedy
├── Mistakes            several at once: everything wrong with flags, job file, schema, models
└── PermanentError      found while running; a restart does not help (missing subscription, table, model)
"""

from __future__ import annotations

from collections.abc import Iterable

EXIT_FAILED = 1
EXIT_MISTAKES = 2
"""The exit codes of every command: the job failed, or the caller made mistakes."""


class JobError(Exception):
    """Something the user can mend; shown as its message alone, without a traceback."""


class Mistakes(JobError):  # noqa: N818 - it is several errors
    """Everything found wrong before the start, one line each: `<place>: <what is wrong>; <remedy>`."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.lines = tuple(lines)
        super().__init__("\n".join(self.lines))

    def __reduce__(self) -> tuple[type[Mistakes], tuple[tuple[str, ...]]]:
        return (Mistakes, (self.lines,))


class PermanentError(JobError):
    """A fault of the running job that stays until somebody mends it."""


def exit_code(error: JobError) -> int:
    """How a process ends that ends with this error."""
    return EXIT_MISTAKES if isinstance(error, Mistakes) else EXIT_FAILED


def one_line(error: BaseException) -> str:
    """The error's message on one line, or its class where it has none."""
    return " ".join(str(error).split()) or type(error).__name__


def no_credentials(error: BaseException) -> str:
    """What is said where Google's libraries find no credentials, or only such as they cannot use; with the remedy."""
    return f"no valid credentials; run gcloud auth application-default login ({one_line(error)})"
