"""What is wrong with the settings of a launch."""

from __future__ import annotations

from typing import Any

import pytest

from streaming.dataflow.commands.settings import Settings
from streaming.dataflow.commands.settings_mistakes import wrong_job, wrong_name, wrong_settings

KEY = "projects/p/locations/europe-west4/keyRings/r/cryptoKeys/k"


def wrong(**settings: Any) -> list[str]:
    """What is wrong with these in europe-west4."""
    return [*wrong_settings(Settings(template="t", project="my-project", region="europe-west4", **settings))]


@pytest.mark.parametrize("name", ["a", "readings-1", "a" * 1024])
def test_names_of_jobs(name: str) -> None:
    assert [*wrong_name(name)] == []


@pytest.mark.parametrize("name", ["", "Readings", "1a", "a-", "a_b", "a.b", "é", "a" * 1025, "a\n"])
def test_texts_that_name_no_job(name: str) -> None:
    (line,) = wrong_name(name)
    assert line.startswith(f"JOB_NAME: {name!r} is no name for a job; ")


def test_a_flag_in_place_of_a_job() -> None:
    said = "stands where the job's name should; write the name first, the parameters after it"
    assert [*wrong_name("--a=b")] == [f"JOB_NAME: '--a=b' {said}"]
    assert [*wrong_job("--a=b")] == [f"JOB: '--a=b' {said}"]
    assert [*wrong_job("2026-07-01_12_00_00-1")] == [*wrong_job("readings-1")] == []


@pytest.mark.parametrize("job", ["", "Readings", "2026-07-01"])
def test_texts_that_are_neither_name_nor_id(job: str) -> None:
    assert [*wrong_job(job)] == [
        f"JOB: {job!r} is neither the name of a job nor an id; `pubsub-inference jobs --all` lists both"
    ]


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"service_account": "123-compute@developer.gserviceaccount.com"},
        {"service_account": "worker@example.com.my-project.iam.gserviceaccount.com"},
        {"subnetwork": "regions/europe-west4/subnetworks/workers"},
        {
            "subnetwork": "https://www.googleapis.com/compute/v1/projects/example.com:host/regions/europe-west4/"
            "subnetworks/workers"
        },
        {"worker_zone": "europe-west4-b"},
        {"machine_type": "e2-custom-2-4096"},
        {"num_workers": 2, "max_workers": 2},
        {"staging_location": "gs://bucket", "temp_location": "gs://my_bucket.example.com/a/b/"},
        {"kms_key": KEY},
        {"label": ["team=devices", "größe_1=", "cost-centre=4-2"]},
        {"label": [f"key{number}=" for number in range(64)]},
        {"timeout": "30m"},
    ],
)
def test_settings_in_which_nothing_is_wrong(settings: dict[str, Any]) -> None:
    assert wrong(**settings) == []


@pytest.mark.parametrize(
    ("setting", "value", "meant"),
    [
        ("service_account", "worker", "an account's email, as in NAME@PROJECT.iam.gserviceaccount.com"),
        ("network", "projects/p/global/networks/n", "a network's name, as in default; a subnetwork has --subnetwork"),
        ("subnetwork", "workers", "of the form regions/REGION/subnetworks/NAME, or the whole URL"),
        ("worker_zone", "europe-west4", "a zone, as in europe-west4-a"),
        ("machine_type", "large", "a machine type, as in n2-standard-2"),
        ("launcher_machine_type", "N1-standard-1", "a machine type, as in n2-standard-2"),
        ("staging_location", "/tmp", "of the form gs://BUCKET/PATH"),
        ("temp_location", "gs://", "of the form gs://BUCKET/PATH"),
        ("kms_key", "k", "of the form projects/PROJECT/locations/LOCATION/keyRings/RING/cryptoKeys/KEY"),
    ],
)
def test_a_text_of_another_form(setting: str, value: str, meant: str) -> None:
    assert wrong(**{setting: value}) == [f"--{setting.replace('_', '-')}: {value!r} is not {meant}"]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (
            {"subnetwork": "regions/us-central1/subnetworks/s"},
            "--subnetwork: is in us-central1; the workers run in --region=europe-west4, and need one there",
        ),
        (
            {"worker_zone": "europe-west1-b"},
            "--worker-zone: europe-west1-b is not in --region=europe-west4; name one that is, or none",
        ),
        (
            {"num_workers": 5, "max_workers": 4},
            "--num-workers: 5 are more than --max-workers=4; begin with fewer, or allow more",
        ),
        ({"num_workers": 0}, "--num-workers: 0 is out of range; give 1 to 1000"),
        ({"max_workers": 1001}, "--max-workers: 1001 is out of range; give 1 to 1000"),
        ({"disk_size_gb": 9}, "--disk-size-gb: 9 is out of range; give 10 to 65536"),
        ({"label": ["team"]}, "--label: 'team' is not of the form KEY=VALUE"),
        ({"label": ["a=b=c"]}, "--label: 'a=b=c' is not of the form KEY=VALUE"),
        ({"label": ["team=a", "team=b"]}, "--label: team is given twice; keep one"),
        ({"label": [f"k{number}=" for number in range(65)]}, "--label: 65 are given; a job has at most 64"),
        (
            {"timeout": "1m", "wait": False},
            "--timeout: nothing is waited for with --no-wait or --dry-run; leave one of them out",
        ),
    ],
)
def test_settings_that_do_not_fit(settings: dict[str, Any], told: str) -> None:
    assert wrong(**settings) == [told]


@pytest.mark.parametrize(
    "label", ["Team=a", "team=A", "1a=b", "_a=b", "=b", "a b=c", f"{'a' * 64}=b", f"a={'b' * 64}", f"{'水' * 43}="]
)
def test_labels_that_google_cloud_refuses(label: str) -> None:
    (line,) = wrong(label=[label])
    assert line.startswith(f"--label: {label!r} has other characters than lower-case letters, digits, _ and -, ")
