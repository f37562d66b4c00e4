"""The ends of the line in production, and what of them must exist before the job starts.

Each end is a plain, picklable description; the client behind it is opened when it is first used, once in a process.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pyarrow as pa
from apache_beam.transforms.display import DisplayDataItem, HasDisplayData
from google.auth.exceptions import GoogleAuthError

from streaming import deadletters, metrics
from streaming.bigquery import error_records
from streaming.bigquery.columns import bigquery_schema
from streaming.bigquery.storage_write import AppendConnection
from streaming.bigquery.table_ids import TableId, parse_table_id
from streaming.bigquery.tables import ensure_distinct_view, ensure_error_table, ensure_table
from streaming.endpoints import bigquery_client, bigquery_write_client, publisher_client
from streaming.errors import PermanentError, no_credentials
from streaming.options import Parameters
from streaming.pubsub.presence import see_subscription, see_topic
from streaming.pubsub.publisher import Publisher, output_message
from streaming.refusals import Refusal
from streaming.registry import forget, shared
from streaming.results import table_schema
from streaming.stored.error_files import ErrorFiles
from streaming.stored.output import stem
from streaming.stored.parquet_output import ParquetFiles
from streaming.stored.prediction_log import PredictionLogFiles
from streaming.stored.whole_files import clear, make_directory
from streaming.wiring import Contract

_APPEND = "append"
_OUTPUT_FILES = "--output_files"
_SEE_SECONDS = 30.0  # somebody waits before the screen


@dataclass(frozen=True)
class Table(HasDisplayData):
    """A BigQuery table, written through the Storage Write API."""

    table_id: str

    def display_data(self) -> dict[str, str]:
        return {"output_table": self.table_id}

    def append(self, rows: pa.RecordBatch) -> Future[list[Refusal]]:
        connection = shared(_APPEND, lambda: AppendConnection(bigquery_write_client(), on_retry=_retried("table")))
        try:
            return connection.append(self.table_id, rows)
        except RuntimeError:
            forget(_APPEND)  # it has broken down; the bundle fails, and the next one gets a new connection
            raise


@dataclass(frozen=True)
class Topic(HasDisplayData):
    """A Pub/Sub topic. With `ordering`, a message's key is its ordering key."""

    name: str
    ordering: bool

    def display_data(self) -> dict[str, str]:
        return {"output_topic": self.name}

    def publish(
        self, data: Sequence[bytes], attributes: Sequence[dict[str, str]], keys: Sequence[str]
    ) -> Future[list[Refusal]]:
        ordering_keys = keys if self.ordering else [""] * len(keys)
        messages = [output_message(*each) for each in zip(data, attributes, ordering_keys, strict=True)]
        return _publisher().publish(self.name, messages, _retried("topic"))


@dataclass(frozen=True)
class DeadLetters(HasDisplayData):
    """A BigQuery table for dead letters and a Pub/Sub topic, each unless it is None."""

    table_id: str | None
    topic: str | None
    job_name: str

    def display_data(self) -> dict[str, Any]:
        shown = {"output_deadletter_table": self.table_id, "output_deadletter_topic": self.topic}
        return {name: DisplayDataItem(end).drop_if_none() for name, end in shown.items()}

    def write(self, failures: pa.RecordBatch) -> None:
        try:
            self._write(failures)
        except PermanentError:
            metrics.count_aside(metrics.SINK_REFUSALS, 1, "dead_letters")  # the bundle fails, and with it its counts
            raise

    def _write(self, failures: pa.RecordBatch) -> None:
        now = datetime.now(UTC)
        if self.table_id:
            rows, insert_ids = deadletters.to_rows(failures, self.job_name, now)
            _insert_all(parse_table_id(self.table_id), rows, insert_ids)
        if self.topic:
            _publish_all(self.topic, deadletters.to_messages(failures, self.job_name, now))


def _insert_all(table: TableId, rows: Sequence[dict[str, Any]], insert_ids: Sequence[str | None]) -> None:
    client = shared(("bigquery", table.project), lambda: bigquery_client(table.project))
    error_records.insert(client, table, rows, insert_ids, on_retry=_retried("dead_letters"))


