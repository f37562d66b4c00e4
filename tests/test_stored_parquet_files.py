"""Parquet files: row groups as parts, rows as Arrow."""

import struct
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from streaming.stored.opening import StoredFile
from streaming.stored.parquet_files import parts, read
from streaming.stored.records import Part, Records
from tests.cloud_storage_server import Bucket
from tests.stored_cases import CHANGED, parquet_file, part, readings

COLUMNS = pa.schema([("key", pa.string()), ("value", pa.float64()), ("note", pa.string())])
TABLE = pa.Table.from_pylist(readings(25), COLUMNS)
MOST = 8_000_000


def stored(directory: Path, content: bytes) -> StoredFile:
    path = directory / "a.parquet"
    path.write_bytes(content)
    return StoredFile(str(path), len(content), CHANGED)


def looks(records: list[Records]) -> list[tuple[int, int, str | None]]:
    return [(each.first, len(each), each.broken) for each in records]


def test_each_row_group_is_a_part(tmp_path: Path) -> None:
    file = stored(tmp_path, parquet_file(TABLE, 10))
    found, columns = parts(file)
    assert found == tuple(Part(file.path, "parquet", 1 + 10 * n, CHANGED, str(n)) for n in range(3))
    assert columns.equals(COLUMNS, check_metadata=True)


def test_a_file_without_rows(tmp_path: Path) -> None:
    assert parts(stored(tmp_path, parquet_file(TABLE.slice(0, 0)))) == ((), COLUMNS)


def test_a_row_group_is_read_in_order(tmp_path: Path) -> None:
    file = stored(tmp_path, parquet_file(TABLE, 20))
    records = list(read(part(file.path, "parquet", 1, "0"), COLUMNS, 8, MOST))
    assert looks(records) == [(1, 8, None), (9, 8, None), (17, 4, None)]
    assert pa.Table.from_batches([each.rows for each in records]).equals(TABLE.slice(0, 20))
    (last,) = read(part(file.path, "parquet", 21, "1"), COLUMNS, 8, MOST)
    assert (last.first, last.published, last.rows.to_pylist()) == (21, CHANGED, TABLE.slice(20).to_pylist())


def test_only_the_columns_asked_for_in_their_order(tmp_path: Path) -> None:
    file = stored(tmp_path, parquet_file(TABLE))
    (records,) = read(
        part(file.path, "parquet", 1, "0"), pa.schema([COLUMNS.field("value"), COLUMNS.field("key")]), 100, MOST
    )
    assert records.rows.schema.names == ["value", "key"]
    assert records.rows.to_pylist() == TABLE.select(["value", "key"]).to_pylist()


def test_no_more_is_read_at_once_than_a_batch_may_have(tmp_path: Path) -> None:
    large = pa.table({"note": [f"{n:05}" * 1000 for n in range(40)], "other": [f"{n:05}" * 5000 for n in range(40)]})
    file = stored(tmp_path, parquet_file(large))
    records = list(read(part(file.path, "parquet", 1, "0"), large.schema.remove(1), 1000, 50_000))
    assert [len(each) for each in records] == [9, 9, 9, 9, 4]
    assert pa.Table.from_batches([each.rows for each in records]).equals(large.select(["note"]))
    assert {len(each) for each in read(part(file.path, "parquet", 1, "0"), large.schema, 1000, 10)} == {1}


def test_dictionaries_are_only_how_a_file_stores_its_values(tmp_path: Path) -> None:
    encoded = TABLE.set_column(0, "key", TABLE.column("key").dictionary_encode())
    file = stored(tmp_path, parquet_file(encoded))
    ((group,), columns) = parts(file)
    assert columns.equals(COLUMNS)
    (records,) = read(group, columns, 100, MOST)
    assert records.rows.equals(TABLE.to_batches()[0])


def test_a_file_on_cloud_storage(bucket: Bucket) -> None:
    bucket.put("a.parquet", parquet_file(TABLE, 10))
    found, columns = parts(StoredFile("gs://bucket/a.parquet", 1, CHANGED))
    rows = [each.rows for group in found for each in read(group, columns, 10, MOST)]
    assert pa.Table.from_batches(rows).equals(TABLE)


@pytest.mark.parametrize("content", [b"", b"PAR1", parquet_file(TABLE)[:-1], parquet_file(TABLE)[:100]])
def test_what_is_no_whole_file(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(pa.ArrowInvalid):
        parts(stored(tmp_path, content))


def test_a_corrupt_page_ends_its_row_group(tmp_path: Path) -> None:
    content = bytearray(parquet_file(TABLE, 10))
    content[4:40] = b"\xff" * 36
    file = stored(tmp_path, bytes(content))
    (records,) = read(part(file.path, "parquet", 1, "0"), COLUMNS, 8, MOST)
    assert (records.first, len(records), records.goes_on) == (1, 0, True)
    assert records.broken is not None
    assert records.broken.startswith("the row group cannot be read from here to #10: ")
    assert records.rows.schema == COLUMNS
    (sound,) = read(part(file.path, "parquet", 11, "1"), COLUMNS, 100, MOST)
    assert sound.rows.to_pylist() == TABLE.slice(10, 10).to_pylist()


def test_a_wrong_checksum_of_a_page_ends_its_row_group_too(tmp_path: Path) -> None:
    content = pa.BufferOutputStream()
    numbers = pa.table({"value": [float(n) for n in range(20)]})
    pq.write_table(
        numbers, content, row_group_size=10, write_page_checksum=True, compression="none", use_dictionary=False
    )
    damaged = bytearray(content.getvalue().to_pybytes())
    damaged[damaged.index(struct.pack("<d", 3.0))] ^= 1
    file = stored(tmp_path, bytes(damaged))
    (records,) = read(part(file.path, "parquet", 1, "0"), numbers.schema, 100, MOST)
    assert (len(records), records.broken) == (
        0,
        "the row group cannot be read from here to #10: could not verify page integrity, CRC checksum verification "
        "failed for page_ordinal 0",
    )
    (sound,) = read(part(file.path, "parquet", 11, "1"), numbers.schema, 100, MOST)
    assert sound.rows.column("value").to_pylist() == [float(n) for n in range(10, 20)]


def test_a_file_that_is_gone_is_no_corrupt_one(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        next(read(part(tmp_path / "a.parquet", "parquet", 1, "0"), COLUMNS, 8, MOST))
