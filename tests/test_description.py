"""What a job on Dataflow shows of itself, wherever it shows it; and one that shows nothing."""

from __future__ import annotations

from typing import Any

import pytest
from google.cloud.dataflow_v1beta3 import (
    DisplayData,
    GetJobRequest,
    Job,
    JobView,
    PipelineDescription,
    TransformSummary,
)

from streaming.dataflow.jobs import Jobs, Place
from streaming.dataflow.monitor.description import Description, ask_description
from streaming.errors import PermanentError
from tests.dataflow_lives import QUEUED, RUNNING, Life
from tests.dataflow_server import DataflowServer

PLACE = Place("my-project", "europe-west4")
WHOLE = {
    "input_subscription": "projects/other/subscriptions/readings",
    "output_deadletter_table": "my-project:data.letters",
    "models": "times5, times10",
    "batch_size": "500",
}


@pytest.mark.parametrize(
    ("life", "shown"),
    [
        (
            {"display": WHOLE, "subscriptions": ["projects/my-project/subscriptions/found"]},
            Description("projects/other/subscriptions/readings", "my-project:data.letters", ("times5", "times10")),
        ),
        ({"display": {"models": "times5", "output_deadletter_table": ""}}, Description(models=("times5",))),
        (
            {"display": {}, "subscriptions": ["", "readings"]},
            Description("projects/my-project/subscriptions/readings"),
        ),
        (
            {"display": {"input_subscription": ""}, "subscriptions": ["projects/p/subscriptions/s"]},
            Description("projects/p/subscriptions/s"),
        ),
        ({"display": {}, "subscriptions": []}, Description()),
        ({"display": WHOLE, "described": False, "subscriptions": []}, Description()),
        ({"states": [QUEUED], "display": WHOLE}, Description()),
    ],
)
def test_what_a_job_shows(dataflow: DataflowServer, life: dict[str, Any], shown: Description) -> None:
    job_id = dataflow.add("readings", Life(**{"states": [RUNNING], **life}))
    assert ask_description(Jobs(PLACE), job_id) == shown
    (request,) = dataflow.asked(GetJobRequest)
    assert request.view == JobView.JOB_VIEW_DESCRIPTION


def test_a_job_that_does_not_exist(dataflow: DataflowServer) -> None:
    job_id = "2026-07-01_12_00_00-1"
    with pytest.raises(PermanentError, match=f"^cannot look up job {job_id}"):
        ask_description(Jobs(PLACE), job_id)


class ShownTwice(Jobs):
    """One whose options and steps show the same key, a step as a text and as a number."""

    def get(self, job_id: str, view: JobView = JobView.JOB_VIEW_SUMMARY) -> Job:
        options, step = (DisplayData(key="models", str_value=name) for name in ("options", "step"))
        steps = [TransformSummary(display_data=[step, DisplayData(key="models", int64_value=2)])]
        return Job(pipeline_description=PipelineDescription(display_data=[options], original_pipeline_transform=steps))


def test_the_steps_say_most_and_only_texts_are_read() -> None:
    assert ask_description(ShownTwice(PLACE), "1") == Description(models=("step",))
