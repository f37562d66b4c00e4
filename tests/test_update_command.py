"""The command `update`: the steps that it compares, what it asks Dataflow, and what becomes of both jobs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from google.cloud.dataflow_v1beta3 import JobState, LaunchFlexTemplateRequest

from tests.dataflow_cases import LINK, Outcome
from tests.dataflow_lives import DRAINING, ERROR, FAILED, PENDING, QUEUED, RUNNING, UPDATED, Life, Said
from tests.launch_cases import ARGUMENTS, FROM_TEMPLATE, STEPS, Cloud, announced, environment, request

pytestmark = pytest.mark.timeout(120)

TIMES10 = "Infer/times10/BeamML_RunInference"
WITHOUT_TIMES10 = [FROM_TEMPLATE[0], "--job_file=gs://bucket/smaller/job.yaml", *ARGUMENTS[1:]]
DOES_NOT_FIT = (
    "Workflow failed. Causes: The new job is not compatible with 2026-07-01_12_00_00-1000000000000000000. The original "
    "job has not been aborted., The Coder or type for step Decode has changed."
)


@pytest.fixture
def google(google: Cloud, saved_models: Path) -> Cloud:
    """Also with a job of `times5` alone, whose file is gs://bucket/smaller/job.yaml."""
    google.put_job("smaller", without="times10")
    google.put_models(saved_models, ["times5"], "smaller")
    return google


@pytest.fixture
def running(google: Cloud) -> str:
    """The id of a job `readings` that runs both models."""
    return google.dataflow.add("readings", Life(states=[RUNNING], steps=STEPS))


def launches(google: Cloud) -> int:
    return len(google.dataflow.asked(LaunchFlexTemplateRequest))


def replacement(google: Cloud) -> str:
    return list(google.dataflow.jobs)[-1]


def nothing_updated(ended: Outcome, google: Cloud, code: int) -> bool:
    return (ended.code, ended.out, launches(google)) == (code, "", 0)


@pytest.mark.parametrize("by_id", [True, False])
def test_a_job_takes_the_place_of_one_that_runs(google: Cloud, running: str, by_id: bool) -> None:
    ended = google.run("update", running if by_id else "readings", *FROM_TEMPLATE, "--label=team=devices")
    assert (ended.code, ended.out.splitlines()) == (0, announced(replacement(google)))
    assert ended.err.splitlines() == [
        "job readings is queued",
        "job readings is pending",
        "job readings is running",
        "job readings was replaced by an update",
    ]
    assert google.request() == request(environment(additional_user_labels={"team": "devices"}), update=True)
    assert google.dataflow.jobs[running].state == UPDATED


def test_a_removed_model_needs_a_mapping_which_is_offered(google: Cloud, running: str) -> None:
    ended = google.run("update", "readings", *WITHOUT_TIMES10)
    assert nothing_updated(ended, google, 2)
    assert ended.err.splitlines() == [
        f"{TIMES10}: runs, and the new graph has no such step",
        f'to update nevertheless, add --transform-name-mapping \'{{"{TIMES10}": ""}}\' ("" is a step that is removed)',
    ]


@pytest.mark.parametrize("from_file", [True, False])
def test_with_the_mapping_the_model_is_removed(google: Cloud, running: str, tmp_path: Path, from_file: bool) -> None:
    mapping = json.dumps({TIMES10: ""})
    (tmp_path / "mapping.json").write_text(mapping)
    given = str(tmp_path / "mapping.json") if from_file else mapping
    # In snake_case it is a flag of Beam's, too, whose file systems would read it, take no path, and end the process.
    ended = google.run("update", "readings", *WITHOUT_TIMES10, f"--transform_name_mapping={given}")
    assert (ended.code, ended.out.splitlines()) == (0, announced(replacement(google)))
    assert google.request().launch_parameter.transform_name_mappings == {TIMES10: ""}


def test_a_renamed_model_is_recognized(google: Cloud) -> None:
    steps = [step.replace("times10", "times_10") for step in STEPS]
    google.dataflow.add("readings", Life(states=[RUNNING], steps=steps))
    old = "Infer/times_10/BeamML_RunInference"
    ended = google.run("update", "readings", *FROM_TEMPLATE)
    assert nothing_updated(ended, google, 2)
    assert ended.err.splitlines() == [
        f"{old}: runs, and the new graph has no such step; is it {TIMES10} now?",
        f'to update nevertheless, add --transform-name-mapping \'{{"{old}": "{TIMES10}"}}\' '
        '("" is a step that is removed)',
    ]


