"""What decoding a group of payloads gives: a row of field columns each, or the reason why not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from streaming.batches import Failure, field_column
from streaming.schema import SchemaField

LONGEST_MESSAGE = 1000
"""Of an error message, in characters: it may quote a payload."""


@dataclass(frozen=True)
class Decoded:
    """The field columns of some payloads, one row each, in order.

    Attributes:
        columns: `field:<name>` for each usable field; all null in the row of a payload that failed.
        failures: why, by row.
    """

    columns: pa.RecordBatch
    failures: Mapping[int, Failure]


Piece = tuple[npt.NDArray[np.int64], Decoded]
"""Some rows of a batch: their positions in it, and what was decoded."""


def failure(error_class: str, message: str) -> Failure:
    """A failure of the stage decode, its message on one line and not too long."""
    line = " ".join(message.split())
    return Failure("decode", error_class, line if len(line) <= LONGEST_MESSAGE else line[: LONGEST_MESSAGE - 1] + "…")


def columns_schema(fields: Sequence[SchemaField]) -> pa.Schema:
    """The schema of `Decoded.columns`."""
    return pa.schema([pa.field(field_column(field.name), field.type) for field in fields])


def from_records(fields: Sequence[SchemaField], records: Sequence[Sequence[Any] | Failure]) -> Decoded:
    """Decoded from the values of each payload's fields, in the order of `fields`, or from its failure."""
    nothing = [None] * len(fields)
    rows = [nothing if isinstance(record, Failure) else record for record in records]
    schema = columns_schema(fields)
    values = zip(*rows, strict=True) if rows else [()] * len(fields)
    arrays = [pa.array(column, kind) for column, kind in zip(values, schema.types, strict=True)]
    failures = {row: record for row, record in enumerate(records) if isinstance(record, Failure)}
    return Decoded(pa.RecordBatch.from_arrays(arrays, schema=schema), failures)


def interleave(pieces: Sequence[Piece]) -> Decoded:
    """One Decoded of pieces whose positions together are 0 to n - 1."""
    positions = np.concatenate([rows for rows, _ in pieces])
    columns = pa.concat_batches([decoded.columns for _, decoded in pieces])
    failures = {int(rows[row]): why for rows, decoded in pieces for row, why in decoded.failures.items()}
    return Decoded(columns.take(pa.array(np.argsort(positions))), failures)
