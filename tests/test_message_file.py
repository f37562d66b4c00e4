"""Output messages are read from a file as the job writes them; a broken line is named by its number."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from producers.scoring.message_file import read_messages
from producers.scoring.outputs import prediction_columns
from streaming.batches import TIMESTAMP
from streaming.errors import Mistakes
from streaming.results import table_schema, to_json
from tests.score_cases import START, row

OUTPUTS = [pa.field("prediction", pa.float64()), pa.field("label", pa.string()), pa.field("k", pa.list_(pa.int64()))]
COLUMNS = prediction_columns(OUTPUTS)


def lines(*made: dict[str, Any]) -> bytes:
    rows = pa.RecordBatch.from_pylist(list(made), table_schema(OUTPUTS))
    return b"".join(line + b"\n" for line in to_json(rows))


def test_messages_are_read_as_they_were_written(tmp_path: Path) -> None:
    made = [row(1, "times5", label='a "b"\n', k=[1, 2]), row(2, "times10", key=None, label=None, k=None)]
    path = tmp_path / "messages.ndjson"
    path.write_bytes(lines(*made))
    assert read_messages(str(path), COLUMNS, START).to_pylist() == pa.Table.from_pylist(made, COLUMNS).to_pylist()


def test_earlier_messages_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "messages.ndjson"
    path.write_bytes(lines(row(1, "times5"), row(2, "times5")))
    found = read_messages(str(path), COLUMNS, START + timedelta(seconds=2))
    assert found["message_id"].to_pylist() == ["m2"]


@pytest.mark.parametrize("content", [b"", b"\n\n"])
def test_a_file_without_lines_holds_no_messages(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "messages.ndjson"
    path.write_bytes(content)
    found = read_messages(str(path), COLUMNS, START)
    assert (found.num_rows, found.schema.field("event_time").type) == (0, TIMESTAMP)


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (b"nonsense\n", "JSON parse error: Invalid value"),
        (b"[1]\n", "JSON parse error"),
        (b'{"key": 5}\n', "JSON parse error: Column(/key) changed"),
        (b'{"event_time": "yesterday"}\n', "Failed to convert JSON to timestamp"),
        (b'{"key": "\xff"}\n', "Invalid UTF8 sequence"),
    ],
)
@pytest.mark.parametrize("before", [0, 1, 6])
def test_a_broken_line_is_named(tmp_path: Path, broken: bytes, why: str, before: int) -> None:
    path = tmp_path / "messages.ndjson"
    path.write_bytes(lines(*(row(number, "times5") for number in range(before))) + broken)
    with pytest.raises(Mistakes) as caught:
        read_messages(str(path), COLUMNS, START)
    (line,) = caught.value.lines
    assert line.startswith(f"--messages {path}: line {before + 1} is not an output message (")
    assert why in line
    assert line.endswith("; each line holds the data of one, as JSON")


@pytest.mark.parametrize(
    ("odd", "missing"),
    [
        (b'{"a": 1}\n', "prediction_id, message_id, model"),
        (b'{"prediction_id": "m1/times5", "message_id": "m1"}\n', "model"),
    ],
)
def test_a_line_without_the_keys_of_an_output_message_is_named(tmp_path: Path, odd: bytes, missing: str) -> None:
    path = tmp_path / "messages.ndjson"
    path.write_bytes(lines(row(0, "times5")) + b"\n" + odd + lines(row(1, "times5")))
    with pytest.raises(Mistakes) as caught:
        read_messages(str(path), COLUMNS, START)
    assert caught.value.lines == (
        f"--messages {path}: line 3 is not an output message (it lacks {missing}); "
        "each line holds the data of one, as JSON",
    )


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(Mistakes, match=r"--messages: no file .*nowhere"):
        read_messages(str(tmp_path / "nowhere"), COLUMNS, START)


def test_a_last_line_that_is_being_written_is_ignored(tmp_path: Path) -> None:
    path = tmp_path / "messages.ndjson"
    path.write_bytes(lines(row(1, "times5"), row(2, "times5"))[:-9])
    assert read_messages(str(path), COLUMNS, START)["message_id"].to_pylist() == ["m1"]
    path.write_bytes(lines(row(1, "times5"), row(2, "times5"))[:-1])
    assert read_messages(str(path), COLUMNS, START)["message_id"].to_pylist() == ["m1", "m2"]
