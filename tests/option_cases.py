"""The parameters that a job cannot go without, and what is wrong with others."""

import pytest

from streaming.errors import Mistakes
from streaming.options import parse

REQUIRED = {
    "job_file": "jobs/fleet.yaml",
    "input_subscription": "projects/p/subscriptions/s",
    "output_table": "p:d.t",
}
BEAM = ["runner", "temp_location", "no-auth", "streaming", "experiments", "region"]
STORED = {"job_file": "jobs/fleet.yaml", "input_files": "data/*.avro", "output_files": "out"}


def args(**values: str) -> list[str]:
    return [f"--{name}={value}" for name, value in (REQUIRED | values).items()]


def mistakes(*argv: str) -> list[str]:
    with pytest.raises(Mistakes) as caught:
        parse(argv, BEAM)
    return list(caught.value.lines)
