"""What is found out about stored data before its job starts."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping

import pyarrow as pa

from streaming.errors import Mistakes
from streaming.stored import needs, tfrecords
from streaming.stored.example_reader import features_of
from streaming.stored.fit import check_stored
from streaming.stored.inputs import Found, find, readable
from streaming.stored.records import EXAMPLE
from streaming.wiring import Contract

_LOG = logging.getLogger(__name__)

_PASSING_IDS = (
    "--input_table: %s: the job file has no message.id, so that rows are numbered as BigQuery sends them: another run "
    "gives them other ids, and its predictions come beside these; name the field that identifies a row"
)


def look(values: Mapping[str, str], contract: Contract | None) -> tuple[Found | None, list[str]]:
    """The stored input, and what is wrong with it, as far as can be told.

    Args:
        values: the parameters by name; of stored inputs, more than one are not looked at.
        contract: of the job; None where that is wrong itself: then the input is not held against it.

    Returns:
        (the input, None where there is none; a line for each mistake).

    Raises:
        PermanentError: the service that has it refuses to tell.
    """
    files, table = values.get("input_files"), values.get("input_table")
    if (files is None) == (table is None):
        return None, []  # a stream, or too much, which the parameters' own check says
    try:
        wanted, schema = (needs.columns_of_rows(contract), contract.schema) if contract else (None, None)
        found = find(files, table, wanted, schema)
        known = _known(found)
    except Mistakes as error:
        return None, list(error.lines)
    wrong = [*_read_again(found, values.get("output_files"))]
    if contract is not None:
        if table is not None and contract.message.id is None:
            _LOG.warning(_PASSING_IDS, table)
        wrong += check_stored(contract, found.form, known, f"--{found.parameter}: {found.value}")
    return found, wrong


def _known(found: Found) -> pa.Schema:
    """The columns of rows; of examples the features that some of the first ones have; else nothing is known."""
    if found.columns is not None:
        return found.columns
    if found.form != "examples" or not found.parts:
        return pa.schema([])
    with readable(found.parts[0].origin):
        first = next(tfrecords.read(found.parts[0]), None)
    examples = first.rows.column(EXAMPLE).to_pylist() if first else []
    try:
        return features_of(examples) if examples else pa.schema([])
    except RuntimeError:  # one of them is no tf.Example, which its dead letter will say
        return pa.schema([])


def _whole(path: str) -> str:
    return path.rstrip("/") if "://" in path else os.path.abspath(path)  # noqa: PTH100 - resolves no links, as a glob


def _read_again(found: Found, directory: str | None) -> Iterator[str]:
    """A job must not have what it has written among what it reads: the next run would read it."""
    if directory is None:
        return
    beginning = f"{_whole(directory)}/"
    inside = [part.origin for part in found.parts if _whole(part.origin).startswith(beginning)]
    if inside:
        yield f"--output_files: {inside[0]} is in it, which --input_files reads; name a directory of its own"
