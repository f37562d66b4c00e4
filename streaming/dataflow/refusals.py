"""Why Dataflow has not done what it was asked to: one line, with the remedy."""

from __future__ import annotations

from google.api_core import exceptions

from streaming.asking import Service
from streaming.endpoints import show_dataflow

_REMEDIES = {
    exceptions.AlreadyExists: "give it another name, or `pubsub-inference update` the job that runs",
    exceptions.DeadlineExceeded: "try again; `pubsub-inference jobs` shows what has come of it",
    exceptions.NotFound: "mind --project and --region; `pubsub-inference jobs --all` lists the jobs there",
    exceptions.PermissionDenied: "the caller needs roles/dataflow.developer on the project",
    exceptions.ResourceExhausted: "ask for fewer or smaller workers (--max-workers, --machine-type), another --region, "
    "or more quota",
    exceptions.ServiceUnavailable: "try again; status.cloud.google.com tells of outages",
}
_REMEDIES_OF_DENIALS = {
    "act as service account": "the caller needs roles/iam.serviceAccountUser on that account",
    "quota project": "run gcloud auth application-default set-quota-project PROJECT",
    "has not been used in project": "run gcloud services enable dataflow.googleapis.com",
}
"""By what the service says where another role is missing, or none."""

_DATAFLOW = Service("Dataflow", show_dataflow, _REMEDIES, _REMEDIES_OF_DENIALS)

connected = _DATAFLOW.connected
asked = _DATAFLOW.asked
