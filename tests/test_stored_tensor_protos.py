"""The wire format of tensors: equal to what TensorFlow makes of the same values, for every type and shape."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf
from tensorflow.core.framework.tensor_pb2 import TensorProto

from streaming.stored.tensor_protos import Tensors, to_tensor_protos, varint

WHOLE = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32")
ROWS = 4


def read(tensors: Tensors) -> list[Any]:
    return [TensorProto.FromString(each) for each in to_tensor_protos(TensorProto, tensors).to_pylist()]


@pytest.mark.parametrize("shape", [(1,), (1, 1), (1, 3), (1, 0)])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "bool", *WHOLE])
def test_numbers(dtype: str, shape: tuple[int, ...]) -> None:
    size = int(np.prod(shape))
    values = np.arange(ROWS * size) * 117.5 - 300 * (dtype[0] != "u") - 1
    flat = pa.array(values.astype(dtype).astype("float64" if dtype.startswith("float") else "int64"))
    expected = values.astype(dtype).reshape(ROWS, *shape)
    assert read(Tensors(flat, dtype, shape, ROWS)) == [tf.make_tensor_proto(row) for row in expected]


@pytest.mark.parametrize("shape", [(1,), (1, 2), (1, 0)])
def test_texts(shape: tuple[int, ...]) -> None:
    texts = ["", "é", "x" * 200, "y", "a", "b", "c", "d"][: ROWS * int(np.prod(shape))]
    expected = np.array([text.encode() for text in texts], object).reshape(ROWS, *shape)
    found = read(Tensors(pa.array(texts, pa.string()), "string", shape, ROWS))
    assert found == [tf.make_tensor_proto(row, tf.string, row.shape) for row in expected]


def test_a_slice_of_a_column_gives_its_own_values() -> None:
    flat = pa.array([1.0, 2.0, 3.0, 4.0]).slice(2)
    assert [each.float_val for each in read(Tensors(flat, "float32", (1,), 2))] == [[3.0], [4.0]]


@pytest.mark.parametrize(("number", "written"), [(0, "00"), (127, "7f"), (300, "ac02"), (-1, "ff" * 9 + "01")])
def test_varints(number: int, written: str) -> None:
    assert varint(number).hex() == written
