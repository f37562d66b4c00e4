"""Protocol buffers' wire format a column at a time, and in it the `TensorProto`s of a column of values.

A Python object for each message costs ten times as much. What is the same in all rows the message classes write.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from google.protobuf.message_factory import GetMessageClass

_BYTES = pa.large_binary()
_LENGTH_DELIMITED = 2
_FLOATS = {"float32": "float_val", "float64": "double_val"}
_VARINTS = {
    "float16": "half_val",
    "bool": "bool_val",
    "int64": "int64_val",
    "uint64": "uint64_val",
    "uint32": "uint32_val",
    **dict.fromkeys(("int8", "int16", "int32", "uint8", "uint16"), "int_val"),
}
_NEVER_RAW = ("bool", "uint16")
"""Types whose vectors TensorFlow does not write as they lie in memory."""
_FRACTIONS = {"float32": "FLOAT", "float64": "DOUBLE", "float16": "HALF"}


@dataclass(frozen=True)
class Tensors:
    """A tensor for each row.

    Attributes:
        flat: the values, row after row, without nulls.
        dtype: TensorFlow's name for their type.
        shape: of each row's tensor.
        rows: how many there are.
    """

    flat: pa.Array
    dtype: str
    shape: tuple[int, ...]
    rows: int

    @property
    def size(self) -> int:
        """How many values a row has."""
        return int(np.prod(self.shape, dtype=int))


def varint(number: int) -> bytes:
    """An integer as protocol buffers write it; a negative one in the two's complement of 64 bits."""
    number &= (1 << 64) - 1
    written = bytearray()
    while number > 0x7F:
        written.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*written, number))


def member(message: Any, name: str, content: pa.LargeBinaryArray) -> pa.LargeBinaryArray:
    """The field `name` of a message class, filled by each row's content: bytes, or an embedded message."""
    key = varint(message.DESCRIPTOR.fields_by_name[name].number << 3 | _LENGTH_DELIMITED)
    lengths = pc.binary_length(content).dictionary_encode()
    heads = pa.array([key + varint(length) for length in lengths.dictionary.to_pylist()], _BYTES)
    return joined(heads.take(lengths.indices), content)


def entry(message: Any, name: str, key: str, tensors: Tensors) -> pa.LargeBinaryArray:
    """The entry `key` of the map `name` of a message class, filled by each row's tensor."""
    kind = _class_of(message, name)
    values = to_tensor_protos(_class_of(kind, "value"), tensors)
    return member(message, name, joined(kind(key=key).SerializeToString(), member(kind, "value", values)))


def _class_of(message: Any, name: str) -> Any:
    return GetMessageClass(message.DESCRIPTOR.fields_by_name[name].message_type)


def joined(*parts: bytes | pa.LargeBinaryArray) -> pa.LargeBinaryArray:
    """Each row's parts one after the other, of which at least one is a column: fields of one message, for example."""
    arrays = [pa.scalar(part, _BYTES) if isinstance(part, bytes) else part for part in parts]
    return pc.binary_join_element_wise(*arrays, pa.scalar(b"", _BYTES))


def to_tensor_protos(message: Any, tensors: Tensors) -> pa.LargeBinaryArray:
    """The rows' tensors as `tf.make_tensor_proto` would give them.

    Args:
        message: the class `TensorProto`.
        tensors: of the rows.
    """
    kind = message.DESCRIPTOR.fields_by_name["dtype"].enum_type
    head = message(dtype=kind.values_by_name[f"DT_{_FRACTIONS.get(tensors.dtype, tensors.dtype.upper())}"].number)
    for size in tensors.shape:
        head.tensor_shape.dim.add().size = size
    return joined(head.SerializeToString(), _values(message, tensors))


def _values(message: Any, tensors: Tensors) -> pa.LargeBinaryArray:
    if tensors.size == 0:
        return pa.repeat(pa.scalar(b"", _BYTES), tensors.rows)
    if tensors.dtype == "string":
        return _grouped(member(message, "string_val", tensors.flat.cast(_BYTES)), tensors.size)
    values = tensors.flat.to_numpy(zero_copy_only=False).astype(tensors.dtype)
    if tensors.size > 1 and tensors.dtype not in _NEVER_RAW:
        return member(message, "tensor_content", _raw(values, tensors.rows))
    if tensors.dtype in _FLOATS:
        return member(message, _FLOATS[tensors.dtype], _raw(values, tensors.rows))
    whole = values.view(np.uint16) if tensors.dtype == "float16" else values
    written = pa.array(map(varint, whole.tolist()), _BYTES)
    return member(message, _VARINTS[tensors.dtype], _grouped(written, tensors.size))


def _grouped(parts: pa.LargeBinaryArray, size: int) -> pa.LargeBinaryArray:
    """So many parts at a time made one."""
    offsets: np.ndarray = np.frombuffer(parts.buffers()[1], np.int64)[: len(parts) + 1]
    return _cut(parts.buffers()[2], offsets[::size])


def _raw(values: np.ndarray, rows: int) -> pa.LargeBinaryArray:
    """Each row's values as they lie in memory."""
    return _cut(pa.py_buffer(values), np.arange(rows + 1, dtype=np.int64) * (values.nbytes // rows))


def _cut(data: pa.Buffer, offsets: np.ndarray) -> pa.LargeBinaryArray:
    """The bytes between each offset and the next."""
    buffers = [None, pa.py_buffer(np.ascontiguousarray(offsets)), data]
    return pa.LargeBinaryArray.from_buffers(_BYTES, len(offsets) - 1, buffers)
