"""NDJSON files: a payload for each line that is not blank."""

from pathlib import Path

import pytest

from streaming.stored import ndjson
from streaming.stored.ndjson import MOST_BYTES, read
from tests.cloud_storage_server import Bucket
from tests.stored_cases import CHANGED, end, part, values, zipped


@pytest.fixture(params=[4_000_000, 3])
def chunk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ndjson, "CHUNK_BYTES", request.param)


def lines(directory: Path, content: bytes) -> dict[int, bytes]:
    path = directory / "a.ndjson"
    path.write_bytes(content)
    return values(read(part(path, "ndjson")))


def test_a_file_gives_its_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    path.write_bytes(b'{"x":1}\n{"x":2}\n')
    (records,) = read(part(path, "ndjson"))
    assert (records.origin, records.first, records.published, records.broken) == (str(path), 1, CHANGED, None)
    assert records.rows.to_pydict() == {"payload": [b'{"x":1}', b'{"x":2}']}


@pytest.mark.usefixtures("chunk")
@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", {}),
        (b"\n\n", {}),
        (b"a\nb", {1: b"a", 2: b"b"}),
        (b"a\r\nbcdef\r\n", {1: b"a", 2: b"bcdef"}),
        (b"\n\na\n \t\nb\n\r\nc\n\n", {1: b"a", 2: b"b", 3: b"c"}),
        (b" a \n", {1: b" a "}),
    ],
)
def test_lines_are_numbered_without_the_blank_ones(tmp_path: Path, content: bytes, expected: dict[int, bytes]) -> None:
    assert lines(tmp_path, content) == expected


def test_lines_between_blank_ones_go_together(tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    path.write_bytes(b"{}\n\n" * 1000)
    assert [(each.first, len(each)) for each in read(part(path, "ndjson"))] == [(1, 1000)]


@pytest.mark.usefixtures("chunk")
@pytest.mark.parametrize("content", [b"\xef\xbb\xbfa\nb\n", b"\xef\xbb\xbf\na\nb"])
def test_a_byte_order_mark_is_no_part_of_the_first_line(tmp_path: Path, content: bytes) -> None:
    assert lines(tmp_path, content) == {1: b"a", 2: b"b"}


def test_lines_that_are_no_text_are_left_to_decode(tmp_path: Path) -> None:
    assert lines(tmp_path, b"\xff\xfe\nb\n") == {1: b"\xff\xfe", 2: b"b"}


@pytest.mark.parametrize("long", [b"x" * (MOST_BYTES + 1), b" " * (MOST_BYTES + 1) + b"x", b"x" * 3 * MOST_BYTES])
@pytest.mark.parametrize(("rest", "after"), [(b"", {}), (b"\n", {}), (b"\nb\n\nc", {3: b"b", 4: b"c"})])
def test_a_line_that_is_too_long_is_left_out(tmp_path: Path, long: bytes, rest: bytes, after: dict[int, bytes]) -> None:
    path = tmp_path / "a.ndjson"
    path.write_bytes(b"a\n\n" + long + rest)
    read_all = list(read(part(path, "ndjson")))
    assert values(read_all) == {1: b"a"} | after
    wrong = [(each.first + len(each), each.broken, each.goes_on) for each in read_all if each.broken]
    assert wrong == [(2, "the line is longer than 10000000 bytes", True)]


def test_a_line_of_just_as_much(tmp_path: Path) -> None:
    assert {number: len(line) for number, line in lines(tmp_path, b"a\n" + b"x" * MOST_BYTES).items()} == {
        1: 1,
        2: MOST_BYTES,
    }


def test_a_file_on_cloud_storage(bucket: Bucket) -> None:
    bucket.put("a.ndjson", b"a\n\nb\n")
    assert values(read(part("gs://bucket/a.ndjson", "ndjson"))) == {1: b"a", 2: b"b"}


@pytest.mark.usefixtures("chunk")
def test_a_gzipped_file(tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson.gz"
    path.write_bytes(zipped(b"a\n\nb\n") + zipped(b"c"))
    assert values(read(part(path, "ndjson"))) == {1: b"a", 2: b"b", 3: b"c"}


def test_a_gzipped_file_that_was_cut_off_gives_its_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson.gz"
    path.write_bytes(zipped(b"a\nb\n") + zipped(b"c\nd\n")[:-1])
    read_all = list(read(part(path, "ndjson")))
    number, reason = end(read_all)
    assert values(read_all) == {1: b"a", 2: b"b", 3: b"c", 4: b"d"}
    assert number == 5
    assert reason is not None
    assert reason.startswith("the file is no whole gzip file: Compressed file ended")
    assert not read_all[-1].goes_on
