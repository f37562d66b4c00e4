"""The launch of a Flex Template, as a new job or in the place of one that runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from google.api_core import exceptions
from google.cloud.dataflow_v1beta3 import (
    FlexTemplateRuntimeEnvironment,
    Job,
    LaunchFlexTemplateParameter,
    LaunchFlexTemplateRequest,
    LaunchFlexTemplateResponse,
)

from streaming.dataflow.jobs import Jobs, Place
from streaming.dataflow.parameters import Template
from streaming.dataflow.refusals import asked, connected
from streaming.endpoints import flex_templates_client
from streaming.errors import PermanentError


@dataclass(frozen=True)
class LaunchPlan:
    """A launch in which nothing is wrong that can be found without the service.

    Attributes:
        place: where the job is to run.
        template: what it is launched from.
        parameters: the template's, by name.
        environment: the machines it runs on, and as whom.
        steps: the names of its graph's steps.
    """

    place: Place
    template: Template
    parameters: Mapping[str, str]
    environment: FlexTemplateRuntimeEnvironment
    steps: frozenset[str]

    def request(
        self, job_name: str, *, validate_only: bool, mapping: Mapping[str, str] | None = None
    ) -> LaunchFlexTemplateRequest:
        """What the service is asked.

        Args:
            job_name: the name of the job, or of the one that it takes the place of.
            validate_only: whether the service is to look at it and do nothing.
            mapping: new names of steps by old ones, to update a job; None is a job of its own.
        """
        launch = LaunchFlexTemplateParameter(
            job_name=job_name,
            parameters=self.parameters,
            environment=self.environment,
            update=mapping is not None,
            transform_name_mappings=mapping,
        )
        if self.template.is_remote:
            launch.container_spec_gcs_path = self.template.path
        else:
            launch.container_spec = self.template.spec
        return LaunchFlexTemplateRequest(
            project_id=self.place.project,
            location=self.place.region,
            launch_parameter=launch,
            validate_only=validate_only,
        )


def validate(request: LaunchFlexTemplateRequest) -> None:
    """Have the service look at a request that is to be validated only.

    Raises:
        PermanentError: it refuses.
    """
    launched = request.launch_parameter
    kind = "update" if launched.update else "launch"
    _ask(f"validate the {kind} of {launched.job_name}", request)


def launch(request: LaunchFlexTemplateRequest) -> Job:
    """Begin a job.

    The request is sent again while the service cannot be had, although the first one may have arrived: an active job of
    that name which is later than those that were there before is the one that was asked for.

    Raises:
        PermanentError: the service refuses.
    """
    launched = request.launch_parameter
    jobs = Jobs(Place(request.project_id, request.location))
    before = _latest(jobs.named(launched.job_name, active=False))
    try:
        return _ask(f"{'update' if launched.update else 'launch'} {launched.job_name}", request).job
    except PermanentError as error:
        if isinstance(error.__cause__, exceptions.AlreadyExists | exceptions.FailedPrecondition):
            active = jobs.named(launched.job_name, active=True)
            if (latest := _latest(active)) and (before is None or latest > before):  # by the service's own clock
                return active[0]
        raise


def _ask(what: str, request: LaunchFlexTemplateRequest) -> LaunchFlexTemplateResponse:
    return asked(what, connected(flex_templates_client).launch_flex_template, request)


def _latest(jobs: Sequence[Job]) -> datetime | None:
    """When the first of them, which is the latest, was created."""
    return jobs[0].create_time if jobs else None
