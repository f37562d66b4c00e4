"""What follows from a checked job."""

from datetime import timedelta

import pyarrow as pa

from streaming.job import Message
from streaming.job_parts import Reference
from streaming.schema import MessageSchema, parse_schema
from streaming.wiring import Condition, Contract, Output, Selection, scalar
from tests.builders import X, plan

PREDICTION = Output("output_0", "prediction", pa.float64())
LABELS = Output("output_1", "labels", pa.list_(pa.string()))


def schema() -> MessageSchema:
    return parse_schema('{"type": "record", "name": "R", "fields": [{"name": "value", "type": "double"}]}', "r.avsc")


def test_a_model_names_its_stage_its_column_and_the_columns_it_fills() -> None:
    model = plan("first", outputs=[PREDICTION, LABELS])
    assert (model.stage, model.column) == ("infer:first", "model:first")
    assert model.fields == (pa.field("prediction", pa.float64()), pa.field("labels", pa.list_(pa.string())))


def test_a_column_that_two_models_fill_is_one_column() -> None:
    models = (plan("first", outputs=[PREDICTION, LABELS]), plan("second", outputs=[PREDICTION]))
    message = Message(format="avro", schema="r.avsc", key=Reference(attribute="device"))
    contract = Contract(message, schema(), timedelta(minutes=1), (X,), models)
    assert contract.output_columns == (pa.field("prediction", pa.float64()), pa.field("labels", pa.list_(pa.string())))


def test_all_conditions_of_a_selection_are_its_own_and_those_of_what_it_excludes() -> None:
    a, b, c = (Condition(f"field:{name}", above=1.0) for name in "abc")
    excluded = Selection(conditions=(b,), unless=(Selection(conditions=(c,)),))
    assert Selection(conditions=(a,), unless=(excluded,)).all_conditions == (a, b, c)
    assert Selection().all_conditions == ()


def test_the_scalar_of_a_list_is_its_values_type() -> None:
    assert [scalar(output.type) for output in (PREDICTION, LABELS)] == [pa.float64(), pa.string()]
