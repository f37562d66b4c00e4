"""Jobs are shown as a table for people and as a document for machines."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from google.cloud.dataflow_v1beta3 import Job, JobMetadata, JobState, JobType, SdkVersion
from rich.console import Console

from streaming.dataflow.job_table import document, show_age, table
from streaming.dataflow.jobs import Place
from tests.dataflow_cases import LINK

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
QUEUED = Job(id="2026-07-01_2", name="next", current_state=JobState.JOB_STATE_QUEUED, create_time=NOW)
RUNNING = Job(
    id="2026-07-01_1",
    name="readings",
    type_=JobType.JOB_TYPE_STREAMING,
    current_state=JobState.JOB_STATE_RUNNING,
    current_state_time=NOW - timedelta(hours=2, minutes=59),
    create_time=NOW - timedelta(hours=3),
    labels={"team": "pumps", "env": "test"},
    replace_job_id="2026-07-01_0",
    job_metadata=JobMetadata(
        sdk_version=SdkVersion(version="2.77.0", version_display_name="Apache Beam Python 3.11 SDK")
    ),
)


def test_a_table_has_a_row_for_each_job_and_a_dash_where_nothing_is_known() -> None:
    console = Console(width=130)
    with console.capture() as captured:
        console.print(table([QUEUED, RUNNING], NOW))
    assert [line.rstrip() for line in captured.get().splitlines()] == [
        "name      id            state    since  created               type       SDK",
        "next      2026-07-01_2  queued   -      2026-07-01 12:00:00Z  -          -",
        "readings  2026-07-01_1  running  2h     2026-07-01 09:00:00Z  streaming  Apache Beam Python 3.11 SDK 2.77.0",
    ]


def test_a_document_says_null_where_nothing_is_known() -> None:
    assert document(Place("my-project", "europe-west4"), [QUEUED, RUNNING]) == {
        "project": "my-project",
        "region": "europe-west4",
        "jobs": [
            {
                "name": "next",
                "id": "2026-07-01_2",
                "state": "queued",
                "state_since": None,
                "created": "2026-07-01T12:00:00+00:00",
                "type": None,
                "sdk": None,
                "labels": {},
                "replaces": None,
                "replaced_by": None,
                "console": LINK.format("2026-07-01_2"),
            },
            {
                "name": "readings",
                "id": "2026-07-01_1",
                "state": "running",
                "state_since": "2026-07-01T09:01:00+00:00",
                "created": "2026-07-01T09:00:00+00:00",
                "type": "streaming",
                "sdk": "Apache Beam Python 3.11 SDK 2.77.0",
                "labels": {"env": "test", "team": "pumps"},
                "replaces": "2026-07-01_0",
                "replaced_by": None,
                "console": LINK.format("2026-07-01_1"),
            },
        ],
    }


@pytest.mark.parametrize(
    ("age", "shown"),
    [
        (timedelta(seconds=-5), "0s"),
        (timedelta(seconds=59.9), "59s"),
        (timedelta(minutes=1), "1m"),
        (timedelta(hours=23, minutes=59), "23h"),
        (timedelta(days=30, hours=23), "30d"),
    ],
)
def test_an_age_is_shown_in_its_greatest_unit(age: timedelta, shown: str) -> None:
    assert show_age(age) == shown
