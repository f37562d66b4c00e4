"""Each fault of a template, planted in a copy of the real files, is found by its name, and nothing else is."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from streaming.dataflow.checks import check_repository, check_spec, is_spec
from streaming.dataflow.spec import PLACEHOLDER_IMAGE, spec, text

ROOT = Path(__file__).parents[1]
FILES = ("Dockerfile", "LICENSE", "README.md", "flex_template.json", "pyproject.toml", "requirements.txt")
IMAGE = "europe-west4-docker.pkg.dev/my-project/jobs/pubsub-inference:1.4.0"
BATCH_SIZE = "^$|^(?:[1-9][0-9]{0,3}|10000)$"
DIGEST = "@sha256:" + 64 * "0"

Fault = Callable[[Path], object]
Document = dict[str, Any]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """The real files; of the packages, which the image is given whole, the entry alone."""
    for name in FILES:
        shutil.copy(ROOT / name, tmp_path)
    for package in ("producers", "streaming"):
        (tmp_path / package).mkdir()
    shutil.copy(ROOT / "streaming" / "main.py", tmp_path / "streaming")
    return tmp_path


def names(directory: Path) -> list[str]:
    return sorted(finding.name for finding in check_repository(directory))


def edited(file: str, old: str, new: str) -> Fault:
    """The first that `old` finds in the file is `new`."""

    def plant(directory: Path) -> None:
        path = directory / file
        changed, count = re.subn(old, lambda _: new, path.read_text(), count=1, flags=re.MULTILINE)
        assert count == 1, f"{file} has no {old}"
        path.write_text(changed)

    return plant


def docker(old: str, new: str) -> Fault:
    return edited("Dockerfile", re.escape(old), new)


def python(image: str) -> Fault:
    """The first of the Dockerfile's bases."""
    return edited("Dockerfile", "^ARG PYTHON_IMAGE=.*$", f"ARG PYTHON_IMAGE={image}")


def variable(name: str) -> Fault:
    """The image's environment has one more."""
    return docker("TF_CPP_MIN", f"{name}=/template/file TF_CPP_MIN")


def respecified(change: Callable[[Document], object]) -> Fault:
    """The specification after a change."""

    def plant(directory: Path) -> None:
        path = directory / "flex_template.json"
        document = json.loads(path.read_text())
        change(document)
        path.write_text(text(document))

    return plant


def parameter(name: str, **fields: Any) -> Fault:
    """A parameter of the specification has other fields; those that are `None` are gone."""

    def change(document: Document) -> None:
        (found,) = (each for each in document["metadata"]["parameters"] if each["name"] == name)
        found.update(fields)
        for field in (field for field, value in fields.items() if value is None):
            del found[field]

    return respecified(change)


def metadata(**fields: Any) -> Fault:
    return respecified(lambda document: document["metadata"].update(fields))


def environment(**fields: Any) -> Fault:
    return respecified(lambda document: document["defaultEnvironment"].update(fields))


def image(name: str) -> Fault:
    """Of launcher and workers."""
    return respecified(lambda document: document.update(spec(name)))


def parameters(change: Callable[[list[Document]], object]) -> Fault:
    return respecified(lambda document: change(document["metadata"]["parameters"]))


def added(file: str) -> Fault:
    return lambda directory: (directory / file).write_text("")


def removed(file: str) -> Fault:
    return lambda directory: (directory / file).unlink()


