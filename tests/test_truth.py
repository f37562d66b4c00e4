"""The truth file says what was sent and what came of it, however the process ends."""

from __future__ import annotations

import hashlib
import json
import math
import resource
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from producers.scenario import QualityCheck
from producers.truth import Run, TruthWriter, read_truth
from producers.truth_reader import STATE
from streaming.errors import Mistakes, PermanentError
from tests.publish_cases import RUN, START, TRUTH, block, blocks, message


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "truth.ndjson"


def column(path: Path, name: str) -> list[Any]:
    return read_truth(path).messages[name].to_pylist()


def test_a_run_is_read_as_it_was_written(path: Path) -> None:
    checks = (QualityCheck(model="life", column="hours", state="hours_to_failure", at_most=240.0),)
    run = replace(RUN, quality=checks, rate=0.1)
    with TruthWriter(path, run) as truth:
        truth.end("completed")
    read = read_truth(path)
    assert (read.run, read.ending, len(read.messages)) == (run, "completed", 0)
    assert read.messages.schema == TRUTH


def test_messages_and_what_came_of_them(path: Path) -> None:
    rows = [
        message(0),
        message(1, fault="truncated", stage="decode", key=None, event_time=None, inputs=None),
        message(2, fault="duplicated", duplicate_of=1),
        message(3, id="reading-3", fault="poison", rejected_by=["times5", "times10"]),
    ]
    with TruthWriter(path, RUN) as truth:
        truth.messages(block(rows[:3]))
        truth.sent([0, 2], ["a", "b"], attempts=2)
        truth.messages(block(rows[3:]))
        truth.refused([1], "InvalidArgument: no")
        truth.end("stopped")
    read = read_truth(path)
    assert read.messages.drop_columns(["sent_at", "inputs"]).to_pylist() == [
        {
            "number": row["number"],
            "status": status,
            "message_id": message_id,
            "attempts": attempts,
            "id": row.get("id"),
            "key": row["key"],
            "event_time": row["event_time"],
            "payload_sha256": hashlib.sha256(row["payload"]).hexdigest(),
            "payload_bytes": len(row["payload"]),
            "fault": row.get("fault"),
            "duplicate_of": row.get("duplicate_of"),
            "stage": row.get("stage"),
            "rejected_by": row["rejected_by"],
        }
        for row, (status, message_id, attempts) in zip(
            rows,
            [("confirmed", "a", 2), ("refused", None, 1), ("confirmed", "b", 2), ("unknown", None, None)],
            strict=True,
        )
    ]
    assert read.messages["inputs"].to_pylist() == [row["inputs"] for row in rows]
    first, refused, second, unknown = read.messages["sent_at"].to_pylist()
    assert first == second <= refused <= read.ended_at
    assert unknown is None
    assert (read.messages.schema, read.ending) == (TRUTH, "stopped")


def test_the_line_of_a_message(path: Path) -> None:
    with TruthWriter(path, RUN) as truth:
        truth.messages(block([message(4)]))
    assert json.loads(path.read_text().splitlines()[1]) == {
        "kind": "message",
        "number": 4,
        "key": "device-1",
        "event_time": "2026-03-01T12:00:04.000000Z",
        "payload_sha256": hashlib.sha256(b"payload 4").hexdigest(),
        "payload_bytes": 9,
        "rejected_by": [],
        "inputs": {"device_id": "device-1", "event_time": "2026-03-01T12:00:04.000000Z", "value": 4.5},
    }


def test_the_real_state_is_kept(path: Path) -> None:
    states = [{"wear": 0.25, "hours_to_failure": math.inf, "mode": "bearing"}, None]
    rows = [message(number, state=state) for number, state in enumerate(states)]
    with TruthWriter(path, RUN) as truth:
        truth.messages(block(rows, state=STATE))
    assert read_truth(path).messages.schema == TRUTH.append(pa.field("state", STATE))
    assert column(path, "state") == states


def test_messages_that_are_not_finite_keep_their_place(path: Path) -> None:
    values = [1.0, math.inf, 2.0, -math.inf, 3.0]
    rows = [message(number, inputs={"value": value}) for number, value in enumerate(values)]
    with TruthWriter(path, RUN) as truth:
        truth.messages(block(rows))
        truth.sent([3, 1], ["three", "one"])
    assert [inputs["value"] for inputs in column(path, "inputs")] == values
    assert column(path, "message_id") == [None, "one", None, "three", None]


def test_a_file_that_is_cut_anywhere_holds_its_whole_lines(path: Path, tmp_path: Path) -> None:
    with TruthWriter(path, RUN) as truth:
        for part in blocks(6, 2):
            truth.messages(part)
            truth.sent(part.rows["number"].to_pylist(), ["x", "y"])
        truth.end("completed")
    whole, cut = path.read_bytes(), tmp_path / "cut.ndjson"
    for size in range(whole.index(b"\n") + 1, len(whole), 97):
        cut.write_bytes(whole[:size])
        lines = [json.loads(line) for line in whole[:size].splitlines(keepends=True) if line.endswith(b"\n")]
        read = read_truth(cut)
        assert len(read.messages) == sum(line["kind"] == "message" for line in lines)
        assert read.messages["status"].to_pylist().count("confirmed") == 2 * sum(
            "message_ids" in line for line in lines
        )
        assert read.ending == "cut off"


