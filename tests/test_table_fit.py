"""What keeps rows of one schema out of a table of another."""

import pytest
from google.cloud.bigquery import SchemaField

from streaming.bigquery.table_fit import misfits, missing_columns

WRITTEN = [
    SchemaField("prediction_id", "STRING", "REQUIRED"),
    SchemaField("x", "FLOAT64"),
    SchemaField("scores", "FLOAT64", "REPEATED"),
    SchemaField("attributes", "RECORD", "REPEATED", fields=(SchemaField("key", "STRING"), SchemaField("n", "INT64"))),
]


def with_column(column: SchemaField) -> list[SchemaField]:
    return [column if column.name.lower() == other.name else other for other in WRITTEN]


def test_a_table_of_the_same_schema_fits() -> None:
    assert misfits(WRITTEN, WRITTEN) == []
    assert missing_columns(WRITTEN, WRITTEN) == []


def test_names_are_compared_without_case_and_types_by_their_meaning() -> None:
    existing = [
        SchemaField("Prediction_ID", "STRING"),
        SchemaField("X", "FLOAT"),
        SchemaField("scores", "float", "REPEATED"),
        SchemaField(
            "attributes", "STRUCT", "REPEATED", fields=(SchemaField("KEY", "STRING"), SchemaField("n", "INTEGER"))
        ),
    ]
    assert misfits(existing, WRITTEN) == []
    assert missing_columns(existing, WRITTEN) == []


def test_the_order_of_columns_and_further_nullable_ones_do_not_matter() -> None:
    assert misfits([SchemaField("more", "STRING"), *reversed(WRITTEN)], WRITTEN) == []


def test_missing_columns_are_no_misfit_and_are_added_nullable() -> None:
    assert misfits(WRITTEN[1:2], WRITTEN) == []
    assert missing_columns(WRITTEN[1:2], WRITTEN) == [SchemaField("prediction_id", "STRING", "NULLABLE"), *WRITTEN[2:]]


@pytest.mark.parametrize(
    ("column", "line"),
    [
        (
            SchemaField("x", "INTEGER"),
            "column x is INT64, the job writes FLOAT64; rename the job's column or write to another table",
        ),
        (
            SchemaField("x", "FLOAT", "REPEATED"),
            "column x is REPEATED, the job writes NULLABLE; rename the job's column or write to another table",
        ),
        (
            SchemaField("scores", "FLOAT"),
            "column scores is NULLABLE, the job writes REPEATED; rename the job's column or write to another table",
        ),
        (
            SchemaField("X", "FLOAT", "REQUIRED"),
            "column X is REQUIRED, the job may write NULL; ALTER COLUMN X DROP NOT NULL, or write to another table",
        ),
        (
            SchemaField("attributes", "RECORD", "REPEATED", fields=(SchemaField("key", "STRING"),)),
            "column attributes lacks n, the job writes it; add it or write to another table",
        ),
        (
            SchemaField(
                "attributes", "RECORD", "REPEATED", fields=(SchemaField("key", "BYTES"), SchemaField("n", "INTEGER"))
            ),
            "column attributes.key is BYTES, the job writes STRING; rename the job's column or write to another table",
        ),
    ],
)
def test_a_column_that_does_not_fit_is_named_with_both_sides_and_the_remedy(column: SchemaField, line: str) -> None:
    assert misfits(with_column(column), WRITTEN) == [line]


def test_a_required_column_that_the_job_does_not_write_is_named() -> None:
    assert misfits([*WRITTEN, SchemaField("site", "STRING", "REQUIRED")], WRITTEN) == [
        "column site is REQUIRED, the job does not write it; ALTER COLUMN site DROP NOT NULL, or write to another table"
    ]


def test_a_required_column_that_always_has_a_value_fits() -> None:
    assert misfits(with_column(SchemaField("prediction_id", "STRING", "REQUIRED")), WRITTEN) == []


def test_every_misfit_is_named_at_once() -> None:
    existing = [
        SchemaField("prediction_id", "INTEGER"),
        SchemaField("x", "STRING"),
        SchemaField("y", "BYTES", "REQUIRED"),
    ]
    assert [line.partition(",")[0] for line in misfits(existing, WRITTEN)] == [
        "column prediction_id is INT64",
        "column x is STRING",
        "column y is REQUIRED",
    ]
