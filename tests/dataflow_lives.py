"""The lives of jobs, as tests write them for the Dataflow service in this process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from google.cloud.dataflow_v1beta3 import (
    AutoscalingEvent,
    DisplayData,
    Job,
    JobMessage,
    JobMessageImportance,
    JobMetadata,
    JobState,
    JobType,
    JobView,
    MetricUpdate,
    PipelineDescription,
    PubSubIODetails,
    SdkVersion,
    Step,
    TransformSummary,
)

BEGINNING = datetime(2026, 7, 1, 12, tzinfo=UTC)
"""When the first job is created; each one after it a minute later."""

QUEUED, PENDING, RUNNING = JobState.JOB_STATE_QUEUED, JobState.JOB_STATE_PENDING, JobState.JOB_STATE_RUNNING
DRAINING, DRAINED = JobState.JOB_STATE_DRAINING, JobState.JOB_STATE_DRAINED
CANCELLING, CANCELLED = JobState.JOB_STATE_CANCELLING, JobState.JOB_STATE_CANCELLED
DONE, FAILED, UPDATED = JobState.JOB_STATE_DONE, JobState.JOB_STATE_FAILED, JobState.JOB_STATE_UPDATED
ENDED = {DONE, FAILED, CANCELLED, UPDATED, DRAINED}

DEBUG, DETAILED = JobMessageImportance.JOB_MESSAGE_DEBUG, JobMessageImportance.JOB_MESSAGE_DETAILED
BASIC, WARNING = JobMessageImportance.JOB_MESSAGE_BASIC, JobMessageImportance.JOB_MESSAGE_WARNING
ERROR = JobMessageImportance.JOB_MESSAGE_ERROR
IMPORTANCES = (JobMessageImportance.JOB_MESSAGE_IMPORTANCE_UNKNOWN, DEBUG, DETAILED, BASIC, WARNING, ERROR)
"""From the least one on; their numbers are in another order."""


@dataclass(frozen=True)
class Said:
    """A message of a job: said once the job has been seen in state `at`, or from its beginning on.

    It bears the time `after` the job's beginning; by default a second after the message before it.
    """

    text: str
    importance: JobMessageImportance = BASIC
    at: JobState | None = None
    after: timedelta | None = None


@dataclass(frozen=True)
class Life:
    """What becomes of a job; each look at it, a `GetJob` for a summary, is a step.

    Attributes:
        states: its states, one a look; the last one stays.
        draining, cancelling: the same once it is asked to drain or to cancel.
        messages: what it says of itself, in order of time, a second between two.
        steps: the names of its graph's steps; the service knows them once the launcher has run.
        described: whether it tells them with the pipeline's description, or only with the steps that it has made of it.
        events: what its autoscaling has done.
        metrics: the answers of `GetJobMetrics`, one a call; the last one stays.
        measured: when they were so, where that is not a minute after the one before.
        display: what the last of its steps shows.
        subscriptions: what the service finds among its steps.
    """

    states: Sequence[JobState] = (QUEUED, PENDING, RUNNING)
    draining: Sequence[JobState] = (DRAINING, DRAINING, DRAINED)
    cancelling: Sequence[JobState] = (CANCELLING, CANCELLED)
    messages: Sequence[Said] = ()
    steps: Sequence[str] = ()
    described: bool = True
    events: Sequence[AutoscalingEvent] = ()
    metrics: Sequence[Sequence[MetricUpdate]] = ((),)
    measured: Sequence[datetime] = ()
    display: Mapping[str, str] = field(default_factory=dict)
    subscriptions: Sequence[str] = ()


@dataclass
class LivingJob:
    """A job of the service, with as much of its life as has passed."""

    id: str
    name: str
    place: tuple[str, str]
    life: Life
    created: datetime
    labels: dict[str, str] = field(default_factory=dict)
    replaces: LivingJob | None = None
    replaced_by: str = ""
    metrics_asked: int = 0

    def __post_init__(self) -> None:
        self._path = self.life.states
        self._looks = 0
        self._seen = {self.state}

    @property
    def state(self) -> JobState:
        """The state at the last look; the first one before there was any."""
        return self._path[min(max(self._looks - 1, 0), len(self._path) - 1)]

    def look(self) -> None:
        """Go a step on. An update takes the place of the job that it replaces when it runs."""
        self._looks += 1
        self._seen.add(self.state)
        if self.replaces is not None and self.state == RUNNING:
            self.replaces.replaced_by = self.id
            self.replaces.turn((UPDATED,))

    def turn(self, path: Sequence[JobState]) -> None:
        """Go another way from here on."""
        self._path = path
        self._looks = 0

    def measured(self) -> datetime:
        """When the metrics that were asked for last were so."""
        times = self.life.measured
        if times:
            return times[min(self.metrics_asked, len(times)) - 1]
        return self.created + timedelta(minutes=self.metrics_asked)

    def told(self, view: JobView) -> Job:
        """The job as `GetJob` tells of it."""
        job = Job(
            id=self.id,
            project_id=self.place[0],
            location=self.place[1],
            name=self.name,
            current_state=self.state,
            current_state_time=self.created + timedelta(seconds=self._looks),
            create_time=self.created,
            labels=self.labels,
            replace_job_id=self.replaces.id if self.replaces else "",
            replaced_by_job_id=self.replaced_by,
        )
        if self.state != QUEUED:  # before, its launcher has not run
            sdk = SdkVersion(version="2.77.0", version_display_name="Apache Beam Python 3.11 SDK")
            job.type_ = JobType.JOB_TYPE_STREAMING
            read = [PubSubIODetails(subscription=name) for name in self.life.subscriptions]
            job.job_metadata = JobMetadata(sdk_version=sdk, pubsub_details=read)
            self._describe(job, view)
        return job

    def _describe(self, job: Job, view: JobView) -> None:
        if self.life.described and view in (JobView.JOB_VIEW_ALL, JobView.JOB_VIEW_DESCRIPTION):
            transforms = [TransformSummary(id=f"s{n}", name=name) for n, name in enumerate(self.life.steps, 1)]
            if self.life.display:
                shown = [DisplayData(key=key, str_value=value) for key, value in self.life.display.items()]
                transforms.append(TransformSummary(id=f"s{len(transforms) + 1}", display_data=shown))
            job.pipeline_description = PipelineDescription(original_pipeline_transform=transforms)
        if view == JobView.JOB_VIEW_ALL:
            job.steps = [
                Step(name=f"s{n}", kind="ParallelDo", **({"properties": {"user_name": name}} if name else {}))
                for n, name in enumerate(self.life.steps, 1)
            ]

    def said(self) -> list[JobMessage]:
        """Its messages up to here. They have no ids: the service calls them deprecated."""
        return [
            JobMessage(
                time=self.created + (said.after or timedelta(seconds=second)),
                message_text=said.text,
                message_importance=said.importance,
            )
            for second, said in enumerate(self.life.messages, 1)
            if said.at is None or said.at in self._seen
        ]
