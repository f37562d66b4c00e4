"""The parameters: how they are written, and every mistake."""

from datetime import timedelta

import pytest

from streaming.errors import Mistakes
from streaming.options import Parameters, parse, read, table_of_help

REQUIRED = {
    "job_file": "jobs/fleet.yaml",
    "input_subscription": "projects/p/subscriptions/s",
    "output_table": "p:d.t",
}
BEAM = ["runner", "temp_location", "no-auth", "streaming", "experiments", "region"]


STORED = {"job_file": "jobs/fleet.yaml", "input_files": "data/*.avro", "output_files": "out"}


def args(**values: str) -> list[str]:
    return [f"--{name}={value}" for name, value in (REQUIRED | values).items()]


def parsed(*more: str, **values: str) -> Parameters:
    parameters, rest = parse([*args(**values), *more])
    assert rest == []
    return parameters


def mistakes(*argv: str) -> list[str]:
    with pytest.raises(Mistakes) as caught:
        parse(argv, BEAM)
    return list(caught.value.lines)


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


@pytest.mark.parametrize(
    ("argv", "lines"),
    [
        (args(batchsize="5"), ["--batchsize: unknown flag; did you mean --batch_size?"]),
        ([*args(), "--output-tpoic", "x"], ["--output_tpoic: unknown flag; did you mean --output_topic?"]),
        (args(runer="x"), ["--runer: unknown flag; did you mean --runner?"]),
        (args(frobnicate="x"), ["--frobnicate: unknown flag; --help lists them"]),
        ([*args(), "stray"], ["stray: not a flag; write --name=value"]),
        ([*args(), "-h"], ["-h: not a flag; write --name=value"]),
        ([*args(), "--", "--=x"], ["--: not a flag; write --name=value", "--=x: not a flag; write --name=value"]),
        ([*args(), "--output_ordering", "false"], ["false: not a flag; write --name=value"]),
        ([*args(), "--batch-size=5", "--batch_size=6"], ["--batch_size: given twice; keep one"]),
        ([*args(), "--batch_size", "--output_ordering"], ["--batch_size: no value; write --batch_size=value"]),
        ([*args()[1:], "--job_file"], ["--job_file: missing; give --job_file=JOB_FILE"]),
        (
            args(input_subscription="s"),
            ["--input_subscription: 's' is not of the form projects/PROJECT/subscriptions/SUBSCRIPTION"],
        ),
        (
            args(output_topic="projects/p/subscriptions/s", output_deadletter_topic="projects/p/topics/a b"),
            [
                "--output_topic: 'projects/p/subscriptions/s' is not of the form projects/PROJECT/topics/TOPIC",
                "--output_deadletter_topic: 'projects/p/topics/a b' is not of the form projects/PROJECT/topics/TOPIC",
            ],
        ),
        (
            args(output_table="d.t"),
            ["--output_table: 'd.t' is not a table; write PROJECT:DATASET.TABLE or PROJECT.DATASET.TABLE"],
        ),
        (
            args(window_duration="60"),
            ["--window_duration: '60' is not a duration; write a number and ms, s, m, h or d, as in 60s"],
        ),
        (args(batch_size="0"), ["--batch_size: input should be greater than or equal to 1, not '0'"]),
        (args(batch_size="10001"), ["--batch_size: input should be less than or equal to 10000, not '10001'"]),
        (
            args(batch_size="many"),
            ["--batch_size: input should be a valid integer, unable to parse string as an integer, not 'many'"],
        ),
        (
            args(output_ordering="maybe"),
            ["--output_ordering: input should be a valid boolean, unable to interpret input, not 'maybe'"],
        ),
        (
            [],
            [
                "--job_file: missing; give --job_file=JOB_FILE",
                "--input_subscription: missing; give one of --input_subscription, --input_files and --input_table",
                "--output_table: missing; give --output_table=OUTPUT_TABLE",
            ],
        ),
    ],
)
def test_a_mistake_is_named_with_its_flag(argv: list[str], lines: list[str]) -> None:
    assert mistakes(*argv) == lines


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


