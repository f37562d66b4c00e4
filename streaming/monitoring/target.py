"""What monitoring is installed for: a job by its name, and the marks by which what belongs to it is found again."""

from __future__ import annotations

import re
from dataclasses import dataclass

_MANAGED_BY = {"managed-by": "pubsub-inference"}


@dataclass(frozen=True)
class Target:
    """A job by its name, and the id of the subscription that it reads."""

    job: str
    subscription: str

    @property
    def labels(self) -> dict[str, str]:
        """The marks of what belongs to the job; a value holds 63 small letters, digits, dashes and underscores."""
        return {**_MANAGED_BY, "job": re.sub(r"[^a-z0-9_-]", "_", self.job.lower())[:63]}


PLACEHOLDERS = Target("JOB_NAME", "SUBSCRIPTION")
"""What stands for both in the files of the repository."""
