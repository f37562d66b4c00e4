"""How much of its stored input this process has read, for what watches the job on this machine."""

from __future__ import annotations

import threading

_lock = threading.Lock()
_read = 0


def part_read() -> None:
    """One more part is read to its end."""
    global _read
    with _lock:
        _read += 1


def parts_read() -> int:
    """So many parts are read to their ends."""
    return _read
