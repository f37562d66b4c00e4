"""Whether rows of one schema go into a table of another: what is missing, and what does not fit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from google.cloud.bigquery import SchemaField

_TYPES = {
    "BIGDECIMAL": "BIGNUMERIC",
    "BOOLEAN": "BOOL",
    "DECIMAL": "NUMERIC",
    "FLOAT": "FLOAT64",
    "INTEGER": "INT64",
    "RECORD": "STRUCT",
}
"""BigQuery's older names of types, which its API still gives."""


def missing_columns(existing: Sequence[SchemaField], written: Sequence[SchemaField]) -> list[SchemaField]:
    """The columns of `written` that a table of `existing` lacks, as they can be added to a table that has rows."""
    known = {column.name.lower() for column in existing}
    return [_as_addable(column) for column in written if column.name.lower() not in known]


def misfits(existing: Sequence[SchemaField], written: Sequence[SchemaField]) -> list[str]:
    """What keeps rows of `written` out of a table of `existing`, one line a column; names are compared without case.

    A column that `written` has REQUIRED always has a value. Columns missing in `existing` are no misfit.
    """
    return list(_misfits(existing, written, ""))


def _misfits(existing: Sequence[SchemaField], written: Sequence[SchemaField], prefix: str) -> Iterator[str]:
    ours = {column.name.lower(): column for column in written}
    for column in existing:
        name = prefix + column.name
        if column.name.lower() not in ours:
            if column.mode == "REQUIRED":
                yield f"column {name} is REQUIRED, the job does not write it; {_relax(name)}"
            continue
        yield from _misfit(name, column, ours[column.name.lower()])


def _misfit(name: str, existing: SchemaField, written: SchemaField) -> Iterator[str]:
    theirs, ours = _type(existing), _type(written)
    if theirs != ours:
        yield f"column {name} is {theirs}, the job writes {ours}; rename the job's column or write to another table"
    elif (existing.mode == "REPEATED") != (written.mode == "REPEATED"):
        yield (
            f"column {name} is {existing.mode}, the job writes {written.mode}; "
            "rename the job's column or write to another table"
        )
    elif existing.mode == "REQUIRED" and written.mode != "REQUIRED":
        yield f"column {name} is REQUIRED, the job may write NULL; {_relax(name)}"
    elif ours == "STRUCT":
        yield from _nested_misfits(name, existing, written)


def _nested_misfits(name: str, existing: SchemaField, written: SchemaField) -> Iterator[str]:
    yield from _misfits(existing.fields, written.fields, f"{name}.")
    for column in missing_columns(existing.fields, written.fields):
        yield f"column {name} lacks {column.name}, the job writes it; add it or write to another table"


def _relax(name: str) -> str:
    return f"ALTER COLUMN {name} DROP NOT NULL, or write to another table"


def _type(column: SchemaField) -> str:
    name = str(column.field_type).upper()
    return _TYPES.get(name, name)


def _as_addable(column: SchemaField) -> SchemaField:
    """Rows that are there have no value for it, so REQUIRED is relaxed."""
    if column.mode != "REQUIRED":
        return column
    return SchemaField.from_api_repr({**column.to_api_repr(), "mode": "NULLABLE"})
