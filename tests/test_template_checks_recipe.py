"""What a Dockerfile installs and copies is what launcher and worker need, or each thing that is not is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from streaming.dataflow.checks.findings import Finding
from streaming.dataflow.checks.recipe import BOOT, ENTRY, LAUNCHER, check_recipe
from streaming.dataflow.dockerfile import Dockerfile

RECIPE = f"""\
FROM beam AS worker
FROM launcher AS launcher
FROM python:3.11
WORKDIR /template
COPY --from=worker {BOOT} {BOOT}
COPY --from=launcher {LAUNCHER} {LAUNCHER}
COPY requirements.txt streaming/main.py ./
RUN pip install --require-hashes -r requirements.txt && pip install --no-deps --no-build-isolation .
ENV {ENTRY}=/template/main.py
ENTRYPOINT ["{BOOT}"]
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    for name in ("requirements.txt", "streaming/main.py", "jobs/.git/job.yaml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def findings(repository: Path, recipe: str = RECIPE) -> list[Finding]:
    return list(check_recipe(Dockerfile.parse(recipe), repository, "Dockerfile"))


def test_a_recipe_that_makes_what_is_needed(repository: Path) -> None:
    assert findings(repository) == []
    assert findings(repository, RECIPE.replace("streaming/main.py ./", "streaming /template/")) == []
    assert findings(repository, RECIPE + "COPY jobs /jobs\n") == []


@pytest.mark.parametrize(
    ("old", "new", "finding"),
    [
        (
            f"ENV {ENTRY}=/template/main.py",
            "ENV OTHER=1",
            Finding("entry-unset", "Dockerfile", f"{ENTRY} is not set", f"write ENV {ENTRY}=/template/main.py"),
        ),
        (
            "=/template/main.py",
            "=/template/start.py",
            Finding(
                "entry-missing",
                "Dockerfile",
                f"{ENTRY} names /template/start.py, where nothing is copied to",
                "copy streaming/main.py there, or correct the variable",
            ),
        ),
        (
            f"COPY --from=worker {BOOT} {BOOT}",
            f"COPY --from=worker {BOOT} /boot",
            Finding(
                "boot-missing",
                "Dockerfile",
                f"{BOOT} is not in the image",
                "copy it from its base with COPY --from",
            ),
        ),
        (
            f"COPY --from=launcher {LAUNCHER} {LAUNCHER}\n",
            "",
            Finding(
                "launcher-missing",
                "Dockerfile",
                f"{LAUNCHER} is not in the image",
                "copy it from its base with COPY --from",
            ),
        ),
        (
            f'ENTRYPOINT ["{BOOT}"]\n',
            "",
            Finding(
                "entrypoint",
                "Dockerfile",
                "ENTRYPOINT is not set, so that no worker starts",
                f'write ENTRYPOINT ["{BOOT}"]',
            ),
        ),
        (
            f'ENTRYPOINT ["{BOOT}"]',
            f"ENTRYPOINT {BOOT}",
            Finding(
                "entrypoint",
                "Dockerfile",
                f"ENTRYPOINT is {BOOT}, so that no worker starts",
                f'write ENTRYPOINT ["{BOOT}"]',
            ),
        ),
        (
            "/template/main.py",
            "/template/main.py FLEX_TEMPLATE_PYTHON_SETUP_FILE=setup.py",
            Finding(
                "installs-at-launch",
                "Dockerfile",
                "FLEX_TEMPLATE_PYTHON_SETUP_FILE is set, so that each launch downloads packages",
                "remove it: the image has them already",
            ),
        ),
        (
            "--no-deps --no-build-isolation .",
            "--no-deps .",
            Finding(
                "pip-without-hashes",
                "Dockerfile:8",
                "pip install --no-deps . takes what it is given",
                "add --require-hashes, or to . alone --no-deps and --no-build-isolation",
            ),
        ),
        (
            "requirements.txt streaming",
            "requirement.txt streaming",
            Finding("source-missing", "Dockerfile:7", "requirement.txt is copied and not there", "correct the path"),
        ),
    ],
)
def test_what_a_recipe_lacks_is_told(old: str, new: str, finding: Finding, repository: Path) -> None:
    assert findings(repository, RECIPE.replace(old, new)) == [finding]


@pytest.mark.parametrize(
    ("file", "name", "what"),
    [("jobs/m/saved_model.pb", "model-copied", "a model"), ("jobs/job.yaml", "job-file-copied", "a job file")],
)
def test_models_and_job_files_are_no_part_of_the_image(file: str, name: str, what: str, repository: Path) -> None:
    (repository / file).parent.mkdir(exist_ok=True)
    (repository / file).touch()
    remedy = "keep it on Cloud Storage: jobs change without a new image"
    assert findings(repository, RECIPE + "COPY jobs /jobs\n") == [
        Finding(name, "Dockerfile:11", f"{file}, {what}, becomes part of the image", remedy)
    ]