def test_a_file_that_is_cut_off_ends_with_its_last_answer(path: Path) -> None:
    with TruthWriter(path, RUN) as truth:
        assert read_truth(path).ended_at == START
        truth.messages(block([message(0), message(1)]))
        truth.sent([0], ["a"])
    read = read_truth(path)
    assert (read.ending, read.ended_at) == ("cut off", read.messages["sent_at"][0].as_py())
    assert read.ended_at > START + timedelta(seconds=1)


def test_blocks_are_read_whatever_their_size(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with TruthWriter(path, RUN) as truth:
        for part in blocks(50, 10):
            truth.messages(part)
            truth.sent(part.rows["number"].to_pylist(), [f"id-{n}" for n in part.rows["number"].to_pylist()])
    monkeypatch.setattr("producers.truth_reader.BLOCK_BYTES", 100)
    assert column(path, "message_id") == [f"id-{number}" for number in range(50)]


def test_threads_write_whole_lines(path: Path) -> None:
    parts = blocks(800, 10)
    with TruthWriter(path, RUN) as truth, ThreadPoolExecutor(8) as threads:
        list(threads.map(truth.messages, parts))
    assert column(path, "number") == list(range(800))


def test_a_file_that_exists_is_left_alone(path: Path) -> None:
    path.write_text("mine")
    with pytest.raises(Mistakes) as raised:
        TruthWriter(path, RUN)
    assert raised.value.lines == (f"--truth: {path} exists; name another file, or remove it",)
    assert path.read_text() == "mine"


def test_a_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Mistakes) as raised:
        TruthWriter(tmp_path / "none" / "truth", RUN)
    words = "cannot be made: No such file or directory; name another file"
    assert raised.value.lines == (f"--truth: {tmp_path}/none/truth {words}",)


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_an_error_that_names_the_file(path: Path) -> None:
    with TruthWriter(path, RUN) as truth:
        with largest_file(path.stat().st_size + 100), pytest.raises(PermanentError) as raised:
            truth.messages(block([message(0)]))
        assert str(raised.value) == f"--truth: {path} cannot be written: File too large"
    assert len(read_truth(path).messages) == 0


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "line 1 describes no run (unexpected end of data: line 1 column 1 (char 0)); name a file of publish"),
        ("3\n", "line 1 describes no run ('int' object is not subscriptable); name a file of publish"),
        ('{"kind":"end"}\n', "line 1 describes no run (it says end); name a file of publish"),
        ('{"kind":"run","version":1}\n', "line 1 describes no run ('topic'); name a file of publish"),
        ('{"kind":"run","version":2}\n', "is of version 2, this program reads 1; publish anew"),
    ],
)
def test_a_file_that_is_no_truth_file_is_refused(content: str, words: str, path: Path) -> None:
    path.write_text(content)
    with pytest.raises(Mistakes) as raised:
        read_truth(path)
    (line,) = raised.value.lines
    assert line.partition(": ")[0] == str(path)
    assert line.endswith(words) or content == ""


def test_a_missing_file_is_named(path: Path) -> None:
    with pytest.raises(Mistakes) as raised:
        read_truth(path)
    assert raised.value.lines == (
        f"{path}: cannot be read: No such file or directory; name a file that publish has written",
    )


@pytest.mark.parametrize("line", ["not JSON", '{"kind":"message","number":"three"}'])
def test_a_line_that_cannot_be_read_is_named(line: str, path: Path) -> None:
    with TruthWriter(path, RUN) as truth:
        truth.messages(block([message(0)]))
    with path.open("a") as file:
        file.write(f"{line}\n")
    with pytest.raises(Mistakes) as raised:
        read_truth(path)
    assert raised.value.lines[0].startswith(f"{path}: line 3: no truth file (")


def test_an_answer_for_a_message_that_was_not_sent_is_refused(path: Path) -> None:
    with TruthWriter(path, RUN) as truth:
        truth.messages(block([message(0)]))
        truth.sent([0, 5], ["a", "b"])
    with pytest.raises(Mistakes) as raised:
        read_truth(path)
    assert raised.value.lines == (f"{path}: no truth file (message 5 is answered and was not sent)",)


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [(1, 2, "message 0 is there more than once"), (3, 4, "message 0 is answered more than once")],
)
def test_lines_that_are_there_twice_are_refused(first: int, last: int, words: str, path: Path) -> None:
    with TruthWriter(path, RUN) as truth:
        truth.messages(block([message(0), message(1)]))
        truth.sent([0, 1], ["a", "b"])
        truth.end("completed")
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:last], *lines[first:last], *lines[last:]]))
    with pytest.raises(Mistakes) as raised:
        read_truth(path)
    assert raised.value.lines == (f"{path}: no truth file ({words})",)


def test_a_run_needs_every_key() -> None:
    document = RUN.to_document()
    assert Run.from_document(document) == RUN
    del document["seed"]
    with pytest.raises(KeyError, match="seed"):
        Run.from_document(document)