def _publish_all(topic: str, messages: Sequence[object]) -> None:
    """Publish dead letters; one that is refused fails the bundle, since nothing takes it then."""
    refusals = _publisher().publish(topic, messages, _retried("dead_letters")).result()
    if refusals:
        raise PermanentError(f"output_deadletter_topic {topic} refuses a dead letter: {refusals[0].message}")


def _retried(sink: str) -> Callable[[], None]:
    """What counts a request that is sent again, on whatever thread."""
    return partial(metrics.count_aside, metrics.SINK_RETRIES, 1, sink)


def _publisher() -> Publisher:
    return shared("publisher", lambda: Publisher(publisher_client()))


def prediction_files(
    parameters: Parameters, contract: Contract, starts: frozenset[str] = frozenset()
) -> ParquetFiles | PredictionLogFiles | None:
    """The files of predictions, if the job is to write any; `starts` as `PartWriter` has them."""
    if parameters.output_files is None:
        return None
    kind = PredictionLogFiles if parameters.output_format == "prediction_log" else ParquetFiles
    return kind(parameters.output_files, contract.models, contract.job_hash, starts)


def error_files(
    parameters: Parameters, contract: Contract, job_name: str, starts: frozenset[str] = frozenset()
) -> ErrorFiles | None:
    """The files of dead letters, which lie beside those of predictions; `starts` as `PartWriter` has them."""
    if parameters.output_files is None:
        return None
    return ErrorFiles(parameters.output_files, job_name, contract.job_hash, starts)


def dead_letters(parameters: Parameters, job_name: str) -> DeadLetters | None:
    """The table and the topic of dead letters; None for a job that has neither."""
    table, topic = parameters.deadletter_table, parameters.output_deadletter_topic
    return DeadLetters(table, topic, job_name) if table or topic else None


def prepare(parameters: Parameters, contract: Contract, origins: Collection[str] = ()) -> None:
    """Make the tables and the directory that are missing, and see that everything else is there.

    Args:
        parameters: where the job reads and writes.
        contract: what it does.
        origins: the files that it reads, or the table: output files that earlier runs have left of them are removed.

    Raises:
        Mistakes: a table does not fit what the job writes, or the directory cannot be written to.
        PermanentError: there is no such subscription or topic, or there are no credentials.
        JobError: Pub/Sub does not answer.
    """
    try:
        _make_tables(parameters, contract)
        directories = _directories(parameters, contract)
        for directory in directories[:1]:
            make_directory(directory, _OUTPUT_FILES)
        if parameters.input_subscription:
            see_subscription("input_subscription", parameters.input_subscription, _SEE_SECONDS)
        for place, topic in _topics(parameters).items():
            see_topic(place, topic, _SEE_SECONDS)
        stems = {stem(contract.job_hash, origin) for origin in origins}
        for directory in directories:
            clear(directory, stems, _OUTPUT_FILES)
    except GoogleAuthError as error:
        raise PermanentError(no_credentials(error)) from error


def _directories(parameters: Parameters, contract: Contract) -> list[str]:
    """Those of the job's files, first the one that any job may have to write to; none where it writes no files."""
    files = [error_files(parameters, contract, parameters.job_name), prediction_files(parameters, contract)]
    return [directory for each in files if each for directory in each.directories]


def _topics(parameters: Parameters) -> dict[str, str]:
    """The topics that the job publishes to, by parameter."""
    topics = {"output_topic": parameters.output_topic, "output_deadletter_topic": parameters.output_deadletter_topic}
    return {name: topic for name, topic in topics.items() if topic is not None}


def _make_tables(parameters: Parameters, contract: Contract) -> None:
    if parameters.output_table:
        predictions = parse_table_id(parameters.output_table)
        client = bigquery_client(predictions.project)
        ensure_table(client, predictions, bigquery_schema(table_schema(contract.output_columns)))
        ensure_distinct_view(client, predictions)
    if parameters.deadletter_table:
        errors = parse_table_id(parameters.deadletter_table)
        ensure_error_table(bigquery_client(errors.project), errors)
