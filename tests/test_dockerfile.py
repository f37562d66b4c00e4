"""Dockerfiles are read as Docker does; of the repository's own, what `streaming.dataflow.checks` leaves open."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from streaming.dataflow.dockerfile import Copy, Dockerfile, Instruction
from streaming.local.supervisor import ALLOCATOR

ROOT = Path(__file__).parents[1]
DOCKERFILE = Dockerfile.parse((ROOT / "Dockerfile").read_text())
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_instructions_are_read_in_their_stages_and_on_one_line() -> None:
    text = """# syntax
ARG BASE=python:3.11
from --platform=linux/amd64 ${BASE} as one
RUN first \\
    # a comment between
    && second

FROM one
"""
    assert Dockerfile.parse(text).instructions == (
        Instruction(2, "", "ARG", "BASE=python:3.11"),
        Instruction(3, "one", "FROM", "--platform=linux/amd64 ${BASE} as one"),
        Instruction(4, "one", "RUN", "first     && second"),
        Instruction(8, "1", "FROM", "one"),
    )


def test_bases_are_told_from_stages_and_the_last_stage_from_those_that_are_left_behind() -> None:
    text = "ARG A=a:1\nFROM $A AS first\nFROM b:2 AS left\nFROM first AS second\nFROM second"
    read = Dockerfile.parse(text)
    assert read.bases() == [(2, "a:1"), (3, "b:2")]
    assert read.final_stages() == ["first", "second", "3"]


def test_pairs_are_read_with_quotes_and_without_values() -> None:
    read = Dockerfile.parse('ARG A\nENV B="b c" D=e\nLABEL f="g"')
    assert (read.pairs_of("ARG"), read.pairs_of("ENV"), read.pairs_of("LABEL")) == (
        {"A": ""},
        {"B": "b c", "D": "e"},
        {"f": "g"},
    )


def test_copies_are_read_in_both_forms_with_their_whole_targets() -> None:
    text = 'FROM a AS one\nCOPY x /y\nWORKDIR /w\nCOPY --chown=1 --from=b c d ./\nCOPY ["e f", "g"]'
    read = Dockerfile.parse(text)
    assert list(read.copies()) == [
        Copy(2, "", ("x",), "/y"),
        Copy(4, "b", ("c", "d"), "/w/./"),
        Copy(5, "", ("e f",), "/w/g"),
    ]
    assert read.sources() == ["x", "e f"]


def test_a_stage_begins_in_the_directory_of_the_one_that_it_is_made_from() -> None:
    text = "FROM a AS one\nWORKDIR /w\nFROM b AS two\nCOPY x .\nFROM one\nWORKDIR v\nCOPY y ."
    assert [copy.target for copy in Dockerfile.parse(text).copies()] == ["/.", "/w/v/."]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("FROM a\n\nRUN", "line 3: RUN without arguments"),
        ('FROM a\nENV B="c', "line 2: No closing quotation"),
        ("FROM a\nCOPY [1", 'line 2: COPY [1 is not of the form ["SOURCE", "TARGET"]'),
    ],
)
def test_what_is_no_dockerfile_is_told_by_its_line(text: str, fault: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(fault)}$"):
        Dockerfile.parse(text)


def test_the_requirements_are_compiled_for_the_images_python() -> None:
    (compiled,) = re.findall(r"--python-version (\S+)", (ROOT / "Makefile").read_text())
    assert DOCKERFILE.pairs_of("ARG", "")["PYTHON_IMAGE"].startswith(f"python:{compiled}.")


def test_every_base_is_a_build_argument() -> None:
    assert DOCKERFILE.arguments_of("FROM") == [
        "${BEAM_IMAGE} AS beam",
        "${LAUNCHER_IMAGE} AS launcher",
        "${PYTHON_IMAGE} AS dependencies",
        "dependencies AS package",
        "dependencies AS template",
    ]


def test_of_what_is_copied_all_but_the_roots_own_files_is_program() -> None:
    assert DOCKERFILE.sources() == [
        "requirements.txt", "LICENSE", "README.md", "pyproject.toml", "producers", "streaming", "streaming/main.py",
    ]  # fmt: skip
    kept = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *DOCKERFILE.sources()],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    assert [name for name in kept if "/" in name and not name.endswith((".py", ".j2"))] == []


def test_the_build_is_sent_what_is_copied_and_nothing_else() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    sent = {rule[1:] for rule in rules if rule.startswith("!")}
    assert rules[0] == "*"
    assert sent == {source for source in DOCKERFILE.sources() if source != "streaming/main.py"}
    assert set(rules[1:]) - {f"!{name}" for name in sent} == {"**/__pycache__", "**/*.pyc"}


def test_requirements_are_held_to_their_hashes_and_nothing_else_is_downloaded() -> None:
    installs = re.findall(r"pip install ([^&]+)", " ".join(DOCKERFILE.arguments_of("RUN")))
    wheels = "--no-deps --require-hashes --only-binary=:all:"
    assert [" ".join(install.split()) for install in installs] == [
        f"{wheels} --requirement /tmp/setuptools.txt",
        f"{wheels} --no-binary=google-apitools --no-build-isolation --requirement /tmp/requirements.txt",
        "--no-deps --no-build-isolation --prefix=/package .",
    ]


def test_nothing_is_set_but_what_pip_launcher_and_worker_need() -> None:
    assert DOCKERFILE.pairs_of("ENV") == {
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_CACHE_DIR": "1",
        "PIP_ROOT_USER_ACTION": "ignore",
        "FLEX_TEMPLATE_PYTHON_PY_FILE": "/template/main.py",  # no _REQUIREMENTS_FILE, no _SETUP_FILE
        "RUN_PYTHON_SDK_IN_DEFAULT_ENVIRONMENT": "1",
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "TF_ENABLE_ONEDNN_OPTS": "0",
        **ALLOCATOR,
    }


def test_the_package_comes_from_its_stage() -> None:
    assert "--from=package /package /usr/local" in DOCKERFILE.arguments_of("COPY", "template")


def test_the_labels_are_the_packages_own() -> None:
    assert DOCKERFILE.pairs_of("LABEL") == {
        "org.opencontainers.image.title": PROJECT["name"],
        "org.opencontainers.image.description": PROJECT["description"],
        "org.opencontainers.image.version": PROJECT["version"],
        "org.opencontainers.image.revision": "${REVISION}",
        "org.opencontainers.image.licenses": PROJECT["license"],
    }


def test_a_build_is_told_its_bases_and_its_revision_and_no_secret() -> None:
    assert DOCKERFILE.pairs_of("ARG").keys() == {"PYTHON_IMAGE", "BEAM_IMAGE", "LAUNCHER_IMAGE", "REVISION"}
