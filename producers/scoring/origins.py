"""Which message of the truth a prediction or a dead letter is of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from producers.scoring.arrays import NO_TIME, equal, marked, micros, positions, taken
from producers.scoring.expected import Expected
from producers.truth import Truth, sha256
from streaming.batches import ORIGINAL_ID

SLACK = timedelta(seconds=60)
"""How far Pub/Sub's clock and the publisher's may differ, at most."""


class Origin(IntEnum):
    """How a row is of a message. A known one is one of the first two, one of the run one of the first three."""

    OWN = 0  # it has the message's id
    REPLAYED = 1  # it has another, says that it is the message, and was published after it
    UNCONFIRMED = 2  # it may well be one of which nobody knows whether, or how often, it was sent
    FOREIGN = 3  # it is of a time before or after the run's own rows
    NONE = 4


@dataclass(frozen=True)
class Origins:
    """What rows are of.

    Attributes:
        messages: [r], the message as a row of the truth; -1 where none is known.
        kinds: [r], of `Origin`.
    """

    messages: np.ndarray
    kinds: np.ndarray

    def are(self, kind: Origin) -> np.ndarray:
        """Which rows are of this kind: booleans of shape [r]."""
        return self.kinds == kind

    @property
    def known(self) -> np.ndarray:
        """Which rows are of a message of the truth, beyond doubt: booleans of shape [r]."""
        return self.kinds <= Origin.REPLAYED

    @property
    def of_run(self) -> np.ndarray:
        """Which rows are of the run: booleans of shape [r]."""
        return self.kinds <= Origin.UNCONFIRMED


def of_predictions(rows: pa.Table, truth: Truth, expected: Expected, *, timed: bool) -> Origins:
    """The origins of rows of the predictions table.

    A row is of the message whose id it has. Else of the one whose id begins its `prediction_id`: an answer to a replay,
    if it was published later; or, where that one was sent several times and must have been answered at once, to another
    copy of it. Else it may be of a doubtful message of the same key and event time, or be foreign by its publish time.

    Args:
        rows: of the predictions table, or of output messages.
        truth: of what was sent.
        expected: what must come of it.
        timed: whether messages say their event time; else the key alone decides about doubtful ones.
    """
    found = _own(rows["message_id"], expected)
    left = np.flatnonzero(found.messages < 0)
    if len(left):
        others = rows.take(pa.array(left))
        messages = positions(_id_parts(others["prediction_id"]), expected.ids)
        again = marked(expected.doubtful & expected.answered.any(axis=1), messages)
        sent = micros(taken(truth.messages["sent_at"], messages))
        named = (messages >= 0) & (again | (micros(others["publish_time"]) > sent))
        unsure = again | (~named & _are_doubtful(others, truth, expected, timed=timed))
        kinds = np.where(named, Origin.REPLAYED, _foreign(rows["publish_time"], found, truth)[left])
        found.messages[left] = np.where(named, messages, -1)
        found.kinds[left] = np.where(unsure, Origin.UNCONFIRMED, kinds)
    return found


def of_dead_letters(rows: pa.Table, truth: Truth, expected: Expected) -> Origins:
    """The origins of rows of the dead-letter table, each with a message id.

    A dead letter is of the message whose id it has; else of the one that its attribute `original_message_id` names.
    Else it may be of a doubtful message of the same bytes, or be foreign by its timestamp.
    """
    found = _own(rows["message_id"], expected)
    left = np.flatnonzero(found.messages < 0)
    if len(left):
        others = rows.take(pa.array(left))
        messages = positions(_originals(others["attributes"]), expected.messages["message_id"])
        hashes = expected.messages["payload_sha256"].filter(pa.array(expected.doubtful))
        unsure = (messages < 0) & (positions(sha256(others["payloadBytes"]), hashes) >= 0)
        kinds = np.where(messages >= 0, Origin.REPLAYED, _foreign(rows["timestamp"], found, truth)[left])
        found.messages[left] = messages
        found.kinds[left] = np.where(unsure, Origin.UNCONFIRMED, kinds)
    return found


def _own(message_ids: pa.ChunkedArray, expected: Expected) -> Origins:
    messages = positions(message_ids, expected.messages["message_id"]).copy()
    return Origins(messages, np.where(messages >= 0, Origin.OWN, Origin.NONE))


def _id_parts(prediction_ids: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.replace_substring_regex(prediction_ids, r"/[^/]*$", "")  # no model's name has a slash


def _are_doubtful(rows: pa.Table, truth: Truth, expected: Expected, *, timed: bool) -> np.ndarray:
    unknown = pc.if_else(pc.equal(truth.messages["status"], "unknown"), truth.messages["id"], None)
    named = positions(_id_parts(rows["prediction_id"]), unknown) >= 0
    doubtful = expected.messages.filter(pa.array(expected.doubtful))
    return named | (positions(_measured(rows, timed=timed), _measured(doubtful, timed=timed)) >= 0)


def _measured(rows: pa.Table, *, timed: bool) -> pa.ChunkedArray:
    """The key and the event time as one text; null where either is."""
    if not timed:
        return rows["key"]
    return pc.binary_join_element_wise(rows["event_time"].cast(pa.int64()).cast(pa.string()), rows["key"], " ")


def _foreign(times: pa.ChunkedArray, found: Origins, truth: Truth) -> np.ndarray:
    """`FOREIGN` for rows of a time before or after all of the run's own, else `NONE`; of no own, for the run's time."""
    at = micros(times)
    own = at[found.are(Origin.OWN) & (at != NO_TIME)]
    if not len(own):
        own = np.concatenate(
            [micros(pa.array([time])) for time in (truth.run.started_at - SLACK, truth.ended_at + SLACK)]
        )
    outside = (at != NO_TIME) & ((at < own.min()) | (at > own.max()))
    return np.where(outside, Origin.FOREIGN, Origin.NONE)


def _originals(attributes: pa.ChunkedArray) -> pa.Array:
    """The attribute `original_message_id` of each row; null where it has none."""
    lists = attributes.combine_chunks()
    pairs, rows = lists.flatten(), pc.list_parent_indices(lists).to_numpy()
    said = equal(pc.struct_field(pairs, ["key"]), pa.scalar(ORIGINAL_ID))
    places = np.full(len(lists), -1)
    places[rows[said]] = np.flatnonzero(said)
    return taken(pc.struct_field(pairs, ["value"]), places)
