"""The conditions of `when:` as tests of the batch's columns, each value of its column's type."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import pyarrow as pa

from streaming import job_models
from streaming.contract.findings import Findings, hint
from streaming.contract.sources import Source, Sources
from streaming.errors import Mistakes
from streaming.job_models import Number, Scalar, exponent_remedy
from streaming.wiring import Condition


def conditions(found: Findings, sources: Sources, name: str, model: job_models.Model) -> tuple[Condition, ...]:
    """The conditions of a model, those of them that are right."""
    tests = model.when or ()
    places = [f"models.{name}.when.{row}" if len(tests) > 1 else f"models.{name}.when" for row in range(len(tests))]
    read = [_condition(found, sources, place, test) for place, test in zip(places, tests, strict=True)]
    return tuple(each for each in read if each is not None)


def _condition(found: Findings, sources: Sources, place: str, test: job_models.Condition) -> Condition | None:
    source = _source(found, sources, place, test)
    if source is None:
        return None
    written = [("in", each) for each in test.in_ or ()] if test.equals is None else [("equals", test.equals)]
    values = [found.tried(partial(_value, source, each), f"{place}.{key}") for key, each in written]
    above = found.tried(partial(_bound, source, test.above, math.floor), f"{place}.above")
    below = found.tried(partial(_bound, source, test.below, math.ceil), f"{place}.below")
    one_of = tuple(value for value in values if value is not None)
    return Condition(source.column, source.output, test.attribute, one_of or None, above, below)


def _source(found: Findings, sources: Sources, place: str, test: job_models.Condition) -> Source | None:
    if test.field is None:
        return Source(f"the attribute {test.attribute}", "attributes", pa.string())
    source = sources.find(f"{place}.field", test.field)
    if source is None or any(is_(source.type) for is_ in _TESTABLE):
        return source
    found.add(f"{place}.field", f"{source.name} is {source.type}; test a number, a text or a boolean")
    return None


_TESTABLE = {
    pa.types.is_boolean: "write true or false",
    pa.types.is_floating: "write a number",
    pa.types.is_integer: "write a whole number",
    pa.types.is_string: "write a text, in quotes",
}
"""The types that a condition can test, and what it compares them with."""


def _value(source: Source, value: Scalar) -> Scalar:
    """`value` as the column has it.

    Raises:
        Mistakes: the column cannot have it.
    """
    kind = source.type
    if pa.types.is_boolean(kind) and isinstance(value, bool):
        return value
    if pa.types.is_string(kind) and isinstance(value, str):
        return _text(source, value)
    if pa.types.is_integer(kind) and isinstance(value, int) and not isinstance(value, bool):
        return _whole(source, value, kind.bit_width)
    if pa.types.is_floating(kind) and isinstance(value, int | float) and not isinstance(value, bool):
        return _floating(source, value, kind)
    numeric = pa.types.is_floating(kind) or pa.types.is_integer(kind)
    remedy = (numeric and exponent_remedy(value)) or next(each for is_, each in _TESTABLE.items() if is_(kind))
    raise Mistakes([f"{value!r} is no value of {source.name}, which is {kind}; {remedy}"])


def _bound(source: Source, value: Number | None, rounded: Callable[[Number], int]) -> Number | None:
    """`value` as a bound of the column; of whole numbers the nearest one that bounds the same.

    Raises:
        Mistakes: the column holds no numbers, or none of this size.
    """
    if value is None:
        return None
    if pa.types.is_floating(source.type):
        return _floating(source, value, pa.float64())
    if not pa.types.is_integer(source.type):
        raise Mistakes([f"{source.name} is {source.type}, and only numbers have bounds; write equals or in"])
    return _whole(source, value if abs(value) == math.inf else rounded(value), 64)


def _text(source: Source, value: str) -> str:
    if source.symbols and value not in source.symbols:
        raise Mistakes([f"{source.name} has no symbol {value!r}{hint(value, source.symbols)}"])
    return value


def _whole(source: Source, value: Number, bits: int) -> int:
    if not -(2 ** (bits - 1)) <= value < 2 ** (bits - 1):
        raise Mistakes([f"{value!r} is beyond any value of {source.name}, which is {source.type}; write another"])
    return int(value)


def _floating(source: Source, value: Number, kind: pa.DataType) -> float:
    try:
        number: float = pa.scalar(float(value), kind).as_py()
    except OverflowError:  # a whole number of hundreds of digits
        number = math.inf
    if math.isinf(number) and abs(value) != math.inf:
        raise Mistakes([f"{value!r} is beyond any value of {source.name}, which is {source.type}; write another"])
    return number
