"""What the models of a job answer to the inputs that a truth file knows, without Pub/Sub, Beam's runners or tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from producers.truth import Truth
from streaming.batches import ENVELOPE, Batch, field_column, model_output
from streaming.errors import Mistakes, PermanentError, one_line
from streaming.features import ToExamples
from streaming.inference import infer
from streaming.models.handlers import load
from streaming.predictors import LoadedModel, ModelUnavailableError
from streaming.routing import taken
from streaming.wiring import Contract, ModelPlan, SavedModelCall

ROWS = 4096
"""Messages of one batch; a model whose calls must be smaller makes several of them."""


def answers(truth: Truth, contract: Contract) -> pa.Table:
    """What the models answer to every confirmed message that must reach them.

    Runs the job's own steps, from features to models, in graph order.

    Args:
        truth: of what was sent.
        contract: of the job.

    Returns:
        A row for each message and each model that takes it: `number`, `model`, the output columns of all models,
        `model_fingerprint` and `model_version`, and `rejected`, where the model, or the making of its features, fails.

    Raises:
        Mistakes: the truth does not hold what the models take.
        PermanentError: a model cannot be loaded, or does not answer now.
    """
    plans = [_offline(plan) for plan in contract.models]
    _check_inputs(truth, contract)
    models = [(plan, load(plan)) for plan in plans]
    schema = pa.schema(
        [
            ("number", pa.int64()),
            ("model", pa.string()),
            *contract.output_columns,
            *_PROVENANCE,
            ("rejected", pa.bool_()),
        ]
    )
    batches = (part for batch in _batches(truth, contract) for part in _answered(batch, contract, models, schema))
    return pa.Table.from_batches(batches, schema)


_PROVENANCE = (pa.field("model_fingerprint", pa.string()), pa.field("model_version", pa.string()))
_NUMBER = "number"


def _offline(plan: ModelPlan) -> ModelPlan:
    """The plan with time to answer, and with the generation of this moment only."""
    if isinstance(plan.call, SavedModelCall):
        return replace(plan, timeout=None, call=replace(plan.call, watch=None))
    return plan


def _check_inputs(truth: Truth, contract: Contract) -> None:
    held = {field.name for field in truth.messages.schema.field("inputs").type}
    lines = [
        f"message.schema: the truth file's messages have no field {field.name}; name the job file of that run"
        for field in contract.schema.fields
        if field.name not in held
    ]
    known = _known_attributes(contract)
    for plan in contract.models:
        unknown = {each.attribute for each in plan.takes.all_conditions if each.attribute is not None} - known.keys()
        lines += [
            f"models.{plan.name}.when: needs the attribute {name}, which a truth file does not hold; "
            "such a job cannot be scored"
            for name in sorted(unknown)
        ]
    if lines:
        raise Mistakes(lines)


def _known_attributes(contract: Contract) -> dict[str, str]:
    """The attributes whose values the truth tells, and the column that does."""
    message = contract.message
    sources = {"key": message.key.attribute, "id": message.id.attribute if message.id is not None else None}
    return {attribute: column for column, attribute in sources.items() if attribute is not None}


def _batches(truth: Truth, contract: Contract) -> Iterator[Batch]:
    """The messages that must reach the models, as the steps before them would have made them."""
    messages = truth.messages
    reached = pc.and_(pc.equal(messages["status"], "confirmed"), messages["stage"].is_null())
    for rows in messages.filter(reached).to_batches(max_chunksize=ROWS):
        yield _batch(rows, contract)


def _batch(rows: pa.RecordBatch, contract: Contract) -> Batch:
    known = {
        "id": pc.coalesce(rows["id"], rows["message_id"]),
        "message_id": rows["message_id"],
        "publish_time": rows["sent_at"],
        "key": rows["key"],
        "event_time": rows["event_time"],
        "attributes": _attributes(rows, contract),
        "payload": pa.nulls(len(rows), pa.large_binary()),
    }
    batch = Batch(pa.RecordBatch.from_arrays([known[name] for name in ENVELOPE.names], schema=ENVELOPE))
    for field in contract.schema.fields:
        values = pc.struct_field(rows["inputs"], [field.name])
        batch = batch.with_column(field_column(field.name), values.cast(field.type))
    return batch.with_column(_NUMBER, rows["number"])


def _attributes(rows: pa.RecordBatch, contract: Contract) -> pa.MapArray:
    known = _known_attributes(contract)
    offsets = np.arange(len(rows) + 1, dtype=np.int32) * len(known)
    keys = pa.array(list(known) * len(rows), pa.string())
    columns = [rows[column].to_pylist() for column in known.values()]
    values = [value for row in zip(*columns, strict=True) for value in row]
    return pa.MapArray.from_arrays(offsets, keys, pa.array(values, pa.string()))


def _answered(
    batch: Batch, contract: Contract, models: Sequence[tuple[ModelPlan, LoadedModel]], schema: pa.Schema
) -> Iterator[pa.RecordBatch]:
    whole, batch = batch, ToExamples(contract.features)(batch)
    unmade = pc.is_in(whole.column("message_id"), batch.failures.column("message_id"))
    for plan, model in models:
        yield _rejected(whole.column(_NUMBER).filter(unmade), plan, schema)
        asked = taken(batch, plan.takes)
        batch = _asked(batch, plan, model)
        yield _answers(batch, plan, asked, schema)


def _asked(batch: Batch, plan: ModelPlan, model: LoadedModel) -> Batch:
    try:
        return infer(batch, plan, model.current())
    except ModelUnavailableError as error:
        remedy = "score where it can be reached"
        raise PermanentError(f"models.{plan.name}: cannot be asked offline: {one_line(error)}; {remedy}") from error


def _answers(batch: Batch, plan: ModelPlan, asked: np.ndarray, schema: pa.Schema) -> pa.RecordBatch:
    rows = batch.rows.filter(pa.array(asked))
    columns = {field.name: model_output(rows, plan.column, field.name) for field in plan.fields}
    columns |= {field.name: model_output(rows, plan.column, f"({field.name})") for field in _PROVENANCE}
    columns["rejected"] = rows.column(plan.column).is_null()
    return _filled(rows.column(_NUMBER), plan, columns, schema)


def _rejected(numbers: pa.Array, plan: ModelPlan, schema: pa.Schema) -> pa.RecordBatch:
    return _filled(numbers, plan, {"rejected": pa.repeat(True, len(numbers))}, schema)


def _filled(numbers: pa.Array, plan: ModelPlan, columns: dict[str, pa.Array], schema: pa.Schema) -> pa.RecordBatch:
    """Rows with nulls in the columns that are not given."""
    count = len(numbers)
    whole = {_NUMBER: numbers, "model": pa.repeat(pa.scalar(plan.name, pa.string()), count), **columns}
    arrays = [whole[each.name] if each.name in whole else pa.nulls(count, each.type) for each in schema]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)
