"""The demo's fleet: it publishes, takes up the output messages, and scores what came out; in threads of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from streaming.errors import JobError, one_line

if TYPE_CHECKING:
    from producers.publishing.sending import Totals
    from producers.scoring.scores import Score

ANSWER_TIME = timedelta(seconds=60)
"""How long after the last message everything may take to come out."""


@dataclass
class DemoFleet:
    """Publishes, waits until everything has come out, and scores it.

    Attributes:
        scenario: path of the scenario file.
        topic: to publish to.
        table: of predictions.
        subscription: to the topic of output messages.
        messages: how many are published.
        rate: how many of them a second.
        directory: where the files go that stay.
        published: how many are, so far.
        done: set when everything has come out and been scored, or it is clear that it will not.
    """

    FILES: ClassVar = ("truth.ndjson", "predictions.ndjson", "report.html")

    scenario: Path
    topic: str
    table: str
    subscription: str
    messages: int
    rate: float
    directory: Path
    published: int = 0
    done: threading.Event = field(default_factory=threading.Event)
    _stopped: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None
    _score: Score | None = None
    _error: Exception | None = None

    @property
    def truth_path(self) -> Path:
        return self.directory / "truth.ndjson"

    @property
    def messages_path(self) -> Path:
        return self.directory / "predictions.ndjson"

    @property
    def report_path(self) -> Path:
        return self.directory / "report.html"

    def start(self) -> bool:
        """Begin to publish; whether this was the first call, for the others do nothing."""
        if self._thread is not None:
            return False
        self._thread = threading.Thread(target=self._run, name="fleet", daemon=True)
        self._thread.start()
        return True

    def stop(self) -> None:
        """End the threads, however far they are."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()

    def score(self) -> Score:
        """What came out, against what went in.

        Raises:
            JobError: the messages could not be published, or what came of them not be read.
        """
        if self._score is None or self._error is not None:
            error = self._error or RuntimeError("it was stopped")
            raise error if isinstance(error, JobError) else JobError(f"the demo's fleet failed: {one_line(error)}")
        return self._score

    def _run(self) -> None:
        taker = threading.Thread(target=self._guarded, args=[self._take_up], name="output messages", daemon=True)
        taker.start()
        self._guarded(self._publish_and_score)
        self.done.set()
        self._stopped.set()
        taker.join()

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - shown by `score`; the job must be ended all the same
            if not self._stopped.is_set():  # what is cut short is no error
                self._error = error
            self._stopped.set()

    def _publish_and_score(self) -> None:
        self._publish()
        if not self._stopped.is_set():
            self._score = self._scored()
            self._report(self._score)

    def _publish(self) -> None:
        from producers.publishing.plan import PublishPlan
        from producers.publishing.publish import publish

        plan = PublishPlan(
            self.topic, str(self.scenario), rate=self.rate, messages=self.messages, truth=self.truth_path
        )
        self._count(publish(plan, stop=self._stopped, on_progress=self._count))

    def _count(self, totals: Totals) -> None:
        self.published = totals.published

    def _scored(self) -> Score:
        from producers.scoring.score import score_run

        return score_run(
            str(self.truth_path),
            table=self.table,
            messages_file=str(self.messages_path),
            wait=ANSWER_TIME,
            stop=self._stopped,
        )

    def _report(self, score: Score) -> None:
        from producers.report.html import to_html

        self.report_path.write_text(to_html(score), encoding="utf-8")

    def _take_up(self) -> None:
        """Write each output message's data as a line, as a Cloud Storage subscription of Pub/Sub does."""
        from streaming.endpoints import subscriber_client

        with subscriber_client() as subscriber, self.messages_path.open("ab", buffering=0) as file:
            while not self._stopped.is_set():
                pulled = subscriber.pull(subscription=self.subscription, max_messages=1000, timeout=10)
                if not pulled.received_messages:
                    self._stopped.wait(0.2)  # the emulator may answer at once with nothing
                    continue
                file.write(b"".join(each.message.data + b"\n" for each in pulled.received_messages))
                ack_ids = [each.ack_id for each in pulled.received_messages]
                subscriber.acknowledge(subscription=self.subscription, ack_ids=ack_ids)
