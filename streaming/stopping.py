"""Whether this process is asked to stop: what was read is finished, but nobody waits for what may take long."""

from __future__ import annotations

import threading

stop_asked = threading.Event()
"""Set by `streaming.source.stop_reading`, and never cleared."""
