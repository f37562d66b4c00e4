"""The rows of a place, held against what they must say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from producers.scoring.arrays import NO_TIME, Column, equal, marked, micros, taken, valid
from producers.scoring.comparison import differing
from producers.scoring.expected import Expected
from producers.scoring.findings import About, Findings
from producers.scoring.generations import Generations
from producers.scoring.letters import Letters
from producers.scoring.origins import Origin
from producers.scoring.places import Place
from producers.scoring.scores import Kind
from streaming.wiring import Contract, ModelPlan

_MICROSECOND = timedelta(microseconds=1)


def check_rows(
    place: Place,
    contract: Contract,
    expected: Expected,
    answers: pa.Table,
    letters: Letters,
    generations: Generations,
    found: Findings,
) -> int:
    """Add to `found` what is wrong with the rows of a place; how many predictions could not be compared.

    Rows of which nobody knows what they are of are not looked into.
    """
    never = np.flatnonzero(place.origins.are(Origin.NONE))
    found.add(Kind.NEVER_SENT, place.name, never, _about(place, lambda row: _text(place.rows["prediction_id"], row)))
    wanted, unexpected = _sorted_out(place, expected, letters, generations)
    unasked = np.flatnonzero(unexpected)
    found.add(Kind.UNEXPECTED_PREDICTION, place.name, unasked, _about(place, lambda row: _why(place, expected, row)))
    rows = np.flatnonzero(wanted)
    checks = _Checks(place, rows, expected, contract, found)
    checks.ids()
    checks.keys()
    checks.times()
    return sum(
        checks.predictions(number, plan, answers, generations.others) for number, plan in enumerate(contract.models)
    )


def _sorted_out(
    place: Place, expected: Expected, letters: Letters, generations: Generations
) -> tuple[np.ndarray, np.ndarray]:
    """Which rows say what must be said, or may after a replay, and which should not be.

    Not among the latter are those that stand where a dead letter is missing: they are told of as that; and those that
    another generation of an earlier model may have called for.
    """
    messages, models = place.messages, place.models
    known = place.origins.known
    due = known & marked(expected.answered, messages, models)
    must_die = marked(expected.dead | expected.rejected.any(axis=1), messages)
    mended = known & (models >= 0) & place.origins.are(Origin.REPLAYED) & must_die
    instead = known & marked(letters.due_and_missing(expected), messages, models)
    unclear = known & marked(generations.unclear, messages, models)
    wanted = due | mended
    return wanted, known & ~wanted & ~instead & ~unclear


@dataclass(frozen=True)
class _Difference:
    """An output of c predictions, the offline one, and whether they differ."""

    name: str
    said: Column
    true: Column
    wrong: np.ndarray


def _differ(differences: Sequence[_Difference], compared: np.ndarray, at: int) -> str:
    row = int(np.searchsorted(compared, at))
    return ", ".join(
        f"{each.name} is {_text(each.said, row)}, not {_text(each.true, row)}"
        for each in differences
        if each.wrong[row]
    )


class _Checks:
    """Checks of the rows that may be where they are.

    Args:
        place: where they are.
        rows: which, of shape [w].
        expected: what they must say.
        contract: of the job.
        found: takes what is wrong.
    """

    def __init__(self, place: Place, rows: np.ndarray, expected: Expected, contract: Contract, found: Findings) -> None:
        self._place, self._rows, self._expected, self._found = place, rows, expected, found
        self._messages, self._models = place.messages[rows], place.models[rows]
        self._size = contract.window // _MICROSECOND
        event_time = contract.message.event_time
        self._published = event_time.field is None and event_time.attribute is None

    def ids(self) -> None:
        """`WRONG_ID`; or `OTHER_ID`, where the prediction is there with the right one as well."""
        models = taken(pa.array(self._expected.models), self._models)
        right_ids = pc.binary_join_element_wise(taken(self._expected.ids, self._messages), models, "/")
        right = equal(self._column("prediction_id"), right_ids)
        there = np.zeros(self._expected.answered.shape, bool)
        there[self._messages[right], self._models[right]] = True
        too = there[self._messages, self._models]
        for kind, wrong in ((Kind.OTHER_ID, ~right & too), (Kind.WRONG_ID, ~right & ~too)):
            self._add(kind, np.flatnonzero(wrong), self._not("prediction_id", right_ids))

    def keys(self) -> None:
        keys = taken(self._expected.messages["key"], self._messages)
        wrong = valid(keys) & ~equal(self._column("key"), keys)
        self._add(Kind.WRONG_KEY, np.flatnonzero(wrong), self._not("key", keys))

    def times(self) -> None:
        """The event time, and the window that must hold the true one."""
        times = taken(self._expected.messages["event_time"], self._messages)
        if self._published:
            times = self._column("publish_time")
        true, said = micros(times), micros(self._column("event_time"))
        known = true != NO_TIME  # what the job could not read, it may after a replay
        wrong = known & (said != true)
        self._add(Kind.WRONG_EVENT_TIME, np.flatnonzero(wrong), self._not("event_time", times))
        true = np.where(known, true, said)
        start, end = micros(self._column("window_start")), micros(self._column("window_end"))
        starts = true // self._size * self._size
        wrong = (start != starts) | (end != starts + self._size)
        self._add(Kind.WRONG_WINDOW, np.flatnonzero(wrong), lambda at: self._windows(at, int(starts[at])))

    def predictions(self, number: int, plan: ModelPlan, answers: pa.Table, others: np.ndarray) -> int:
        """`WRONG_PREDICTION` of a model; how many could not be compared."""
        offline = self._expected.answers[self._messages, number]
        of_model = (self._models == number) & self._expected.answered[self._messages, number]
        comparable = ~others[self._messages, number] & ~np.asarray(answers["rejected"])[offline]
        compared = np.flatnonzero(of_model & comparable)
        differences = [self._compared(column.name, answers, compared, offline) for column in plan.fields]
        wrong = np.logical_or.reduce([difference.wrong for difference in differences])
        self._add(Kind.WRONG_PREDICTION, compared[wrong], partial(_differ, differences, compared))
        return int((of_model & ~comparable).sum())

    def _compared(self, name: str, answers: pa.Table, compared: np.ndarray, offline: np.ndarray) -> _Difference:
        said = taken(self._place.rows[name], self._rows[compared])
        true = taken(answers[name], offline[compared])
        return _Difference(name, said, true, differing(said, true))

    def _column(self, name: str) -> Column:
        return taken(self._place.rows[name], self._rows)

    def _add(self, kind: Kind, wrong: np.ndarray, detail: Callable[[int], str]) -> None:
        """Add a finding for each row in `wrong`, which, as what `detail` takes, are places in `rows`."""
        about = _about(self._place, lambda row: detail(int(np.searchsorted(self._rows, row))))
        self._found.add(kind, self._place.name, self._rows[wrong], about)

    def _not(self, name: str, true: Column) -> Callable[[int], str]:
        said = self._place.rows[name]
        return lambda at: f"{_text(said, int(self._rows[at]))}, not {_text(true, at)}"

    def _windows(self, at: int, start: int) -> str:
        row = int(self._rows[at])
        said = [_text(self._place.rows[name], row) for name in ("window_start", "window_end")]
        true = [_text(pa.array([each], pa.timestamp("us", tz="UTC")), 0) for each in (start, start + self._size)]
        return f"{' to '.join(said)}, not {' to '.join(true)}"


def _why(place: Place, expected: Expected, row: int) -> str:
    message = place.messages[row]
    stage = expected.messages["stage"][message].as_py()
    if stage is not None:
        return f"must be a dead letter of the stage {stage}"
    model = place.models[row]
    if model < 0:
        return "the job has no such model"
    return "the model must reject it" if expected.rejected[message, model] else "the model is not to be asked"


def _about(place: Place, detail: Callable[[int], str]) -> Callable[[int], About]:
    rows = place.rows
    return lambda row: (rows["message_id"][row].as_py(), rows["model"][row].as_py(), detail(row))


def _text(column: Column, row: int) -> str:
    value = column[row].as_py()
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else str(value)