@pytest.mark.parametrize(
    ("values", "lines"),
    [
        (
            {"input_subscription": "projects/p/subscriptions/s", "input_table": "p.d.r", "output_files": ""},
            [
                "--input_files: goes without --input_subscription; keep one of them",
                "--input_table: goes without --input_subscription; keep one of them",
                "--output_table: missing; give --output_table=OUTPUT_TABLE, --output_files=DIRECTORY, or both",
            ],
        ),
        ({"input_table": "p.d.r"}, ["--input_table: goes without --input_files; keep one of them"]),
        (
            {"output_files": ""},
            ["--output_table: missing; give --output_table=OUTPUT_TABLE, --output_files=DIRECTORY, or both"],
        ),
        (
            {"output_files": "", "output_table": "p.d.t", "output_format": "prediction_log"},
            ["--output_format: is that of --output_files; give them, or leave it out"],
        ),
        (
            {"output_format": "csv", "batch_max_wait": "1s"},
            [
                "--output_format: input should be 'parquet' or 'prediction_log', not 'csv'",
                "--batch_max_wait: is of a stream alone; leave it out with --input_files",
            ],
        ),
        (
            {"input_files": "", "input_subscription": "projects/p/subscriptions/s"},
            [
                "--output_table: missing; give --output_table=OUTPUT_TABLE",
                "--output_files: goes with --input_files or --input_table; a stream writes to --output_table",
            ],
        ),
        (
            {"input_files": "", "input_table": "p.d.t", "output_table": "p.d.t"},
            ["--output_table: is the --input_table; predictions need a table of their own"],
        ),
        (
            {"input_files": "", "input_table": "p.d.t", "output_deadletter_table": "p.d.t"},
            ["--output_deadletter_table: is the --input_table; dead letters need a table of their own"],
        ),
    ],
)
def test_which_parameters_go_together(values: dict[str, str], lines: list[str]) -> None:
    assert mistakes(*(f"--{name}={value}" for name, value in (STORED | values).items())) == lines


@pytest.mark.parametrize(
    ("values", "line"),
    [
        (
            {"output_deadletter_table": "p.d.t"},
            "--output_deadletter_table: is the --output_table; dead letters need a table of their own",
        ),
        (
            {"output_topic": "projects/p/topics/t", "output_deadletter_topic": "projects/p/topics/t"},
            "--output_deadletter_topic: is the --output_topic; dead letters need a topic of their own",
        ),
    ],
)
def test_dead_letters_go_apart_from_predictions(values: dict[str, str], line: str) -> None:
    assert mistakes(*args(**values)) == [line]


def test_all_mistakes_are_found_at_once() -> None:
    argv = ["stray", "--job_file=a", "--job-file=b", "--windowduration", "5m", "--output_table=t", "--batch_size=x"]
    assert mistakes(*argv) == [
        "stray: not a flag; write --name=value",
        "--job_file: given twice; keep one",
        "--windowduration: unknown flag; did you mean --window_duration?",
        "--input_subscription: missing; give one of --input_subscription, --input_files and --input_table",
        "--output_table: 't' is not a table; write PROJECT:DATASET.TABLE or PROJECT.DATASET.TABLE",
        "--batch_size: input should be a valid integer, unable to parse string as an integer, not 'x'",
    ]


def test_what_was_read_is_there_beside_the_mistakes() -> None:
    assert read(["--job_file=a.yaml", "--batch_size=", "--region", "r", "--bogus=1"], BEAM) == (
        {"job_file": "a.yaml"},
        ["--region", "r"],
        [
            "--bogus: unknown flag; --help lists them",
            "--input_subscription: missing; give one of --input_subscription, --input_files and --input_table",
            "--output_table: missing; give --output_table=OUTPUT_TABLE",
        ],
    )


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