FAULTS: dict[str, tuple[str, Fault]] = {
    # The specification as a whole
    "no specification": ("spec-missing", removed("flex_template.json")),
    "half a specification": ("spec-json", edited("flex_template.json", r"\}\s*\Z", "")),
    "a specification that is a list": ("spec-fields", edited("flex_template.json", r"(?s)\A.*\Z", "[]")),
    "a field that the service does not have": ("spec-fields", respecified(lambda one: one.update(colour="red"))),
    "the same field twice": ("spec-fields", edited("flex_template.json", '"image":', '"image": "x", "image":')),
    "another name": ("spec-differs", metadata(name="Mine")),
    "a default of launches that nobody rendered": ("spec-differs", environment(maxWorkers=3)),
    "a batch job": ("streaming", metadata(streaming=False)),
    "at-least-once not offered": ("at-least-once", metadata(supportsAtLeastOnce=False)),
    "exactly-once not offered": ("exactly-once", metadata(supportsExactlyOnce=False)),
    "exactly-once by default": ("default-streaming-mode", metadata(defaultStreamingMode="EXACTLY_ONCE")),
    "another language": ("sdk-language", respecified(lambda one: one["sdkInfo"].update(language="JAVA"))),
    "no Streaming Engine": ("streaming-engine", environment(enableStreamingEngine=False)),
    "another streaming mode": ("streaming-mode", environment(streamingMode="STREAMING_MODE_EXACTLY_ONCE")),
    "workers of another image": ("worker-image", environment(sdkContainerImage=IMAGE)),
    "an image without a registry": ("image-name", image("pubsub-inference:1")),
    "an image in capitals": ("image-name", image(IMAGE.replace("jobs", "Jobs"))),
    "no image": ("image-name", respecified(lambda one: one.pop("image"))),
    "an image without a tag": ("image-tag-missing", image(IMAGE.rpartition(":")[0])),
    "the latest image": ("image-tag-moves", image(IMAGE.rpartition(":")[0] + ":latest")),
    # Its parameters
    "an option that is no parameter": ("parameter-missing", parameters(lambda them: them.pop(4))),
    "a parameter that is no option": ("parameter-unknown", parameters(lambda them: them.append({"name": "x"}))),
    "a parameter twice": ("parameter-duplicated", parameters(lambda them: them.append(them[4]))),
    "parameters in another order": ("parameter-order", parameters(lambda them: them.reverse())),
    "an optional parameter that is required": ("parameter-optional", parameter("batch_size", isOptional=False)),
    "a required parameter that is optional": ("parameter-optional", parameter("job_file", isOptional=True)),
    "another type": ("parameter-type", parameter("output_topic", paramType="PUBSUB_SUBSCRIPTION")),
    "a type that nobody knows": ("spec-fields", parameter("output_topic", paramType="TOPIC")),
    "another label": ("parameter-label", parameter("output_topic", label="Topic")),
    "no help": ("parameter-help", parameter("output_topic", helpText=None)),
    "another group": ("parameter-group", parameter("output_topic", groupName="Input")),
    "a parameter that is hidden": ("parameter-differs", parameter("output_topic", hiddenUi=True)),
    "no regular expression": ("regex-missing", parameter("job_file", regexes=None)),
    "a wrong regular expression": ("regex-differs", parameter("job_file", regexes=["^gs://.*$"])),
    "a second regular expression": ("regex-differs", parameter("batch_size", regexes=[BATCH_SIZE, ".*"])),
    "no regular expression at all": ("regex-invalid", parameter("job_file", regexes=["^gs://(.*$"])),
    "one that looks ahead": ("regex-invalid", parameter("job_file", regexes=["^(?=gs)gs://.*$"])),
    "one that counts too far": ("regex-invalid", parameter("job_file", regexes=["^gs://.{1,1024}$"])),
    "no default": ("default-missing", parameter("batch_size", defaultValue=None)),
    "another default": ("default-differs", parameter("batch_size", defaultValue="500")),
    "a default where the program has none": ("default-differs", parameter("window_duration", defaultValue="5m")),
    "a default that the form refuses": ("default-refused", parameter("batch_size", defaultValue="0")),
    # The image's bases
    "no Dockerfile": ("dockerfile", removed("Dockerfile")),
    "a Dockerfile that nobody can read": ("dockerfile", edited("Dockerfile", r"\Z", '\nENV A="')),
    "a base without a tag": ("base-moves", python("registry:5000/python")),
    "the latest base": ("base-moves", python("python:latest")),
    "a base whose patches move": ("base-moves", python("python:3.11-slim-bookworm")),
    "a base that has to be given": ("base-moves", python("")),
    "another Beam in the image": ("beam-version", docker("sdk:2.77.0", "sdk:2.76.0")),
    "another Beam in requirements.txt": ("beam-version", edited("requirements.txt", "beam==2.77.0", "beam==2.76.0")),
    "another Beam in pyproject.toml": ("beam-version", edited("pyproject.toml", r"\[gcp\]==2.77.0", "[gcp]==2.78.0")),
    "no Beam among the bases": ("beam-base-missing", docker("apache/beam_python3.11_sdk:2.77.0", "debian:12.11.0")),
    "another Python in a base": ("python-version", python("python:3.12.1-slim")),
    "another Python in Beam's": ("python-version", docker("beam_python3.11", "beam_python3.10")),
    "another Python in the launcher's": ("python-version", docker("/python311-", "/python312-")),
    "a Python that the package is not for": ("python-version", edited("pyproject.toml", ">=3.11,", ">=3.12,")),
    # What the Dockerfile does
    "no entry file": ("source-missing", removed("streaming/main.py")),
    "an entry that is not copied": ("entry-missing", docker("COPY streaming/main.py main.py", "")),
    "an entry somewhere else": ("entry-missing", docker("PY_FILE=/template/main.py", "PY_FILE=/app/main.py")),
    "an entry that the launcher is not told": ("entry-unset", docker("FLEX_TEMPLATE_PYTHON_PY_FILE=", "FILE=")),
    "another entry point": ("entrypoint", docker('["/opt/apache/beam/boot"]', '["python"]')),
    "no entry point": ("entrypoint", docker('ENTRYPOINT ["/opt/apache/beam/boot"]', "")),
    "an entry point by way of a shell": ("entrypoint", docker('["/opt/apache/beam/boot"]', "/opt/apache/beam/boot")),
    "no boot": ("boot-missing", docker("COPY --from=beam /opt/apache/beam /opt/apache/beam", "")),
    "no launcher": ("launcher-missing", edited("Dockerfile", "^COPY --from=launcher .*$", "")),
    "requirements installed by each launch": ("installs-at-launch", variable("FLEX_TEMPLATE_PYTHON_REQUIREMENTS_FILE")),
    "a package installed by each launch": ("installs-at-launch", variable("FLEX_TEMPLATE_PYTHON_SETUP_FILE")),
    "an installation without hashes": ("pip-without-hashes", docker("--require-hashes ", "")),
    "one package more": ("pip-without-hashes", docker("&& pip check", "&& pip install requests && pip check")),
    "an own package that brings others": ("pip-without-hashes", docker("--no-deps --no-build-isolation --p", "--p")),
    "a model in the image": ("model-copied", added("streaming/saved_model.pb")),
    "a job file in the image": ("job-file-copied", added("producers/job.yaml")),
    "something that is copied and not there": ("source-missing", removed("LICENSE")),
    # Its requirements
    "no requirements": ("requirements source-missing", removed("requirements.txt")),
    "an option of pip": ("requirements", edited("requirements.txt", r"\A", "--extra-index-url=https://example.com\n")),
    "a requirement without a hash": ("hash-missing", edited("requirements.txt", r"\Z", "\nleft-pad==1.0\n")),
    "a requirement that is not pinned": ("requirement-unpinned", edited("requirements.txt", "^rich==", "rich>=")),
    "a dependency that is not among them": ("requirement-missing", edited("requirements.txt", "^rich==", "poor==")),
    "a dependency more": ("requirement-missing", edited("pyproject.toml", '"rich>', '"left.pad", "rich>')),
    "another version than asked for": ("requirement-outside", edited("requirements.txt", "^rich==.* ", "rich==13.0 ")),
    "a version that is no longer enough": ("requirement-outside", edited("pyproject.toml", "rich>=14", "rich>=99")),
    "no pyproject.toml": ("pyproject source-missing", removed("pyproject.toml")),
    "a pyproject.toml without dependencies": ("pyproject", edited("pyproject.toml", "^dependencies =", "others =")),
    "a dependency that nobody understands": ("pyproject", edited("pyproject.toml", '"rich>=14"', '"rich=>14"')),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found_by_its_name_alone(repository: Path, fault: str) -> None:
    expected, plant = FAULTS[fault]
    plant(repository)
    assert names(repository) == expected.split()


def test_in_the_repository_nothing_is_wrong() -> None:
    assert list(map(str, check_repository(ROOT))) == []


def test_the_copy_is_as_good_as_the_repository(repository: Path) -> None:
    assert names(repository) == []


def test_faults_are_all_told_at_once(repository: Path) -> None:
    for fault in ("no default", "another Beam in the image", "a batch job", "one package more", "a dependency more"):
        FAULTS[fault][1](repository)
    assert list(map(str, check_repository(repository))) == [
        "streaming: flex_template.json:metadata.streaming: is unset, not True; run make schema",
        "default-missing: flex_template.json:metadata.parameters.batch_size.defaultValue: is unset, the program's is "
        "'1000'; run make schema",
        "requirement-missing: requirements.txt: left-pad, which pyproject.toml asks for, is not in it; run make lock",
        "pip-without-hashes: Dockerfile:28: pip install requests takes what it is given; add --require-hashes, or to "
        ". alone --no-deps and --no-build-isolation",
        "beam-version: Dockerfile: Beam is 2.76.0, in requirements.txt 2.77.0, in pyproject.toml ==2.77.0; "
        "give all three the same version",
    ]


def test_a_directory_without_anything(tmp_path: Path) -> None:
    remedy = "is not there; run this in the repository's root, or name that with --directory"
    assert list(map(str, check_repository(tmp_path))) == [
        f"spec-missing: flex_template.json: {remedy}",
        f"dockerfile: Dockerfile: {remedy}",
        f"requirements: requirements.txt: {remedy}",
        f"pyproject: pyproject.toml: {remedy}",
    ]


@pytest.mark.parametrize("name", [IMAGE, IMAGE + DIGEST, IMAGE.rpartition(":")[0] + DIGEST, "localhost:5000/a/b__c:1"])
def test_a_template_for_an_image(name: str) -> None:
    assert check_spec(text(spec(name)).encode(), "t.json", rendered=True) == []


def test_a_template_to_launch_from_has_its_image_filled_in() -> None:
    assert list(map(str, check_spec(text(spec(PLACEHOLDER_IMAGE)).encode(), "t.json", rendered=True))) == [
        f"image-placeholder: t.json:image: {PLACEHOLDER_IMAGE} is to be filled in; render the template again"
    ]


def test_the_service_takes_other_spellings_and_so_do_the_checks() -> None:
    document = spec(IMAGE)
    document["sdk_info"] = document.pop("sdkInfo")
    document["metadata"]["parameters"][0].pop("isOptional")
    assert check_spec(json.dumps(document).encode(), "t.json", rendered=True) == []


@pytest.mark.parametrize("content", [b"\xff", b"null", b"{}", b"[" * 100_000, b'{"metadata": 3}', b'{"image": NaN}'])
def test_what_is_no_template_at_all_is_found_out(content: bytes) -> None:
    assert check_spec(content, "t.json", rendered=True) != []
    assert not is_spec(content)


def test_a_template_of_another_version_is_one_of_ours() -> None:
    document = spec(IMAGE)
    document["metadata"]["parameters"].pop()
    assert is_spec(text(document).encode())
