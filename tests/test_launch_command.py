"""The command `launch`, from the arguments to what Dataflow is asked and what its user reads."""

from __future__ import annotations

from pathlib import Path

import pytest
from google.cloud.dataflow_v1beta3 import (
    ContainerSpec,
    StreamingMode,
    WorkerIPAddressConfiguration,
)

from tests.dataflow_cases import run
from tests.dataflow_lives import PENDING, Life, Said
from tests.launch_cases import ARGUMENTS, FROM_TEMPLATE, TEMPLATE, Cloud, announced, environment, request

pytestmark = pytest.mark.timeout(120)


def test_a_job_is_launched_and_waited_for(google: Cloud) -> None:
    google.dataflow.lives.append(Life(messages=[Said("Worker pool started.", at=PENDING)]))
    ended = google.run("launch", "readings", *FROM_TEMPLATE)
    assert (ended.code, ended.out.splitlines()) == (0, announced(google.the_job()))
    assert ended.err.splitlines() == [
        "job readings is queued",
        "12:00:01Z Worker pool started.",
        "job readings is pending",
        "job readings is running",
    ]
    assert google.request() == request(environment())


def test_every_setting_reaches_the_service(google: Cloud) -> None:
    ended = google.run(
        "launch",
        "readings",
        *FROM_TEMPLATE,
        "--region=us-central1",
        "--streaming_mode=exactly-once",
        "--service-account=worker@my-project.iam.gserviceaccount.com",
        "--network=devices",
        "--subnetwork=regions/us-central1/subnetworks/workers",
        "--no-public-ips",
        "--worker-zone=us-central1-a",
        "--machine-type=n2-standard-2",
        "--launcher-machine-type=n1-standard-1",
        "--num-workers=1",
        "--max-workers=4",
        "--disk-size-gb=30",
        "--staging-location=gs://bucket/staging",
        "--temp-location=gs://bucket/temp",
        "--kms-key=projects/p/locations/us-central1/keyRings/r/cryptoKeys/k",
        "--label=team=devices",
        "--label=cost-centre=",
        "--experiment=min_num_workers=1",
        "--experiment=enable_stackdriver_agent_metrics",
        "--no-wait",
    )
    assert (ended.code, ended.err) == (0, "")
    assert google.request().launch_parameter.environment == environment(
        streaming_mode=StreamingMode.STREAMING_MODE_EXACTLY_ONCE,
        service_account_email="worker@my-project.iam.gserviceaccount.com",
        network="devices",
        subnetwork="regions/us-central1/subnetworks/workers",
        ip_configuration=WorkerIPAddressConfiguration.WORKER_IP_PRIVATE,
        worker_zone="us-central1-a",
        machine_type="n2-standard-2",
        launcher_machine_type="n1-standard-1",
        num_workers=1,
        max_workers=4,
        disk_size_gb=30,
        staging_location="gs://bucket/staging",
        temp_location="gs://bucket/temp",
        kms_key_name="projects/p/locations/us-central1/keyRings/r/cryptoKeys/k",
        additional_user_labels={"team": "devices", "cost-centre": ""},
        additional_experiments=["min_num_workers=1", "enable_stackdriver_agent_metrics"],
    )


def test_a_local_template_is_sent_whole(google: Cloud, tmp_path: Path) -> None:
    path = tmp_path / "template.json"
    path.write_text(TEMPLATE)
    ended = google.run("launch", "readings", f"--template={path}", *ARGUMENTS, "--no-wait")
    assert (ended.code, ended.out.splitlines(), ended.err) == (0, announced(google.the_job()), "")
    assert google.request().launch_parameter.container_spec == ContainerSpec.from_json(TEMPLATE)


def test_a_dry_run_launches_nothing(google: Cloud) -> None:
    ended = google.run("launch", "readings", *FROM_TEMPLATE, "--dry-run")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == (
        "readings can be launched; parameters, job file, models and graph were checked here, the request and the "
        "template's parameters by Dataflow; nothing was launched\n"
    )
    assert google.request().validate_only
    assert google.dataflow.jobs == {}


