"""Avro object container files: datums of the job's schema, and where a file breaks off."""

import json
from pathlib import Path
from typing import Any

import pytest

from streaming.schema import MessageSchema, parse_schema
from streaming.stored import avro_files
from streaming.stored.avro_datums import UnreadableSchemaError
from streaming.stored.avro_files import check, read
from tests.cloud_storage_server import Bucket
from tests.stored_cases import CHANGED, READING, avro_file, datums, end, part, readings, snappied, values

SYNC = b"0123456789abcdef"


def written(directory: Path, content: bytes) -> Path:
    path = directory / "a.avro"
    path.write_bytes(content)
    return path


def schema(document: Any = READING) -> MessageSchema:
    return parse_schema(json.dumps(document), "reading.avsc")


def container(*blocks: tuple[int, bytes], codec: str = "null") -> bytes:
    """A file of blocks that claim so many records each."""
    header = avro_file([]).replace(b"\x08null", bytes([2 * len(codec)]) + codec.encode())
    return header + b"".join(zigzag(count) + zigzag(len(data)) + data + SYNC for count, data in blocks)


def body(count: int) -> bytes:
    return b"".join(datums(readings(count)))


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
    content = container((300, snappied(body(300))), codec="snappy")
    assert list(values(read(part(written(tmp_path, content), "avro"))).values()) == datums(readings(300))


@pytest.mark.parametrize(
    ("corrupt", "why"),
    [
        (b"", "it does not begin with its size"),
        (b"\xff" * 40, "it does not begin with its size"),
        (snappied(body(300))[:-1] + b"?", "its checksum is wrong"),
    ],
)
def test_a_corrupt_block_does_not_hide_the_next(tmp_path: Path, corrupt: bytes, why: str) -> None:
    good = snappied(body(20))
    content = container((20, good), (300, corrupt), (20, good), codec="snappy")
    told = list(read(part(written(tmp_path, content), "avro")))
    lost = f"its block cannot be decompressed: {why}; the 299 records behind it in the block are lost with it"
    assert [(len(each), each.broken, each.goes_on) for each in told] == [(20, lost, True), (20, None, False)]
    sound = datums(readings(20))
    assert values(told) == dict(enumerate(sound, 1)) | dict(enumerate(sound, 321))


def test_a_corrupt_block_without_records_is_one_that_cannot_be_read(tmp_path: Path) -> None:
    content = container((0, b"?"), (2, snappied(body(2))), codec="snappy")
    told = list(read(part(written(tmp_path, content), "avro")))
    assert [each.broken for each in told] == ["its block cannot be decompressed: it does not begin with its size", None]
    assert values(told) == dict(enumerate(datums(readings(2)), 2))


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


def test_a_block_of_fewer_than_no_records(tmp_path: Path) -> None:
    read_all = list(read(part(written(tmp_path, avro_file([]) + b"\x01\x00" + SYNC), "avro")))
    assert end(read_all) == (1, "its block claims -1 records")


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
    sound = b"".join(datums([{"key": "k", "value": 1.0, "note": None}] * 3))
    at %= len(sound)
    corrupt = content.replace(sound, sound[:at] + replaced + sound[at + 1 :])
    read_all = list(read(part(written(tmp_path, corrupt), "avro")))
    assert len(values(read_all)) == good
    number, why = end(read_all)
    assert number == good + 1
    assert why is not None
    assert why.startswith(reason)


def test_a_corrupt_datum_does_not_hide_the_next_block(tmp_path: Path) -> None:
    content = container((50, body(2) + b"\x7f"), (2, body(2)))
    told = list(read(part(written(tmp_path, content), "avro")))
    assert [(len(each), each.goes_on) for each in told] == [(2, True), (2, False)]
    assert str(told[0].broken).endswith("; the 47 records behind it in the block are lost with it")
    sound = datums(readings(2))
    assert values(told) == dict(enumerate(sound, 1)) | dict(enumerate(sound, 51))


def test_more_bytes_than_records(tmp_path: Path) -> None:
    told = list(read(part(written(tmp_path, container((2, body(3)), (1, body(1)))), "avro")))
    size = len(body(3)) - len(body(2))
    assert [each.broken for each in told] == [f"{size} bytes follow the last record of the block", None]
    one, two, _ = datums(readings(3))
    assert values(told) == {1: one, 2: two, 4: one}


def test_a_text_that_is_not_utf_8_is_left_to_decode(tmp_path: Path) -> None:
    content = avro_file([{"key": "kkkk", "value": 1.0, "note": None}] * 3).replace(b"kkkk", b"kk\xffk", 1)
    payloads = values(read(part(written(tmp_path, content), "avro"), schema()))
    assert [payload[:5] for payload in payloads.values()] == [b"\x08kk\xffk", b"\x08kkkk", b"\x08kkkk"]


def test_a_text_that_is_not_utf_8_in_a_file_of_another_schema_is_left_to_decode(tmp_path: Path) -> None:
    more = {**READING, "fields": [*READING["fields"], {"name": "more", "type": "string"}]}
    records = [{**reading, "more": "mmmm"} for reading in readings(3)]
    content = avro_file(records, more).replace(b"device-1", b"device\xff1").replace(b"mmmm", b"m\xffmm", 1)
    expected = b"".join(datums(readings(3))).replace(b"device-1", b"device\xff1")
    assert b"".join(values(read(part(written(tmp_path, content), "avro"), schema())).values()) == expected


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
