"""The job's columns as BigQuery declares them."""

from __future__ import annotations

import pyarrow as pa
import pytest
from google.cloud.bigquery import SchemaField

from streaming.batches import TIMESTAMP
from streaming.bigquery.columns import bigquery_schema
from streaming.bigquery.table_fit import misfits, missing_columns
from streaming.results import table_schema

SCALARS = {
    "STRING": pa.string(),
    "FLOAT64": pa.float64(),
    "INT64": pa.int64(),
    "BOOL": pa.bool_(),
    "TIMESTAMP": TIMESTAMP,
}


@pytest.mark.parametrize(("name", "arrow"), SCALARS.items())
def test_each_type_of_column(name: str, arrow: pa.DataType) -> None:
    columns = [pa.field("one", arrow), pa.field("always", arrow, nullable=False), pa.field("many", pa.list_(arrow))]
    assert bigquery_schema(pa.schema(columns)) == [
        SchemaField("one", name, "NULLABLE"),
        SchemaField("always", name, "REQUIRED"),
        SchemaField("many", name, "REPEATED"),
    ]


def test_the_predictions_table() -> None:
    outputs = [pa.field("prediction", pa.float64()), pa.field("scores", pa.list_(pa.float64()))]
    assert bigquery_schema(table_schema(outputs)) == [
        SchemaField("prediction_id", "STRING", "REQUIRED"),
        SchemaField("key", "STRING"),
        SchemaField("message_id", "STRING"),
        SchemaField("event_time", "TIMESTAMP"),
        SchemaField("publish_time", "TIMESTAMP"),
        SchemaField("read_at", "TIMESTAMP"),
        SchemaField("window_start", "TIMESTAMP"),
        SchemaField("window_end", "TIMESTAMP"),
        SchemaField("model", "STRING"),
        SchemaField("model_version", "STRING"),
        SchemaField("model_fingerprint", "STRING"),
        SchemaField("prediction", "FLOAT64"),
        SchemaField("scores", "FLOAT64", "REPEATED"),
        SchemaField("processed_at", "TIMESTAMP"),
        SchemaField("batch_size", "INT64"),
        SchemaField("job_hash", "STRING"),
    ]


def test_a_table_from_before_the_provenance_of_rows_is_given_their_columns() -> None:
    written = bigquery_schema(table_schema([pa.field("prediction", pa.float64())]))
    added = [
        SchemaField("read_at", "TIMESTAMP"),
        SchemaField("model_fingerprint", "STRING"),
        SchemaField("job_hash", "STRING"),
    ]
    before = [column for column in written if column not in added]
    assert (misfits(before, written), missing_columns(before, written)) == ([], added)
    assert misfits([*before, *added], written) == []
