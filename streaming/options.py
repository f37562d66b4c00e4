"""The parameters: where the job reads and writes. They are the Flex Template's, in Google's words."""

from __future__ import annotations

import difflib
import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from streaming.arguments import flags
from streaming.errors import Mistakes
from streaming.parameter_forms import Directory, File, OutputFormat, Span, Subscription, Table, Topic
from streaming.parameter_rules import Fault, faults

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

    job_file: File = Field(
        title="Job File",
        description="The job file, local or on Cloud Storage. For example, `gs://bucket/pumps/job.yaml`.",
        json_schema_extra={"group": "Input"},
    )
    input_subscription: Subscription | None = Field(
        None,
        title="Pub/Sub Input Subscription",
        description="The subscription that messages are read from; "
        "give one of input_subscription, input_files and input_table. "
        "For example, `projects/my-project/subscriptions/readings`.",
        json_schema_extra={"group": "Input"},
    )
    input_files: File | None = Field(
        None,
        title="Input Files",
        description="The files that messages are read from, by a batch job, in the place of a subscription: a path or "
        "pattern of Avro files, Parquet, NDJSON or TFRecords of TensorFlow Examples, the last two also gzipped, which "
        "the ending tells apart. "
        "For example, `gs://bucket/readings/*.parquet`.",
        json_schema_extra={"group": "Input"},
    )
    input_table: Table | None = Field(
        None,
        title="BigQuery Input Table",
        description="The table that messages are read from, by a batch job, in the place of a subscription: "
        "a row is a message. For example, `my-project:fleet.readings`.",
        json_schema_extra={"group": "Input"},
    )
    output_table: Table | None = Field(
        None,
        title="BigQuery Output Table",
        description="The table that gets a row for each message and model; "
        "a batch job may go without it where output_files is given. "
        "For example, `my-project:fleet.predictions`.",
        json_schema_extra={"group": "Output"},
    )
    output_files: Directory | None = Field(
        None,
        title="Output Directory",
        description="The directory whose files get predictions and dead letters, of a batch job alone. "
        "For example, `gs://bucket/predictions`.",
        json_schema_extra={"group": "Output"},
    )
    output_format: OutputFormat = Field(
        "parquet",
        title="Format of Output Files",
        description="What the files of output_files are: parquet as the table, or prediction_log, which are TFRecords "
        "of one PredictionLog for each message and model. For example, `prediction_log`.",
        json_schema_extra={"group": "Output", "pattern": "^(?:parquet|prediction_log)$"},
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
        description="The table of messages that failed; without it OUTPUT_TABLE_error_records, where that is given. "
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
        description="How long a batch of a stream may wait for more; without it 50ms, and on Dataflow what a bundle "
        "brings. "
        "For example, `200ms`.",
        json_schema_extra={"group": "Windows and Batches"},
    )

    @model_validator(mode="after")
    def _fit_together(self) -> Parameters:
        fields = type(self).model_fields.items()
        given = [name for name, field in fields if getattr(self, name) != field.default]
        if wrong := [*faults(given), *self._not_apart()]:
            raise ValueError("\n".join(f"--{name}: {words}" for name, words in wrong))
        return self

    def _not_apart(self) -> Iterator[Fault]:
        """Names that stand for one thing where there must be two."""
        if self.output_table is not None and self.output_table == self.input_table:
            yield "output_table", "is the --input_table; predictions need a table of their own"
        if self.deadletter_table is not None and self.deadletter_table in (self.output_table, self.input_table):
            other = "output" if self.deadletter_table == self.output_table else "input"
            yield "output_deadletter_table", f"is the --{other}_table; dead letters need a table of their own"
        if self.output_topic is not None and self.output_topic == self.output_deadletter_topic:
            yield "output_deadletter_topic", "is the --output_topic; dead letters need a topic of their own"

    @property
    def is_stream(self) -> bool:
        """Whether messages come from a subscription; else the job has read all of its input some time, and ends."""
        return self.input_subscription is not None

    @property
    def deadletter_table(self) -> str | None:
        """The dead-letter table's id, `P.D.T`; None where dead letters go to files alone."""
        if self.output_deadletter_table is None and self.output_table is not None:
            return f"{self.output_table}_error_records"
        return self.output_deadletter_table

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
    last = ""
    for name, value, given in flags(argv, _BOOLEANS):
        if name in Parameters.model_fields:
            if name in values:
                mistakes.append(f"--{name}: given twice; keep one")
            elif value is None and not Parameters.model_fields[name].is_required():
                mistakes.append(f"--{name}: no value; write --{name}=value")
            values[name] = value or ""
        elif name in others:
            rest += [f"--{others[name]}{given[0][2 + len(name) :]}", *given[1:]]  # Beam ignores what it cannot spell
        elif (line := _unknown(name, others) if name else _stray(given[0], last)) not in mistakes:
            mistakes.append(line)
        last = name or last
    values = {name: value for name, value in values.items() if value != ""}
    try:
        Parameters.model_validate(values)
    except ValidationError as error:
        mistakes += sorted(_lines(error, values), key=_place)
    return values, rest, mistakes


def _stray(word: str, after: str) -> str:
    if after == "input_files":
        return "--input_files: several paths; quote the pattern, or else the shell puts all that it finds in its place"
    return f"{word}: not a flag; write --name=value"


def _unknown(name: str, others: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, [*Parameters.model_fields, *others], n=1)
    return f"--{name}: unknown flag" + (f"; did you mean --{near[0]}?" if near else "; --help lists them")


def _lines(error: ValidationError, values: Mapping[str, str]) -> Iterator[str]:
    details = error.errors(include_url=False)
    for detail in details:
        if not detail["loc"]:  # said by `_fit_together`
            yield from str(detail["ctx"]["error"]).splitlines()
            return
        yield _line(detail)
    given = [name for name, value in values.items() if value != Parameters.model_fields[name].default]
    yield from (f"--{name}: {words}" for name, words in faults(given))  # a model with wrong fields has not looked


def _place(line: str) -> int:
    """That of the parameter which the line is about, among all."""
    return [*Parameters.model_fields].index(line.removeprefix("--").partition(":")[0])


def _line(detail: Mapping[str, Any]) -> str:
    name = str(detail["loc"][0])
    if detail["type"] == "missing":
        return f"--{name}: missing; give --{name}={name.upper()}"
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
