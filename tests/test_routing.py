"""Which rows a model takes: conditions on fields, earlier outputs and attributes, and what is left over."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from streaming.batches import Batch
from streaming.routing import holds, taken, untaken
from streaming.wiring import Condition, Selection
from tests.builders import answered, batch, plan

NUMBERS = [1.0, 5.0, None, 10.0]


def passing(condition: Condition, **fields: pa.Array) -> list[bool]:
    return holds(batch(4, **fields).rows, condition).tolist()


def fed() -> Batch:
    """Four rows: `first` has answered three of them, `second` two."""
    built = batch(4, value=pa.array(NUMBERS))
    built = answered(built, plan("first"), [{"prediction": 1.0}, None, {"prediction": 3.0}, {"prediction": 4.0}])
    return answered(built, plan("second"), [{"prediction": 1.0}, None, None, {"prediction": 0.0}])


FIRST = Condition("model:first", "prediction", above=2.0)


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        ({"one_of": (5,)}, [False, True, False, False]),
        ({"one_of": (5.0, 10, 7)}, [False, True, False, True]),
        ({"above": 1.0}, [False, True, False, True]),
        ({"above": 1}, [False, True, False, True]),
        ({"below": 5.0}, [True, False, False, False]),
        ({"above": 1.0, "below": 10.0}, [False, True, False, False]),
        ({"one_of": (1.0, 5.0), "above": 2.0}, [False, True, False, False]),
    ],
)
def test_a_test_of_a_number(test: dict[str, Any], expected: list[bool]) -> None:
    assert passing(Condition("field:value", **test), value=pa.array(NUMBERS)) == expected


@pytest.mark.parametrize("kind", [pa.int32(), pa.int64(), pa.float32()])
def test_whole_numbers_of_every_width(kind: pa.DataType) -> None:
    values = pa.array([1, 2, None, 4], kind)
    assert passing(Condition("field:n", one_of=(2, 3)), n=values) == [False, True, False, False]
    assert passing(Condition("field:n", above=1.5, below=4.0), n=values) == [False, True, False, False]


def test_a_test_of_texts_and_booleans() -> None:
    assert passing(Condition("field:t", one_of=("a", "b")), t=pa.array(["a", None, "c", "b"])) == [1, 0, 0, 1]
    assert passing(Condition("field:b", one_of=(False,)), b=pa.array([True, False, None, False])) == [0, 1, 0, 1]


def test_a_test_of_an_attribute() -> None:
    rows = batch(4).rows
    assert holds(rows, Condition("attributes", attribute="row", one_of=("1", "3"))).tolist() == [0, 1, 0, 1]
    assert holds(rows, Condition("attributes", attribute="site", one_of=("1",))).tolist() == [0, 0, 0, 0]


def test_a_test_of_an_earlier_output_fails_where_that_has_not_answered() -> None:
    assert holds(fed().rows, FIRST).tolist() == [False, False, True, True]


def test_a_model_takes_what_enough_of_its_feeders_have_answered() -> None:
    both = ("model:first", "model:second")
    assert taken(fed(), Selection()).tolist() == [True, True, True, True]
    assert taken(fed(), Selection(both)).tolist() == [True, False, False, True]
    assert taken(fed(), Selection(both, at_least=1)).tolist() == [True, False, True, True]


def test_all_conditions_must_hold() -> None:
    selection = Selection(("model:second",), conditions=(FIRST, Condition("field:value", above=0.0)))
    assert taken(fed(), selection).tolist() == [False, False, False, True]


def test_otherwise_takes_what_no_other_has_taken() -> None:
    small = Selection(conditions=(Condition("field:value", below=5.0),))
    large = Selection(("model:second",), conditions=(FIRST,))
    assert taken(fed(), Selection(unless=(small, large))).tolist() == [False, True, True, False]


def test_rows_that_no_model_takes_are_counted() -> None:
    small = plan("small", takes=Selection(conditions=(Condition("field:value", below=5.0),)))
    large = plan("large", takes=Selection(conditions=(Condition("field:value", above=5.0),)))
    assert untaken(fed(), [small, large]) == 2
    assert untaken(fed(), [small, plan("all")]) == 0
    assert untaken(Batch(fed().rows.slice(0, 0)), [small, large]) == 0
