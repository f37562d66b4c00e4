"""What is wrong with the settings of a launch, by Google Cloud's own rules for names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from streaming.arguments import wrong_value
from streaming.dataflow.commands.options import REGION, ZONE, wrong_place
from streaming.dataflow.commands.settings import Settings
from streaming.durations import parse_duration

_JOB_NAME = re.compile("[a-z]([-a-z0-9]{0,1022}[a-z0-9])?")
_SUBNETWORK = re.compile(
    rf"(?:https://www\.googleapis\.com/compute/v1/projects/[a-z0-9.:-]+/)?regions/({REGION})/subnetworks/[a-z0-9-]+"
)
_LABEL = re.compile(r"([^=]*)=([^=]*)")
_LABEL_KEY = re.compile(r"(?![\d_-])[\w-]{1,63}")  # letters of any script, as long as none is a capital
_LABEL_VALUE = re.compile(r"[\w-]{0,63}")
_MOST_LABEL_BYTES = 128
_MOST_LABELS = 64


class _Form(NamedTuple):
    """What the text of a setting looks like."""

    setting: str
    pattern: str
    meant: str


_GS = r"gs://[a-z0-9][a-z0-9._-]*[a-z0-9](?:/[^\r\n]*)?"
_FORMS = (
    _Form(
        "service_account",
        r"[^@\s]+@[a-z0-9.-]+\.[a-z]+",
        "an account's email, as in NAME@PROJECT.iam.gserviceaccount.com",
    ),
    _Form("network", r"[a-z]([a-z0-9-]*[a-z0-9])?", "a network's name, as in default; a subnetwork has --subnetwork"),
    _Form("subnetwork", _SUBNETWORK.pattern, "of the form regions/REGION/subnetworks/NAME, or the whole URL"),
    _Form("worker_zone", ZONE, "a zone, as in europe-west4-a"),
    _Form("machine_type", r"[a-z0-9]+(-[a-z0-9]+)+", "a machine type, as in n2-standard-2"),
    _Form("launcher_machine_type", r"[a-z0-9]+(-[a-z0-9]+)+", "a machine type, as in n2-standard-2"),
    _Form("staging_location", _GS, "of the form gs://BUCKET/PATH"),
    _Form("temp_location", _GS, "of the form gs://BUCKET/PATH"),
    _Form(
        "kms_key",
        r"projects/[^/\s]+/locations/[^/\s]+/keyRings/[^/\s]+/cryptoKeys/[^/\s]+",
        "of the form projects/PROJECT/locations/LOCATION/keyRings/RING/cryptoKeys/KEY",
    ),
)
_BOUNDS = {"num_workers": (1, 1000), "max_workers": (1, 1000), "disk_size_gb": (10, 65_536)}


def wrong_job(job: str) -> Iterator[str]:
    """What is wrong with the argument `JOB`, a job's name or id."""
    from streaming.dataflow.jobs import is_id

    if job.startswith("-"):
        yield _misplaced("JOB", job)
    elif not is_id(job) and not _JOB_NAME.fullmatch(job):
        yield f"JOB: {job!r} is neither the name of a job nor an id; `pubsub-inference jobs --all` lists both"


def wrong_name(name: str) -> Iterator[str]:
    """What is wrong with the argument `JOB_NAME`, a new job's name."""
    if name.startswith("-"):
        yield _misplaced("JOB_NAME", name)
    elif not _JOB_NAME.fullmatch(name):
        yield (
            f"JOB_NAME: {name!r} is no name for a job; it has at most 1,024 lower-case letters, digits and hyphens, "
            "a letter first and no hyphen last"
        )


def _misplaced(argument: str, given: str) -> str:
    return f"{argument}: {given!r} stands where the job's name should; write the name first, the parameters after it"


def wrong_settings(settings: Settings) -> Iterator[str]:
    """What is wrong with the settings, a line each."""
    yield from wrong_place(settings.project, settings.region)
    yield from wrong_value("--timeout", settings.timeout, parse_duration)
    if settings.timeout is not None and (settings.dry_run or not settings.wait):
        yield "--timeout: nothing is waited for with --no-wait or --dry-run; leave one of them out"
    for setting, pattern, meant in _FORMS:
        value = getattr(settings, setting)
        if value is not None and not re.fullmatch(pattern, value):
            yield f"{_flag(setting)}: {value!r} is not {meant}"
    yield from _wrong_regions(settings)
    yield from _wrong_numbers(settings)
    yield from _wrong_labels(settings)


def _flag(setting: str) -> str:
    return f"--{setting.replace('_', '-')}"


def _wrong_regions(settings: Settings) -> Iterator[str]:
    subnetwork = _SUBNETWORK.fullmatch(settings.subnetwork or "")
    if subnetwork and subnetwork[1] != settings.region:
        yield f"--subnetwork: is in {subnetwork[1]}; the workers run in --region={settings.region}, and need one there"
    zone = settings.worker_zone or ""
    if re.fullmatch(ZONE, zone) and not zone.startswith(f"{settings.region}-"):
        yield f"--worker-zone: {zone} is not in --region={settings.region}; name one that is, or none"


def _wrong_numbers(settings: Settings) -> Iterator[str]:
    for setting, (least, most) in _BOUNDS.items():
        value = getattr(settings, setting)
        if value is not None and not least <= value <= most:
            yield f"{_flag(setting)}: {value} is out of range; give {least} to {most}"
    first, last = settings.num_workers, settings.max_workers
    if first is not None and last is not None and first > last:
        yield f"--num-workers: {first} are more than --max-workers={last}; begin with fewer, or allow more"


def _wrong_labels(settings: Settings) -> Iterator[str]:
    keys = set()
    for label in settings.label:
        parts = _LABEL.fullmatch(label)
        if parts is None:
            yield f"--label: {label!r} is not of the form KEY=VALUE"
            continue
        key, value = parts.groups()
        fits = _LABEL_KEY.fullmatch(key) and _LABEL_VALUE.fullmatch(value)
        if not fits or label != label.lower() or max(len(part.encode()) for part in (key, value)) > _MOST_LABEL_BYTES:
            yield (
                f"--label: {label!r} has other characters than lower-case letters, digits, _ and -, more than 63 of "
                "them (or 128 bytes) in key or value, or a key that begins with no letter"
            )
        elif key in keys:
            yield f"--label: {key} is given twice; keep one"
        keys.add(key)
    if len(keys) > _MOST_LABELS:
        yield f"--label: {len(keys)} are given; a job has at most {_MOST_LABELS}"
