"""The image's versions are those of the requirements, and nothing is in it that it does not need."""

from __future__ import annotations

import re
import subprocess
import tomllib

from tests.dockerfile import ROOT, arguments_of, instructions, pairs_of, sources

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
BASES = pairs_of("ARG", "")


def _only(pattern: str, text: str) -> str:
    found: set[str] = set(re.findall(pattern, text, re.MULTILINE))
    assert len(found) == 1, f"{pattern} finds {found}"
    return found.pop()


def test_beam_is_the_same_where_it_is_asked_for_installed_and_copied_from() -> None:
    asked = _only(r"^apache-beam\[gcp\]==(\S+)$", "\n".join(PROJECT["dependencies"]))
    installed = _only(r"^apache-beam(?:\[gcp\])?==(\S+)", (ROOT / "requirements.txt").read_text())
    copied = _only(r"^apache/beam_python[\d.]+_sdk:([\d.]+)", BASES["BEAM_IMAGE"])
    assert (installed, copied) == (asked, asked)


def test_python_is_the_same_in_all_bases_and_in_what_the_requirements_are_compiled_for() -> None:
    compiled = _only(r"--python-version (\S+)", (ROOT / "Makefile").read_text())
    beam = _only(r"^apache/beam_python([\d.]+)_sdk:", BASES["BEAM_IMAGE"])
    launcher = _only(r"/python(\d+)-template-launcher-base:", BASES["LAUNCHER_IMAGE"])
    assert _only(r"^python:(\d+\.\d+)\.\d+-slim-", BASES["PYTHON_IMAGE"]) == compiled
    assert (beam, launcher) == (compiled, compiled.replace(".", ""))


def test_every_base_is_a_build_argument_with_a_tag_that_does_not_move() -> None:
    assert arguments_of("FROM") == [
        "${BEAM_IMAGE} AS beam",
        "${LAUNCHER_IMAGE} AS launcher",
        "${PYTHON_IMAGE} AS dependencies",
        "dependencies AS package",
        "dependencies AS template",
    ]
    assert [image for image in BASES.values() if not re.search(r":\d+[._-]?\w", image)] == []


def test_all_that_is_copied_is_there_and_no_model_job_file_or_test_is_among_it() -> None:
    assert sources() == [
        "requirements.txt", "LICENSE", "README.md", "pyproject.toml", "producers", "streaming", "streaming/main.py",
    ]  # fmt: skip
    kept = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *sources()],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    assert all((ROOT / source).exists() for source in sources())
    assert [name for name in kept if "/" in name and not name.endswith((".py", ".j2"))] == []


def test_the_build_is_sent_what_is_copied_and_nothing_else() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    sent = {rule[1:] for rule in rules if rule.startswith("!")}
    assert rules[0] == "*"
    assert sent == {source for source in sources() if source != "streaming/main.py"}
    assert set(rules[1:]) - {f"!{name}" for name in sent} == {"**/__pycache__", "**/*.pyc"}


def test_requirements_are_held_to_their_hashes_and_nothing_else_is_downloaded() -> None:
    installs = re.findall(r"pip install ([^&]+)", " ".join(arguments_of("RUN")))
    wheels = "--no-deps --require-hashes --only-binary=:all:"
    assert [" ".join(install.split()) for install in installs] == [
        f"{wheels} --requirement /tmp/setuptools.txt",
        f"{wheels} --no-binary=google-apitools --no-build-isolation --requirement /tmp/requirements.txt",
        "--no-deps --no-build-isolation --prefix=/package .",
    ]


def test_the_image_starts_a_worker_and_tells_the_launcher_what_to_run() -> None:
    assert pairs_of("ENV") == {
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_CACHE_DIR": "1",
        "PIP_ROOT_USER_ACTION": "ignore",
        "FLEX_TEMPLATE_PYTHON_PY_FILE": "/template/main.py",  # no _REQUIREMENTS_FILE, no _SETUP_FILE
        "RUN_PYTHON_SDK_IN_DEFAULT_ENVIRONMENT": "1",
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "TF_ENABLE_ONEDNN_OPTS": "0",
    }
    assert instructions()[-1][1:] == ("ENTRYPOINT", '["/opt/apache/beam/boot"]')


def test_the_entry_is_where_the_launcher_looks_for_it() -> None:
    template = [each[1:] for each in instructions() if each.stage == "template"]
    after = template.index(("WORKDIR", "/template"))
    assert template[after + 1] == ("COPY", "streaming/main.py main.py")


def test_launcher_boot_and_package_come_from_their_stages() -> None:
    assert [arguments for arguments in arguments_of("COPY") if arguments.startswith("--from")] == [
        "--from=beam /opt/apache/beam /opt/apache/beam",
        "--from=launcher /opt/google/dataflow/python_template_launcher /opt/google/dataflow/python_template_launcher",
        "--from=package /package /usr/local",
    ]


def test_the_labels_are_the_packages_own() -> None:
    assert pairs_of("LABEL") == {
        "org.opencontainers.image.title": PROJECT["name"],
        "org.opencontainers.image.description": PROJECT["description"],
        "org.opencontainers.image.version": PROJECT["version"],
        "org.opencontainers.image.revision": "${REVISION}",
        "org.opencontainers.image.licenses": PROJECT["license"],
    }


def test_a_build_is_told_its_bases_and_its_revision_and_no_secret() -> None:
    assert pairs_of("ARG").keys() == {"PYTHON_IMAGE", "BEAM_IMAGE", "LAUNCHER_IMAGE", "REVISION"}
