"""Names of tables, in both of BigQuery's ways to write them."""

import pytest

from streaming.bigquery.table_ids import TableId, parse_table_id


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("my-project:data.predictions", TableId("my-project", "data", "predictions")),
        ("my-project.data.predictions", TableId("my-project", "data", "predictions")),
        ("example.com:my-project:data.predictions", TableId("example.com:my-project", "data", "predictions")),
        ("example.com:my-project.data.predictions", TableId("example.com:my-project", "data", "predictions")),
        ("p.Data_1.Messwerte für 2024-05", TableId("p", "Data_1", "Messwerte für 2024-05")),
    ],
)
def test_project_dataset_and_table_are_told_apart(text: str, expected: TableId) -> None:
    assert parse_table_id(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "predictions",
        "data.predictions",
        "my-project:data:predictions",
        "my-project.data.predictions.more",
        "My-Project.data.predictions",
        "my-project.da-ta.predictions",
        "my-project.data.predictions$20240501",
        "my-project.data.`x`",
        "my-project.data.",
        "my-project.data.predictions\n",
        "my-project.data." + "x" * 1025,
    ],
)
def test_what_is_no_table_is_refused_with_the_way_to_write_one(text: str) -> None:
    with pytest.raises(ValueError, match="is not a table; write PROJECT:DATASET"):
        parse_table_id(text)


def test_its_text_is_the_form_with_dots() -> None:
    assert str(parse_table_id("my-project:data.predictions")) == "my-project.data.predictions"
