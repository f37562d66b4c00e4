"""What is wrong, counted by kind; of each kind the first few are kept as examples."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from producers.scoring.scores import EXAMPLES, Finding, Kind

About = tuple[str | None, str | None, str]
"""The message id, the model and the detail of a finding."""


class Findings:
    """Collects findings: all are counted, and only examples are put into words."""

    def __init__(self) -> None:
        self._counts: Counter[Kind] = Counter()
        self._examples: defaultdict[Kind, list[Finding]] = defaultdict(list)

    def add(self, kind: Kind, place: str, wrong: np.ndarray, about: Callable[[int], About]) -> None:
        """Add a finding for each number in `wrong`.

        Args:
            kind: of all of them.
            place: where they were found.
            wrong: integers of shape [n], which mean something to `about`.
            about: what a number is about; asked only for examples.
        """
        if len(wrong) == 0:
            return
        self._counts[kind] += len(wrong)
        room = EXAMPLES - len(self._examples[kind])
        for number in wrong[:room].tolist():
            message_id, model, detail = about(number)
            self._examples[kind].append(Finding(kind, place, message_id, model, detail))

    @property
    def counts(self) -> Mapping[Kind, int]:
        """How much of each kind is wrong, in the kinds' order."""
        return {kind: self._counts[kind] for kind in Kind if self._counts[kind]}

    @property
    def examples(self) -> Sequence[Finding]:
        """The findings that are kept, in the kinds' order."""
        return [finding for kind in Kind for finding in self._examples.get(kind, ())]
