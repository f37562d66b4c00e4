"""What must have come and has not."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from producers.scoring.expected import Expected
from producers.scoring.findings import About, Findings
from producers.scoring.generations import Generations
from producers.scoring.letters import PLACE, Letters
from producers.scoring.places import Place
from producers.scoring.scores import Kind

_NOWHERE = "-"


def check_losses(
    places: Sequence[Place],
    expected: Expected,
    letters: Letters,
    generations: Generations,
    found: Findings,
) -> None:
    """Add to `found` what is missing, each once.

    | due | what came | finding |
    |---|---|---|
    | a dead letter | nothing | `LOST` |
    | a dead letter | a prediction instead, also one of a replay | `MISSING_DEAD_LETTER` |
    | a dead letter | a dead letter of another stage | none: that one is `WRONG_STAGE` |
    | a prediction | nothing | `LOST`; in `-`, or in the table alone |
    | a prediction | a dead letter, of the message, the model or one before it | none: that one is unexpected |
    | an output message | a row of the table | `MISSING_MESSAGE` |

    Args:
        places: the table before the output messages.
        expected: what must come.
        letters: what the dead letters say.
        generations: of the first place.
        found: takes what is missing.
    """
    losses = _Losses(places, expected, letters, found)
    losses.dead_letters()
    losses.dead_letters_of_models()
    losses.predictions(generations)


class _Losses:
    def __init__(self, places: Sequence[Place], expected: Expected, letters: Letters, found: Findings) -> None:
        self._places, self._expected, self._letters, self._found = places, expected, letters, found
        self._came = np.logical_or.reduce([place.came for place in places])

    def dead_letters(self) -> None:
        missing = self._letters.missing(self._expected)
        instead = np.logical_or.reduce([self._came.any(axis=1), *(place.again for place in self._places)])
        self._found.add(Kind.LOST, _NOWHERE, np.flatnonzero(missing & ~instead), self._dead)
        self._found.add(Kind.MISSING_DEAD_LETTER, PLACE, np.flatnonzero(missing & instead), self._dead)

    def dead_letters_of_models(self) -> None:
        missing = self._letters.missing_of_models(self._expected)
        about = self._cell("the model must reject it")
        self._found.add(Kind.LOST, _NOWHERE, np.flatnonzero(missing & ~self._came), about)
        self._found.add(Kind.MISSING_DEAD_LETTER, PLACE, np.flatnonzero(missing & self._came), about)

    def predictions(self, generations: Generations) -> None:
        due = self._expected.answered & ~self._letters.explained & ~generations.unclear
        nowhere = due & ~self._came
        self._found.add(Kind.LOST, _NOWHERE, np.flatnonzero(nowhere), self._cell(""))
        if len(self._places) > 1:
            table, messages = (place.came for place in self._places)
            about = self._cell("it is among the output messages")
            self._found.add(Kind.LOST, self._places[0].name, np.flatnonzero(due & ~nowhere & ~table), about)
            absent = np.flatnonzero(due & table & ~messages)
            self._found.add(Kind.MISSING_MESSAGE, self._places[1].name, absent, self._cell(""))

    def _dead(self, message: int) -> About:
        came = [model for number, model in enumerate(self._expected.models) if self._came[message, number]]
        stage = self._expected.messages["stage"][message].as_py()
        answered = f"; answered by {', '.join(came)}" if came else ""
        return self._message_id(message), None, f"must be a dead letter of the stage {stage}{answered}"

    def _cell(self, detail: str) -> Callable[[int], About]:
        models = self._expected.models

        def about(cell: int) -> About:
            message, model = divmod(cell, len(models))
            return self._message_id(message), models[model], detail

        return about

    def _message_id(self, message: int) -> str | None:
        return self._expected.messages["message_id"][message].as_py()
