"""What Dataflow refuses is told on one line with the remedy; what passes is asked again."""

from __future__ import annotations

import pytest
from google.api_core import exceptions
from google.auth.exceptions import RefreshError
from google.cloud.dataflow_v1beta3 import GetJobRequest
from grpc import StatusCode

from streaming.dataflow.jobs import Jobs, Place
from streaming.dataflow.refusals import asked, connected
from streaming.errors import PermanentError
from tests.dataflow_refusals import ACT_AS, BUSY, NUMBER, QUOTA
from tests.dataflow_server import DataflowServer

LOGIN = "no valid credentials; run gcloud auth application-default login"
NO_QUOTA_PROJECT = (
    "Your application is authenticating by using local Application Default Credentials. The dataflow.googleapis.com "
    "API requires a quota project, which is not set by default."
)
DISABLED = (
    "Dataflow API has not been used in project 123 before or it is disabled. Enable it by visiting "
    "https://console.developers.google.com/apis/api/dataflow.googleapis.com/overview?project=123 then retry."
)


@pytest.mark.parametrize(
    ("code", "said", "told"),
    [
        (
            StatusCode.PERMISSION_DENIED,
            f"{NUMBER}Permission 'dataflow.jobs.get' denied on project: 'p'",
            f"{NUMBER}Permission 'dataflow.jobs.get' denied on project: 'p'; the caller needs "
            "roles/dataflow.developer on the project",
        ),
        (
            StatusCode.PERMISSION_DENIED,
            ACT_AS,
            f"{ACT_AS.rstrip('.')}; the caller needs roles/iam.serviceAccountUser on that account",
        ),
        (
            StatusCode.PERMISSION_DENIED,
            NO_QUOTA_PROJECT,
            f"{NO_QUOTA_PROJECT.rstrip('.')}; run gcloud auth application-default set-quota-project PROJECT",
        ),
        (
            StatusCode.PERMISSION_DENIED,
            DISABLED,
            f"{DISABLED.rstrip('.')}; run gcloud services enable dataflow.googleapis.com",
        ),
        (
            StatusCode.RESOURCE_EXHAUSTED,
            QUOTA,
            f"{QUOTA.rstrip('.')}; ask for fewer or smaller workers (--max-workers, --machine-type), another --region, "
            "or more quota",
        ),
        (
            StatusCode.DEADLINE_EXCEEDED,
            "Deadline Exceeded",
            "no answer in time; try again; `pubsub-inference jobs` shows what has come of it",
        ),
        (StatusCode.UNAUTHENTICATED, "Expired.", f"{LOGIN} (401 Expired.)"),
        (StatusCode.INVALID_ARGUMENT, "JobName invalid;\nthe name", "JobName invalid; the name"),
    ],
)
def test_a_refusal_is_one_line_with_the_remedy_and_is_not_asked_again(
    code: StatusCode, said: str, told: str, dataflow: DataflowServer
) -> None:
    dataflow.fail("GetJob", code, said, times=2)
    with pytest.raises(PermanentError) as raised:
        Jobs(Place("my-project", "europe-west4")).get("j")
    assert str(raised.value) == f"cannot look up job j: {told}"
    assert len(dataflow.asked(GetJobRequest)) == 1


def test_a_service_that_is_unavailable_for_a_moment_is_asked_again(dataflow: DataflowServer) -> None:
    job_id = dataflow.add("readings")
    dataflow.fail("GetJob", StatusCode.UNAVAILABLE, BUSY)
    assert Jobs(Place("my-project", "europe-west4")).get(job_id).name == "readings"
    assert len(dataflow.asked(GetJobRequest)) == 2


def test_one_that_stays_unavailable_is_told_with_where_outages_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streaming.service_errors.PATIENCE_SECONDS", 0.0)
    monkeypatch.delenv("DATAFLOW_EMULATOR_HOST", raising=False)

    def unavailable(**_: object) -> None:
        raise exceptions.ServiceUnavailable(BUSY)

    with pytest.raises(PermanentError) as raised:
        asked("launch readings", unavailable, GetJobRequest())
    assert str(raised.value) == (
        "cannot launch readings: The service is currently unavailable; try again; status.cloud.google.com tells of "
        "outages"
    )


def test_credentials_that_are_no_longer_valid_are_told_as_none_are() -> None:
    def expired(**_: object) -> None:
        raise RefreshError("Reauthentication is needed.")

    with pytest.raises(PermanentError) as raised:
        asked("drain job j", expired, GetJobRequest())
    assert str(raised.value) == f"cannot drain job j: {LOGIN} (Reauthentication is needed.)"
    with pytest.raises(PermanentError) as raised:
        connected(expired)
    assert str(raised.value) == f"cannot ask Dataflow: {LOGIN} (Reauthentication is needed.)"
