"""The parameters: where the job reads and writes. They are the Flex Template's, in Google's words."""

from __future__ import annotations

import difflib
import posixpath
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    WithJsonSchema,
    model_validator,
)

from streaming.bigquery.table_ids import PROJECT, parse_table_id
from streaming.durations import Duration
from streaming.errors import Mistakes

# Other regular expression engines read these, too: nothing in them that RE2 or JavaScript lacks. RE2 counts to 1,000 at
# most, so that lengths are left to the program.
_TABLE = rf"{PROJECT}[:.][A-Za-z0-9_]+\.[^\x00-\x1F!-,./:-@\[-\^`{{-\x7F]+"  # of ASCII: letters, digits, _, -, space


def _table(text: str) -> str:
    return str(parse_table_id(text))


def _resource(collection: str) -> StringConstraints:
    """Pub/Sub's rule for names; of projects, what emulators take as well."""
    return StringConstraints(pattern=rf"^projects/[A-Za-z0-9._:-]+/{collection}/[A-Za-z][A-Za-z0-9._~+%-]*$")


# The `paramType` of each is the picker that the console shows for it.
Subscription = Annotated[str, _resource("subscriptions"), Field(json_schema_extra={"paramType": "PUBSUB_SUBSCRIPTION"})]
Topic = Annotated[str, _resource("topics"), Field(json_schema_extra={"paramType": "PUBSUB_TOPIC"})]
Table = Annotated[
    str,
    AfterValidator(_table),
    WithJsonSchema({"type": "string", "pattern": rf"^{_TABLE}$", "paramType": "BIGQUERY_TABLE"}),
]
JobFile = Annotated[
    str,  # the template's is on gs://, where the launcher can read it
    WithJsonSchema({"type": "string", "pattern": r"^gs://[a-z0-9._-]+/.*[^/\r\n]$", "paramType": "GCS_READ_FILE"}),
]
Span = Annotated[Duration, WithJsonSchema({"type": "string", "pattern": r"^[0-9]*[1-9][0-9]*(?:ms|s|m|h|d)$"})]

_FORMS = {
    "input_subscription": "projects/PROJECT/subscriptions/SUBSCRIPTION",
    "output_topic": "projects/PROJECT/topics/TOPIC",
    "output_deadletter_topic": "projects/PROJECT/topics/TOPIC",
}


class Parameters(BaseModel):
    """Where the job reads and writes, and how large its batches are.

    The fields are all that is said of a parameter: `--help`, the README and the template's form are made from them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    job_file: JobFile = Field(
        title="Job File",
        description="The job file, local or on Cloud Storage. For example, `gs://bucket/pumps/job.yaml`.",
        json_schema_extra={"group": "Input"},
    )
    input_subscription: Subscription = Field(
        title="Pub/Sub Input Subscription",
        description="The subscription that messages are read from. "
        "For example, `projects/my-project/subscriptions/readings`.",
        json_schema_extra={"group": "Input"},
    )
    output_table: Table = Field(
        title="BigQuery Output Table",
        description="The table that gets a row for each message and model. "
        "For example, `my-project:fleet.predictions`.",
        json_schema_extra={"group": "Output"},
    )
    output_topic: Topic | None = Field(
        None,
        title="Pub/Sub Output Topic",
        description="The topic that gets a message for each prediction. "
        "For example, `projects/my-project/topics/predictions`.",
        json_schema_extra={"group": "Output"},
    )
    output_ordering: bool = Field(
        False,
        title="Ordered Output Messages",
        description="Whether output messages carry the key as their ordering key. For example, `true`.",
        json_schema_extra={"group": "Output", "pattern": "^(?:true|false)$"},
    )
    output_deadletter_table: Table | None = Field(
        None,
        title="BigQuery Dead-Letter Table",
        description="The table of messages that failed; without it OUTPUT_TABLE_error_records. "
        "For example, `my-project:fleet.failures`.",
        json_schema_extra={"group": "Dead Letters"},
    )
    output_deadletter_topic: Topic | None = Field(
        None,
        title="Pub/Sub Dead-Letter Topic",
        description="The topic that gets the messages that failed, as they came. "
        "For example, `projects/my-project/topics/failures`.",
        json_schema_extra={"group": "Dead Letters"},
    )
    window_duration: Span | None = Field(
        None,
        title="Window Duration",
        description="The length of the event-time windows; without it the job file's. For example, `5m`.",
        json_schema_extra={"group": "Windows and Batches"},
    )
    batch_size: int = Field(
        1000,
        ge=1,
        le=10_000,
        title="Batch Size",
        description="The most rows of one model call; a batch also closes at 8 MB. For example, `500`.",
        json_schema_extra={"group": "Windows and Batches", "pattern": "^(?:[1-9][0-9]{0,3}|10000)$"},
    )
    batch_max_wait: Span | None = Field(
        None,
        title="Longest Wait for a Batch",
        description="How long a batch may wait for more; without it 50ms, and on Dataflow what a bundle brings. "
        "For example, `200ms`.",
        json_schema_extra={"group": "Windows and Batches"},
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


_BOOLEANS = frozenset(name for name, field in Parameters.model_fields.items() if field.annotation is bool)


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
    for name, value, given in flags(argv, _BOOLEANS):
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


def flags(argv: Sequence[str], booleans: Collection[str]) -> Iterator[tuple[str, str | None, list[str]]]:
    """Each flag of `argv`: `--name=value` or `--name value`, the name in snake_case or kebab-case.

    Args:
        argv: the arguments.
        booleans: the flags, in snake_case, that mean `true` where no `=` follows them.

    Yields:
        (name in snake_case, value if any, the arguments it was given by); the name is empty for a stray word.
    """
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
        elif waiting and not waiting[0].startswith("--") and name not in booleans:
            yield name, (second := waiting.pop(0)), [first, second]
        else:
            yield name, "true" if name in booleans else None, [first]


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
