"""What the commands share of options is checked before anything is asked."""

from __future__ import annotations

from datetime import timedelta

import pytest

from streaming.dataflow.commands.options import timeout, wrong_place


@pytest.mark.parametrize(
    ("project", "region", "wrong"),
    [
        ("my-project", "europe-west4", []),
        ("my-project", "northamerica-northeast1", []),
        ("my-project", "us-central1-f", ["--region: 'us-central1-f' is a zone; write --region=us-central1"]),
        ("my-project", "EU", ["--region: 'EU' is no region; write one as in --region=europe-west4"]),
        (
            "My Project",
            "",
            [
                "--project: 'My Project' is no project id; `gcloud projects list` shows those there are",
                "--region: '' is no region; write one as in --region=europe-west4",
            ],
        ),
    ],
)
def test_what_is_wrong_with_the_place_is_told(project: str, region: str, wrong: list[str]) -> None:
    assert list(wrong_place(project, region)) == wrong


def test_a_timeout_is_a_duration_or_none() -> None:
    assert (timeout("30m"), timeout(None)) == (timedelta(minutes=30), None)
