"""Every mistake in the parameters, and which of them go together."""

import pytest

from streaming.options import read
from tests.option_cases import BEAM, STORED, args, mistakes


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


def test_a_pattern_that_the_shell_has_expanded_is_told_of_once() -> None:
    line = "--input_files: several paths; quote the pattern, or else the shell puts all that it finds in its place"
    argv = ["--job_file=j", "--output_files=o", "--input-files", "a.avro", "b.avro", "c.avro"]
    assert read(argv)[2] == [line]
