"""What Dataflow says where it refuses, in its own words; each with the number that it puts before them."""

from __future__ import annotations

import re
from collections.abc import Iterator

import grpc
from google.cloud.dataflow_v1beta3 import ContainerSpec, LaunchFlexTemplateParameter

from tests.grpc_servers import Refusal

NUMBER = "(78f666ea16e50f79): "
NAME = re.compile("[a-z]([-a-z0-9]{0,1022}[a-z0-9])?")

QUOTA = (
    f"{NUMBER}The workflow could not be created. Causes: (78f666ea16e50c1a): Dataflow quota error for jobs-per-project "
    "quota. Project my-project is running 25 jobs. Please check the quota usage via GCP Console. If it exceeds the "
    "limit, please wait for a workflow to finish or contact Google Cloud Support to request an increase in quota."
)
ACT_AS = (
    f"{NUMBER}Current user cannot act as service account worker@my-project.iam.gserviceaccount.com. Causes: "
    "(78f666ea16e50c1a): Current user cannot act as service account worker@my-project.iam.gserviceaccount.com."
)
BUSY = "The service is currently unavailable."
WRONG_NAME = (
    "JobName invalid; the name must consist of only the characters [-a-z0-9], starting with a letter and ending with a "
    "letter or number"
)


def wrong_region(region: str) -> Refusal:
    return Refusal(
        grpc.StatusCode.FAILED_PRECONDITION,
        f"{NUMBER}The workflow could not be created, since it was sent to an invalid regional endpoint ({region}) or "
        "the wrong API endpoint was used. Please resubmit to a valid Cloud Dataflow regional endpoint.",
    )


def denied(permission: str, project: str) -> Refusal:
    """Also what is said of a project that does not exist."""
    text = f"{NUMBER}Permission '{permission}' denied on project: '{project}'"
    return Refusal(grpc.StatusCode.PERMISSION_DENIED, text)


def unknown_job(job_id: str) -> Refusal:
    return Refusal(
        grpc.StatusCode.NOT_FOUND,
        f"{NUMBER}Information about job {job_id} could not be found in our system. Please double check the id is "
        "correct. If it is please contact customer support.",
    )


def already_active(name: str) -> Refusal:
    return Refusal(
        grpc.StatusCode.ALREADY_EXISTS,
        f"{NUMBER}There is already an active job named {name}. If you want to  submit a second job, try again by "
        "setting a different name.",
    )


def nothing_to_update(name: str) -> Refusal:
    return Refusal(grpc.StatusCode.NOT_FOUND, f"{NUMBER}There is no active job named {name} to update.")


def not_allowed(operation: str, job_id: str, why: str) -> Refusal:
    return Refusal(
        grpc.StatusCode.FAILED_PRECONDITION,
        f"{NUMBER}Workflow modification failed. Causes: (78f666ea16e50c1a): Operation {operation} not allowed for job "
        f"{job_id}. {why}",
    )


def check_launch(launch: LaunchFlexTemplateParameter, spec: ContainerSpec | None) -> None:
    """Refuse a launch by what it asks for.

    Args:
        launch: what is asked for.
        spec: the template that it names, if there is one.
    """
    if not NAME.fullmatch(launch.job_name):
        raise Refusal(grpc.StatusCode.INVALID_ARGUMENT, WRONG_NAME)
    if spec is None:
        path = launch.container_spec_gcs_path
        raise Refusal(grpc.StatusCode.NOT_FOUND, f"{NUMBER}Unable to open template file: {path}.")
    if wrong := list(_wrong_parameters(launch, spec)):
        text = "The template parameters are invalid. Details: \n" + "\n".join(wrong)
        raise Refusal(grpc.StatusCode.INVALID_ARGUMENT, text)


def _wrong_parameters(launch: LaunchFlexTemplateParameter, spec: ContainerSpec) -> Iterator[str]:
    known = {each.name: each for each in spec.metadata.parameters}
    for name in sorted(launch.parameters):
        if name not in known:
            yield f"{name}: Unrecognized parameter"
    for name, parameter in known.items():
        if name not in launch.parameters:
            if not parameter.is_optional:
                yield f"{name}: Missing required parameter"
            continue
        for regex in parameter.regexes:
            if not re.fullmatch(regex, launch.parameters[name]):
                yield f"{name}: Parameter didn't match regex '{regex}'"
