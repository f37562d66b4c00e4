"""What is said of a job file that pydantic refuses: a line for each mistake, in the job file's own words."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from streaming.errors import Mistakes
from streaming.job_models import ENSEMBLE_METHODS

Document = TypeVar("Document", bound=BaseModel)
Schema = dict[str, Any]
_WRONG = {
    "bool_type": "write true or false, not {input!r}",
    "dict_type": "write a mapping, as in {{name: value}}, not {input!r}",
    "extra_forbidden": "unknown key; remove it or mend its spelling",
    "finite_number": "write a finite number, not {input!r}",
    "float_type": "write a number, not {input!r}",
    "greater_than": "write more than {ctx[gt]:g}, not {input!r}",
    "greater_than_equal": "write {ctx[ge]:g} or more, not {input!r}",
    "int_type": "write a whole number, not {input!r}",
    "invalid_key": "unknown key; remove it or mend its spelling",
    "less_than": "write less than {ctx[lt]:g}, not {input!r}",
    "less_than_equal": "write {ctx[le]:g} or less, not {input!r}",
    "literal_error": "write {ctx[expected]}, not {input!r}",
    "missing": "missing; add it",
    "model_type": "write a mapping, as in {{name: value}}, not {input!r}",
    "string_pattern_mismatch": "{input!r} is no name; use letters, digits and _, not starting with a digit",
    "string_too_short": "empty; fill it in",
    "string_type": "write a text, in quotes where YAML takes it for something else, not {input!r}",
    "too_short": "write at least {ctx[min_length]} of them, not {ctx[actual_length]}",
    "tuple_type": "write a list, as in [one, another], not {input!r}",
    "value_error": "{ctx[error]}",
}
"""What is said of a mistake, by pydantic's name for it."""


def validated(model: type[Document], document: object, prefix: str = "") -> Document:
    """The document as its model.

    Args:
        model: of the whole document.
        document: as YAML gives it.
        prefix: goes before each line of the mistakes.

    Raises:
        Mistakes: a line for each, `<path of the key>: <what is wrong>; <remedy>`.
    """
    try:
        return model.model_validate(document)
    except ValidationError as error:
        lines = _mistake_lines(error, document, model.model_json_schema())
        raise Mistakes(f"{prefix}{line}" for line in lines) from error


def _mistake_lines(error: ValidationError, document: object, schema: Schema) -> list[str]:
    """A line for each mistake; the JSON schema of the whole knows the keys that were meant."""
    details = error.errors(include_url=False)
    return [f"{_place(each, document)}: {_wrong(each, schema)}" for each in details if not _follows(each, details)]


def _follows(detail: ErrorDetails, details: list[ErrorDetails]) -> bool:
    """Whether a list is too short only because items of it are wrong themselves."""
    loc = detail["loc"]
    inside = (each["loc"] for each in details if len(each["loc"]) > len(loc))
    return detail["type"] == "too_short" and any(other[: len(loc)] == loc for other in inside)


def _place(detail: ErrorDetails, document: object) -> str:
    """The path of the key as the file has it, where shorthands have no keys, and an only item no list."""
    place = []
    for key in detail["loc"][:-2] if _of_key(detail) else detail["loc"]:
        inside = dict(enumerate(document)) if isinstance(document, list) else document
        if isinstance(inside, dict) and (isinstance(key, str) or key in inside):
            place.append(str(key))
            document = inside.get(key)
    return ".".join(place) or "job file"


def _of_key(detail: ErrorDetails) -> bool:
    """Whether a key of a mapping is wrong, not its value."""
    return detail["loc"][-1:] == ("[key]",)


def _unknown(key: str, known: Sequence[str]) -> str:
    """What is said of a key that its mapping does not know; of methods no other is like the one that was meant."""
    near = difflib.get_close_matches(key, known, n=1)
    if set(ENSEMBLE_METHODS) <= set(known) and near != ["at_least"]:
        return f"unknown key; the methods are {', '.join(ENSEMBLE_METHODS)}"
    return f"unknown key; did you mean {near[0]}?" if near else _WRONG["extra_forbidden"]


def _known_keys(loc: Sequence[int | str], schema: Schema) -> list[str]:
    """The keys of the mapping at `loc`."""
    parts = [schema]
    for key in loc:
        parts = [inside for part in parts for inside in _inside(part, key, schema["$defs"])]
    return [key for part in parts for key in part.get("properties", ())]


def _inside(part: Schema, key: int | str, defs: Mapping[str, Schema]) -> Iterator[Schema]:
    """The JSON schemas of what stands at `key` of `part`, each without references and alternatives."""
    values = [*part.get("patternProperties", {}).values(), part.get("additionalProperties"), part.get("items")]
    for inside in [part["properties"].get(key)] if "properties" in part else values:
        if isinstance(inside, dict):
            yield from _alternatives(inside, defs)


def _alternatives(schema: Schema, defs: Mapping[str, Schema]) -> Iterator[Schema]:
    if "$ref" in schema:
        yield from _alternatives(defs[schema["$ref"].rpartition("/")[2]], defs)
    elif "anyOf" in schema:
        for each in schema["anyOf"]:
            yield from _alternatives(each, defs)
    else:
        yield schema


def _wrong(detail: ErrorDetails, schema: Schema) -> str:
    if detail["type"] == "extra_forbidden":
        return _unknown(str(detail["loc"][-1]), _known_keys(detail["loc"][:-1], schema))
    if _of_key(detail) and detail["type"] != "string_pattern_mismatch":
        return f"{detail['input']!r} is no name; write a text, in quotes where YAML takes it for something else"
    if (detail["type"] != "missing" and detail["input"] is None) or detail.get("ctx", {}).get("actual_length") == 0:
        return "empty; fill it in"
    return _WRONG.get(detail["type"], "{msg}; mend it").format_map(detail)