def test_all_mistakes_are_told_before_anything_is_asked(google: Cloud) -> None:
    ended = google.run(
        "launch",
        "Readings_1",
        "--template=gs://bucket/template.json",
        "--job_file=multiply/job.yaml",
        "--input-subscription",
        "readings",
        "--output_tabel=my-project:data.predictions",
        "--batch_size=0",
        "--window_duration=1m",
        "--window-duration=1m",
        "--timeout=soon",
        "--service-account=worker",
    )
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.splitlines() == [
        "JOB_NAME: 'Readings_1' is no name for a job; it has at most 1,024 lower-case letters, digits and hyphens, a "
        "letter first and no hyphen last",
        "--timeout: 'soon' is not a duration; write a number and ms, s, m, h or d, as in 60s",
        "--service-account: 'worker' is not an account's email, as in NAME@PROJECT.iam.gserviceaccount.com",
        "--output_tabel: no option, and no parameter of the template; did you mean --output_table?",
        "--window_duration: given twice; keep one",
        "--job_file: multiply/job.yaml is a local path, which Dataflow cannot read; upload its directory with `gcloud "
        "storage cp -r DIR gs://BUCKET/`, and give --job_file=gs://bucket/pumps/job.yaml",
        "--input_subscription: 'readings' does not match ^$|^projects/[A-Za-z0-9._:-]+/subscriptions/[A-Za-z]"
        "[A-Za-z0-9._~+%-]*$; write it as in --input_subscription=projects/my-project/subscriptions/readings",
        "--batch_size: '0' does not match ^$|^(?:[1-9][0-9]{0,3}|10000)$; write it as in --batch_size=500",
        "--output_table: missing; give --output_table=OUTPUT_TABLE",
    ]
    assert google.dataflow.requests == []


def test_what_is_wrong_with_the_job_is_told_beside_the_parameters_mistakes(google: Cloud) -> None:
    broken = google.bucket.objects["multiply/job.yaml"].replace(b"x: value", b"x: valu")
    google.bucket.put("multiply/job.yaml", broken)
    ended = google.run("launch", "readings", *FROM_TEMPLATE, "--output_deadletter_table=my-project:data.predictions")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.splitlines() == [
        "--output_deadletter_table: is the --output_table; dead letters need a table of their own",
        "features.x: the schema has no field 'valu'; did you mean value?",
    ]
    assert google.dataflow.requests == []


def test_a_job_file_that_is_not_there(google: Cloud) -> None:
    ended = google.run("launch", "readings", "--job_file=gs://bucket/none/job.yaml", FROM_TEMPLATE[0], *ARGUMENTS[1:])
    assert (ended.code, ended.out, ended.err) == (
        2,
        "",
        "job_file: no file gs://bucket/none/job.yaml; correct the path\n",
    )
    assert google.dataflow.requests == []


def test_without_credentials_nothing_is_read_or_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for name in ("DATAFLOW_EMULATOR_HOST", "GOOGLE_APPLICATION_CREDENTIALS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    place = ("--project=my-project", "--region=europe-west4")
    ended = run(monkeypatch, capsys, "launch", "readings", *FROM_TEMPLATE, *place)
    assert (ended.code, ended.out, ended.err.count("\n")) == (1, "", 1)
    said = "cannot ask Dataflow: no valid credentials; run gcloud auth application-default login ("
    assert ended.err.startswith(said)


def test_a_template_that_may_not_be_read(google: Cloud) -> None:
    ended = google.run("launch", "readings", "--template=gs://bucket/secret.json", *ARGUMENTS)
    assert (ended.code, ended.out, google.dataflow.requests) == (1, "", [])
    assert ended.err == (
        "--template: gs://bucket/secret.json cannot be read: not yours; see to the bucket, and to who may read and "
        "write there\n"
    )


def test_a_template_that_is_none(google: Cloud) -> None:
    ended = google.run("launch", "readings", "--template=gs://bucket/multiply/job.yaml", *ARGUMENTS)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.splitlines() == [
        "--template: gs://bucket/multiply/job.yaml is no template of this program; `pubsub-inference template` writes "
        "one"
    ]


def test_parameters_before_the_name(google: Cloud) -> None:
    ended = google.run("launch", *FROM_TEMPLATE, "readings")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.splitlines()[0] == (
        "JOB_NAME: '--job_file=gs://bucket/multiply/job.yaml' stands where the job's name should; write the name "
        "first, the parameters after it"
    )


def test_the_help_shows_the_templates_parameters(google: Cloud) -> None:
    ended = google.run("launch", "--help")
    assert (ended.code, ended.err) == (0, "")
    assert all(f"--{name}" in ended.out for name in ("job_file", "batch_max_wait", "streaming-mode", "no-public-ips"))
