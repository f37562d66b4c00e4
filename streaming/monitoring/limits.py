"""From where on a job is not healthy: the limits of the rules."""

from __future__ import annotations

from streaming.monitoring.figures import LATE_MS, RULE_SPAN

MINUTES = f"{RULE_SPAN.total_seconds() / 60:g} minutes"
"""The span that rules judge, in words."""

STARTING_SECONDS = RULE_SPAN.total_seconds()
"""So long a job is starting, and its flow is not judged: machines come up, models load, and a backlog is caught up."""

LATE_SECONDS = LATE_MS / 1000
MOST_UNACKED_SECONDS = 300.0
MOST_BEHIND_SECONDS = 300.0
MOST_LATE_SHARE = 0.01
MOST_DEAD_LETTER_SHARE = 0.01
MOST_GROWTH = 1.0
"""Messages a second by which the backlog may grow, and the backlog from which on that matters."""
LARGE_BACKLOG = 1000.0
BUSY_SHARE = 0.5
"""From this part of the batches' time on a model is named as what takes it."""
