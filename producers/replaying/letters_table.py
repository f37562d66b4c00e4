"""Dead letters from their BigQuery table, page by page, and which of them the predictions table answers by now."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from google.cloud.bigquery import ArrayQueryParameter, Client, QueryJobConfig, ScalarQueryParameter

from producers.replaying.letters import Letter, Selection, from_row
from producers.replaying.replay_summary import FailedAt
from producers.table_access import explained, see_columns
from streaming.bigquery.table_ids import TableId
from streaming.service_errors import retry

PAGE_ROWS = 10_000
"""BigQuery makes pages of large rows smaller, and each page costs one look through the predictions' ids."""

_COLUMNS = ("timestamp", "payloadBytes", "attributes", "errorMessage", "stage", "error_class", "message_id", "model")
_ID = r"REGEXP_EXTRACT(prediction_id, r'^(.*)/')"  # a prediction_id is <id>/<model>, and an id may hold slashes


Ids = Callable[[Sequence[Letter]], Sequence[str | None]]


def original_ids(letters: Sequence[Letter]) -> list[str | None]:
    """The ids of a job whose file names no `message.id`."""
    return [letter.original_id for letter in letters]


class LetterTable:
    """The wanted rows of the dead-letter table, as it is when the reading begins.

    Args:
        client: of any project.
        table: the dead letters.
        selection: those that are wanted.

    Raises:
        Mistakes: there is no such table, or it is not one of dead letters.
        JobError: BigQuery refuses, or does not answer.
    """

    def __init__(self, client: Client, table: TableId, selection: Selection) -> None:
        self._client = client
        self._table = table
        self._selection = selection
        see_columns(client, "--table", table, _COLUMNS, "name the table of dead letters")

    def __iter__(self) -> Iterator[list[Letter]]:
        """Pages of letters, in no order: sorting millions of payloads is more than BigQuery takes on."""
        conditions, parameters = _conditions(self._selection)
        sql = f"SELECT {', '.join(_COLUMNS)} FROM `{self._table}` WHERE {conditions}"  # noqa: S608 - the values are parameters
        with explained("--table", self._table):
            for page in _query(self._client, sql, parameters).pages:
                yield [from_row(row) for row in page]

    def counts(self) -> Mapping[FailedAt, int]:
        """How many letters there are in all, wanted or not."""
        sql = f"SELECT stage, model, COUNT(*) AS letters FROM `{self._table}` GROUP BY stage, model"  # noqa: S608 - as above
        with explained("--table", self._table):
            return {FailedAt(row["stage"] or "", row["model"]): row["letters"] for row in _query(self._client, sql, ())}

    def done(self, letters: Sequence[Letter]) -> None:
        """The rows stay: they tell what happened."""


class Answers:
    """What stands in the predictions table.

    Args:
        client: of any project.
        table: the predictions.
        ids: the ids by which the job knows the messages of letters; None where it can take no id from one.

    Raises:
        Mistakes: there is no such table, or it is not one of predictions.
        JobError: BigQuery refuses, or does not answer.
    """

    def __init__(self, client: Client, table: TableId, ids: Ids = original_ids) -> None:
        self._client = client
        self._table = table
        self._ids = ids
        see_columns(client, "--output-table", table, ("prediction_id",), "name the table of predictions")

    def __call__(self, letters: Sequence[Letter]) -> list[bool]:
        """Whether each letter has been answered by now: by the model that rejected it, or, with none, by any."""
        ids = self._ids(letters)
        asked = sorted({name for name in ids if name is not None})
        if not asked:
            return [False] * len(letters)
        sql = f"SELECT DISTINCT prediction_id FROM `{self._table}` WHERE {_ID} IN UNNEST(@ids)"  # noqa: S608 - as above
        parameters = [ArrayQueryParameter("ids", "STRING", asked)]
        with explained("--output-table", self._table):
            predictions = {row["prediction_id"] for row in _query(self._client, sql, parameters)}
        answered = {prediction.rpartition("/")[0] for prediction in predictions}
        return [
            name in answered if letter.model is None else f"{name}/{letter.model}" in predictions
            for name, letter in zip(ids, letters, strict=True)
        ]


def _conditions(selection: Selection) -> tuple[str, list[Any]]:
    """The SQL of `Selection.takes`, and its parameters."""
    wanted: list[tuple[str, Any]] = []
    if selection.stages:
        wanted.append(("stage IN UNNEST(@stages)", ArrayQueryParameter("stages", "STRING", selection.stages)))
    if selection.error_classes:
        classes = ArrayQueryParameter("classes", "STRING", selection.error_classes)
        wanted.append(("error_class IN UNNEST(@classes)", classes))
    for condition, kind, value in (
        ("model = @model", "STRING", selection.model),
        ("timestamp >= @since", "TIMESTAMP", selection.since),
        ("timestamp < @until", "TIMESTAMP", selection.until),
    ):
        if value is not None:
            wanted.append((condition, ScalarQueryParameter(condition.rpartition("@")[2], kind, value)))
    return " AND ".join(condition for condition, _ in wanted) or "TRUE", [parameter for _, parameter in wanted]


def _query(client: Client, sql: str, parameters: Sequence[Any]) -> Any:
    job = client.query(sql, job_config=QueryJobConfig(query_parameters=parameters), retry=retry())
    return job.result(page_size=PAGE_ROWS, retry=retry())
