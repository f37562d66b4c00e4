"""The parameters: how they are written, and what they mean where nothing is."""

from datetime import timedelta

import pytest

from streaming.options import Parameters, parse, table_of_help
from tests.option_cases import BEAM, STORED, args, mistakes


def parsed(*more: str, **values: str) -> Parameters:
    parameters, rest = parse([*args(**values), *more])
    assert rest == []
    return parameters


def test_without_the_rest_there_are_defaults() -> None:
    parameters = parsed()
    assert parameters.model_dump() == {
        "job_file": "jobs/fleet.yaml",
        "input_subscription": "projects/p/subscriptions/s",
        "input_files": None,
        "input_table": None,
        "output_table": "p.d.t",
        "output_files": None,
        "output_format": "parquet",
        "output_topic": None,
        "output_deadletter_table": None,
        "output_deadletter_topic": None,
        "output_ordering": False,
        "window_duration": None,
        "batch_size": 1000,
        "batch_max_wait": None,
    }
    assert (parameters.deadletter_table, parameters.job_name) == ("p.d.t_error_records", "fleet")
    assert parameters.is_stream


def test_every_parameter() -> None:
    parameters = parsed(
        output_topic="projects/p/topics/out",
        output_deadletter_table="example.com:p.d.dead",
        output_deadletter_topic="projects/p/topics/dead",
        output_ordering="true",
        window_duration="5m",
        batch_size="10000",
        batch_max_wait="250ms",
    )
    assert parameters == Parameters(
        job_file="jobs/fleet.yaml",
        input_subscription="projects/p/subscriptions/s",
        output_table="p.d.t",
        output_topic="projects/p/topics/out",
        output_deadletter_table="example.com:p.d.dead",
        output_deadletter_topic="projects/p/topics/dead",
        output_ordering=True,
        window_duration=timedelta(minutes=5),
        batch_size=10_000,
        batch_max_wait=timedelta(milliseconds=250),
    )
    assert parameters.deadletter_table == "example.com:p.d.dead"


@pytest.mark.parametrize(
    "written",
    [
        ["--batch_size=5", "--output_topic=projects/p/topics/t"],
        ["--batch-size=5", "--output-topic=projects/p/topics/t"],
        ["--batch_size", "5", "--output_topic", "projects/p/topics/t"],
        ["--batch-size", "5", "--output-topic", "projects/p/topics/t"],
    ],
)
def test_snake_and_kebab_case_with_equals_sign_or_space(written: list[str]) -> None:
    assert parsed(*written) == parsed(batch_size="5", output_topic="projects/p/topics/t")


@pytest.mark.parametrize(
    ("written", "value"),
    [
        (["--output_ordering"], True),
        (["--output-ordering=true"], True),
        (["--output_ordering=True"], True),
        (["--output_ordering=false"], False),
        (["--output_ordering="], False),
        (["--output_ordering", "--batch_size=1000"], True),
    ],
)
def test_a_boolean(written: list[str], value: bool) -> None:
    assert parsed(*written) == parsed(output_ordering=str(value))


def test_an_empty_text_means_unset() -> None:
    optional = ["output_topic", "output_deadletter_table", "window_duration", "batch_size", "batch_max_wait"]
    assert parsed(**dict.fromkeys(optional, "")) == parsed()
    assert mistakes(*args(job_file="")) == ["--job_file: missing; give --job_file=JOB_FILE"]


def test_flags_of_beam_are_passed_on_as_they_are_and_as_beam_spells_them() -> None:
    others = [
        "--runner=PrismRunner",
        "--temp-location",
        "gs://b/tmp",
        "--no-auth",
        "--experiments=a=b",
        "--experiments=c",
        "--streaming",
    ]
    parameters, rest = parse([*others, *args()], BEAM)
    assert parameters == parsed()
    assert rest == [
        "--runner=PrismRunner",
        "--temp_location",
        "gs://b/tmp",
        "--no-auth",
        "--experiments=a=b",
        "--experiments=c",
        "--streaming",
    ]


def stored(**values: str) -> Parameters:
    parameters, _ = parse([f"--{name}={value}" for name, value in (STORED | values).items()])
    return parameters


def test_a_job_over_files_needs_neither_subscription_nor_table() -> None:
    parameters = stored(output_format="prediction_log")
    assert (parameters.input_files, parameters.output_files) == ("data/*.avro", "out")
    assert (parameters.output_format, parameters.is_stream) == ("prediction_log", False)
    assert parameters.deadletter_table is None


def test_a_dead_letter_table_goes_with_any_output() -> None:
    assert stored(output_deadletter_table="p:d.dead").deadletter_table == "p.d.dead"
    assert stored(output_table="p:d.t").deadletter_table == "p.d.t_error_records"


def test_a_job_over_a_table() -> None:
    parameters = stored(input_files="", input_table="p:d.readings", output_files="", output_table="p:d.t")
    assert (parameters.input_table, parameters.output_files, parameters.is_stream) == ("p.d.readings", None, False)


def test_the_help_lists_every_parameter_with_its_default() -> None:
    rows = table_of_help()
    assert [(flag, default) for flag, default, _ in rows] == [
        ("--job_file", "required"),
        ("--input_subscription", ""),
        ("--input_files", ""),
        ("--input_table", ""),
        ("--output_table", ""),
        ("--output_files", ""),
        ("--output_format", "parquet"),
        ("--output_topic", ""),
        ("--output_ordering", "false"),
        ("--output_deadletter_table", ""),
        ("--output_deadletter_topic", ""),
        ("--window_duration", ""),
        ("--batch_size", "1000"),
        ("--batch_max_wait", ""),
    ]
    assert rows[0][2] == "The job file, local or on Cloud Storage. For example, `gs://bucket/pumps/job.yaml`."
