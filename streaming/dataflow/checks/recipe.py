"""Checks of what the Dockerfile does: what it installs and copies, and what launcher and worker find in the image."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from streaming.dataflow.checks.findings import Finding
from streaming.dataflow.dockerfile import Copy, Dockerfile

BOOT = "/opt/apache/beam/boot"
LAUNCHER = "/opt/google/dataflow/python_template_launcher"
ENTRY = "FLEX_TEMPLATE_PYTHON_PY_FILE"
INSTALLERS = ("FLEX_TEMPLATE_PYTHON_REQUIREMENTS_FILE", "FLEX_TEMPLATE_PYTHON_SETUP_FILE")

_MODELS = (".pb", ".keras", ".h5", ".tflite", ".index")
_JOB_FILES = (".yaml", ".yml")


def check_recipe(dockerfile: Dockerfile, directory: Path, place: str) -> Iterator[Finding]:
    """What is wrong with the Dockerfile of the repository in `directory`."""
    yield from _check_entry(dockerfile, directory, place)
    yield from _check_launcher_and_worker(dockerfile, place)
    yield from _check_installs(dockerfile, place)
    for copy in dockerfile.copies():
        if not copy.origin:
            for source in copy.sources:
                yield from _check_source(directory, source, f"{place}:{copy.line}")


def _check_entry(dockerfile: Dockerfile, directory: Path, place: str) -> Iterator[Finding]:
    stages = dockerfile.final_stages()
    entry = dockerfile.pairs_of("ENV", *stages).get(ENTRY)
    if not entry:
        yield Finding("entry-unset", place, f"{ENTRY} is not set", f"write ENV {ENTRY}=/template/main.py")
    elif not any(_puts(copy, entry, directory) for copy in dockerfile.copies(*stages)):
        wrong = f"{ENTRY} names {entry}, where nothing is copied to"
        yield Finding("entry-missing", place, wrong, "copy streaming/main.py there, or correct the variable")


def _puts(copy: Copy, path: str, directory: Path) -> bool:
    """Whether `path` is there after the copy. Of what comes from another image, all that can be below its target is."""
    inside = PurePosixPath(path).relative_to(copy.target) if PurePosixPath(path).is_relative_to(copy.target) else None
    if inside is None:
        return False
    return bool(copy.origin) or any(_is_put(copy, directory / source, inside) for source in copy.sources)


def _is_put(copy: Copy, source: Path, inside: PurePosixPath) -> bool:
    """Whether a source from the repository comes to be at `inside`, or has a file there, of the copy's target."""
    if source.is_dir():
        return (source / inside).is_file()
    is_into_directory = copy.target.endswith(("/", "/.")) or len(copy.sources) > 1
    return str(inside) == (source.name if is_into_directory else ".")


def _check_launcher_and_worker(dockerfile: Dockerfile, place: str) -> Iterator[Finding]:
    stages = dockerfile.final_stages()
    copies = [*dockerfile.copies(*stages)]
    for name, file in (("boot-missing", BOOT), ("launcher-missing", LAUNCHER)):
        if not any(_puts(copy, file, Path()) for copy in copies if copy.origin):
            yield Finding(name, place, f"{file} is not in the image", "copy it from its base with COPY --from")
    entrypoints = dockerfile.arguments_of("ENTRYPOINT", *stages)
    if entrypoints[-1:] != [json.dumps([BOOT])]:
        wrong = f"ENTRYPOINT is {entrypoints[-1] if entrypoints else 'not set'}, so that no worker starts"
        yield Finding("entrypoint", place, wrong, f'write ENTRYPOINT ["{BOOT}"]')
    for name in INSTALLERS:
        if name in dockerfile.pairs_of("ENV", *stages):
            wrong = f"{name} is set, so that each launch downloads packages"
            yield Finding("installs-at-launch", place, wrong, "remove it: the image has them already")


def _check_installs(dockerfile: Dockerfile, place: str) -> Iterator[Finding]:
    for run in dockerfile.of("RUN"):
        for command in re.findall(r"\bpip3? install\b([^&;|]*)", run.arguments):
            words = command.split()
            is_own = words[-1:] == ["."] and {"--no-deps", "--no-build-isolation"} <= {*words}
            if not is_own and "--require-hashes" not in words:
                wrong = f"pip install {' '.join(words)} takes what it is given"
                remedy = "add --require-hashes, or to . alone --no-deps and --no-build-isolation"
                yield Finding("pip-without-hashes", f"{place}:{run.line}", wrong, remedy)


def _check_source(directory: Path, source: str, place: str) -> Iterator[Finding]:
    path = directory / source
    if not path.exists():
        yield Finding("source-missing", place, f"{source} is copied and not there", "correct the path")
    files = [*_files(path)] if path.is_dir() else [path]
    for name, suffixes, what in (("model-copied", _MODELS, "a model"), ("job-file-copied", _JOB_FILES, "a job file")):
        if found := next((file for file in files if file.suffix in suffixes), None):
            wrong = f"{found.relative_to(directory)}, {what}, becomes part of the image"
            yield Finding(name, place, wrong, "keep it on Cloud Storage: jobs change without a new image")


def _files(directory: Path) -> Iterator[Path]:
    """All files below, but those in hidden directories."""
    for root, inner, names in os.walk(directory):
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        yield from (Path(root, name) for name in sorted(names))
