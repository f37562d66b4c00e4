"""Predictions as JSON values, back to an array for each output.

Arrow could convert whole columns at once, but it makes 3 of 3.5 and 1.0 of true without a word. So each value is looked
at, which costs as much as parsing it did.
"""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from streaming.models.service import in_short
from streaming.predictors import ModelOutputError, Outputs
from streaming.wiring import Output

Answered = dict[int, list[list[Any]]]
"""By the row's number, for each output its scalars: one, unless the output is a vector."""


def outputs(predictions: Sequence[Any], wanted: Sequence[Output]) -> Outputs:
    """The wanted outputs, of shape [n], or [n, k] for vectors.

    A row is unanswered whose prediction is null, names an error, lacks an output, has a value of another type, or a
    vector that is not as long as most others are.

    Args:
        predictions: for each row an object of values by the output's name; or, of a single output, the value itself;
            or the ValueError that stands in its place.
        wanted: at least one.
    """
    unanswered: dict[int, Exception] = {}
    answered: Answered = {}
    for row, prediction in enumerate(predictions):
        try:
            answered[row] = [_scalars(_value(prediction, output, wanted), output) for output in wanted]
        except ValueError as error:
            unanswered[row] = error
    lengths = [_most_common(len(values[index]) for values in answered.values()) for index in range(len(wanted))]
    unanswered |= _ragged(answered, wanted, lengths)
    good = {row: values for row, values in answered.items() if row not in unanswered}
    arrays = {
        output.name: _array([good[row][index] if row in good else None for row in range(len(predictions))], output, k)
        for index, (output, k) in enumerate(zip(wanted, lengths, strict=True))
    }
    return Outputs(arrays, unanswered)


def _value(prediction: Any, output: Output, wanted: Sequence[Output]) -> Any:
    """The output's value in a prediction."""
    if isinstance(prediction, ValueError):
        raise prediction
    if prediction is None:
        raise ModelOutputError("the prediction is null")
    alone = len(wanted) == 1
    if alone and (not isinstance(prediction, dict) or _is_base64(prediction)):
        return prediction
    if not isinstance(prediction, dict):
        raise ModelOutputError(f"the prediction is {_shown(prediction)}, not an object of outputs")
    error = prediction.get("error")
    if error is not None and all(each.name != "error" for each in wanted):
        raise ModelOutputError(
            f"the prediction is an error: {in_short(error) if isinstance(error, str) else _shown(error)}"
        )
    if output.name not in prediction:
        raise ModelOutputError(f"the prediction has no output {output.name}, but {_shown(sorted(prediction))}")
    return prediction[output.name]


def _scalars(value: Any, output: Output) -> list[Any]:
    """The value's scalars, as Python has them. A list of one is a scalar too: TensorFlow models answer so."""
    listed = pa.types.is_list(output.type)
    kind = _KINDS[output.type.value_type if listed else output.type]
    values = value if isinstance(value, list) else [value]
    if isinstance(value, list) if listed else len(values) == 1:
        with suppress(ValueError, OverflowError):  # said below, with the whole value
            return [kind.convert(each) for each in values]
    wish = f"a list of {kind.name}" if listed else kind.name
    raise ModelOutputError(f"output {output.name} is {_shown(value)}, not {wish}")


def _most_common(lengths: Iterable[int]) -> int:
    counted = Counter(lengths).most_common(1)
    return counted[0][0] if counted else 0


def _ragged(answered: Answered, wanted: Sequence[Output], lengths: Sequence[int]) -> dict[int, Exception]:
    return {
        row: ModelOutputError(f"output {output.name} has {len(scalars)} values, and {length} in other rows")
        for row, values in answered.items()
        for output, scalars, length in zip(wanted, values, lengths, strict=True)
        if len(scalars) != length
    }


def _array(rows: Sequence[list[Any] | None], output: Output, length: int) -> np.ndarray:
    """Shape [n], or [n, length] for vectors; blank where a row is None."""
    listed = pa.types.is_list(output.type)
    kind = _KINDS[output.type.value_type if listed else output.type]
    blank = [kind.blank] * (length if listed else 1)
    values: np.ndarray = np.array([blank if row is None else row for row in rows], kind.dtype)
    return values.reshape(len(rows), length) if listed else values.reshape(len(rows))


@dataclass(frozen=True)
class _Kind:
    """A type of outputs: its name in the job file, and how a JSON value becomes one, or raises ValueError."""

    name: str
    convert: Callable[[Any], Any]
    dtype: type
    blank: Any


def _number(value: Any) -> float:
    if type(value) in (int, float):
        return float(value)
    raise ValueError


def _whole_number(value: Any) -> int:
    # Vertex AI knows floating point only; there, what lies beyond may have been another number.
    if type(value) is float and value.is_integer() and abs(value) <= _LARGEST_EXACT:
        return int(value)
    if type(value) is int and -(2**63) <= value < 2**63:
        return value
    raise ValueError


_LARGEST_EXACT = 2**53


def _flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise ValueError


def _text(value: Any) -> str:
    if _is_base64(value):
        return base64.b64decode(value["b64"], validate=True).decode("utf-8")
    if isinstance(value, str):
        value.encode("utf-8")  # half of a surrogate pair raises
        return value
    raise ValueError


_KINDS = {
    pa.float64(): _Kind("FLOAT64", _number, np.float64, 0.0),
    pa.int64(): _Kind("INT64", _whole_number, np.int64, 0),
    pa.bool_(): _Kind("BOOL", _flag, np.bool_, False),
    pa.string(): _Kind("STRING", _text, np.object_, ""),
}


def _is_base64(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == {"b64"} and isinstance(value["b64"], str)


def _shown(value: Any) -> str:
    return in_short(json.dumps(value))
