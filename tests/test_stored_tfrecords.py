"""TFRecord files: every record with its number, and where a file breaks off."""

import struct
from pathlib import Path

import google_crc32c
import pytest

from streaming.stored import tfrecords
from streaming.stored.tfrecord_frame import HEADER, masked
from streaming.stored.tfrecords import CHUNK_BYTES, read
from tests.cloud_storage_server import Bucket
from tests.stored_cases import CHANGED, FRAME_BYTES, end, part, values, zipped
from tests.stored_cases import tfrecords as framed

FIVE = [b"one", b"", b"three" * 100, b"four", b"three"]
NUMBERED = dict(enumerate(FIVE, 1))


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tfrecords, "CHUNK_BYTES", 7)


def written(directory: Path, content: bytes, name: str = "a.tfrecord") -> Path:
    path = directory / name
    path.write_bytes(content)
    return path


def flipped(content: bytes, position: int) -> bytes:
    return content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :]


def test_a_file_gives_its_records(tmp_path: Path) -> None:
    path = written(tmp_path, framed(FIVE))
    (records,) = read(part(path, "tfrecord"))
    assert (records.origin, records.first, records.published, records.broken) == (str(path), 1, CHANGED, None)
    assert records.rows.to_pydict() == {"example": FIVE}


@pytest.mark.usefixtures("small_chunks")
def test_records_that_are_longer_than_what_is_read_at_once(tmp_path: Path) -> None:
    read_all = list(read(part(written(tmp_path, framed(FIVE)), "tfrecord")))
    assert values(read_all) == NUMBERED
    assert end(read_all) == (6, None)


def test_a_file_of_several_chunks(tmp_path: Path) -> None:
    many = [bytes([number % 251]) * 1000 for number in range(CHUNK_BYTES // 500)]
    assert list(values(read(part(written(tmp_path, framed(many)), "tfrecord"))).values()) == many


def test_a_gzipped_file(tmp_path: Path) -> None:
    path = written(tmp_path, zipped(framed(FIVE[:3])) + zipped(framed(FIVE[3:])), "a.tfrecord.gz")
    assert values(read(part(path, "tfrecord"))) == NUMBERED


@pytest.mark.parametrize("name", ["a.tfrecord", "a.tfrecord.gz"])
def test_a_file_on_cloud_storage(bucket: Bucket, name: str) -> None:
    bucket.put(name, zipped(framed(FIVE)) if name.endswith(".gz") else framed(FIVE))
    assert values(read(part(f"gs://bucket/{name}", "tfrecord"))) == NUMBERED


@pytest.mark.parametrize("chunk", [CHUNK_BYTES, 7])
def test_a_flipped_bit_in_the_length_of_the_third_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr(tfrecords, "CHUNK_BYTES", chunk)
    content = flipped(framed(FIVE), len(b"one") + FRAME_BYTES + FRAME_BYTES)
    read_all = list(read(part(written(tmp_path, content), "tfrecord")))
    assert values(read_all) == {1: b"one", 2: b""}
    assert end(read_all) == (3, "the checksum of its length is wrong")


@pytest.mark.parametrize("position", [40, 500])
@pytest.mark.parametrize("chunk", [CHUNK_BYTES, 7])
def test_of_a_record_with_a_flipped_bit_in_its_data_the_others_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, position: int, chunk: int
) -> None:
    monkeypatch.setattr(tfrecords, "CHUNK_BYTES", chunk)
    content = flipped(framed(FIVE), len(b"one") + FRAME_BYTES + FRAME_BYTES + 12 + position)
    read_all = list(read(part(written(tmp_path, content), "tfrecord")))
    assert values(read_all) == {number: value for number, value in NUMBERED.items() if number != 3}
    wrong = [(each.first + len(each), each.broken, each.goes_on, each.damaged) for each in read_all if each.broken]
    assert wrong == [(3, "the checksum of its data is wrong", True, flipped(FIVE[2] + b" ", position)[:-1])]


@pytest.mark.parametrize("missing", [1, 8, 19])
def test_a_file_that_was_cut_off(tmp_path: Path, missing: int) -> None:
    read_all = list(read(part(written(tmp_path, framed(FIVE)[:-missing]), "tfrecord")))
    assert values(read_all) == dict(list(NUMBERED.items())[:4])
    assert end(read_all) == (5, "the file ends within the record")


def test_a_record_that_claims_too_much_is_not_waited_for(tmp_path: Path) -> None:
    header = HEADER.pack(2**40, masked(google_crc32c.value(struct.pack("<Q", 2**40))))
    read_all = list(read(part(written(tmp_path, framed(FIVE) + header + bytes(1000)), "tfrecord")))
    assert values(read_all) == NUMBERED
    assert end(read_all) == (6, f"it claims {2**40} bytes, and the longest record has {2**28}")


def test_a_file_that_holds_something_else(tmp_path: Path) -> None:
    read_all = list(read(part(written(tmp_path, b"no records at all"), "tfrecord")))
    assert (values(read_all), end(read_all)) == ({}, (1, "the checksum of its length is wrong"))


def test_a_gzipped_file_that_was_cut_off_gives_what_precedes_the_cut(tmp_path: Path) -> None:
    content = zipped(framed(FIVE[:3])) + zipped(framed(FIVE[3:]))[:-10]
    read_all = list(read(part(written(tmp_path, content, "a.tfrecords.gz"), "tfrecord")))
    number, reason = end(read_all)
    assert values(read_all) == {each: NUMBERED[each] for each in range(1, number)}
    assert number >= 4
    assert reason is not None
    assert reason.startswith("the file is no whole gzip file: Compressed file ended")


def test_a_file_that_only_claims_to_be_gzipped(tmp_path: Path) -> None:
    read_all = list(read(part(written(tmp_path, framed(FIVE), "a.tfrecord.gz"), "tfrecord")))
    assert end(read_all) == (1, "the file is no whole gzip file: Not a gzipped file (b'\\x03\\x00')")


def test_an_empty_file(tmp_path: Path) -> None:
    assert list(read(part(written(tmp_path, b""), "tfrecord"))) == []
