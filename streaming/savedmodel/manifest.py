"""The manifest of a model's generations: which one is current, and what each must be and answer.

{"current": "2",
 "generations": {
   "1": {},
   "2": {"fingerprint": "91c06f2f1c4b5a0d", "tolerance": 1e-5,
         "golden": [{"features": {"x": 2.0}, "outputs": {"output_0": 10.0}}]}}}
"""

from __future__ import annotations

import json
import re
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from streaming.errors import Mistakes
from streaming.files import read_file

MANIFEST = "manifest.json"
DEFAULT_TOLERANCE = 1e-5

Scalar = bool | int | float | str


def _value(value: Any) -> Any:
    scalars = value if isinstance(value, list) else [value]
    if not all(isinstance(each, Scalar) for each in scalars):
        raise ValueError(f"{value!r} is no number, text or boolean, nor a list of them")
    return value


def _version(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]*", name):
        raise ValueError(f"{name!r} is no name of a subdirectory; use letters, digits, _, . and -")
    return name


def _fingerprint(text: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{16}", text):
        raise ValueError(f"{text!r} is no fingerprint, which has 16 digits of 0-9 and a-f")
    return text


Value = Annotated[Any, AfterValidator(_value)]
"""Of a feature or an output in one row: a scalar, or a list of them."""

T = TypeVar("T")
_List = Annotated[tuple[T, ...], Field(strict=False)]
_Version = Annotated[str, AfterValidator(_version)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Golden(_Part):
    """An example and what the model must answer. A feature that is left out is missing."""

    features: dict[str, Value]
    outputs: dict[str, Value] = Field(min_length=1)


class Listed(_Part):
    """What is demanded of one generation; anything will do where nothing is."""

    fingerprint: Annotated[str, AfterValidator(_fingerprint)] | None = None
    golden: _List[Golden] = ()
    tolerance: float = Field(DEFAULT_TOLERANCE, ge=0, allow_inf_nan=False)


class Manifest(_Part):
    """Which generation is current, and what is demanded of those that are listed."""

    current: _Version
    generations: dict[_Version, Listed] = Field(default_factory=dict)


def read_manifest(file: str, place: str) -> Manifest:
    """The manifest in `file`.

    Args:
        file: local or gs://.
        place: the key of the job file that names the model, for the error message.

    Raises:
        Mistakes: it cannot be read, is not JSON, or says something else than a manifest may; every mistake is named.
    """
    try:
        document = json.loads(read_file(file, place), object_pairs_hook=_unique_keys, parse_constant=_refuse_constant)
        return Manifest.model_validate(document)
    except ValidationError as error:
        raise Mistakes(f"{place}: {file}: {_line(detail)}" for detail in error.errors(include_url=False)) from error
    except (ValueError, RecursionError) as error:
        raise Mistakes([f"{place}: {file} is not JSON: {error}; correct it"]) from error


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    built = dict(pairs)
    if len(built) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice!r} stands twice in one object")
    return built


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number")


_WRONG = {
    "dict_type": "write an object, as in {{}}, not {input!r}",
    "extra_forbidden": "unknown key; remove it or correct its spelling",
    "finite_number": "write a finite number, not {input!r}",
    "float_type": "write a number, not {input!r}",
    "greater_than_equal": "write 0 or more, not {input!r}",
    "missing": "missing; add it",
    "model_type": "write an object, as in {{}}, not {input!r}",
    "string_type": "write a text, in quotes, not {input!r}",
    "too_short": "empty; fill it in",
    "tuple_type": "write a list, not {input!r}",
    "value_error": "{ctx[error]}",
}
"""By pydantic's name for a mistake, what is said of it; of rare ones, pydantic's own words."""


def _line(detail: ErrorDetails) -> str:
    """`<key>: <what is wrong>` of one mistake."""
    key = ".".join(str(part) for part in detail["loc"] if part != "[key]")
    return f"{key or 'manifest'}: {_WRONG.get(detail['type'], '{msg}').format_map(detail)}"
