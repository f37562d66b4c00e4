"""Dead letters, held against those that must come."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from producers.scoring.arrays import equal, micros, positions, taken, valid
from producers.scoring.expected import Expected, consulted
from producers.scoring.findings import About, Findings
from producers.scoring.origins import Origin, Origins, of_dead_letters
from producers.scoring.scores import Kind
from producers.truth import Truth, sha256
from streaming.deadletters import PAYLOAD_BYTES
from streaming.wiring import Contract

PLACE = "dead letters"
_NOT_DECODED = "decode"


@dataclass(frozen=True)
class Letters:
    """What the dead letters say.

    Attributes:
        spoken: [n], whether one is of the message.
        explained: [n, m], whether one says why the model has not answered the message: of its own or of the whole
            message, or of a model that feeds it or decides what it takes.
        counts: distinct ones, by stage and error class.
        times: when they were written, in microseconds since 1970, of shape [l].
        repeated: more of the same message, stage and model.
        events: of no message.
        unconfirmed: of messages of which nobody knows whether they were sent.
        foreign: of times outside the run.
    """

    spoken: np.ndarray
    explained: np.ndarray
    counts: Mapping[tuple[str, str], int]
    times: np.ndarray
    repeated: int = 0
    events: int = 0
    unconfirmed: int = 0
    foreign: int = 0

    def missing(self, expected: Expected) -> np.ndarray:
        """[n], whether a dead letter of the message is due, of no model, and none at all has come of it."""
        return expected.dead & ~self.spoken

    def missing_of_models(self, expected: Expected) -> np.ndarray:
        """[n, m], whether a dead letter of the message and the model is due, and none has come."""
        return expected.rejected & ~self.explained

    def due_and_missing(self, expected: Expected) -> np.ndarray:
        """[n, m], whether a prediction of the model stands in the place of a dead letter."""
        return self.missing(expected)[:, None] | self.missing_of_models(expected)


def no_letters(expected: Expected) -> Letters:
    """What is known where there is no table of dead letters: whatever is due may be in it."""
    return Letters(expected.dead, expected.rejected, {}, np.zeros(0, np.int64))


def check_letters(table: pa.Table, truth: Truth, contract: Contract, expected: Expected, found: Findings) -> Letters:
    """What the dead letters say; what is wrong with them is added to `found`.

    A dead letter is right that comes of the message, of the stage and the model that the truth says. One of another
    stage is `WRONG_STAGE` where any was due of its message and model, else `UNEXPECTED_DEAD_LETTER`; repetitions are
    not told again.
    """
    ours = table.filter(table["message_id"].is_valid())
    origins = of_dead_letters(ours, truth, expected)
    lost = np.flatnonzero(origins.are(Origin.NONE))
    found.add(Kind.NEVER_SENT, PLACE, lost, _about(ours, lambda row: f"stage {ours['stage'][row]}"))
    known = ours.filter(pa.array(origins.known))
    checked = _Checked(known, origins.messages[origins.known], expected)
    checked.check(found)
    return Letters(
        spoken=checked.spoken(),
        explained=checked.explained(contract),
        counts=_counts(ours, origins, checked),
        times=micros(ours["timestamp"].filter(pa.array(origins.of_run))),
        repeated=int((~checked.first).sum()),
        events=table.num_rows - ours.num_rows,
        unconfirmed=int(origins.are(Origin.UNCONFIRMED).sum()),
        foreign=int(origins.are(Origin.FOREIGN).sum()),
    )


class _Checked:
    """Dead letters of known messages.

    Args:
        letters: l rows of the table.
        messages: [l], the message of each, as a row of the truth.
        expected: what must come.
    """

    def __init__(self, letters: pa.Table, messages: np.ndarray, expected: Expected) -> None:
        self._letters, self._messages, self._expected = letters, messages, expected
        self._models = positions(letters["model"], pa.array(expected.models, pa.string()))
        self._whole = ~valid(letters["model"])  # of the whole message, not of a model
        self.first = _first(letters, messages)

    def check(self, found: Findings) -> None:
        letters, dead = self._letters, self._expected.dead[self._messages]
        due, right = self._due(), self._right()
        for kind, wrong in (
            (Kind.WRONG_STAGE, self.first & due & ~right),
            (Kind.UNEXPECTED_DEAD_LETTER, self.first & ~due),
        ):
            found.add(kind, PLACE, np.flatnonzero(wrong), _about(letters, self._wrong_stage))
        wrong_key = self.first & right & ~self._right_key(dead)
        found.add(Kind.WRONG_KEY, PLACE, np.flatnonzero(wrong_key), _about(letters, self._wrong_key))
        wrong_bytes = self.first & ~self._right_payload()
        found.add(Kind.WRONG_PAYLOAD, PLACE, np.flatnonzero(wrong_bytes), _about(letters, self._wrong_payload))

    def spoken(self) -> np.ndarray:
        spoken = np.zeros(len(self._expected.dead), bool)
        spoken[self._messages] = True
        return spoken

    def explained(self, contract: Contract) -> np.ndarray:
        explained = np.zeros(self._expected.rejected.shape, bool)
        explained[self._messages[self._whole]] = True
        of_model = self._models >= 0
        explained[self._messages[of_model], self._models[of_model]] = True
        numbers = {plan.column: number for number, plan in enumerate(contract.models)}
        for number, plan in enumerate(contract.models):
            for column in consulted(plan):
                explained[:, number] |= explained[:, numbers[column]]
        return explained

    def _rejected(self) -> np.ndarray:
        """Whether the letter's model must reject its message; for a letter of a whole message, whether any must."""
        rejected = self._expected.rejected[self._messages]
        own = rejected[np.arange(len(rejected)), self._models] & (self._models >= 0)
        return np.where(self._whole, rejected.any(axis=1), own)

    def _due(self) -> np.ndarray:
        return self._expected.dead[self._messages] | self._rejected()

    def _right(self) -> np.ndarray:
        stages = taken(self._expected.messages["stage"], self._messages)
        of_models = pc.binary_join_element_wise("infer", self._letters["model"], ":")
        by_model = self._rejected() & equal(self._letters["stage"], of_models)
        return np.where(valid(stages), equal(self._letters["stage"], stages), by_model)

    def _right_key(self, dead: np.ndarray) -> np.ndarray:
        """A payload that cannot be decoded tells no key."""
        keys, said = taken(self._expected.messages["key"], self._messages), self._letters["key"]
        untold = dead & equal(self._letters["stage"], pa.scalar(_NOT_DECODED))
        return equal(keys, said) | (~valid(said) & (untold | ~valid(keys)))

    def _right_payload(self) -> np.ndarray:
        """Of a longer payload than the table takes, nobody can tell."""
        sent = taken(self._expected.messages["payload_sha256"], self._messages)
        sizes = taken(self._expected.messages["payload_bytes"], self._messages)
        return equal(sent, sha256(self._letters["payloadBytes"])) | (np.asarray(sizes) > PAYLOAD_BYTES)

    def _wrong_stage(self, row: int) -> str:
        message = self._messages[row]
        rejecting = np.flatnonzero(self._expected.rejected[message])
        meant = self._expected.messages["stage"][message].as_py()
        due = [meant] if meant else [f"infer:{self._expected.models[number]}" for number in rejecting]
        said = f"{self._letters['stage'][row]} ({self._letters['errorMessage'][row]})"
        return f"{said}, not {' and '.join(due)}" if due else said

    def _wrong_key(self, row: int) -> str:
        return f"{self._letters['key'][row]}, not {self._expected.messages['key'][self._messages[row]]}"

    def _wrong_payload(self, row: int) -> str:
        payload = self._letters["payloadBytes"][row].as_py() or b""
        sent = self._expected.messages["payload_bytes"][self._messages[row]]
        return f"{len(payload)} bytes that begin {payload[:16].hex()}; {sent} were sent"


def _first(letters: pa.Table, messages: np.ndarray) -> np.ndarray:
    """Which letters are the first of their message, stage and model: booleans of shape [l]."""
    rows = np.arange(len(messages))
    keys = {"message": messages, "stage": letters["stage"], "model": letters["model"], "row": rows}
    grouped = pa.table(keys).group_by(["message", "stage", "model"]).aggregate([("row", "min")])
    first = np.zeros(len(messages), bool)
    first[grouped["row_min"].to_numpy()] = True
    return first


def _counts(letters: pa.Table, origins: Origins, checked: _Checked) -> Mapping[tuple[str, str], int]:
    counted = origins.of_run.copy()
    counted[origins.known] = checked.first
    reasons = letters.select(["stage", "error_class"]).filter(pa.array(counted))
    groups = reasons.group_by(["stage", "error_class"]).aggregate([([], "count_all")]).to_pylist()
    return dict(sorted(((str(each["stage"]), str(each["error_class"])), each["count_all"]) for each in groups))


def _about(letters: pa.Table, detail: Callable[[int], str]) -> Callable[[int], About]:
    return lambda row: (letters["message_id"][row].as_py(), letters["model"][row].as_py(), detail(row))
