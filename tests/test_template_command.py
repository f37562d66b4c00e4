"""The command `template`: what it writes and shows, on this machine and on Cloud Storage, and what it refuses."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import typer
import yaml
from typer.testing import CliRunner, Result

from streaming.dataflow.commands.template import template
from streaming.dataflow.spec import PLACEHOLDER_IMAGE, spec, text
from streaming.dataflow.template import revision_of
from streaming.errors import Mistakes, PermanentError
from tests.cloud_storage_server import Bucket

ROOT = Path(__file__).parents[1]
PLACE = ("--project", "my-project", "--region", "europe-west4")
FLAGS = (*PLACE, "--repository", "jobs", "--tag", "1.4.0")
IMAGE = "europe-west4-docker.pkg.dev/my-project/jobs/pubsub-inference:1.4.0"
TEMPLATE = text(spec(IMAGE))
OLDER = text(spec(IMAGE.replace("1.4.0", "1.3.9")))
LAUNCH = (
    "pubsub-inference launch JOB_NAME --template={template} --project=my-project --region=europe-west4 "
    "--job_file=JOB_FILE --input_subscription=INPUT_SUBSCRIPTION --output_table=OUTPUT_TABLE\n"
)
NOTHING_WRONG = "Dockerfile, requirements.txt and pyproject.toml: nothing is wrong\n"


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GOOGLE_CLOUD_PROJECT", "GOOGLE_CLOUD_REGION"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository of the real files that was committed once."""
    root = tmp_path / "repository"
    root.mkdir()
    for name in ("Dockerfile", "LICENSE", "README.md", "flex_template.json", "pyproject.toml", "requirements.txt"):
        shutil.copy(ROOT / name, root)
    for file in ("producers/__init__.py", "streaming/main.py"):
        (root / file).parent.mkdir()
        shutil.copy(ROOT / file, root / file)
    git(root, "init", "--quiet")
    git(root, "add", ".")
    git(root, "-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "--quiet", "--message=first")
    return root


def git(root: Path, *arguments: str) -> str:
    return subprocess.run(["git", "-C", root, *arguments], check=True, capture_output=True, text=True).stdout.strip()


def invoke(*arguments: object) -> Result:
    app = typer.Typer()
    app.command()(template)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def mistakes(*arguments: object) -> tuple[str, ...]:
    result = invoke(*arguments)
    assert isinstance(result.exception, Mistakes), result
    assert (result.stdout, result.stderr) == ("", "")
    return result.exception.lines


def docker(revision: str, directory: object, image: str = IMAGE) -> str:
    build = f"docker build --platform linux/amd64 --build-arg REVISION={revision} --tag {image} {directory}\n"
    return f"{build}docker push {image}\n"


def test_a_template_is_written_and_the_commands_are_shown(repository: Path, tmp_path: Path) -> None:
    output = tmp_path / "template.json"
    result = invoke(*FLAGS, "--directory", repository, "--output", output)
    assert (result.exit_code, result.stderr) == (0, f"{output}: written\n")
    assert result.stdout == docker(git(repository, "rev-parse", "HEAD"), repository) + LAUNCH.format(template=output)
    assert output.read_text() == TEMPLATE


def test_without_a_file_the_template_is_standard_output(repository: Path) -> None:
    result = invoke(*FLAGS, "--directory", repository)
    assert (result.exit_code, result.stdout) == (0, TEMPLATE)
    assert result.stderr == docker(revision_of(repository), repository) + LAUNCH.format(template="TEMPLATE")


def test_what_is_not_committed_is_said_in_the_revision(repository: Path) -> None:
    (repository / "LICENSE").write_text("changed")
    assert revision_of(repository) == git(repository, "rev-parse", "HEAD") + "-dirty"


def test_a_directory_that_is_no_repository_of_git_has_no_revision(tmp_path: Path) -> None:
    assert revision_of(tmp_path) == "unknown"


def test_cloud_build_is_told_what_docker_would_be(repository: Path, tmp_path: Path) -> None:
    output, config = tmp_path / "template.json", tmp_path / "cloud build.yaml"
    result = invoke(*FLAGS, "--directory", repository, "--output", output, "--cloud-build", config)
    assert (result.exit_code, result.stderr) == (0, f"{config}: written\n{output}: written\n")
    submit = f"gcloud builds submit '--config={config}' --project=my-project --region=europe-west4 {repository}\n"
    assert result.stdout == submit + LAUNCH.format(template=output)
    revision = f"REVISION={git(repository, 'rev-parse', 'HEAD')}"
    assert yaml.safe_load(config.read_text()) == {
        "steps": [
            {
                "name": "gcr.io/cloud-builders/docker",
                "args": ["build", "--platform", "linux/amd64", "--build-arg", revision, "--tag", IMAGE, "."],
            }
        ],
        "images": [IMAGE],
    }


def test_what_the_command_has_written_it_replaces_and_says_so(repository: Path, tmp_path: Path) -> None:
    output, config = tmp_path / "template.json", tmp_path / "cloudbuild.yaml"
    files = ("--directory", repository, "--output", output, "--cloud-build", config)
    invoke(*PLACE, "--repository", "jobs", "--tag", "1.3.9", *files)
    assert output.read_text() == OLDER
    replaced = "replaced, as it had other content\n"
    assert invoke(*FLAGS, *files).stderr == f"{config}: {replaced}{output}: {replaced}"
    assert output.read_text() == TEMPLATE
    same = "is as it should be already\n"
    assert invoke(*FLAGS, *files).stderr == f"{config}: {same}{output}: {same}"


def test_what_it_has_not_written_stays(repository: Path, tmp_path: Path) -> None:
    job = tmp_path / "job.yaml"
    job.write_text("message: {format: avro}\n")
    there = f"{job} is there, and not by this command; remove it, or name another path"
    assert mistakes(*FLAGS, "--directory", repository, "--output", job) == (f"--output: {there}",)
    output = tmp_path / "template.json"
    cloud_build = ("--output", output, "--cloud-build", job)
    assert mistakes(*FLAGS, "--directory", repository, *cloud_build) == (f"--cloud-build: {there}",)
    assert job.read_text() == "message: {format: avro}\n"
    assert not output.exists()


def test_a_configuration_that_somebody_has_changed_stays(repository: Path, tmp_path: Path) -> None:
    config = tmp_path / "cloudbuild.yaml"
    invoke(*FLAGS, "--directory", repository, "--cloud-build", config)
    config.write_text(config.read_text() + "timeout: 1800s\n")
    (line,) = mistakes(*FLAGS, "--directory", repository, "--cloud-build", config)
    assert line == f"--cloud-build: {config} is there, and not by this command; remove it, or name another path"


def test_a_template_goes_to_cloud_storage_and_is_checked_there(repository: Path, bucket: Bucket) -> None:
    path = "gs://bucket/templates/it.json"
    result = invoke(*FLAGS, "--directory", repository, "--output", path)
    assert (result.exit_code, result.stderr) == (0, f"{path}: written\n")
    assert result.stdout == docker(revision_of(repository), repository) + LAUNCH.format(template=path)
    assert bucket.objects == {"templates/it.json": TEMPLATE.encode()}
    checked = invoke("--check", "--directory", repository, "--template", path)
    assert (checked.exit_code, checked.stdout) == (0, f"{path}, {NOTHING_WRONG}")


def test_a_template_on_cloud_storage_is_replaced(repository: Path, bucket: Bucket) -> None:
    bucket.put("it.json", OLDER.encode())
    result = invoke(*FLAGS, "--directory", repository, "--output", "gs://bucket/it.json")
    assert result.stderr == "gs://bucket/it.json: replaced, as it had other content\n"
    assert bucket.objects == {"it.json": TEMPLATE.encode()}


def test_something_else_on_cloud_storage_stays(repository: Path, bucket: Bucket) -> None:
    bucket.put("job.yaml", b"message:")
    (line,) = mistakes(*FLAGS, "--directory", repository, "--output", "gs://bucket/job.yaml")
    assert line == "--output: gs://bucket/job.yaml is there, and not by this command; remove it, or name another path"
    assert bucket.objects == {"job.yaml": b"message:"}


@pytest.mark.usefixtures("bucket")
@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        ("gs://bucket/secret.json", "cannot be read: not yours"),
        ("gs://other/it.json", "cannot be written: no such bucket"),
    ],
)
def test_what_cloud_storage_refuses_is_told(repository: Path, path: str, wrong: str) -> None:
    error = invoke(*FLAGS, "--directory", repository, "--output", path).exception
    assert isinstance(error, PermanentError)
    remedy = "see to the bucket, and to who may read and write there"
    assert str(error) == f"--output: {path} {wrong}; {remedy}"


