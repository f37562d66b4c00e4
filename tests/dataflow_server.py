"""Dataflow's services for Flex Templates, jobs, messages and metrics in this process; jobs live as tests write it.

It answers as the service does as far as its documentation and the public reports of its users tell: by the region of
the routing header, in pages, in its own words where it refuses (`dataflow_refusals`).
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeVar
from urllib.parse import parse_qsl

import grpc
from google.cloud.dataflow_v1beta3 import (
    ContainerSpec,
    GetJobMetricsRequest,
    GetJobRequest,
    Job,
    JobMetrics,
    JobView,
    LaunchFlexTemplateRequest,
    LaunchFlexTemplateResponse,
    ListJobMessagesRequest,
    ListJobMessagesResponse,
    ListJobsRequest,
    ListJobsResponse,
    UpdateJobRequest,
)

from tests.dataflow_lives import (
    BEGINNING,
    CANCELLED,
    CANCELLING,
    DRAINED,
    DRAINING,
    ENDED,
    IMPORTANCES,
    RUNNING,
    Life,
    LivingJob,
)
from tests.dataflow_refusals import (
    BUSY,
    already_active,
    check_launch,
    denied,
    not_allowed,
    nothing_to_update,
    unknown_job,
    wrong_region,
)
from tests.grpc_servers import Refusal, RefusingServer, page

R = TypeVar("R")
Filter = ListJobsRequest.Filter

PATIENCE = 120  # seconds until a test that waits for nothing fails
PAGE = 2
"""So many jobs or messages are on a page, whatever is asked for: it may always be less."""


class Method(NamedTuple):
    """A method of the services: how it is answered, and the permission that it takes."""

    answer: Callable[[Any], Any]
    request: Any
    response: Any
    permission: str


class DataflowServer(RefusingServer):
    """The server, for `DATAFLOW_EMULATOR_HOST`.

    Attributes:
        project, regions: where it has jobs.
        templates: the specifications in Cloud Storage, by their gs:// paths.
        lives: those of the jobs that are launched next; then each lives `Life()`.
        jobs: all jobs, by their ids.
    """

    def __init__(self, project: str = "my-project", regions: Iterable[str] = ("europe-west4", "us-central1")) -> None:
        super().__init__()
        self.project = project
        self.regions = tuple(regions)
        self.templates: dict[str, ContainerSpec] = {}
        self.lives: deque[Life] = deque()
        self.jobs: dict[str, LivingJob] = {}
        self._lost: set[str] = set()
        self._held: dict[str, threading.Event] = {}
        self._methods = self._table()

    def add(self, name: str, life: Life | None = None, *, region: str = "", **fields: Any) -> str:
        """A job that was launched before, in the first region by default.

        Args:
            name: its name.
            life: its life from here on; by default it is queued.
            region: where it runs.
            fields: others of `LivingJob`: created, labels, replaces.

        Returns:
            Its id.
        """
        number = len(self.jobs)
        created = fields.pop("created", BEGINNING + timedelta(minutes=number))
        job_id = f"{created:%Y-%m-%d_%H_%M_%S}-{10**18 + number}"
        place = (self.project, region or self.regions[0])
        self.jobs[job_id] = LivingJob(job_id, name, place, life or Life(), created, **fields)
        return job_id

    def hold(self, method: str) -> threading.Event:
        """Answer no call of a method, as in `GetJob`, before the event is set."""
        return self._held.setdefault(method, threading.Event())

    def lose(self, method: str) -> None:
        """Do what the next call of a method asks for, and lose the answer."""
        self._lost.add(method)

    def await_asked(self, kind: type[Any], times: int) -> None:
        """Wait until so many requests of this kind have come in all."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.asked(kind)) >= times, PATIENCE)

    def service(self, call: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        if call.method not in self._methods:
            return None
        method = self._methods[call.method]
        name = call.method.rpartition("/")[2]
        routing = dict(parse_qsl(dict(call.invocation_metadata).get("x-goog-request-params", "")))
        return grpc.unary_unary_rpc_method_handler(
            lambda request, context: self._answer(name, method, routing, request, context),
            method.request.deserialize,
            method.response.serialize,
        )

    def _table(self) -> dict[str, Method]:
        flex, jobs = "FlexTemplatesService/LaunchFlexTemplate", "JobsV1Beta3"
        launch = (self._launch, LaunchFlexTemplateRequest, LaunchFlexTemplateResponse, "dataflow.jobs.create")
        messages = (self._messages, ListJobMessagesRequest, ListJobMessagesResponse, "dataflow.messages.list")
        methods = {
            flex: Method(*launch),
            f"{jobs}/ListJobs": Method(self._list, ListJobsRequest, ListJobsResponse, "dataflow.jobs.list"),
            f"{jobs}/GetJob": Method(self._get, GetJobRequest, Job, "dataflow.jobs.get"),
            f"{jobs}/UpdateJob": Method(self._update, UpdateJobRequest, Job, "dataflow.jobs.cancel"),
            "MessagesV1Beta3/ListJobMessages": Method(*messages),
            "MetricsV1Beta3/GetJobMetrics": Method(
                self._metrics, GetJobMetricsRequest, JobMetrics, "dataflow.metrics.get"
            ),
        }
        return {f"/google.dataflow.v1beta3.{name}": method for name, method in methods.items()}

    def _answer(
        self, name: str, method: Method, routing: dict[str, str], request: Any, context: grpc.ServicerContext
    ) -> Any:
        """Without the routing header, the service takes no region but its own."""

        def act(request: Any) -> Any:
            if request.project_id != self.project:
                raise denied(method.permission, request.project_id)
            if request.location not in self.regions or routing.get("location") != request.location:
                raise wrong_region(request.location)
            answer = method.answer(request)
            if name in self._lost:
                self._lost.remove(name)
                raise Refusal(grpc.StatusCode.UNAVAILABLE, BUSY)
            return answer

        if name in self._held:
            self._held[name].wait(PATIENCE)
        return self.answer(name, request, context, act)

    def _launch(self, request: LaunchFlexTemplateRequest) -> LaunchFlexTemplateResponse:
        launch = request.launch_parameter
        inline = launch.container_spec if "container_spec" in launch else None
        check_launch(launch, inline or self.templates.get(launch.container_spec_gcs_path))
        active = next(
            (job for job in self._in(request) if job.name == launch.job_name and job.state not in ENDED), None
        )
        if launch.update and active is None:
            raise nothing_to_update(launch.job_name)
        if active is not None and (not launch.update or any(job.replaces is active for job in self._in(request))):
            raise already_active(launch.job_name)
        if request.validate_only:
            return LaunchFlexTemplateResponse()
        life = self.lives.popleft() if self.lives else Life()
        labels = dict(launch.environment.additional_user_labels)
        job_id = self.add(launch.job_name, life, region=request.location, labels=labels, replaces=active)
        return LaunchFlexTemplateResponse(job=self.jobs[job_id].told(JobView.JOB_VIEW_SUMMARY))

    def _list(self, request: ListJobsRequest) -> ListJobsResponse:
        """The active ones first. Nobody's look: a job that is listed goes no step on."""
        jobs = [job for job in self._in(request) if not request.name or job.name == request.name]
        active, ended = ([job for job in jobs if (job.state in ENDED) is flag] for flag in (False, True))
        listed = {Filter.ACTIVE: active, Filter.TERMINATED: ended}.get(request.filter, active + ended)
        jobs, token = page(listed, request.page_token, PAGE)
        return ListJobsResponse(jobs=[job.told(JobView.JOB_VIEW_SUMMARY) for job in jobs], next_page_token=token)

    def _get(self, request: GetJobRequest) -> Job:
        job = self._job(request)
        if request.view in (JobView.JOB_VIEW_UNKNOWN, JobView.JOB_VIEW_SUMMARY):
            job.look()
        return job.told(request.view)

    def _update(self, request: UpdateJobRequest) -> Job:
        job = self._job(request)
        wanted = request.job.requested_state
        operation = {DRAINED: "drain", CANCELLED: "cancel"}[wanted]
        if job.state in ENDED:
            raise not_allowed(operation, job.id, "Job is already in a terminal state.")
        if (wanted, job.state) in ((DRAINED, DRAINING), (CANCELLED, CANCELLING)):  # it is on its way
            return job.told(JobView.JOB_VIEW_SUMMARY)
        if wanted == DRAINED and job.state != RUNNING:
            raise not_allowed(operation, job.id, "Job is not yet ready for draining. Please retry in a few minutes.")
        job.turn(job.life.draining if wanted == DRAINED else job.life.cancelling)
        return job.told(JobView.JOB_VIEW_SUMMARY)

    def _messages(self, request: ListJobMessagesRequest) -> ListJobMessagesResponse:
        job = self._job(request)
        least = IMPORTANCES.index(request.minimum_importance)
        said = [each for each in job.said() if IMPORTANCES.index(each.message_importance) >= least]
        said, token = page(_since(said, request.start_time, "time"), request.page_token, PAGE)
        events = [] if request.page_token else _since(job.life.events, request.start_time, "time")
        return ListJobMessagesResponse(job_messages=said, next_page_token=token, autoscaling_events=events)

    def _metrics(self, request: GetJobMetricsRequest) -> JobMetrics:
        job = self._job(request)
        snapshots = job.life.metrics
        metrics = snapshots[min(job.metrics_asked, len(snapshots) - 1)]
        job.metrics_asked += 1
        asked_at = job.measured()
        return JobMetrics(metric_time=asked_at, metrics=_since(metrics, request.start_time, "update_time"))

    def _in(self, request: Any) -> list[LivingJob]:
        return [job for job in self.jobs.values() if job.place == (request.project_id, request.location)]

    def _job(self, request: Any) -> LivingJob:
        for job in self._in(request):
            if job.id == request.job_id:
                return job
        raise unknown_job(request.job_id)


def _since(items: Iterable[Any], start: datetime | None, time: str) -> list[Any]:
    return [each for each in items if start is None or getattr(each, time) >= start]
