"""The columns of an Arrow schema as BigQuery declares them; lists are REPEATED."""

from __future__ import annotations

import pyarrow as pa
from google.cloud.bigquery import SchemaField

_TYPES = {
    pa.string(): "STRING",
    pa.float64(): "FLOAT64",
    pa.int64(): "INT64",
    pa.bool_(): "BOOL",
    pa.timestamp("us", tz="UTC"): "TIMESTAMP",
}


def bigquery_type(column: pa.DataType) -> str:
    """BigQuery's name for the type of a column, or of its items."""
    return _TYPES[column.value_type if pa.types.is_list(column) else column]


def bigquery_mode(field: pa.Field) -> str:
    """NULLABLE, REQUIRED or REPEATED."""
    if pa.types.is_list(field.type):
        return "REPEATED"
    return "NULLABLE" if field.nullable else "REQUIRED"


def bigquery_schema(schema: pa.Schema) -> list[SchemaField]:
    """The columns of a table that holds `schema`."""
    return [SchemaField(field.name, bigquery_type(field.type), bigquery_mode(field)) for field in schema]