def test_another_image_can_be_named_whole(repository: Path) -> None:
    image = "registry.example.com:5000/a/b@sha256:" + 64 * "0"
    result = invoke(*PLACE, "--image", image, "--directory", repository)
    assert (result.exit_code, json.loads(result.stdout)) == (0, spec(image))
    assert [line.split()[:2] for line in result.stderr.splitlines()] == [["pubsub-inference", "launch"]]  # it is built
    assert mistakes(*PLACE, "--image", image, "--directory", repository, "--cloud-build", "c.yaml") == (
        "--cloud-build: an image with a digest is built already; name it by a tag, or leave out --cloud-build",
    )


def test_empty_paths_are_named(repository: Path) -> None:
    assert mistakes(*FLAGS, "--directory", repository, "--output", "", "--cloud-build", "") == (
        "--output: names no file; write a path",
        "--cloud-build: names no file; write a path",
        "--cloud-build: is the --output; give it a file of its own",
    )
    assert mistakes("--check", "--directory", repository, "--template", "") == (
        "--template: names no file; write a path",
    )


def test_a_local_file_that_cannot_be_written_is_the_callers_mistake(repository: Path) -> None:
    assert mistakes(*FLAGS, "--directory", repository, "--output", "/proc/template.json") == (
        "--output: /proc/template.json cannot be written: No such file or directory; correct the path",
    )


