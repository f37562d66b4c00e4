"""Jobs as a table for people, and as a document for machines."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from google.cloud.dataflow_v1beta3 import Job, JobType
from rich.table import Table
from rich.text import Text

from streaming.dataflow.jobs import Place, show_state


def table(jobs: Iterable[Job], now: datetime) -> Table:
    """A row a job: what it is called, how it is, since when; created when; what it runs."""
    shown = Table("name", "id", "state", "since", "created", "type", "SDK", box=None, pad_edge=False)
    for job in jobs:
        cells = [
            job.name,
            job.id,
            show_state(job.current_state),
            show_age(now - job.current_state_time) if job.current_state_time else "-",
            f"{job.create_time:%Y-%m-%d %H:%M:%SZ}",
            _type(job) or "-",
            _sdk(job) or "-",
        ]
        shown.add_row(*map(Text, cells))
    return shown


def document(place: Place, jobs: Iterable[Job]) -> dict[str, Any]:
    """The same as JSON; what the service does not say is null."""
    return {"project": place.project, "region": place.region, "jobs": [_job(place, job) for job in jobs]}


def show_age(age: timedelta) -> str:
    """The age in its greatest unit: `45s`, `12m`, `3h`, `5d`; a clock that lags makes nothing younger than `0s`."""
    seconds = max(0, int(age.total_seconds()))
    for unit, size in (("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def _job(place: Place, job: Job) -> dict[str, Any]:
    return {
        "name": job.name,
        "id": job.id,
        "state": show_state(job.current_state).replace(" ", "_"),
        "state_since": _time(job.current_state_time),
        "created": _time(job.create_time),
        "type": _type(job),
        "sdk": _sdk(job),
        "labels": dict(sorted(job.labels.items())),
        "replaces": job.replace_job_id or None,
        "replaced_by": job.replaced_by_job_id or None,
        "console": place.console_link(job.id),
    }


def _type(job: Job) -> str | None:
    """`streaming` or `batch`; it is not known before the launcher has run."""
    return JobType(job.type_).name.removeprefix("JOB_TYPE_").lower() if job.type_ else None


def _sdk(job: Job) -> str | None:
    sdk = job.job_metadata.sdk_version
    return f"{sdk.version_display_name} {sdk.version}".strip() or None


def _time(time: datetime | None) -> str | None:
    return time.astimezone(UTC).isoformat(timespec="seconds") if time else None
