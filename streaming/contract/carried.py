"""The fields that each row of predictions carries, and the columns that they fill."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from streaming.batches import TIMESTAMP, field_column
from streaming.contract.columns import wrong_column
from streaming.contract.findings import Findings
from streaming.contract.sources import Sources
from streaming.wiring import Carried, Output


def carried(
    found: Findings, sources: Sources, columns: Mapping[str, str], outputs: Mapping[str, tuple[Output, ...]]
) -> tuple[Carried, ...]:
    """Those of the columns that are right, in the job file's order.

    Args:
        found: gets the mistakes.
        sources: the fields.
        columns: of the job file: column to field.
        outputs: of each model, which fill columns, too.
    """
    taken = {output.column.lower(): f"the model {model}" for model, each in outputs.items() for output in each}
    carries = []
    for column, name in columns.items():
        place = f"columns.{column}"
        field = sources.field(place, name)
        kind = None if field is None else _column_type(field.type)
        if wrong := wrong_column(column):
            found.add(place, wrong)
        elif giver := taken.get(column.lower()):
            found.add(place, f"{giver} fills a column of this name; name another")
        elif field is not None and kind is None:
            found.add(place, f"the field {name} is {field.type}, which fits no column; take another field")
        elif kind is not None:
            carries.append(Carried(column, field_column(name), kind))
        taken.setdefault(column.lower(), f"the field {name}")
    return tuple(carries)


def _column_type(kind: pa.DataType) -> pa.DataType | None:
    if pa.types.is_floating(kind):
        return pa.float64()
    if pa.types.is_integer(kind):
        return pa.int64()
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        return TIMESTAMP
    return kind if pa.types.is_boolean(kind) or pa.types.is_string(kind) else None
