"""bqemulator, run as `python -m streaming.local.bigquery_emulator start ...`, with three things mended.

- DuckDB's spatial extension comes from a package; bqemulator would download it.
- Each call that bqemulator makes on its one DuckDB connection is made under one lock: an insertAll beside an append
  else ends with one thread holding DuckDB's lock and waiting for Python's, and another the other way round, for ever.
- Each append stream keeps a thread of the event loop's default executor, which has the number of CPUs and 4; with all
  of them taken, nothing answers any more.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import wraps
from typing import Any

import duckdb_extensions
from bqemulator.cli import main
from bqemulator.storage.engine import DuckDBEngine

APPEND_STREAMS = 256

_lock = threading.RLock()  # waiting for it lets other threads run Python, unlike waiting for DuckDB's own


class _LockedConnection:
    """A DuckDB connection whose methods run one at a time."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._connection, name)
        return _locked(found) if callable(found) else found


def _locked(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def run(*args: Any, **kwargs: Any) -> Any:
        with _lock:
            return method(*args, **kwargs)

    return run


class _ManyThreads(asyncio.DefaultEventLoopPolicy):
    """Event loops whose default executor has a thread for each append stream."""

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        loop = super().new_event_loop()
        loop.set_default_executor(ThreadPoolExecutor(APPEND_STREAMS))
        return loop


def _run() -> None:
    asyncio.set_event_loop_policy(_ManyThreads())
    duckdb_extensions.import_extension("spatial")
    connection = DuckDBEngine.connection.fget
    DuckDBEngine.connection = property(lambda engine: _LockedConnection(connection(engine)))
    DuckDBEngine.fetch_arrow = _locked(DuckDBEngine.fetch_arrow)  # executes, then reads the connection's one result
    main()


if __name__ == "__main__":
    _run()
