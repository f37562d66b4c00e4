"""When what is due is to be sent."""

from __future__ import annotations

import threading
import time

TICK_SECONDS = 0.25
"""No wait is longer, so that what else happens is seen and shown meanwhile."""


class Pace:
    """A clock that starts when it is first asked; times are seconds from then.

    Args:
        stop: ends every wait.
    """

    def __init__(self, stop: threading.Event) -> None:
        self.stop = stop
        self._started: float | None = None
        self._until = 0.0

    def seconds(self) -> float:
        """The time."""
        now = time.monotonic()
        if self._started is None:
            self._started = now
        return now - self._started

    def waits(self, due: float) -> bool:
        """Wait until `due`, and no longer than a tick; whether that is to be repeated."""
        left = due - self.seconds()
        return left > 0 and not self.stop.wait(min(left, TICK_SECONDS)) and left > TICK_SECONDS

    def sends(self, lasts: float) -> None:
        """Something is sent now, and the next is due after `lasts` seconds."""
        self._until = self.seconds() + lasts

    def until_last(self) -> float:
        """The time, or when the next would be due if that is later; 0 if the clock has not started."""
        return max(self._until, self.seconds()) if self._started is not None else 0.0
