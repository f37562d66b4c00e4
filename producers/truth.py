"""The truth file: what was sent, what was done to it and what must come of it; NDJSON, written while it is sent.

| kind | what the line says |
|---|---|
| `run` | the first: where and how is published, with the Avro schema of the messages |
| `message` | one message, written before it is sent: `producers.messages` says what the keys mean |
| `sent` | Pub/Sub has taken the messages `numbers` and called them `message_ids` |
| `refused` | Pub/Sub has not taken the messages `numbers`, and why |
| `end` | the last: `completed`, `stopped`, or `failed: ...` |

`attempts` counts the requests where more than one was needed: then a message may be published twice, the first time
under an id that nobody knows. A message that is neither sent nor refused may be published or not.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from producers.messages import Messages
from producers.scenario import QualityCheck
from producers.truth_lines import write_lines
from producers.truth_reader import read_messages
from streaming.errors import Mistakes, PermanentError, one_line
from streaming.schema import parse_schema

VERSION = 1
"""Of the file's form."""

SYNC_SECONDS = 1.0
"""So much may be lost when the machine fails; nothing when only the process does."""


@dataclass(frozen=True)
class Run:
    """Where and how is published.

    Attributes:
        topic: `projects/P/topics/T`.
        scenario: the scenario file's path, as it was given.
        job_file: the job file's path.
        job_hash: what tells that job file from any other.
        seed: of the fleet.
        rate: messages a second, as asked.
        devices: how many there are.
        encoding: of the payloads: `avro`, `avro_json` or `json`.
        started_at: the time on the fleet's clock when publishing started.
        schema: the Avro schema of the messages, as its file has it.
        quality: the scenario's.
    """

    topic: str
    scenario: str
    job_file: str
    job_hash: str
    seed: int
    rate: float
    devices: int
    encoding: str
    started_at: datetime
    schema: dict[str, Any]
    quality: tuple[QualityCheck, ...] = ()

    def to_document(self) -> dict[str, Any]:
        """The file's first line, as JSON has it."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        values["started_at"] = self.started_at.isoformat()
        values["quality"] = [check.model_dump(mode="json") for check in self.quality]
        return {"kind": "run", "version": VERSION, **values}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Run:
        """The inverse of `to_document`.

        Raises:
            KeyError, TypeError, ValueError: something is missing or makes no sense.
        """
        values = {field.name: document[field.name] for field in fields(cls)}
        values["started_at"] = datetime.fromisoformat(values["started_at"])
        values["quality"] = tuple(QualityCheck.model_validate(check) for check in values["quality"])
        return cls(**values)


@dataclass(frozen=True)
class Truth:
    """A truth file, read.

    Columns of `messages`, in the order of `number`: `number`, `status` (`confirmed`, `refused` or `unknown`),
    `message_id`, `sent_at` (when Pub/Sub had answered), `attempts` (null of an unknown one), `id`, `key`,
    `event_time`, `payload_sha256` (hexadecimal), `payload_bytes`, `fault`, `duplicate_of`, `stage`, `rejected_by`,
    `inputs`, and `state` unless no message has one.

    Attributes:
        run: the first line.
        messages: one row for each message.
        ending: how publishing ended, in the words of the last line; `cut off` where there is none.
        ended_at: when; of a file that is cut off, the time of the last answer in it.
    """

    run: Run
    messages: pa.Table
    ending: str
    ended_at: datetime


def read_truth(path: str | Path) -> Truth:
    """The truth file at `path`; a last line that is cut off is ignored.

    Raises:
        Mistakes: there is no such file, or it is not a truth file of this version.
    """
    try:
        with Path(path).open("rb") as file:
            run = _run(file.readline(), str(path))
            schema = parse_schema(json.dumps(run.schema), f"{path}: schema")
            inputs = pa.struct([(field.name, field.type) for field in schema.fields])
            messages, ending, ended_at = read_messages(file, inputs, str(path))
    except OSError as error:
        raise Mistakes([f"{path}: cannot be read: {error.strerror}; name a file that publish has written"]) from error
    return Truth(run, messages, ending, ended_at or run.started_at)


def _run(line: bytes, path: str) -> Run:
    try:
        document = orjson.loads(line)
        if document["kind"] != "run":
            raise ValueError(f"it says {document['kind']}")
        version = document["version"]
        if version == VERSION:
            return Run.from_document(document)
    except (KeyError, TypeError, ValueError) as error:
        raise Mistakes([f"{path}: line 1 describes no run ({one_line(error)}); name a file of publish"]) from error
    raise Mistakes([f"{path}: is of version {version}, this program reads {VERSION}; publish anew"])


class TruthWriter:
    """Writes a truth file; any thread may. A context manager, at whose end the file is closed and safe on disk.

    Each call is one write to the file, so that what it says is kept however the process ends. A file that says of no
    message is removed when an error ends the context.

    Args:
        path: of the file, which must not exist.
        run: for the first line, which is written at once.

    Raises:
        Mistakes: the file exists, or cannot be made.
    """

    def __init__(self, path: str | Path, run: Run) -> None:
        self._path = Path(path)
        self._lock = threading.Lock()
        self._has_messages = False
        first = _line(run.to_document())
        try:
            self._file = self._path.open("xb", buffering=0)
        except FileExistsError as error:
            raise Mistakes([f"--truth: {path} exists; name another file, or remove it"]) from error
        except OSError as error:
            raise Mistakes([f"--truth: {path} cannot be made: {error.strerror}; name another file"]) from error
        self._synced = time.monotonic()
        self._write(first)

    def messages(self, block: Messages) -> None:
        """Messages that are sent next."""
        self._write(message_lines(block))
        self._has_messages = True

    def sent(self, numbers: Sequence[int], message_ids: Sequence[str], attempts: int = 1) -> None:
        """Pub/Sub has taken messages, at the last of `attempts` requests."""
        more = {"attempts": attempts} if attempts > 1 else {}
        self._answered({"kind": "sent", "at": _now(), "numbers": numbers, "message_ids": message_ids, **more})

    def refused(self, numbers: Sequence[int], error: str) -> None:
        """Pub/Sub has not taken messages, or was not asked to."""
        self._answered({"kind": "refused", "at": _now(), "numbers": numbers, "error": error})

    def end(self, reason: str) -> None:
        """Nothing more is sent.

        Args:
            reason: `completed`, `stopped`, or `failed: ...`.
        """
        self._write(_line({"kind": "end", "at": _now(), "reason": reason}))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        with self._lock, self._file:
            if error is not None and not self._has_messages:
                self._path.unlink(missing_ok=True)
            os.fsync(self._file.fileno())

    def _answered(self, line: Mapping[str, Any]) -> None:
        self._write(_line(line))
        if time.monotonic() - self._synced > SYNC_SECONDS:
            self._synced = time.monotonic()
            os.fsync(self._file.fileno())  # outside the lock: whoever writes meanwhile need not wait for the disk

    def _write(self, lines: bytes) -> None:
        rest = memoryview(lines)
        try:
            with self._lock:
                while rest:
                    rest = rest[self._file.write(rest) :]
        except OSError as error:
            raise PermanentError(f"--truth: {self._path} cannot be written: {error.strerror}") from error


def message_lines(block: Messages) -> bytes:
    """The lines of a block's messages."""
    columns = {"kind": pa.repeat("message", len(block))}
    for name, values in zip(block.rows.schema.names, block.rows.columns, strict=True):
        if name == "payload":
            columns |= {"payload_sha256": sha256(values), "payload_bytes": pc.binary_length(values)}
        elif name not in _NOT_KEPT:
            columns[name] = values
    return write_lines(columns)


_NOT_KEPT = ("attributes", "ordering_key")


def sha256(payloads: pa.Array | pa.ChunkedArray) -> pa.Array:
    """The SHA-256 of each payload, in hexadecimal digits; a null's is that of no bytes."""
    digests = (hashlib.sha256(payload.as_buffer() or b"").hexdigest() for payload in payloads)
    return pa.array(digests, pa.string())


def _line(document: Mapping[str, Any]) -> bytes:
    return orjson.dumps(document) + b"\n"


def _now() -> str:
    return datetime.now(UTC).isoformat()