def test_a_project_of_a_domain_is_a_path_of_the_image(repository: Path) -> None:
    flags = ("--project", "example.com:my-project", "--region", "us-central1", "--repository", "jobs", "--tag", "1")
    result = invoke(*flags, "--directory", repository)
    assert (
        json.loads(result.stdout)["image"]
        == "us-central1-docker.pkg.dev/example.com/my-project/jobs/pubsub-inference:1"
    )
    assert "--project=example.com:my-project" in result.stderr


def test_all_that_is_missing_is_named() -> None:
    assert mistakes() == (
        "--project: missing; give --project PROJECT",
        "--region: missing; give --region REGION",
        "--repository: missing; give --repository REPOSITORY, or name all of the image with --image",
        "--tag: missing; give --tag TAG",
    )


def test_all_that_is_wrong_is_named(tmp_path: Path) -> None:
    names = ("--project", "My-Project", "--region", "europe-west4-a", "--repository", "jobs_1", "--tag", "latest")
    paths = ("--output", tmp_path, "--cloud-build", tmp_path / "none" / "c.yaml", "--directory", tmp_path / "none")
    assert mistakes(*names, *paths) == (
        "--project: 'My-Project' is no project id; `gcloud projects list` shows those there are",
        "--region: 'europe-west4-a' is a zone; write --region=europe-west4",
        "--repository: 'jobs_1' is no repository of Artifact Registry; write lower-case letters, digits and hyphens, "
        "at most 63, and a letter first",
        "--tag: 'latest' is another image after each push; name a tag that stays, such as a version",
        f"--directory: no directory {tmp_path}/none; name the repository's root",
        f"--output: {tmp_path} is a directory; name a file in it",
        f"--cloud-build: no directory {tmp_path}/none; make it, or correct the path",
    )


