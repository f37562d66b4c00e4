"""Replay: dead letters back into the input topic, each message once, as it was and under its original id."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from typing import Protocol

from google.api_core.exceptions import GoogleAPIError, InvalidArgument, NotFound

from producers.replaying.letter_ids import job_ids
from producers.replaying.letters import EVERYTHING, Letter, Selection
from producers.replaying.letters_subscription import LetterSubscription
from producers.replaying.letters_table import Answers, LetterTable
from producers.replaying.outbox import Outbox
from producers.replaying.replay_plan import ReplayPlan
from producers.replaying.replay_summary import FailedAt, Summary
from streaming.bigquery.table_ids import TableId
from streaming.endpoints import bigquery_client, publisher_client, show_pubsub
from streaming.errors import JobError, Mistakes
from streaming.job import load_job
from streaming.pubsub.presence import see_subscription, see_topic
from streaming.pubsub.publisher import Publisher
from streaming.service_errors import in_words

NOT_SELECTED = "not among --stage, --error, --model, --since and --until"
ANSWERED = "answered in the output table by now"
GONE = "this replay has sent the message already, after another failure of it"

_SEE_SECONDS = 5.0  # somebody waits before the screen


class LetterSource(Protocol):
    """Where letters come from."""

    def __iter__(self) -> Iterator[list[Letter]]:
        """The letters, some at a time; perhaps none at a time."""

    def done(self, letters: Sequence[Letter]) -> None:
        """The messages of the letters are published."""


class Replay:
    """One run over a source of letters.

    Args:
        source: of letters.
        outbox: takes the messages; None on a dry run.
        summary: counts what happens, also of a run that an error ends.
        selection: letters beyond it are left out.
        answered: says of each letter whether it is answered by now; without it none is.
        limit: the most messages.
        stop: when set, nothing more is published.
        on_progress: called whenever the summary has changed.
    """

    def __init__(
        self,
        source: LetterSource,
        outbox: Outbox | None,
        summary: Summary,
        *,
        selection: Selection = EVERYTHING,
        answered: Callable[[Sequence[Letter]], list[bool]] | None = None,
        limit: int | None = None,
        stop: threading.Event | None = None,
        on_progress: Callable[[], None] = lambda: None,
    ) -> None:
        self._source = source
        self._outbox = outbox
        self._summary = summary
        self._selection = selection
        self._answered = answered
        self._limit = limit
        self._stop = stop or threading.Event()
        self._on_progress = on_progress
        self._gone: set[str] = set()
        """Of what has been sent, the original ids, and the message ids under which it had failed."""
        self._refused: dict[str, str] = {}
        """Original ids of what Pub/Sub does not take, and why."""

    def run(self) -> None:
        """Publish until there are no more letters, or the limit is reached, or it is to stop.

        Raises:
            JobError: a service does not do its part; the summary tells what went before.
        """
        for letters in self._source:
            self._send_all(list(self._choose(letters).values()))
            self._on_progress()
            if self._stop.is_set() or not self._has_room(0):
                return

    def _choose(self, letters: Sequence[Letter]) -> dict[str, list[Letter]]:
        """The letters whose messages are to go, by their original id."""
        chosen: dict[str, list[Letter]] = {}
        for letter in self._open(letters):
            name = letter.original_id
            if name in self._refused:
                self._summary.refuse(letter, self._refused[name])
            elif name in self._gone:
                self._follow(letter)
            elif name in chosen or self._has_room(len(chosen)):
                chosen.setdefault(name, []).append(letter)
        return chosen

    def _open(self, letters: Sequence[Letter]) -> list[Letter]:
        """The letters that are wanted, can go back and have not been answered."""
        able: list[Letter] = []
        for letter in letters:
            if not self._selection.takes(letter):
                self._summary.unwanted[FailedAt(letter.stage, letter.model)] += 1
                self._summary.leave_out(letter, NOT_SELECTED)
            elif (cause := letter.obstacle()) is not None:
                self._summary.leave_out(letter, cause)
            else:
                able.append(letter)
        if self._answered is None:
            return able
        answered = self._answered(able)
        for letter, is_answered in zip(able, answered, strict=True):
            if is_answered:
                self._summary.leave_out(letter, ANSWERED)
        return [letter for letter, is_answered in zip(able, answered, strict=True) if not is_answered]

    def _follow(self, letter: Letter) -> None:
        """Deal with a letter whose message has been sent before it was read.

        One more letter of the same failure, such as another model's, is done with that. But a message that has failed
        anew since it was sent is nowhere but in its new letter, which must not be acknowledged. The table has lost
        nothing: it is as it was before.
        """
        if letter.letter_id is None or letter.message_id in self._gone:
            self._finish([letter])
        else:
            self._summary.leave_out(letter, GONE)

    def _send_all(self, chosen: Sequence[list[Letter]]) -> None:
        if self._outbox is None:
            self._gone_now(chosen)
            return
        for block in self._outbox.blocks(len(chosen)):
            if self._stop.is_set():
                return
            self._send(self._outbox, chosen[block])

    def _send(self, outbox: Outbox, chosen: Sequence[list[Letter]]) -> None:
        refusals = outbox.send([letters[0].message() for letters in chosen])
        causes = {refusal.row: f"{refusal.error_class}: {refusal.message}" for refusal in refusals}
        for row, cause in causes.items():
            self._refused[chosen[row][0].original_id] = cause
            for letter in chosen[row]:
                self._summary.refuse(letter, cause)
        self._gone_now([letters for row, letters in enumerate(chosen) if row not in causes])
        self._on_progress()

    def _gone_now(self, chosen: Sequence[list[Letter]]) -> None:
        self._summary.messages += len(chosen)
        letters = [letter for each in chosen for letter in each]
        for letter in letters:
            self._gone.update((letter.original_id, letter.message_id))
        self._finish(letters)

    def _finish(self, letters: Sequence[Letter]) -> None:
        self._summary.go(letters)
        if self._outbox is not None:
            self._source.done(letters)

    def _has_room(self, chosen: int) -> bool:
        return self._limit is None or self._summary.messages + chosen < self._limit


def replay(
    plan: ReplayPlan,
    summary: Summary,
    *,
    stop: threading.Event | None = None,
    on_progress: Callable[[], None] = lambda: None,
) -> None:
    """Do what the plan says.

    Args:
        plan: from where to where.
        summary: counts what happens, also when an error ends it.
        stop: when set, nothing more is published, and what waits on the subscription is given back.
        on_progress: called whenever the summary has changed.

    Raises:
        Mistakes: topic, subscription or a table is missing or of another kind, the subscription is of the topic itself,
            or the job file cannot be used.
        JobError: something may not be used, or a service does not answer.
    """
    with _named("--topic"):
        see_topic("--topic", plan.topic, _SEE_SECONDS)
    stop = stop or threading.Event()
    with ExitStack() as ends:
        source = _open_source(plan, ends)
        Replay(
            source,
            _open_outbox(plan, stop, ends),
            summary,
            selection=plan.selection,
            answered=_open_answers(plan),
            limit=plan.limit,
            stop=stop,
            on_progress=on_progress,
        ).run()
        if isinstance(source, LetterTable) and plan.selection != EVERYTHING and summary.is_empty:
            summary.unwanted.update(source.counts())


def _open_source(plan: ReplayPlan, ends: ExitStack) -> LetterSource:
    if plan.subscription is not None:
        with _named("--subscription"):
            topic = see_subscription("--subscription", plan.subscription, _SEE_SECONDS)
        if topic == plan.topic:
            wrong = f"{plan.subscription} is of --topic {plan.topic} itself; give one of the dead-letter topic"
            raise Mistakes([f"--subscription: {wrong}"])
        return ends.enter_context(LetterSubscription(plan.subscription))
    assert isinstance(plan.table, TableId)
    return LetterTable(bigquery_client(plan.table.project), plan.table, plan.selection)


@contextmanager
def _named(flag: str) -> Iterator[None]:
    """What the flag names and is not there is the caller's mistake."""
    try:
        yield
    except JobError as error:
        if isinstance(error.__cause__, NotFound | InvalidArgument):
            raise Mistakes([str(error)]) from error
        if isinstance(error.__cause__, GoogleAPIError):
            why = f"{show_pubsub()} does not answer: {in_words(error.__cause__)}"
            raise JobError(f"{flag}: {why}; see whether it is up") from error
        raise


def _open_answers(plan: ReplayPlan) -> Answers | None:
    if plan.output_table is None:
        return None
    client = bigquery_client(plan.output_table.project)
    if plan.job_file is None:
        return Answers(client, plan.output_table)
    return Answers(client, plan.output_table, job_ids(load_job(plan.job_file)))


def _open_outbox(plan: ReplayPlan, stop: threading.Event, ends: ExitStack) -> Outbox | None:
    if plan.dry_run:
        return None
    publisher = ends.enter_context(closing(Publisher(ends.enter_context(publisher_client()))))
    return Outbox(publisher, plan.topic, plan.rate, stop)
