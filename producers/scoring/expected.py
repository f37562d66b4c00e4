"""What must come of each message and model, as arrays over the truth's messages (n) and the job's models (m)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from producers.scoring.arrays import booleans, positions, valid
from producers.truth import Truth
from streaming.wiring import Contract, ModelPlan

_COLUMNS = ("number", "message_id", "id", "key", "event_time", "payload_sha256", "payload_bytes", "stage")


@dataclass(frozen=True)
class Expected:
    """What must come of everything that was sent.

    Attributes:
        messages: the truth's columns that are compared with, each in one chunk.
        models: the job's models, in graph order.
        confirmed: [n], whether Pub/Sub has taken the message.
        doubtful: [n], whether it may have taken it under an id that nobody knows.
        dead: [n], whether the message must be a dead letter of the stage that the truth says.
        rejected: [n, m], whether the model must reject the message, with a dead letter.
        answered: [n, m], whether the model must answer it.
        answers: [n, m], the row of the model's answer offline, or -1.
    """

    messages: pa.Table
    models: tuple[str, ...]
    confirmed: np.ndarray
    doubtful: np.ndarray
    dead: np.ndarray
    rejected: np.ndarray
    answered: np.ndarray
    answers: np.ndarray

    @property
    def ids(self) -> pa.ChunkedArray:
        """What identifies each confirmed message: what its job file names, or else its Pub/Sub message id."""
        known = pc.coalesce(self.messages["id"], self.messages["message_id"])
        return pc.if_else(pa.array(self.confirmed), known, None)


def expect(truth: Truth, contract: Contract, answers: pa.Table) -> Expected:
    """What must come of the truth's messages.

    The truth says which models reject a message; what they answer else, and which of them are asked, is what came of it
    offline. A model that only takes what a rejecting one has answered is not asked.

    Args:
        truth: of what was sent.
        contract: of the job.
        answers: as `offline.answers` gives them.
    """
    messages = truth.messages
    models = tuple(plan.name for plan in contract.models)
    confirmed = booleans(pc.equal(messages["status"], "confirmed"))
    stages = valid(messages["stage"])
    said = _rejected(messages["rejected_by"].combine_chunks(), models)
    unasked = _unasked(contract, said)
    rows = _answer_rows(messages["number"], answers, models)
    sent_again = booleans(pc.greater(messages["attempts"], 1))
    reached = (confirmed & ~stages)[:, None]
    return Expected(
        messages=messages.select(_COLUMNS).combine_chunks(),
        models=models,
        confirmed=confirmed,
        doubtful=booleans(pc.equal(messages["status"], "unknown")) | (confirmed & sent_again),
        dead=confirmed & stages,
        rejected=reached & said & ~unasked,
        answered=reached & (rows >= 0) & ~said & ~unasked,
        answers=rows,
    )


def consulted(plan: ModelPlan) -> frozenset[str]:
    """The columns of the earlier models that feed the model or decide what it takes."""
    return frozenset(plan.takes.fed_by) | deciding(plan)


def deciding(plan: ModelPlan) -> frozenset[str]:
    """The columns of the earlier models whose answers decide what the model takes."""
    return frozenset(condition.column for condition in plan.takes.all_conditions if condition.output is not None)


def _rejected(names: pa.ListArray, models: tuple[str, ...]) -> np.ndarray:
    rejected = np.zeros((len(names), len(models)), bool)
    model = positions(names.flatten(), pa.array(models, pa.string()))
    message = pc.list_parent_indices(names).to_numpy()
    rejected[message[model >= 0], model[model >= 0]] = True
    return rejected


def _unasked(contract: Contract, rejected: np.ndarray) -> np.ndarray:
    """[n, m], whether the model is not asked because others have rejected the message."""
    unasked = np.zeros_like(rejected)
    silent: dict[str, np.ndarray] = {}
    for number, plan in enumerate(contract.models):
        takes = plan.takes
        needed = len(takes.fed_by) if takes.at_least is None else takes.at_least
        answering = sum((~silent[column] for column in takes.fed_by), np.zeros(len(rejected), np.int64))
        unasked[:, number] = answering < needed
        for condition in takes.conditions:
            if condition.output is not None:
                unasked[:, number] |= silent[condition.column]
        silent[plan.column] = rejected[:, number] | unasked[:, number]
    return unasked


def _answer_rows(numbers: pa.ChunkedArray, answers: pa.Table, models: tuple[str, ...]) -> np.ndarray:
    rows = np.full((len(numbers), len(models)), -1, np.int64)
    message = np.searchsorted(numbers.to_numpy(), answers["number"].to_numpy())  # the truth's are in order
    rows[message, positions(answers["model"], pa.array(models, pa.string()))] = np.arange(answers.num_rows)
    return rows
