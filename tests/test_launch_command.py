"""The command `launch`, from the arguments to what Dataflow is asked and what its user reads."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pytest
from google.cloud.dataflow_v1beta3 import (
    ContainerSpec,
    LaunchFlexTemplateParameter,
    LaunchFlexTemplateRequest,
    StreamingMode,
    WorkerIPAddressConfiguration,
)

from tests.dataflow_cases import LINK
from tests.dataflow_lives import ERROR, FAILED, PENDING, QUEUED, RUNNING, WARNING, Life, Said
from tests.dataflow_refusals import ACT_AS, BUSY, QUOTA
from tests.launch_cases import ARGUMENTS, FROM_TEMPLATE, MONITOR, PARAMETERS, TEMPLATE, Cloud, cloud, environment
from tests.launcher import ANONYMOUS

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def google(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], saved_models: Path) -> Iterator[Cloud]:
    with cloud(monkeypatch, capsys, saved_models) as ready:
        yield ready


def announced(job_id: str) -> list[str]:
    return [job_id, LINK.format(job_id), MONITOR.format(job_id)]


def the_job(google: Cloud) -> str:
    (job_id,) = google.dataflow.jobs
    return job_id


def test_a_job_is_launched_and_waited_for(google: Cloud) -> None:
    google.dataflow.lives.append(Life(messages=[Said("Worker pool started.", at=PENDING)]))
    ended = google.run("launch", "readings", *FROM_TEMPLATE)
    assert (ended.code, ended.out.splitlines()) == (0, announced(the_job(google)))
    assert ended.err.splitlines() == [
        "job readings is queued",
        "12:00:01Z Worker pool started.",
        "job readings is pending",
        "job readings is running",
    ]
    assert google.request() == LaunchFlexTemplateRequest(
        project_id="my-project",
        location="europe-west4",
        launch_parameter=LaunchFlexTemplateParameter(
            job_name="readings",
            container_spec_gcs_path="gs://bucket/template.json",
            parameters=PARAMETERS,
            environment=environment(),
        ),
    )


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
    assert (ended.code, ended.out.splitlines(), ended.err) == (0, announced(the_job(google)), "")
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
        "--input_subscription: 'readings' does not match ^projects/[A-Za-z0-9._:-]+/subscriptions/[A-Za-z]"
        "[A-Za-z0-9._~+%-]*$; write it as in --input_subscription=projects/my-project/subscriptions/readings",
        "--output_table: missing; give --output_table=my-project:fleet.predictions",
        "--batch_size: '0' does not match ^$|^(?:[1-9][0-9]{0,3}|10000)$; write it as in --batch_size=500",
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
    assert (ended.code, ended.out, ended.err) == (2, "", "job_file: no file gs://bucket/none/job.yaml\n")
    assert google.dataflow.requests == []


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


def test_a_job_that_fails_ends_the_command_with_its_errors(google: Cloud) -> None:
    said = [
        Said("The subscription has no messages.", WARNING),
        Said("Error occurred in the launcher container: Template launch failed.", ERROR),
    ]
    google.dataflow.lives.append(Life(states=[QUEUED, FAILED], messages=said))
    ended = google.run("launch", "readings", *FROM_TEMPLATE)
    assert (ended.code, ended.out.splitlines()) == (1, announced(the_job(google)))
    assert ended.err.splitlines() == [
        "12:00:01Z warning: The subscription has no messages.",
        "12:00:02Z error: Error occurred in the launcher container: Template launch failed.",
        "job readings is queued",
        "job readings has failed",
        f"job readings ({the_job(google)}) has failed: Error occurred in the launcher container: Template launch "
        f"failed; see {LINK.format(the_job(google))}",
    ]


@pytest.mark.parametrize(
    ("code", "text", "told"),
    [
        (
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            QUOTA,
            f"{QUOTA.rstrip('.')}; ask for fewer or smaller workers (--max-workers, --machine-type), another --region, "
            "or more quota",
        ),
        (
            grpc.StatusCode.PERMISSION_DENIED,
            ACT_AS,
            f"{ACT_AS.rstrip('.')}; the caller needs roles/iam.serviceAccountUser on that account",
        ),
    ],
)
def test_a_refusal_is_one_line(google: Cloud, code: grpc.StatusCode, text: str, told: str) -> None:
    google.dataflow.fail("LaunchFlexTemplate", code, text)
    ended = google.run("launch", "readings", *FROM_TEMPLATE)
    assert (ended.code, ended.out, ended.err) == (1, "", f"cannot launch readings: {told}\n")


def test_a_refusal_of_a_dry_run_is_one_line(google: Cloud) -> None:
    google.dataflow.add("readings", Life(states=[RUNNING]))
    ended = google.run("launch", "readings", *FROM_TEMPLATE, "--dry-run")
    assert (ended.code, ended.out, ended.err.count("\n")) == (1, "", 1)
    assert ended.err.startswith("cannot validate the launch of readings: ")


def test_a_region_that_dataflow_does_not_have(google: Cloud) -> None:
    ended = google.run("launch", "readings", *FROM_TEMPLATE, "--region=europe-west44")
    assert (ended.code, ended.out, ended.err.count("\n")) == (1, "", 1)
    assert ended.err.startswith("cannot launch readings: ")
    assert "invalid regional endpoint (europe-west44)" in ended.err


def test_a_service_that_cannot_be_had_is_asked_again(google: Cloud) -> None:
    google.dataflow.fail("LaunchFlexTemplate", grpc.StatusCode.UNAVAILABLE, BUSY)
    ended = google.run("launch", "readings", *FROM_TEMPLATE, "--no-wait")
    assert (ended.code, ended.out.splitlines(), ended.err) == (0, announced(the_job(google)), "")


def test_a_job_of_that_name_that_has_begun_since_is_the_one_asked_for(google: Cloud) -> None:
    google.dataflow.fail("LaunchFlexTemplate", grpc.StatusCode.UNAVAILABLE, BUSY)  # but the first request has arrived
    begun = google.dataflow.add("readings", created=datetime.now(UTC) + timedelta(hours=1))
    ended = google.run("launch", "readings", *FROM_TEMPLATE)
    assert (ended.code, ended.out.splitlines()) == (0, announced(begun))
    assert len(google.dataflow.asked(LaunchFlexTemplateRequest)) == 2


def test_a_name_that_another_job_has(google: Cloud) -> None:
    google.dataflow.add("readings", Life(states=[RUNNING]))
    ended = google.run("launch", "readings", *FROM_TEMPLATE)
    assert (ended.code, ended.out, ended.err.count("\n")) == (1, "", 1)
    assert ended.err.startswith("cannot launch readings: ")
    assert "There is already an active job named readings." in ended.err
    assert ended.err.endswith("; give it another name, or `pubsub-inference update` the job that runs\n")


def test_patience_ends_the_wait_and_not_the_job(google: Cloud) -> None:
    google.dataflow.lives.append(Life(states=[QUEUED]))
    ended = google.run("launch", "readings", *FROM_TEMPLATE, "--timeout=1ms")
    assert (ended.code, ended.out.splitlines()) == (1, announced(the_job(google)))
    assert ended.err.splitlines()[-1].startswith("job readings is still queued after 0 s; it goes on: https://")


def test_the_help_shows_the_templates_parameters(google: Cloud) -> None:
    ended = google.run("launch", "--help")
    assert (ended.code, ended.err) == (0, "")
    assert all(f"--{name}" in ended.out for name in ("job_file", "batch_max_wait", "streaming-mode", "no-public-ips"))


@pytest.mark.integration
def test_ctrl_c_ends_the_wait_and_not_the_job(google: Cloud, tmp_path: Path) -> None:
    google.dataflow.lives.append(Life(states=[QUEUED]))
    (tmp_path / "sitecustomize.py").write_text(ANONYMOUS)
    command = [sys.executable, "-m", "streaming", "launch", "readings", *FROM_TEMPLATE]
    variables = {**os.environ, "PYTHONPATH": str(tmp_path)}
    with subprocess.Popen(command, env=variables, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "job readings is queued\n"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    job_id = the_job(google)
    assert (process.returncode, out.splitlines()) == (130, announced(job_id))
    assert err.splitlines()[-1] == f"no longer waiting; job readings goes on: {LINK.format(job_id)}"