def test_what_is_given_is_checked_even_if_the_rest_is_missing() -> None:
    assert mistakes("--region", "Europe", "--tag", "-1") == (
        "--project: missing; give --project PROJECT",
        "--region: 'Europe' is no region; write one as in --region=europe-west4",
        "--repository: missing; give --repository REPOSITORY, or name all of the image with --image",
        "--tag: '-1' is no tag; write letters, digits, dots, hyphens and underscores, at most 128, and no . or - first",
    )


def test_an_image_named_whole_goes_without_its_parts(repository: Path) -> None:
    given = "goes without --image, which names all of the image; give one or the other"
    form = "write REGION-docker.pkg.dev/PROJECT/REPOSITORY/NAME:TAG"
    assert mistakes(*FLAGS, "--image", "inference:1", "--directory", repository) == (
        f"--repository: {given}",
        f"--tag: {given}",
        f"--image: 'inference:1' is not the name of an image in a registry; {form}",
    )


def test_paths_that_cannot_be_are_named(repository: Path) -> None:
    flags = ("--output", "gs://bucket/", "--cloud-build", "gs://bucket/")
    assert mistakes(*FLAGS, "--directory", repository, *flags) == (
        "--output: gs://bucket/ is no file on Cloud Storage; write gs://BUCKET/PATH",
        "--cloud-build: gs://bucket/ is not on this machine, where gcloud reads it; name a local file",
        "--cloud-build: is the --output; give it a file of its own",
    )


def test_a_check_takes_nothing_that_is_written_and_the_rest_no_template() -> None:
    goes = "goes without --check, which renders nothing; leave out one of them"
    flags = ("--repository", "r", "--tag", "t", "--image", "a", "--output", "b", "--cloud-build", "c")
    assert mistakes("--check", *flags) == tuple(
        f"--{name}: {goes}" for name in ("repository", "tag", "image", "output", "cloud-build")
    )
    assert mistakes("--template", "t.json") == ("--template: goes with --check; to write a template, give --output",)


def test_a_check_of_a_sound_repository_is_one_line(repository: Path) -> None:
    result = invoke("--check", "--directory", repository)
    assert (result.exit_code, result.stdout) == (0, f"{repository}/flex_template.json, {NOTHING_WRONG}")


def test_a_check_lists_what_is_wrong(repository: Path, tmp_path: Path) -> None:
    rendered = tmp_path / "template.json"
    rendered.write_text(text(spec(PLACEHOLDER_IMAGE)))
    (repository / "producers" / "job.yaml").touch()
    copied = "producers/job.yaml, a job file, becomes part of the image"
    job_file = f"job-file-copied: Dockerfile:41: {copied}; keep it on Cloud Storage: jobs change without a new image"
    assert mistakes("--check", "--directory", repository) == (job_file,)
    assert mistakes("--check", "--directory", repository, "--template", rendered) == (
        f"image-placeholder: {rendered}:image: {PLACEHOLDER_IMAGE} is to be filled in; render the template again",
        job_file,
    )


def test_a_template_that_is_not_there_is_named(repository: Path, tmp_path: Path) -> None:
    path = tmp_path / "none.json"
    line = f"--template: no file {path}; correct the path"
    assert mistakes("--check", "--directory", repository, "--template", path) == (line,)


def test_nothing_is_written_while_anything_is_wrong(repository: Path, tmp_path: Path) -> None:
    (repository / "LICENSE").unlink()
    output = tmp_path / "template.json"
    assert mistakes(*FLAGS, "--directory", repository, "--output", output) == (
        "source-missing: Dockerfile:40: LICENSE is copied and not there; correct the path",
    )
    assert not output.exists()
