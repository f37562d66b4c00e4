"""A scenario's fleet publishes to a topic: everything is checked first, then sent, and the truth file tells of it."""

from __future__ import annotations

import threading
from contextlib import nullcontext

from producers.publishing.plan import RETRY_SECONDS, PublishPlan
from producers.publishing.ready import prepare
from producers.publishing.sending import OnProgress, Totals, send
from producers.publishing.topics import create
from producers.truth import TruthWriter
from streaming.endpoints import publisher_client
from streaming.errors import PermanentError
from streaming.pubsub.publish_requests import Requests


def publish(
    plan: PublishPlan, *, stop: threading.Event | None = None, on_progress: OnProgress = lambda _: None
) -> Totals:
    """Publish what the plan says.

    Args:
        plan: what is published.
        stop: ends it between two blocks of messages.
        on_progress: as `producers.publishing.sending.send` takes it.

    Raises:
        Mistakes: all that is wrong with the plan. Nothing has been written or made.
        PermanentError: Pub/Sub does not answer or does not allow it, from the start or half-way.
    """
    ready = prepare(plan)
    with publisher_client() as client, TruthWriter(plan.truth, ready.run) if plan.truth else nullcontext() as truth:
        create(ready.place, ready.wanted)
        service = Requests(client, retry_for=plan.retry_for, timeout=RETRY_SECONDS)
        messages = ready.stream(plan.count())
        totals = send(messages, plan.topic, plan.rate, service, truth=truth, stop=stop, on_progress=on_progress)
    if totals.failed:
        counts = f"published {totals.published:,}, not published {totals.refused:,}, unknown {totals.unknown:,}"
        told = f"; {plan.truth} tells which" if plan.truth else ""
        raise PermanentError(f"{totals.ending}; messages: {counts}{told}")
    return totals
