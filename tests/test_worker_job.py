"""What a worker knows of its job before it prepares it; tests/integration has jobs that run."""

from __future__ import annotations

import subprocess
import sys

import pytest

from streaming.local.worker_job import WorkerJob


@pytest.mark.parametrize(
    ("argument", "ends"),
    [("--input_subscription=s", False), ("--input-files=*.avro", True), ("--input_table=d.t", True)],
)
def test_a_job_over_stored_data_ends(argument: str, ends: bool) -> None:
    assert WorkerJob(["--job_file=job.yaml", argument]).ends() is ends


def test_nothing_is_imported_that_takes_long_until_the_job_is_prepared() -> None:
    code = "import sys; from streaming.local.worker_job import WorkerJob; WorkerJob(['--job_file=job.yaml']).ends()"
    code += "; print(sorted({'apache_beam', 'tensorflow', 'pyarrow'} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
