"""The Dataflow service of the tests refuses and answers as the real one does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.cloud.dataflow_v1beta3 import (
    AutoscalingEvent,
    ContainerSpec,
    GetJobMetricsRequest,
    Job,
    JobMetrics,
    JobView,
    LaunchFlexTemplateParameter,
    LaunchFlexTemplateRequest,
    LaunchFlexTemplateResponse,
    ListJobMessagesRequest,
    ListJobMessagesResponse,
    MetricUpdate,
    UpdateJobRequest,
)
from grpc import StatusCode

from tests.dataflow_lives import BEGINNING, DRAINED, FAILED, RUNNING, UPDATED, Life
from tests.dataflow_refusals import NUMBER, WRONG_NAME
from tests.dataflow_server import DataflowServer

PLACE = {"project_id": "my-project", "location": "europe-west4"}
ROUTING = "project_id=my-project&location=europe-west4"
PATH = "gs://bucket/template.json"
SPEC = ContainerSpec(
    image="image",
    metadata={
        "parameters": [
            {"name": "job_file", "regexes": ["gs://.+"]},
            {"name": "output_topic", "is_optional": True, "regexes": ["^$|projects/.+"]},
        ]
    },
)


@pytest.fixture
def server() -> Iterator[DataflowServer]:
    with DataflowServer() as server:
        server.templates[PATH] = SPEC
        yield server


def call(server: DataflowServer, method: str, request: Any, response: Any, routing: str = ROUTING) -> Any:
    """Call a method as a client does that knows nothing but the protocol."""
    with grpc.insecure_channel(server.host) as channel:
        ask = channel.unary_unary(f"/google.dataflow.v1beta3.{method}", type(request).serialize, response.deserialize)
        return ask(request, metadata=[("x-goog-request-params", routing)])


def launch(server: DataflowServer, name: str = "readings", **fields: Any) -> Job:
    validate_only = fields.pop("validate_only", False)
    parameters = {"job_file": "gs://bucket/job.yaml", **fields.pop("parameters", {})}
    asked = LaunchFlexTemplateParameter(
        job_name=name, container_spec_gcs_path=fields.pop("path", PATH), parameters=parameters, **fields
    )
    request = LaunchFlexTemplateRequest(**PLACE, launch_parameter=asked, validate_only=validate_only)
    method = "FlexTemplatesService/LaunchFlexTemplate"
    return call(server, method, request, LaunchFlexTemplateResponse).job


def refused(server: DataflowServer, **fields: Any) -> tuple[StatusCode, str]:
    with pytest.raises(grpc.RpcError) as raised:
        launch(server, **fields)
    return raised.value.code(), raised.value.details()


def test_a_launch_is_queued_under_an_id(server: DataflowServer) -> None:
    server.lives.append(Life(states=[RUNNING]))
    job = launch(server, environment={"additional_user_labels": {"team": "pumps"}})
    assert (job.name, job.labels, server.jobs[job.id].state) == ("readings", {"team": "pumps"}, RUNNING)


def test_a_validation_launches_nothing(server: DataflowServer) -> None:
    assert launch(server, validate_only=True) == Job()
    assert server.jobs == {}


@pytest.mark.parametrize(
    ("fields", "code", "text"),
    [
        ({"name": "Readings"}, StatusCode.INVALID_ARGUMENT, WRONG_NAME),
        ({"path": "gs://b/x"}, StatusCode.NOT_FOUND, f"{NUMBER}Unable to open template file: gs://b/x."),
        (
            {"parameters": {"job_file": "job.yaml", "output_topic": "t", "workers": "3"}},
            StatusCode.INVALID_ARGUMENT,
            "The template parameters are invalid. Details: \nworkers: Unrecognized parameter\n"
            "job_file: Parameter didn't match regex 'gs://.+'\n"
            "output_topic: Parameter didn't match regex '^$|projects/.+'",
        ),
        ({"update": True}, StatusCode.NOT_FOUND, f"{NUMBER}There is no active job named readings to update."),
    ],
)
def test_a_launch_is_refused_with_the_services_words(
    fields: dict[str, Any], code: StatusCode, text: str, server: DataflowServer
) -> None:
    for validate_only in (True, False):
        assert refused(server, **fields, validate_only=validate_only) == (code, text)


def test_a_missing_parameter_is_refused(server: DataflowServer) -> None:
    server.templates[PATH] = ContainerSpec(
        metadata={"parameters": [{"name": "input_subscription"}, {"name": "job_file"}]}
    )
    assert refused(server) == (
        StatusCode.INVALID_ARGUMENT,
        "The template parameters are invalid. Details: \ninput_subscription: Missing required parameter",
    )


def test_a_name_has_one_active_job_in_a_region(server: DataflowServer) -> None:
    server.add("readings", Life(states=[FAILED]))
    server.add("readings", Life(states=[RUNNING]), region="us-central1")
    first = launch(server)
    assert refused(server) == (
        StatusCode.ALREADY_EXISTS,
        f"{NUMBER}There is already an active job named readings. If you want to  submit a second job, try again by "
        "setting a different name.",
    )
    assert server.jobs[first.id].replaced_by == ""


def test_an_update_takes_the_place_of_the_running_job_when_it_runs(server: DataflowServer) -> None:
    old = server.jobs[server.add("readings", Life(states=[RUNNING]))]
    new = server.jobs[launch(server, update=True).id]
    states = []
    for _ in range(3):
        new.look()
        states.append(old.state)
    assert states == [RUNNING, RUNNING, UPDATED]
    told = old.told(JobView.JOB_VIEW_SUMMARY), new.told(JobView.JOB_VIEW_SUMMARY)
    assert (told[0].replaced_by_job_id, told[1].replace_job_id) == (new.id, old.id)


def test_an_update_that_fails_leaves_the_running_job_alone(server: DataflowServer) -> None:
    old = server.jobs[server.add("readings", Life(states=[RUNNING]))]
    server.lives.append(Life(states=[FAILED]))
    server.jobs[launch(server, update=True).id].look()
    assert (old.state, old.replaced_by) == (RUNNING, "")


def test_a_queued_job_cannot_be_drained(server: DataflowServer) -> None:
    job_id = server.add("readings")
    request = UpdateJobRequest(**PLACE, job_id=job_id, job=Job(requested_state=DRAINED))
    with pytest.raises(grpc.RpcError) as raised:
        call(server, "JobsV1Beta3/UpdateJob", request, Job)
    assert raised.value.code() == StatusCode.FAILED_PRECONDITION
    assert raised.value.details().endswith("Job is not yet ready for draining. Please retry in a few minutes.")


def test_without_the_routing_header_no_region_is_right(server: DataflowServer) -> None:
    request = GetJobMetricsRequest(**PLACE, job_id=server.add("readings"))
    with pytest.raises(grpc.RpcError) as raised:
        call(server, "MetricsV1Beta3/GetJobMetrics", request, JobMetrics, routing="")
    assert raised.value.code() == StatusCode.FAILED_PRECONDITION
    assert "sent to an invalid regional endpoint (europe-west4)" in raised.value.details()


def test_metrics_and_autoscaling_are_told_as_the_life_has_them(server: DataflowServer) -> None:
    lag = [MetricUpdate(name={"name": "SystemLag"}, update_time=BEGINNING, scalar=seconds) for seconds in (7.0, 9.0)]
    grown = AutoscalingEvent(current_num_workers=1, target_num_workers=3, time=BEGINNING)
    job_id = server.add("readings", Life(states=[RUNNING], events=[grown], metrics=[[lag[0]], [lag[1]]]))
    request = GetJobMetricsRequest(**PLACE, job_id=job_id)
    answers = [call(server, "MetricsV1Beta3/GetJobMetrics", request, JobMetrics) for _ in range(3)]
    assert [list(each.metrics) for each in answers] == [[lag[0]], [lag[1]], [lag[1]]]
    messages = ListJobMessagesRequest(**PLACE, job_id=job_id)
    told = call(server, "MessagesV1Beta3/ListJobMessages", messages, ListJobMessagesResponse)
    assert told == ListJobMessagesResponse(autoscaling_events=[grown])
    assert server.requests == [request] * 3 + [messages]
