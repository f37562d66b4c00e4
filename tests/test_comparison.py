"""Predictions are compared by their kind: numbers nearly, counts and texts exactly, lists item by item."""

from typing import Any

import pyarrow as pa
import pytest

from producers.scoring.comparison import differing


@pytest.mark.parametrize(
    ("kind", "actual", "expected", "wrong"),
    [
        (pa.float64(), [1.00009, 1.0002, 0.0000009, 0.000002], [1.0, 1.0, 0.0, 0.0], [False, True, False, True]),
        (pa.float64(), [None, 1.0, None], [None, None, 1.0], [False, True, True]),
        (pa.int64(), [1000000, 1000001], [1000000, 1000000], [False, True]),
        (pa.string(), ["seal", "Seal", None, None], ["seal", "seal", "seal", None], [False, True, True, False]),
        (
            pa.list_(pa.float64()),
            [[1.0, 2.00001], [1.0, 3.0], [1.0], [], None, [1.0]],
            [[1.0, 2.0], [1.0, 2.0], [1.0, 2.0], [], None, None],
            [False, True, True, False, False, True],
        ),
        (pa.list_(pa.string()), [["a", "b"], ["a"]], [["a", "b"], ["b"]], [False, True]),
    ],
)
def test_what_differs(kind: pa.DataType, actual: list[Any], expected: list[Any], wrong: list[bool]) -> None:
    assert differing(pa.array(actual, kind), pa.array(expected, kind)).tolist() == wrong


def test_columns_in_several_chunks_are_compared_as_whole() -> None:
    lists = pa.chunked_array([[[1.0]], [[2.0], [3.0]]])
    assert differing(lists, pa.array([[1.0], [9.0], [3.0]])).tolist() == [False, True, False]
