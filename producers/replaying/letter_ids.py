"""The ids by which a job with a `message.id` of its own knows the messages of dead letters."""

from __future__ import annotations

from collections.abc import Sequence

from producers.replaying.letters import Letter
from producers.replaying.letters_table import Ids, original_ids
from streaming.decode import Decoder
from streaming.job import Job
from streaming.schema import load_schema


def job_ids(job: Job) -> Ids:
    """What finds the ids; of a message that the job cannot decode, and so has not answered, it is None.

    Raises:
        Mistakes: the job's schema cannot be used.
    """
    message = job.message
    if message.id is None:
        return original_ids
    decode = Decoder(load_schema(message.schema_path), message.format, message.key, message.id)

    def ids(letters: Sequence[Letter]) -> list[str | None]:
        rows = decode([letter.received().SerializeToString() for letter in letters]).rows
        found = dict(zip(rows.column("message_id").to_pylist(), rows.column("id").to_pylist(), strict=True))
        return [found.get(letter.message_id) for letter in letters]

    return ids
