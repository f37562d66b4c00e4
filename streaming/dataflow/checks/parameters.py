"""Checks of a template's parameters: each is the program's, by name and in every field."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

from pydantic import StringConstraints, TypeAdapter
from pydantic_core import SchemaError

from streaming.dataflow.checks.findings import Finding

Parameter = Mapping[str, Any]
"""A `ParameterMetadata` in its JSON form, without unset fields."""

_NAMES = {
    "label": "parameter-label",
    "helpText": "parameter-help",
    "groupName": "parameter-group",
    "paramType": "parameter-type",
    "isOptional": "parameter-optional",
}
"""The check of each field; that of the others is `parameter-differs`."""

_MOST_REPEATED = 1000  # RE2 refuses more


def check_parameters(
    found: Sequence[Parameter], wanted: Sequence[Parameter], place: str, remedy: str
) -> Iterator[Finding]:
    """What is wrong with the parameters `found`, where `wanted` are the program's."""
    found_by_name = {each.get("name", ""): each for each in reversed(found)}  # of several, the first
    wanted_by_name = {each["name"]: each for each in wanted}
    order = [each.get("name", "") for each in found]
    yield from _check_names(order, [*wanted_by_name], f"{place}:metadata.parameters", remedy)
    for name in (name for name in wanted_by_name if name in found_by_name):
        where = f"{place}:metadata.parameters.{name}"
        yield from _check_parameter(found_by_name[name], wanted_by_name[name], where, remedy)


def _check_names(found: Sequence[str], wanted: Sequence[str], place: str, remedy: str) -> Iterator[Finding]:
    for name in (name for name in wanted if name not in found):
        yield Finding("parameter-missing", f"{place}.{name}", "is not there", remedy)
    for name, count in Counter(found).items():
        if name not in wanted:
            yield Finding("parameter-unknown", f"{place}.{name}", "is no parameter of the program", remedy)
        elif count > 1:
            yield Finding("parameter-duplicated", f"{place}.{name}", f"is there {count} times", remedy)
    if sorted(found) == sorted(wanted) and [*found] != [*wanted]:
        yield Finding("parameter-order", place, "are not in the program's order", remedy)


def _check_parameter(found: Parameter, wanted: Parameter, place: str, remedy: str) -> Iterator[Finding]:
    for field in {**wanted, **found}:
        if field not in ("regexes", "defaultValue") and found.get(field) != wanted.get(field):
            wrong = f"is {_shown(found.get(field))}, the program's is {_shown(wanted.get(field))}"
            yield Finding(_NAMES.get(field, "parameter-differs"), f"{place}.{field}", wrong, remedy)
    yield from _check_regexes(found.get("regexes", []), wanted["regexes"], f"{place}.regexes", remedy)
    yield from _check_default(found, wanted.get("defaultValue"), f"{place}.defaultValue", remedy)


def _check_regexes(found: Sequence[str], wanted: Sequence[str], place: str, remedy: str) -> Iterator[Finding]:
    faults = [f"{regex!r} {fault}" for regex in found if (fault := regex_fault(regex))]
    if faults:
        yield Finding("regex-invalid", place, ", ".join(faults), remedy)
    elif not found:
        yield Finding("regex-missing", place, f"is unset, the program's is {_shown(wanted)}", remedy)
    elif found != wanted:
        yield Finding("regex-differs", place, f"is {_shown(found)}, the program's is {_shown(wanted)}", remedy)


def _check_default(found: Parameter, wanted: str | None, place: str, remedy: str) -> Iterator[Finding]:
    default = found.get("defaultValue")
    if default is not None and not _taken(default, found.get("regexes", [])):
        yield Finding("default-refused", place, f"{default!r} is refused by the parameter's own regexes", remedy)
    elif default is None and wanted is not None:
        yield Finding("default-missing", place, f"is unset, the program's is {wanted!r}", remedy)
    elif default != wanted:
        yield Finding("default-differs", place, f"is {default!r}, the program's is {_shown(wanted)}", remedy)


def regex_fault(regex: str) -> str:
    """What keeps Python, RE2 or engines of its kind from using the regular expression; empty if nothing does."""
    try:
        re.compile(regex)
        TypeAdapter(Annotated[str, StringConstraints(pattern=regex)])  # the engine looks neither ahead nor back
    except re.error as error:
        return f"is no regular expression ({error})"
    except SchemaError:
        return "needs what RE2 has not: looking ahead or back, or references to groups"
    counts = [int(count) for count in re.findall(r"[{,](\d+)(?=[,}])", regex)]
    return (
        f"repeats {max(counts)} times, RE2 at most {_MOST_REPEATED}" if max(counts, default=0) > _MOST_REPEATED else ""
    )


def _taken(value: str, regexes: Sequence[str]) -> bool:
    """Whether the service takes the value: all of it, by each regular expression that is one."""
    return all(re.fullmatch(regex, value) for regex in regexes if not regex_fault(regex))


def _shown(value: Any) -> str:
    return "unset" if value is None else repr(value[0] if isinstance(value, list) and len(value) == 1 else value)
