"""What a replay did, or would do: letters by their reason, messages, and what was left out and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from producers.replaying.letters import Letter

NAMED = 5  # so many messages are named of those that a reason holds back


class Reason(NamedTuple):
    """What letters are counted by."""

    stage: str
    error_class: str
    model: str | None


class FailedAt(NamedTuple):
    """Where letters come from: the stage, and the model where it was one."""

    stage: str
    model: str | None


@dataclass
class Tally:
    """Letters of one reason.

    Attributes:
        letters: how many.
        oldest, newest: when the first and the last of them failed.
        example: the first one's message id and error message.
    """

    letters: int
    oldest: datetime
    newest: datetime
    example: str


@dataclass
class Held:
    """Letters that stay where they are for one cause: how many, and the ids of the first messages."""

    letters: int = 0
    messages: list[str] = field(default_factory=list)

    def add(self, letter: Letter) -> None:
        self.letters += 1
        name = letter.message_id or letter.letter_id or ""
        if name and name not in self.messages and len(self.messages) < NAMED:
            self.messages.append(name)


@dataclass
class Summary:
    """Counts that grow while the replay goes on.

    Attributes:
        messages: how many were published, each once; on a dry run, how many would be.
        reasons: their letters.
        left_out: letters that do not go, by the cause.
        refused: letters whose message Pub/Sub refused, by what it said.
        unwanted: letters that the filters leave out. Of those in a table, which are not read, it holds something only
            where nothing at all is wanted.
    """

    messages: int = 0
    reasons: dict[Reason, Tally] = field(default_factory=dict)
    left_out: dict[str, Held] = field(default_factory=dict)
    refused: dict[str, Held] = field(default_factory=dict)
    unwanted: Counter[FailedAt] = field(default_factory=Counter)

    def go(self, letters: Iterable[Letter]) -> None:
        """Note letters whose message goes."""
        for letter in letters:
            self._count(letter)

    def leave_out(self, letter: Letter, cause: str) -> None:
        """Note a letter that does not go."""
        self.left_out.setdefault(cause, Held()).add(letter)

    def refuse(self, letter: Letter, cause: str) -> None:
        """Note a letter whose message Pub/Sub does not take."""
        self.refused.setdefault(cause, Held()).add(letter)

    @property
    def is_empty(self) -> bool:
        """Whether no letter has been seen."""
        return not (self.reasons or self.left_out or self.refused)

    @property
    def matches_nothing(self) -> bool:
        """Whether there are letters, and the filters leave out all of them."""
        left_out = sum(held.letters for held in self.left_out.values())
        return not (self.reasons or self.refused) and left_out <= self.unwanted.total() > 0

    @property
    def letters(self) -> int:
        """How many letters `messages` stands for."""
        return sum(tally.letters for tally in self.reasons.values())

    def _count(self, letter: Letter) -> None:
        reason = Reason(letter.stage, letter.error_class, letter.model)
        tally = self.reasons.get(reason)
        if tally is None:
            example = f"{letter.message_id}: {letter.error_message}"
            self.reasons[reason] = Tally(1, letter.failed_at, letter.failed_at, example)
            return
        tally.letters += 1
        tally.oldest = min(tally.oldest, letter.failed_at)
        tally.newest = max(tally.newest, letter.failed_at)
