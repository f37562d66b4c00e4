"""Predictions to rows of the table and messages of the output topic: one a message and model, column by column."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from streaming.batches import ANSWER_CONSTANTS, TIMESTAMP, Batch
from streaming.formats import rfc3339
from streaming.wiring import ModelPlan

_BEFORE = (
    pa.field("prediction_id", pa.string(), nullable=False),
    pa.field("key", pa.string()),
    pa.field("message_id", pa.string()),
    pa.field("event_time", TIMESTAMP),
    pa.field("publish_time", TIMESTAMP),
    pa.field("read_at", TIMESTAMP),
    pa.field("window_start", TIMESTAMP),
    pa.field("window_end", TIMESTAMP),
    pa.field("model", pa.string()),
    pa.field("model_version", pa.string()),
    pa.field("model_fingerprint", pa.string()),
)
_AFTER = (
    pa.field("processed_at", TIMESTAMP),
    pa.field("batch_size", pa.int64()),
    pa.field("job_hash", pa.string()),
)

FIXED_COLUMNS = frozenset(field.name for field in (*_BEFORE, *_AFTER))
"""The columns that every predictions table has; carried fields and the models' outputs stand between them."""

MESSAGE_ATTRIBUTES = ("key", "model", "prediction_id", "event_time")
"""The columns that are also attributes of an output message, for subscription filters."""


def table_schema(output_columns: Sequence[pa.Field]) -> pa.Schema:
    """The columns of the predictions table of a job whose fields and models fill `output_columns`."""
    return pa.schema([*_BEFORE, *output_columns, *_AFTER])


@dataclass(frozen=True)
class Predictions:
    """Rows of the predictions table, model after model.

    `sources` holds, for each row, the row of the batch that it answers.
    """

    rows: pa.RecordBatch
    sources: pa.Array

    def models(self) -> list[str]:
        """The models that answered, in graph order."""
        return self.rows.column("model").unique().to_pylist()

    def of(self, model: str) -> pa.RecordBatch:
        """The rows of one model."""
        return self.rows.filter(pc.equal(self.rows.column("model"), model))


def to_predictions(batch: Batch, models: Sequence[ModelPlan], job_hash: str, schema: pa.Schema) -> Predictions:
    """The rows of the table that `batch` brings: one for each answer.

    Args:
        batch: with a `model:<name>` column for each of `models`.
        models: in graph order.
        job_hash: of the job file; goes into each row.
        schema: as `table_schema` gives it.
    """
    parts = [_rows_of(batch, model, job_hash, schema) for model in models]
    rows = pa.concat_batches([rows for rows, _ in parts])
    return Predictions(rows, pa.concat_arrays([sources for _, sources in parts]))


def _rows_of(batch: Batch, model: ModelPlan, job_hash: str, schema: pa.Schema) -> tuple[pa.RecordBatch, pa.Array]:
    answered = batch.column(model.column).is_valid()
    rows = batch.rows if batch.column(model.column).null_count == 0 else batch.rows.filter(answered)
    answers: pa.StructArray = rows.column(model.column)
    columns = {name: rows.column(name) for name in FIXED_COLUMNS & set(rows.schema.names)}
    columns |= {field.name: answers.field(f"({field.name})") for field in ANSWER_CONSTANTS}
    columns |= {field.name: answers.field(field.name) for field in model.fields}
    columns |= {each.column: _carried(rows.column(each.field), each.type) for each in model.carries}
    columns["model"] = _constant(model.name, rows.num_rows)
    columns["job_hash"] = _constant(job_hash, rows.num_rows)
    columns["prediction_id"] = pc.binary_join_element_wise(rows.column("id"), columns["model"], "/")
    arrays = [columns[field.name] if field.name in columns else pa.nulls(rows.num_rows, field.type) for field in schema]
    return pa.RecordBatch.from_arrays(arrays, schema=schema), pc.indices_nonzero(answered)


def _carried(values: pa.Array, kind: pa.DataType) -> pa.Array:
    """What messages say, as a column holds it: JSON has no NaN, no infinity and no year 10000, so these are null."""
    if pa.types.is_timestamp(kind):
        values = rfc3339.writable(values)
    cast = values.cast(kind, safe=False)
    return pc.if_else(pc.is_finite(cast), cast, None) if pa.types.is_floating(kind) else cast


def _constant(text: str, rows: int) -> pa.Array:
    return pa.repeat(pa.scalar(text, pa.string()), rows)


def to_json(rows: pa.RecordBatch) -> list[bytes]:
    """Each row as a JSON object with the names of its columns, in UTF-8.

    Timestamps are RFC 3339 in UTC; a null is left out, but stands among a list's items. Built column by column: a
    tenth of the cost of a Python object for each row.

    Args:
        rows: of booleans, finite numbers, texts, timestamps, and lists of these.
    """
    columns = zip(rows.schema.names, rows.columns, strict=True)
    members = [_json_values(column, f",{json.dumps(name)}:") for name, column in columns]
    # Joined by commas with null_handling="skip", rows of nulls alone would be lost.
    joined = pc.binary_join_element_wise("{", *members, "}", "", null_handling="replace", null_replacement="")
    return pc.replace_substring(joined, "{,", "{", max_replacements=1).cast(pa.binary()).to_pylist()


def to_attributes(rows: pa.RecordBatch) -> list[dict[str, str]]:
    """The attributes of each row's output message; a null is left out."""
    columns = [as_text(rows.column(name)).to_pylist() for name in MESSAGE_ATTRIBUTES]
    return [
        {name: value for name, value in zip(MESSAGE_ATTRIBUTES, values, strict=True) if value is not None}
        for values in zip(*columns, strict=True)
    ]


def as_text(column: pa.Array) -> pa.StringArray:
    """A column as attributes have it: times are RFC 3339 in UTC."""
    return rfc3339.show_column(column) if pa.types.is_timestamp(column.type) else column.cast(pa.string())


def over_items(lists: pa.ListArray, change: Callable[[pa.Array], pa.Array]) -> pa.ListArray:
    """The lists with other items: what `change` makes of them, one for each."""
    offsets = lists.offsets.to_numpy()
    items = lists.values[offsets[0] : offsets[-1]]  # not all of the lists of which these are a slice
    return pa.ListArray.from_arrays(pa.array(offsets - offsets[0]), change(items), mask=lists.is_null())


def _json_values(column: pa.Array, before: str = "") -> pa.StringArray:
    """Each value in JSON with the text `before` it; null where there is none."""
    if pa.types.is_list(column.type):
        lists = over_items(column, lambda items: _json_values(items).fill_null("null"))
        return _wrapped(f"{before}[", pc.binary_join(lists, ","), "]")
    if pa.types.is_string(column.type):
        return _quoted(column, before)
    if pa.types.is_timestamp(column.type):
        return _wrapped(f'{before}"', as_text(column), '"')
    texts = column.cast(pa.string())
    return _wrapped(before, texts, "") if before else texts


def _quoted(column: pa.Array, before: str) -> pa.StringArray:
    if not pc.any(pc.match_substring_regex(column, r'["\\\x00-\x1f]')).as_py():
        return _wrapped(f'{before}"', column, '"')
    texts = column.to_pylist()
    return pa.array([None if text is None else before + json.dumps(text, ensure_ascii=False) for text in texts])


def _wrapped(before: str, column: pa.Array, after: str) -> pa.StringArray:
    return pc.binary_join_element_wise(before, column, after, "")