def test_a_new_model_needs_no_word(google: Cloud) -> None:
    google.dataflow.add("readings", Life(states=[RUNNING], steps=[step for step in STEPS if step != TIMES10]))
    assert google.run("update", "readings", *FROM_TEMPLATE, "--no-wait").code == 0


def test_a_job_whose_steps_are_not_told_is_updated_with_a_warning(google: Cloud) -> None:
    running = google.dataflow.add("readings", Life(states=[RUNNING]))
    ended = google.run("update", "readings", *FROM_TEMPLATE, "--no-wait")
    assert (ended.code, ended.err) == (
        0,
        f"warning: Dataflow does not tell the steps of {running}, and so they are not compared\n",
    )


def test_a_dry_run_updates_nothing(google: Cloud, running: str) -> None:
    ended = google.run("update", "readings", *FROM_TEMPLATE, "--dry-run")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == (
        "readings can be updated; parameters, job file, models and graph were checked here, the request and the "
        "template's parameters by Dataflow, its steps against those that run; nothing was updated\n"
    )
    assert google.request().validate_only
    assert [*google.dataflow.jobs] == [running]


def test_a_dry_run_compares_the_steps(google: Cloud, running: str) -> None:
    assert nothing_updated(google.run("update", "readings", *WITHOUT_TIMES10, "--dry-run"), google, 2)


def test_an_update_that_was_lost_on_the_way_back_is_the_one_asked_for(google: Cloud, running: str) -> None:
    google.dataflow.lose("LaunchFlexTemplate")
    ended = google.run("update", "readings", *FROM_TEMPLATE)
    assert (ended.code, ended.out.splitlines()) == (0, announced(replacement(google)))
    assert (launches(google), google.dataflow.jobs[running].state) == (2, UPDATED)


def test_an_update_that_dataflow_refuses_leaves_the_job_as_it_was(google: Cloud, running: str) -> None:
    google.dataflow.lives.append(Life(states=[QUEUED, FAILED], messages=[Said(DOES_NOT_FIT, ERROR)]))
    ended = google.run("update", "readings", *FROM_TEMPLATE)
    refused = replacement(google)
    assert (ended.code, ended.out.splitlines()) == (1, announced(refused))
    assert ended.err.splitlines()[-1] == (
        f"job readings ({refused}) has failed: {DOES_NOT_FIT.rstrip('.')}; see {LINK.format(refused)}; the job that "
        f"was to be replaced, {running}, goes on"
    )
    assert google.dataflow.jobs[running].state == RUNNING


@pytest.mark.parametrize(
    ("state", "told"),
    [
        (DRAINING, "is draining, and only one that runs can be updated; launch a new one once it has ended"),
        (UPDATED, "was replaced by an update, and only one that runs can be updated; launch a new one"),
        (PENDING, "is pending, and only one that runs can be updated; wait until it does"),
    ],
)
def test_a_job_that_does_not_run_cannot_be_updated(google: Cloud, state: JobState, told: str) -> None:
    job_id = google.dataflow.add("readings", Life(states=[state], steps=STEPS))
    ended = google.run("update", job_id, *FROM_TEMPLATE)
    assert nothing_updated(ended, google, 1)
    assert ended.err == f"job readings ({job_id}) {told}\n"


def test_a_job_that_is_not_there(google: Cloud) -> None:
    ended = google.run("update", "readings", *FROM_TEMPLATE)
    assert nothing_updated(ended, google, 1)
    assert ended.err.startswith("no job 'readings' in europe-west4 of my-project; ")


def test_all_mistakes_are_told_before_anything_is_asked(google: Cloud) -> None:
    ended = google.run(
        "update", "readings", *FROM_TEMPLATE, "--transform-name-mapping={Infer}", "--batch_size=", "--network=Mine", "x"
    )
    assert (ended.code, ended.out, google.dataflow.requests) == (2, "", [])
    assert ended.err.splitlines() == [
        "--transform-name-mapping: not JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char "
        '1); write a JSON object of texts, as in \'{"OLD": "NEW", "REMOVED": ""}\'',
        "--network: 'Mine' is not a network's name, as in default; a subnetwork has --subnetwork",
        "x: no flag; write --name=value",
    ]
