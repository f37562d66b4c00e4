"""The job's tables, made or checked at launch: predictions, the view without repetitions, and dead letters."""

from __future__ import annotations

from collections.abc import Sequence

from google.api_core.exceptions import Conflict, Forbidden, GoogleAPIError, NotFound
from google.cloud.bigquery import DEFAULT_RETRY, Client, DatasetReference, SchemaField, Table, TimePartitioning

from streaming.bigquery.table_fit import misfits, missing_columns
from streaming.bigquery.table_ids import TableId, parse_table_id
from streaming.endpoints import emulators
from streaming.errors import Mistakes
from streaming.service_errors import as_mistakes

__all__ = [
    "ERROR_SCHEMA",
    "RETRY",
    "TableId",
    "distinct_query",
    "distinct_view_id",
    "ensure_distinct_view",
    "ensure_error_table",
    "ensure_table",
    "parse_table_id",
]

RETRY = DEFAULT_RETRY.with_delay(initial=0.2).with_timeout(30.0)  # seconds; somebody waits before the screen
_REFUSALS = {
    NotFound: "no such dataset; create it with bq mk --dataset",
    Forbidden: "no permission; grant roles/bigquery.dataEditor on its dataset",
    GoogleAPIError: "BigQuery could not make or read it",
}
_LABELS = {"made_by": "pubsub-inference"}
_VIEW_DESCRIPTION = "One row for each prediction_id and event_time: the latest processed_at."

ERROR_SCHEMA = (
    SchemaField("timestamp", "TIMESTAMP", "REQUIRED", description="when the message failed"),
    SchemaField("payloadString", "STRING", "REQUIRED", description="the payload as text, cut at 1 MiB"),
    SchemaField("payloadBytes", "BYTES", "REQUIRED", description="the payload, cut at 4 MiB"),
    SchemaField(
        "attributes",
        "RECORD",
        "REPEATED",
        description="the message's attributes",
        fields=(SchemaField("key", "STRING"), SchemaField("value", "STRING")),
    ),
    SchemaField("errorMessage", "STRING"),
    SchemaField("stacktrace", "STRING"),
    SchemaField("stage", "STRING", description="the step that rejected the message; generation is of no message"),
    SchemaField("error_class", "STRING"),
    SchemaField("message_id", "STRING"),
    SchemaField("key", "STRING"),
    SchemaField("model", "STRING"),
    SchemaField("job_name", "STRING"),
)
"""The columns of the dead letters: those that Google's templates have, then ours."""


def ensure_table(
    client: Client,
    table_id: TableId,
    schema: Sequence[SchemaField],
    *,
    place: str = "output_table",
    partition_field: str = "event_time",
    clustering: Sequence[str] = ("key", "model"),
    description: str = "Predictions: one row for each message and model.",
) -> None:
    """Make the table, or check that rows of `schema` go into the one that is there, adding columns that it lacks.

    Args:
        client: of any project.
        table_id: its dataset must exist.
        schema: what the job writes. REQUIRED says that there always is a value.
        place: the parameter that names the table, for the messages.
        partition_field: a new table is partitioned by its day.
        clustering: columns by which a new table is clustered; none for no clustering.
        description: of a new table.

    Raises:
        Mistakes: it cannot be made or seen, or columns do not fit; one line each.
    """
    wanted = Table(str(table_id), schema)
    wanted.time_partitioning = TimePartitioning(field=partition_field)
    wanted.clustering_fields = list(clustering) or None
    wanted.description = description
    wanted.labels = _LABELS
    with as_mistakes(f"{place} {table_id}", _REFUSALS):
        existing = _get_or_create(client, wanted)
        if existing is not None:
            _fit(client, existing, schema, f"{place} {table_id}")


def ensure_error_table(client: Client, table_id: TableId, *, place: str = "output_deadletter_table") -> None:
    """As `ensure_table`, for the dead letters."""
    ensure_table(
        client,
        table_id,
        ERROR_SCHEMA,
        place=place,
        partition_field="timestamp",
        clustering=("stage", "error_class"),
        description="Dead letters: messages that the job could not process, and why.",
    )


def distinct_view_id(table_id: TableId) -> TableId:
    """The name of the view of `table_id` without repetitions."""
    return TableId(table_id.project, table_id.dataset, f"{table_id.table}_distinct")


def ensure_distinct_view(client: Client, table_id: TableId, *, place: str = "output_table") -> None:
    """Make the view `<table>_distinct`, or bring it up to date: each prediction once, the latest.

    Redelivered messages repeat rows, with the same prediction_id and event_time. Queries of the view give columns that
    the table is given later; only the schema that BigQuery shows for it stays what it was.

    Raises:
        Mistakes: it cannot be made, or something of that name exists that is not this view.
    """
    wanted = Table(str(distinct_view_id(table_id)))
    wanted.view_query = distinct_query(table_id)
    wanted.description = _VIEW_DESCRIPTION
    wanted.labels = _LABELS
    with as_mistakes(f"{place} {table_id}", _REFUSALS):
        existing = _get_or_create(client, wanted)
        if existing is None or existing.view_query == wanted.view_query:
            return
        if existing.table_type != "VIEW" or existing.labels.get("made_by") != _LABELS["made_by"]:
            view = distinct_view_id(table_id)
            raise Mistakes([f"{place} {table_id}: {view} exists and is not this job's view; rename or drop it"])
        existing.view_query = wanted.view_query
        client.update_table(existing, ["view_query"], retry=RETRY)


def distinct_query(table_id: TableId) -> str:
    """The view's SQL. event_time is among the keys so that a filter on it still prunes the table's partitions."""
    latest = "ROW_NUMBER() OVER (PARTITION BY prediction_id, event_time ORDER BY processed_at DESC) = 1"
    return f"SELECT * FROM `{table_id}`\nQUALIFY {latest}"  # noqa: S608 - a TableId holds no quotes


def _get_or_create(client: Client, wanted: Table) -> Table | None:
    """What is there already, or None when `wanted` is there now."""
    try:
        return client.get_table(wanted.reference, retry=RETRY)
    except NotFound:
        client.get_dataset(DatasetReference(wanted.project, wanted.dataset_id), retry=RETRY)
    try:
        created = client.create_table(wanted, retry=RETRY)
    except Conflict:  # another job was quicker
        return client.get_table(wanted.reference, retry=RETRY)
    if wanted.view_query and not created.view_query:
        _create_view_by_statement(client, wanted)
    return None


def _create_view_by_statement(client: Client, view: Table) -> None:
    """For bqemulator, which makes an empty table of a view that comes by its API.

    Not for BigQuery, where a statement takes the permission to run queries, and the API does not.
    """
    client.delete_table(view)
    client.query(f"CREATE VIEW `{view.reference}` AS {view.view_query}").result()
    client.update_table(view, ["labels", "description"])


def _fit(client: Client, table: Table, schema: Sequence[SchemaField], place: str) -> None:
    if table.table_type != "TABLE":
        raise Mistakes([f"{place}: is a {table.table_type}, not a table; name another"])
    lines = misfits(table.schema, schema)
    if lines:
        raise Mistakes([f"{place}: {line}" for line in lines])
    missing = missing_columns(table.schema, schema)
    if missing and "BIGQUERY_EMULATOR_HOST" in emulators():  # it says that it adds them, and then takes no row
        names = ", ".join(column.name for column in missing)
        raise Mistakes([f"{place}: lacks {names}, which the emulator cannot add; delete the table, or name another"])
    if missing:
        table.schema = [*table.schema, *missing]
        client.update_table(table, ["schema"], retry=RETRY)
