"""What is asked of BigQuery for the job's tables, and what its answers mean; against bqemulator in `integration`."""

from collections.abc import Iterator
from typing import Any

import pytest
from google.cloud.bigquery import Client, SchemaField

from streaming.bigquery.table_ids import TableId
from streaming.bigquery.tables import distinct_query, ensure_distinct_view, ensure_error_table, ensure_table
from streaming.endpoints import bigquery_client
from streaming.errors import Mistakes
from tests.bigquery_rest_server import Asked, BigQueryRestServer, Reply, failure

TABLE = TableId("p", "d", "predictions")
SCHEMA = [SchemaField("key", "STRING"), SchemaField("x", "FLOAT64")]
MISSING = failure(404, "notFound", "Not found: Table p:d.predictions")
DATASET = Reply({"datasetReference": {"projectId": "p", "datasetId": "d"}})
LABELS = {"made_by": "pubsub-inference"}


@pytest.fixture
def server() -> Iterator[BigQueryRestServer]:
    with BigQueryRestServer() as server:
        yield server


@pytest.fixture
def client(server: BigQueryRestServer, monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", server.host)
    return bigquery_client("p")


def resource(table: str = "predictions", **properties: Any) -> Reply:
    reference = {"projectId": "p", "datasetId": "d", "tableId": table}
    return Reply({"tableReference": reference, "type": "TABLE", "etag": "e", **properties})


def columns(*names_and_types: tuple[str, str]) -> dict[str, Any]:
    return {"fields": [{"name": name, "type": kind, "mode": "NULLABLE"} for name, kind in names_and_types]}


def test_a_missing_table_is_made_partitioned_and_clustered(server: BigQueryRestServer, client: Client) -> None:
    server.replies.extend([MISSING, DATASET, resource()])
    ensure_table(client, TABLE, SCHEMA)
    get, dataset, create = server.asked
    assert get == Asked("GET", "/projects/p/datasets/d/tables/predictions", {})
    assert dataset == Asked("GET", "/projects/p/datasets/d", {})
    assert create == Asked(
        "POST",
        "/projects/p/datasets/d/tables",
        {
            "tableReference": {"projectId": "p", "datasetId": "d", "tableId": "predictions"},
            "schema": columns(("key", "STRING"), ("x", "FLOAT64")),
            "timePartitioning": {"type": "DAY", "field": "event_time"},
            "clustering": {"fields": ["key", "model"]},
            "description": "Predictions: one row for each message and model.",
            "labels": LABELS,
        },
    )


def test_a_table_that_another_job_makes_meanwhile_is_checked_as_one_that_was_there(
    server: BigQueryRestServer, client: Client
) -> None:
    schema = columns(("key", "STRING"), ("x", "INTEGER"))
    server.replies.extend([MISSING, DATASET, failure(409, "duplicate", "Already Exists"), resource(schema=schema)])
    with pytest.raises(Mistakes, match=r"^output_table p\.d\.predictions: column x is INT64, the job writes FLOAT64;"):
        ensure_table(client, TABLE, SCHEMA)


def test_a_table_that_fits_is_left_as_it_is(server: BigQueryRestServer, client: Client) -> None:
    server.replies.append(resource(schema=columns(("key", "STRING"), ("x", "FLOAT"), ("more", "DATE"))))
    ensure_table(client, TABLE, SCHEMA)
    assert [asked.method for asked in server.asked] == ["GET"]


def test_missing_columns_are_added_behind_the_others(
    server: BigQueryRestServer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BIGQUERY_EMULATOR_HOST")
    server.replies.extend([resource(schema=columns(("more", "DATE"), ("x", "FLOAT"))), resource()])
    ensure_table(client, TABLE, SCHEMA)
    assert server.asked[1:] == [
        Asked(
            "PATCH",
            "/projects/p/datasets/d/tables/predictions",
            {"schema": columns(("more", "DATE"), ("x", "FLOAT"), ("key", "STRING"))},
        )
    ]


def test_missing_columns_are_refused_where_the_emulator_would_only_seem_to_add_them(
    server: BigQueryRestServer, client: Client
) -> None:
    server.replies.append(resource(schema=columns(("x", "FLOAT"))))
    with pytest.raises(Mistakes) as raised:
        ensure_table(client, TABLE, SCHEMA)
    wrong = "lacks key, which the emulator cannot add; delete the table, or name another"
    assert raised.value.lines == (f"output_table p.d.predictions: {wrong}",)


def test_something_else_of_the_table_s_name_is_refused(server: BigQueryRestServer, client: Client) -> None:
    server.replies.append(resource(type="EXTERNAL"))
    with pytest.raises(Mistakes) as raised:
        ensure_table(client, TABLE, SCHEMA)
    assert raised.value.lines == ("output_table p.d.predictions: is a EXTERNAL, not a table; name another",)


@pytest.mark.parametrize(
    ("replies", "line"),
    [
        (
            [MISSING, failure(404, "notFound", "Not found: Dataset p:d")],
            "no such dataset; create it with bq mk --dataset",
        ),
        (
            [failure(403, "accessDenied", "Access Denied")],
            "no permission; grant roles/bigquery.dataEditor on its dataset",
        ),
        (
            [MISSING, DATASET, failure(403, "accessDenied", "Access Denied")],
            "no permission; grant roles/bigquery.dataEditor on its dataset",
        ),
        ([MISSING, DATASET, failure(400, "invalid", "Bad")], "BigQuery could not make or read it"),
    ],
)
def test_what_bigquery_does_not_allow_is_one_line_with_the_remedy_and_its_words(
    replies: list[Reply], line: str, server: BigQueryRestServer, client: Client
) -> None:
    server.replies.extend(replies)
    with pytest.raises(Mistakes) as raised:
        ensure_error_table(client, TABLE)
    words = replies[-1].body["error"]["message"]
    assert raised.value.lines == (f"output_deadletter_table p.d.predictions: {line} ({words})",)


def test_a_passing_fault_is_tried_again(server: BigQueryRestServer, client: Client) -> None:
    server.replies.extend(
        [failure(503, "backendError", "away"), resource(schema=columns(("key", "STRING"), ("x", "FLOAT")))]
    )
    ensure_table(client, TABLE, SCHEMA)
    assert len(server.asked) == 2


def test_dead_letters_have_google_s_columns_first(server: BigQueryRestServer, client: Client) -> None:
    server.replies.extend([MISSING, DATASET, resource()])
    ensure_error_table(client, TABLE)
    create = server.asked[-1].body
    assert [(field["name"], field["type"], field["mode"]) for field in create["schema"]["fields"]] == [
        ("timestamp", "TIMESTAMP", "REQUIRED"),
        ("payloadString", "STRING", "REQUIRED"),
        ("payloadBytes", "BYTES", "REQUIRED"),
        ("attributes", "RECORD", "REPEATED"),
        ("errorMessage", "STRING", "NULLABLE"),
        ("stacktrace", "STRING", "NULLABLE"),
        ("stage", "STRING", "NULLABLE"),
        ("error_class", "STRING", "NULLABLE"),
        ("message_id", "STRING", "NULLABLE"),
        ("key", "STRING", "NULLABLE"),
        ("model", "STRING", "NULLABLE"),
        ("job_name", "STRING", "NULLABLE"),
    ]
    assert create["timePartitioning"] == {"type": "DAY", "field": "timestamp"}


def test_the_view_is_made_where_it_is_missing(server: BigQueryRestServer, client: Client) -> None:
    view = {"query": distinct_query(TABLE), "useLegacySql": False}
    server.replies.extend([MISSING, DATASET, resource("predictions_distinct", type="VIEW", view=view)])
    ensure_distinct_view(client, TABLE)
    create = server.asked[-1]
    assert (create.method, create.path) == ("POST", "/projects/p/datasets/d/tables")
    assert create.body == {
        "tableReference": {"projectId": "p", "datasetId": "d", "tableId": "predictions_distinct"},
        "view": view,
        "description": "One row for each prediction_id and event_time: the latest processed_at.",
        "labels": LABELS,
    }


def test_a_view_of_the_same_query_is_left_whoever_made_it(server: BigQueryRestServer, client: Client) -> None:
    server.replies.append(resource("predictions_distinct", type="VIEW", view={"query": distinct_query(TABLE)}))
    ensure_distinct_view(client, TABLE)
    assert [asked.method for asked in server.asked] == ["GET"]


def test_our_view_of_another_query_is_brought_up_to_date(server: BigQueryRestServer, client: Client) -> None:
    old = resource(
        "predictions_distinct", type="VIEW", labels=LABELS, view={"query": "SELECT 1", "useLegacySql": False}
    )
    server.replies.extend([old, resource()])
    ensure_distinct_view(client, TABLE)
    assert server.asked[1] == Asked(
        "PATCH",
        "/projects/p/datasets/d/tables/predictions_distinct",
        {"view": {"query": distinct_query(TABLE), "useLegacySql": False}},
    )


@pytest.mark.parametrize(
    "properties", [{"type": "TABLE", "labels": LABELS}, {"type": "VIEW", "view": {"query": "SELECT 1"}}]
)
def test_something_else_of_the_view_s_name_is_left_and_named(
    properties: dict[str, Any], server: BigQueryRestServer, client: Client
) -> None:
    server.replies.append(resource("predictions_distinct", **properties))
    with pytest.raises(Mistakes) as raised:
        ensure_distinct_view(client, TABLE)
    assert raised.value.lines == (
        "output_table p.d.predictions: p.d.predictions_distinct exists and is not this job's view; rename or drop it",
    )
    assert [asked.method for asked in server.asked] == ["GET"]


def test_the_view_s_query_keeps_event_time_among_its_keys() -> None:
    assert distinct_query(TABLE) == (
        "SELECT * FROM `p.d.predictions`\n"
        "QUALIFY ROW_NUMBER() OVER (PARTITION BY prediction_id, event_time ORDER BY processed_at DESC) = 1"
    )
