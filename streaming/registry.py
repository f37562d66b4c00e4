"""What a process holds once: clients, connections, models.

A runner makes several instances of a DoFn and uses them from several threads; what is costly must not be made for each.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Any, TypeVar, cast

T = TypeVar("T")


class _Slot:
    """The place of one thing, and the lock under which it is made."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.made = False
        self.value: Any = None


_slots: dict[Hashable, _Slot] = {}
_slots_lock = threading.Lock()


def shared(key: Hashable, make: Callable[[], T]) -> T:
    """The one thing this process holds under `key`, made at the first call.

    Threads that ask for the same key wait for the one that makes it; other keys are not held up. What `make` raises
    is not remembered: the next call tries again.

    Args:
        key: names the thing and everything it was made from.
        make: makes it. It may ask for other keys, but not for its own.
    """
    with _slots_lock:
        slot = _slots.setdefault(key, _Slot())
    with slot.lock:
        if not slot.made:
            slot.value = make()
            slot.made = True
        return cast("T", slot.value)


def forget(key: Hashable) -> None:
    """Drop what is held under `key`, if anything; who has it keeps it."""
    with _slots_lock:
        _slots.pop(key, None)
