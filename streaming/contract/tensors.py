"""Raw input tensors of a model, and the fields that fit them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa

from streaming.savedmodel.signatures import TensorSpec
from streaming.wiring import FeatureColumn, Tensor, scalar

_FLOATING = frozenset({"float16", "bfloat16", "float32", "float64"})
_WHOLE = frozenset({"int8", "int16", "int32", "int64", "uint8", "uint16", "uint32"})


@dataclass(frozen=True)
class InputTensor:
    """An input of a signature that takes raw tensors."""

    name: str
    spec: TensorSpec
    required = True

    def __str__(self) -> str:
        return show(self.spec)

    @property
    def tensor(self) -> Tensor:
        """What is fed to it."""
        return Tensor(self.name, self.spec.dtype, self._size)

    def unfillable(self) -> str | None:
        """Why no field can fill it, in one line."""
        rows, *rest = (None,) if self.spec.shape is None else self.spec.shape or (1,)
        if self.spec.dtype not in _FITTING:
            return "is of a type that no field has; export it as a number, a string or a bool"
        if len(rest) > 1:
            return "has more than two dimensions; export it with the shape [None, SIZE]"
        if rest == [None]:
            return "has a second dimension of unknown size; export it with a fixed one, as in [None, 3]"
        if rows is not None:
            return f"takes a fixed number of rows; export it with the shape [{', '.join(map(str, (None, *rest)))}]"
        return None

    def misfit(self, feature: FeatureColumn) -> str | None:
        """Why `feature` does not fill it, in one line."""
        listed = pa.types.is_list(feature.type)
        fits, remedy = _FITTING[self.spec.dtype]
        if not fits(scalar(feature.type)):
            return f"takes {self.spec.dtype}, {gives(feature)}; {remedy}"
        if listed and self.spec.shape is None:
            return f"takes {self}, {gives(feature)}; export the input with the shape [None, SIZE]"
        if listed and self._size is None:
            return f"takes {self}, {gives(feature)}; take a single value"
        if not listed and self._size not in (None, 1):
            return f"takes {self}, {gives(feature)}; take an array of {self._size} values"
        return None

    @property
    def _size(self) -> int | None:
        return self.spec.shape[1] if self.spec.shape is not None and len(self.spec.shape) > 1 else None


def show(spec: TensorSpec) -> str:
    """The tensor's type and shape as a person reads them."""
    if spec.shape is None:
        return f"{spec.dtype} of unknown rank"
    return f"{spec.dtype}[{', '.join('?' if size is None else str(size) for size in spec.shape)}]"


def gives(feature: FeatureColumn) -> str:
    """What fills a feature and of which type it is."""
    origin = feature.column.partition(":")[2]
    origin = f"field {origin}" if feature.output is None else f"{origin}.{feature.output}"
    return f"{origin} gives {feature.type}"


def _is_number(values: pa.DataType) -> bool:
    return pa.types.is_floating(values) or pa.types.is_integer(values)


def _is_countable(values: pa.DataType) -> bool:
    return pa.types.is_integer(values) or pa.types.is_date(values) or pa.types.is_timestamp(values)


def _is_text(values: pa.DataType) -> bool:
    return pa.types.is_string(values) or pa.types.is_binary(values)


_Fitting = tuple[Callable[[pa.DataType], bool], str]
_FITTING: dict[str, _Fitting] = {
    **dict.fromkeys(_FLOATING, (_is_number, "take a number")),
    **dict.fromkeys(_WHOLE, (_is_countable, "take a whole number, a date or a timestamp")),
    "bool": (pa.types.is_boolean, "take a boolean"),
    "string": (_is_text, "take a string, an enum or bytes"),
}
"""By the tensor's type: which types of values fit it, and what to take instead of another."""
