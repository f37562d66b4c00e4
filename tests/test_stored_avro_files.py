"""Avro object container files: datums of the job's schema, and where a file breaks off."""

import json
import zlib
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from streaming.schema import MessageSchema, parse_schema
from streaming.stored import avro_files
from streaming.stored.avro_datums import UnreadableSchemaError
from streaming.stored.avro_files import check, read
from tests.cloud_storage_server import Bucket
from tests.stored_cases import CHANGED, READING, avro_file, datums, end, part, readings, values

SYNC = b"0123456789abcdef"


def written(directory: Path, content: bytes) -> Path:
    path = directory / "a.avro"
    path.write_bytes(content)
    return path


def schema(document: Any = READING) -> MessageSchema:
    return parse_schema(json.dumps(document), "reading.avsc")


def snappy(records: list[Any]) -> bytes:
    """A file of one block by Arrow's Snappy, for fastavro's is a package of its own."""
    plain = avro_file(records)
    header, block = plain.split(SYNC)[:2]
    body = b"".join(datums(records))
    compressed = pa.Codec("snappy").compress(body, asbytes=True) + zlib.crc32(body).to_bytes(4, "big")
    count = block[: len(block) - len(body) - len(zigzag(len(body)))]
    header = header.replace(b"\x14avro.codec\x08null", b"\x14avro.codec\x0csnappy")
    return header + SYNC + count + zigzag(len(compressed)) + compressed + SYNC


def zigzag(number: int) -> bytes:
    number *= 2
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*found, number])


@pytest.mark.parametrize("codec", ["null", "deflate"])
@pytest.mark.parametrize("job", [None, schema()])
def test_a_file_gives_its_datums(tmp_path: Path, codec: str, job: MessageSchema | None) -> None:
    path = written(tmp_path, avro_file(readings(5000), codec=codec))
    (records,) = read(part(path, "avro"), job)
    assert (records.origin, records.first, records.published, records.broken) == (str(path), 1, CHANGED, None)
    assert records.rows.to_pydict() == {"payload": datums(readings(5000))}


def test_a_file_that_snappy_has_compressed(tmp_path: Path) -> None:
    path = written(tmp_path, snappy(readings(300)))
    assert list(values(read(part(path, "avro"))).values()) == datums(readings(300))


def test_a_compressed_block_that_is_corrupt(tmp_path: Path) -> None:
    content = bytearray(snappy(readings(300)))
    content[-len(SYNC) - 1] ^= 1
    read_all = list(read(part(written(tmp_path, bytes(content)), "avro")))
    assert (values(read_all), end(read_all)) == (
        {},
        (1, "its block cannot be decompressed: its checksum is wrong"),
    )


def test_blocks_go_together_up_to_a_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(avro_files, "CHUNK_BYTES", 1000)
    read_all = list(read(part(written(tmp_path, avro_file(readings(500), block=300)), "avro")))
    assert values(read_all) == dict(enumerate(datums(readings(500)), 1))
    assert {records.rows.nbytes // 1000 for records in read_all[:-1]} == {1}


def test_a_file_on_cloud_storage(bucket: Bucket) -> None:
    bucket.put("a.avro", avro_file(readings(3)))
    check("gs://bucket/a.avro", schema())
    assert values(read(part("gs://bucket/a.avro", "avro"))) == dict(enumerate(datums(readings(3)), 1))


@pytest.mark.parametrize("missing", [1, 16, 17, 150])
def test_a_file_that_was_cut_off_gives_its_whole_blocks(tmp_path: Path, missing: int) -> None:
    content = avro_file(readings(100), block=300)
    read_all = list(read(part(written(tmp_path, content[:-missing]), "avro")))
    number, reason = end(read_all)
    assert values(read_all) == dict(enumerate(datums(readings(number - 1)), 1))
    assert 70 < number < 100
    assert reason == "the file ends within its block"


def test_a_file_that_was_cut_off_in_the_header_of_a_block(tmp_path: Path) -> None:
    content = avro_file(readings(100), block=300)
    start = content.rindex(SYNC, 0, -len(SYNC)) + len(SYNC)
    read_all = list(read(part(written(tmp_path, content[: start + 1]), "avro")))
    assert end(read_all)[1] == "the file ends within the header of its block"


@pytest.mark.parametrize(("size", "claimed"), [(b"\x01", -1), (b"\x80\x80\x80\x80\x80\x01", 2**34)])
def test_a_block_of_no_sound_size(tmp_path: Path, size: bytes, claimed: int) -> None:
    content = avro_file([]) + b"\x02" + size
    read_all = list(read(part(written(tmp_path, content), "avro")))
    assert end(read_all) == (1, f"its block claims {claimed} bytes")


def test_a_corrupt_mark(tmp_path: Path) -> None:
    content = avro_file(readings(3))
    read_all = list(read(part(written(tmp_path, content[:-1] + b"?"), "avro")))
    assert (values(read_all), end(read_all)) == ({}, (1, "its block does not end with the file's mark"))


@pytest.mark.parametrize(
    ("at", "replaced", "good", "reason"),
    [
        (0, b"\x7f", 0, "it is no datum of the file's schema: "),  # the length of the first key
        (-1, b"\x08", 2, "it is no datum of the file's schema: "),  # the branch of the last note
    ],
)
def test_a_corrupt_datum(tmp_path: Path, at: int, replaced: bytes, good: int, reason: str) -> None:
    content = avro_file([{"key": "k", "value": 1.0, "note": None}] * 3)
    body = b"".join(datums([{"key": "k", "value": 1.0, "note": None}] * 3))
    at %= len(body)
    read_all = list(read(part(written(tmp_path, content.replace(body, body[:at] + replaced + body[at + 1 :])), "avro")))
    assert len(values(read_all)) == good
    number, why = end(read_all)
    assert number == good + 1
    assert why is not None
    assert why.startswith(reason)


def test_more_bytes_than_records(tmp_path: Path) -> None:
    content = avro_file([{"key": "k", "value": 1.0, "note": None}] * 3).replace(SYNC + b"\x06", SYNC + b"\x04")
    read_all = list(read(part(written(tmp_path, content), "avro")))
    assert len(values(read_all)) == 2
    assert end(read_all) == (3, "11 bytes follow the last record of the block")


def test_a_text_that_is_not_utf_8_is_left_to_decode(tmp_path: Path) -> None:
    content = avro_file([{"key": "kkkk", "value": 1.0, "note": None}] * 3).replace(b"kkkk", b"kk\xffk", 1)
    payloads = values(read(part(written(tmp_path, content), "avro"), schema()))
    assert [payload[:5] for payload in payloads.values()] == [b"\x08kk\xffk", b"\x08kkkk", b"\x08kkkk"]


def test_a_file_without_records(tmp_path: Path) -> None:
    assert list(read(part(written(tmp_path, avro_file([])), "avro"))) == []


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"", "is no Avro object container file, or not a whole one"),
        (b"no Avro at all, but long enough to look like it", "is no Avro object container file, or not a whole one"),
        (avro_file([])[:60], "is no Avro object container file, or not a whole one"),
        (avro_file([]).replace(b"Obj\x01", b"Obj\x02"), "is no Avro object container file"),
        (
            avro_file([]).replace(b"avro.codec\x08null", b"avro.codec\x08lzma"),
            "is compressed by lzma; write it with null, deflate, snappy, zstandard",
        ),
        (avro_file(["a"], "string"), "holds no Avro records; write each as a record"),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, content: bytes, line: str) -> None:
    with pytest.raises(UnreadableSchemaError) as caught:
        check(str(written(tmp_path, content)), None)
    assert caught.value.lines == [line]
