"""The jobs of a project in one region, as Dataflow's service knows them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from operator import attrgetter
from typing import Any

from google.cloud.dataflow_v1beta3 import (
    GetJobMetricsRequest,
    GetJobRequest,
    Job,
    JobMessage,
    JobMessageImportance,
    JobMetrics,
    JobState,
    JobsV1Beta3Client,
    JobView,
    ListJobMessagesRequest,
    ListJobMessagesResponse,
    ListJobsRequest,
    MessagesV1Beta3Client,
    MetricsV1Beta3Client,
    UpdateJobRequest,
)

from streaming.dataflow.refusals import asked, connected
from streaming.endpoints import jobs_client, messages_client, metrics_client
from streaming.errors import PermanentError

ENDED = frozenset(
    {
        JobState.JOB_STATE_DONE,
        JobState.JOB_STATE_FAILED,
        JobState.JOB_STATE_CANCELLED,
        JobState.JOB_STATE_UPDATED,
        JobState.JOB_STATE_DRAINED,
    }
)
"""The states that no job leaves."""

_ID = re.compile(r"\d{4}-\d\d-\d\d_\d\d_\d\d_\d\d-\d+")


@dataclass(frozen=True)
class Place:
    """Where jobs run."""

    project: str
    region: str

    def console_link(self, job_id: str) -> str:
        """The job's page in the Google Cloud console."""
        return f"https://console.cloud.google.com/dataflow/jobs/{self.region}/{job_id}?project={self.project}"

    def flags(self) -> str:
        """The flags by which a command is told of this place."""
        return f"--project={self.project} --region={self.region}"


@dataclass(frozen=True)
class Jobs:
    """The jobs of a place. Every method asks the service, and raises `PermanentError` where it refuses."""

    place: Place

    def find(self, job: str) -> Job:
        """The job of this id; or of this name: the one that is active, else the latest."""
        if is_id(job):
            return self.get(job)
        if named := self.named(job, active=True) or self.named(job, active=False):
            return named[0]
        raise PermanentError(
            f"no job {job!r} in {self.place.region} of {self.place.project}; `pubsub-inference jobs --all "
            f"{self.place.flags()}` lists those there are"
        )

    def get(self, job_id: str, view: JobView = JobView.JOB_VIEW_SUMMARY) -> Job:
        """The job of this id."""
        request = GetJobRequest(project_id=self.place.project, location=self.place.region, job_id=job_id, view=view)
        return asked(f"look up job {job_id}", self._client.get_job, request)

    def step_names(self, job_id: str) -> frozenset[str]:
        """The names of the steps that the job was started with: `Infer/times5/BeamML_RunInference`, ..."""
        job = self.get(job_id, JobView.JOB_VIEW_ALL)
        described = {each.name for each in job.pipeline_description.original_pipeline_transform}
        steps = [each.properties or {} for each in job.steps]  # their own names are numbers
        translated = {str(properties.get("user_name", "")) for properties in steps}
        return frozenset(name for name in described or translated if name)

    def all(self, *, active: bool) -> list[Job]:
        """Those that run, or all that the service still knows; the latest first."""
        return self._list(active)

    def named(self, name: str, *, active: bool) -> list[Job]:
        """The same of those of this name."""
        return [each for each in self._list(active, name) if each.name == name]

    def request(self, job_id: str, state: JobState) -> None:
        """Ask for `JOB_STATE_DRAINED` or `JOB_STATE_CANCELLED`; the service begins, and is not waited for."""
        verb = "drain" if state == JobState.JOB_STATE_DRAINED else "cancel"
        request = UpdateJobRequest(
            project_id=self.place.project, location=self.place.region, job_id=job_id, job=Job(requested_state=state)
        )
        asked(f"{verb} job {job_id}", self._client.update_job, request)

    def messages(
        self,
        job_id: str,
        minimum: JobMessageImportance = JobMessageImportance.JOB_MESSAGE_BASIC,
        since: datetime | None = None,
    ) -> list[JobMessage]:
        """What the job has said of itself, from `since` on, in order of time."""
        said = [message for page in self.message_pages(job_id, minimum, since) for message in page.job_messages]
        return sorted(said, key=attrgetter("time"))

    def message_pages(
        self, job_id: str, minimum: JobMessageImportance, since: datetime | None = None
    ) -> list[ListJobMessagesResponse]:
        """What the job has said of itself, and what its autoscaling has done, from `since` on; all pages."""
        request = ListJobMessagesRequest(
            project_id=self.place.project,
            location=self.place.region,
            job_id=job_id,
            minimum_importance=minimum,
            start_time=since,
        )
        what = f"read the messages of job {job_id}"
        return asked(what, _pages(self._messages_client.list_job_messages), request)

    def metrics(self, job_id: str) -> JobMetrics:
        """All metrics of the job as they are now, tentative ones included."""
        request = GetJobMetricsRequest(project_id=self.place.project, location=self.place.region, job_id=job_id)
        return asked(f"read the metrics of job {job_id}", self._metrics_client.get_job_metrics, request)

    def _list(self, active: bool, name: str = "") -> list[Job]:
        filter_ = ListJobsRequest.Filter.ACTIVE if active else ListJobsRequest.Filter.ALL
        where = {"project_id": self.place.project, "location": self.place.region}
        request = ListJobsRequest(**where, filter=filter_, name=name)
        what = f"list the jobs of {self.place.project} in {self.place.region}"
        listed = [job for page in asked(what, _pages(self._client.list_jobs), request) for job in page.jobs]
        return sorted(listed, key=attrgetter("create_time"), reverse=True)

    @cached_property
    def _client(self) -> JobsV1Beta3Client:
        return connected(jobs_client)

    @cached_property
    def _messages_client(self) -> MessagesV1Beta3Client:
        return connected(messages_client)

    @cached_property
    def _metrics_client(self) -> MetricsV1Beta3Client:
        return connected(metrics_client)


def _pages(method: Callable[..., Any]) -> Callable[..., list[Any]]:
    """The method with all its pages: those after the first are asked for only when they are looked at."""

    def call(**arguments: Any) -> list[Any]:
        return list(method(**arguments).pages)

    return call


def is_id(job: str) -> bool:
    """Whether it is a job's id, and not its name."""
    return _ID.fullmatch(job) is not None


def show_state(state: JobState) -> str:
    """The state as a word: `running`, `draining`, ..."""
    return JobState(state).name.removeprefix("JOB_STATE_").lower().replace("_", " ")
