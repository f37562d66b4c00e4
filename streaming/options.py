"""The parameters: where the job reads and writes. They are the Flex Template's, in Google's words."""

from __future__ import annotations

import difflib
import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from streaming.bigquery.table_ids import parse_table_id
from streaming.durations import Duration
from streaming.errors import Mistakes

Subscription = Annotated[str, StringConstraints(pattern=r"^projects/[^/\s]+/subscriptions/[^/\s]+$")]
Topic = Annotated[str, StringConstraints(pattern=r"^projects/[^/\s]+/topics/[^/\s]+$")]


def _table(text: str) -> str:
    return str(parse_table_id(text))


Table = Annotated[str, AfterValidator(_table)]

_FORMS = {
    "input_subscription": "projects/PROJECT/subscriptions/SUBSCRIPTION",
    "output_topic": "projects/PROJECT/topics/TOPIC",
    "output_deadletter_topic": "projects/PROJECT/topics/TOPIC",
}


class Parameters(BaseModel):
    """Where the job reads and writes, and how large its batches are."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    job_file: str = Field(description="the job file, local or gs://")
    input_subscription: Subscription = Field(description="projects/P/subscriptions/S, read from")
    output_table: Table = Field(description="P:D.T or P.D.T, a row for each message and model")
    output_topic: Topic | None = Field(None, description="projects/P/topics/T, a message for each prediction")
    output_deadletter_table: Table | None = Field(None, description="without it OUTPUT_TABLE_error_records")
    output_deadletter_topic: Topic | None = Field(
        None, description="projects/P/topics/T, a message for each dead letter"
    )
    output_ordering: bool = Field(False, description="output messages carry the key as their ordering key")
    window_duration: Duration | None = Field(
        None, description="event-time windows, as in 30s, 5m, 1h; without it the job file's"
    )
    batch_size: int = Field(
        1000, ge=1, le=10_000, description="most rows of one model call; a batch also closes at 8 MB"
    )
    batch_max_wait: Duration | None = Field(
        None, description="how long a batch may wait for more; without it 50ms, and on Dataflow what a bundle brings"
    )

    @model_validator(mode="after")
    def _apart(self) -> Parameters:
        if self.deadletter_table == self.output_table:
            raise ValueError("--output_deadletter_table: is the --output_table; dead letters need a table of their own")
        if self.output_topic is not None and self.output_topic == self.output_deadletter_topic:
            raise ValueError("--output_deadletter_topic: is the --output_topic; dead letters need a topic of their own")
        return self

    @property
    def deadletter_table(self) -> str:
        """The dead-letter table's id, `P.D.T`."""
        return self.output_deadletter_table or f"{self.output_table}_error_records"

    @property
    def job_name(self) -> str:
        """The job file's name, for dead letters of a job that was given no other."""
        return posixpath.splitext(posixpath.basename(self.job_file))[0]


def parse(argv: Sequence[str], other_flags: Iterable[str] = ()) -> tuple[Parameters, list[str]]:
    """The parameters in `argv`, and the arguments that belong to `other_flags` (Beam's).

    Flags are understood in snake_case and kebab-case, as `--name=value` and `--name value`; booleans also as `--name`.
    An empty text means unset.

    Raises:
        Mistakes: all that is wrong with them.
    """
    values, rest, mistakes = read(argv, other_flags)
    if mistakes:
        raise Mistakes(mistakes)
    return Parameters.model_validate(values), rest


def read(argv: Sequence[str], other_flags: Iterable[str] = ()) -> tuple[dict[str, str], list[str], list[str]]:
    """As `parse`: the values by name, the other arguments, and what is wrong with either."""
    others = {flag.replace("-", "_"): flag for flag in other_flags}
    values: dict[str, str] = {}
    rest: list[str] = []
    mistakes: list[str] = []
    for name, value, given in _flags(argv):
        if name in Parameters.model_fields:
            if name in values:
                mistakes.append(f"--{name}: given twice; keep one")
            elif value is None and not Parameters.model_fields[name].is_required():
                mistakes.append(f"--{name}: no value; write --{name}=value")
            values[name] = value or ""
        elif name in others:
            rest += [f"--{others[name]}{given[0][2 + len(name) :]}", *given[1:]]  # Beam ignores what it cannot spell
        else:
            mistakes.append(_unknown(name, others) if name else f"{given[0]}: not a flag; write --name=value")
    values = {name: value for name, value in values.items() if value != ""}
    try:
        Parameters.model_validate(values)
    except ValidationError as error:
        mistakes += [_line(detail) for detail in error.errors(include_url=False)]
    return values, rest, mistakes


def _flags(argv: Sequence[str]) -> Iterator[tuple[str, str | None, list[str]]]:
    """(name in snake_case, value if any, the arguments it was given by); the name is empty for a stray word."""
    waiting = list(argv)
    while waiting:
        first = waiting.pop(0)
        if not first.startswith("--"):
            yield "", None, [first]
            continue
        flag, equals, value = first[2:].partition("=")
        name = flag.replace("-", "_")
        if equals:
            yield name, value, [first]
        elif waiting and not waiting[0].startswith("--") and not _is_boolean(name):
            yield name, (second := waiting.pop(0)), [first, second]
        else:
            yield name, "true" if _is_boolean(name) else None, [first]


def _is_boolean(name: str) -> bool:
    field = Parameters.model_fields.get(name)
    return field is not None and field.annotation is bool


def _unknown(name: str, others: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, [*Parameters.model_fields, *others], n=1)
    return f"--{name}: unknown flag" + (f"; did you mean --{near[0]}?" if near else "; --help lists them")


def _line(detail: Mapping[str, Any]) -> str:
    if not detail["loc"]:  # said by `_apart`
        return str(detail["ctx"]["error"])
    name = str(detail["loc"][0])
    if detail["type"] == "missing":
        return f"--{name}: missing; give --{name}={_FORMS.get(name, name.upper())}"
    if name in _FORMS:
        return f"--{name}: {detail['input']!r} is not of the form {_FORMS[name]}"
    if detail["type"] == "value_error":
        return f"--{name}: {detail['ctx']['error']}"
    return f"--{name}: {detail['msg'][0].lower()}{detail['msg'][1:]}, not {detail['input']!r}"


def table_of_help() -> list[tuple[str, str, str]]:
    """(flag, default, meaning) of each parameter, for `--help` and the README."""
    rows = []
    for name, field in Parameters.model_fields.items():
        default = "required" if field.is_required() else field.default
        rows.append((f"--{name}", "" if default is None else str(default).lower(), field.description or ""))
    return rows
