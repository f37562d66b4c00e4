"""What a job over stored data reads, found at launch: files by a glob, or a table."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import pyarrow as pa

from streaming.bigquery.table_ids import parse_table_id
from streaming.errors import Mistakes, one_line
from streaming.schema import MessageSchema
from streaming.stored import avro_files, parquet_files, tables
from streaming.stored.avro_datums import UnreadableSchemaError
from streaming.stored.file_formats import KNOWN_ENDINGS, FileFormat, format_of
from streaming.stored.opening import StoredFile, matching, open_file
from streaming.stored.records import Form, Part

_FILES = "--input_files"
_TABLE = "--input_table"
_OPEN_FILES = 16  # looked into at once: on gs:// each takes a while

T = TypeVar("T")

_FORMS: dict[FileFormat, Form] = {"avro": "payloads", "ndjson": "payloads", "parquet": "rows", "tfrecord": "examples"}


@dataclass(frozen=True)
class Found:
    """An input.

    Attributes:
        form: what its records are.
        parts: none where it is empty.
        columns: of the rows that are read, of Parquet files and tables; else None.
        parameter: input_files or input_table.
        value: what that parameter says.
        origins: the paths of all files, also of such that have no part; or the table's id.
    """

    form: Form
    parts: tuple[Part, ...]
    columns: pa.Schema | None = None
    parameter: Literal["input_files", "input_table"] = "input_files"
    value: str = ""
    origins: tuple[str, ...] = ()

    def starts(self) -> frozenset[str]:
        """The message ids that parts begin with, as far as they are known without reading."""
        return frozenset(f"{part.origin}#{part.first}" for part in self.parts if part.first)


def find(
    files: str | None,
    table: str | None,
    wanted: Collection[str] | None = None,
    schema: MessageSchema | None = None,
) -> Found:
    """Find the input; exactly one of the first two is given.

    Args:
        files: a glob, local or gs://.
        table: `P:D.T` or `P.D.T`.
        wanted: the columns of Parquet files or of a table that the job reads, where there are such; None for all.
        schema: the job's, as which records of Avro files must be readable; None to take them as they are.

    Raises:
        Mistakes: there is nothing, or what there is cannot be read; everything that is wrong.
    """
    if (files is None) == (table is None):
        raise ValueError("one of files and table is given")
    if table is not None:
        parts, columns = tables.parts(table, wanted, _TABLE)
        return Found("rows", parts, columns, "input_table", table, (str(parse_table_id(table)),))
    return _find_files(str(files), wanted, schema)


def _find_files(pattern: str, wanted: Collection[str] | None, schema: MessageSchema | None) -> Found:
    found = matching(pattern, _FILES)
    if not found:
        if Path(pattern).is_dir():
            pattern = pattern.rstrip("/")
            raise Mistakes([f"{_FILES}: {pattern} is a directory; name its files, as in {pattern}/*.parquet"])
        raise Mistakes([f"{_FILES}: nothing matches {pattern}; name files, as in gs://bucket/readings/*.avro"])
    kind = _format(found)
    columns: pa.Schema | None = None
    if kind == "parquet":
        parts, columns = _parquet_parts(found, wanted)
    else:
        holding = [file for file in found if file.size]
        if kind == "avro":
            _each(lambda file: avro_files.check(file.path, schema), holding)
        else:
            _each(_open, holding[:1])  # all would take long on gs://; another that may not be read fails in its worker
        parts = tuple(Part(file.path, kind, 0, file.changed) for file in holding)
    return Found(_FORMS[kind], parts, columns, "input_files", pattern, tuple(file.path for file in found))


def _format(files: Sequence[StoredFile]) -> FileFormat:
    """The one format of all files."""
    by_file = {file.path: format_of(file.path) for file in files}
    unknown = [path for path, kind in by_file.items() if kind is None]
    if unknown:
        raise Mistakes([f"{_FILES}: {_some(unknown)}: not a known ending; match files that end in {KNOWN_ENDINGS}"])
    kinds = {kind: path for path, kind in reversed(by_file.items()) if kind is not None}
    if len(kinds) > 1:
        listed = ", ".join(f"{path} is {kind}" for kind, path in kinds.items())
        raise Mistakes([f"{_FILES}: files of several formats ({listed}); match those of one, and run a job for each"])
    return next(iter(kinds))


def _some(paths: Sequence[str]) -> str:
    return paths[0] if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} more"


def _open(file: StoredFile) -> None:
    with open_file(file.path) as opened:
        opened.read(1)


def _parquet_parts(files: Sequence[StoredFile], wanted: Collection[str] | None) -> tuple[tuple[Part, ...], pa.Schema]:
    looks = _each(parquet_files.parts, files)
    schemas = [_only(schema, wanted) for _, schema in looks]
    lines = [
        f"{_FILES}: {file.path}: other columns than {files[0].path}: {difference}; match files with the same"
        for file, schema in zip(files, schemas, strict=True)
        if (difference := _difference(schema, schemas[0]))
    ]
    if not lines and not len(schemas[0]):
        there = ", ".join(looks[0][1].names)
        lines = [f"{_FILES}: {files[0].path}: has no column that the job reads, but {there or 'none at all'}"]
    if lines:
        raise Mistakes(lines)
    return tuple(part for parts, _ in looks for part in parts), schemas[0]


def _only(schema: pa.Schema, wanted: Collection[str] | None) -> pa.Schema:
    return schema if wanted is None else pa.schema([field for field in schema if field.name in wanted])


def _difference(schema: pa.Schema, first: pa.Schema) -> str:
    """Which columns it has that are not among the first one's, and which it lacks, as far as one line goes."""
    here, there = ({field.name: field.type for field in each} for each in (schema, first))
    for name in sorted(here.keys() | there.keys()):
        if here.get(name) != there.get(name):
            return f"{name} is {here.get(name, 'missing')}, not {there.get(name, 'missing')}"
    return ""


def _each(look: Callable[[StoredFile], T], files: Sequence[StoredFile]) -> list[T]:
    """What is seen in each file.

    Raises:
        Mistakes: some cannot be read; of every one.
    """

    def look_or_say(file: StoredFile) -> T | Mistakes:
        try:
            with readable(file.path):
                return look(file)
        except Mistakes as error:
            return error

    with ThreadPoolExecutor(_OPEN_FILES) as threads:
        looks = list(threads.map(look_or_say, files))
    lines = [line for look in looks if isinstance(look, Mistakes) for line in look.lines]
    if lines:
        raise Mistakes(lines)
    return [look for look in looks if not isinstance(look, Mistakes)]


@contextmanager
def readable(path: str) -> Iterator[None]:
    """Says why a file cannot be opened or read as the user's mistake.

    Raises:
        Mistakes: in the place of every error.
    """
    try:
        yield
    except UnreadableSchemaError as error:
        raise Mistakes(f"{_FILES}: {path}: {line}" for line in error.lines) from error
    except pa.ArrowInvalid as error:
        wrong = f"not a Parquet file, or not a whole one: {one_line(error)}"
        raise Mistakes([f"{_FILES}: {path}: {wrong}; mend it, or match other files"]) from error
    except Exception as error:  # every file system has its own; all mean: not readable, for this reason
        wrong = f"cannot be read: {one_line(error)}"
        raise Mistakes([f"{_FILES}: {path}: {wrong}; mend that, or match other files"]) from error
