"""A few threads for many tasks: those of one lane one after the other, in order, and lanes side by side."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor


class Lanes:
    """The threads, and the tasks that wait for the one before them in their lane.

    Args:
        most: how many tasks may be unfinished, and how many threads there are.
        name: what the threads are called.
    """

    def __init__(self, most: int, name: str) -> None:
        self._most = most
        self._pool = ThreadPoolExecutor(most, thread_name_prefix=name)
        self._changed = threading.Condition()  # guards everything below
        self._lanes: dict[Hashable, deque[Callable[[], object]]] = {}
        self._unfinished = 0
        self._closed = False

    def submit(self, lane: Hashable, task: Callable[[], object]) -> None:
        """Have `task` done after every earlier one of its lane; waits while too many tasks are unfinished.

        Args:
            lane: names the lane; it is there as long as it has tasks.
            task: deals with its own exceptions: here nobody hears of them.

        Raises:
            RuntimeError: the lanes are closed.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._unfinished < self._most)
            if self._closed:
                raise RuntimeError("the lanes are closed")
            self._unfinished += 1
            tasks = self._lanes.setdefault(lane, deque())
            tasks.append(task)
            if len(tasks) == 1:
                self._pool.submit(self._run_first, lane)

    def close(self) -> None:
        """Wait until all tasks are done, and end the threads."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._unfinished)
        self._pool.shutdown()

    def _run_first(self, lane: Hashable) -> None:
        tasks = self._lanes[lane]
        try:
            tasks[0]()
        finally:
            with self._changed:
                self._unfinished -= 1
                tasks.popleft()
                if tasks:
                    self._pool.submit(self._run_first, lane)
                else:
                    del self._lanes[lane]
                self._changed.notify_all()
