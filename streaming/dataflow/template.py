"""A template for one image: where the image lies, and the commands that build it and launch jobs from it."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from streaming.dataflow.checks.images import check_image

NAME = "pubsub-inference"
"""The image's, in its repository."""

_REPOSITORY = re.compile(r"[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")  # Artifact Registry's rule
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")  # Docker's


@dataclass(frozen=True)
class Target:
    """Where the image and the jobs are, as the flags say it; a text that is not given is empty.

    Attributes:
        project: the id of the project, with its domain if it has one.
        region: of the jobs, and of the image's repository.
        repository: of Artifact Registry.
        tag: of the image.
        other_image: the whole name of an image that is elsewhere, instead of `repository` and `tag`.
    """

    project: str
    region: str
    repository: str = ""
    tag: str = ""
    other_image: str = ""

    @property
    def image(self) -> str:
        """The image's full name."""
        path = self.project.replace(":", "/")  # example.com:project
        return self.other_image or f"{self.region}-docker.pkg.dev/{path}/{self.repository}/{NAME}:{self.tag}"

    @property
    def is_built(self) -> bool:
        """Whether the image is named by a digest, which it has once it was pushed."""
        return "@" in self.other_image

    def image_mistakes(self) -> Iterator[str]:
        """What is wrong with the flags that name the image."""
        if not self.other_image:
            yield from self._wrong_repository()
            yield from self._wrong_tag()
            return
        for name in (name for name in ("repository", "tag") if getattr(self, name)):
            yield f"--{name}: goes without --image, which names all of the image; give one or the other"
        yield from (f"--image: {each.wrong}; {each.remedy}" for each in check_image(self.other_image, "--image"))

    def _wrong_repository(self) -> Iterator[str]:
        if not self.repository:
            yield "--repository: missing; give --repository REPOSITORY, or name all of the image with --image"
        elif not _REPOSITORY.fullmatch(self.repository):
            remedy = "write lower-case letters, digits and hyphens, at most 63, and a letter first"
            yield f"--repository: {self.repository!r} is no repository of Artifact Registry; {remedy}"

    def _wrong_tag(self) -> Iterator[str]:
        if not self.tag:
            yield "--tag: missing; give --tag TAG"
        elif not _TAG.fullmatch(self.tag):
            remedy = "write letters, digits, dots, hyphens and underscores, at most 128, and no . or - first"
            yield f"--tag: {self.tag!r} is no tag; {remedy}"
        elif self.tag == "latest":
            yield "--tag: 'latest' is another image after each push; name a tag that stays, such as a version"


def revision_of(directory: Path) -> str:
    """The commit that is checked out, with `-dirty` where files differ from it; `unknown` where Git cannot tell."""
    command = ["git", "-C", str(directory), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def build_arguments(image: str, revision: str) -> list[str]:
    """What follows `docker` to build the image. Dataflow's workers are x86-64, whatever machine it is built on."""
    return ["build", "--platform", "linux/amd64", "--build-arg", f"REVISION={revision}", "--tag", image]


def docker_commands(image: str, revision: str, directory: Path) -> list[str]:
    """The commands that build and push the image from this machine."""
    build = ["docker", *build_arguments(image, revision), str(directory)]
    return [shlex.join(build), shlex.join(["docker", "push", image])]


def cloud_build_command(target: Target, config: str, directory: Path) -> str:
    """The command by which Cloud Build builds and pushes the image, as `config` says."""
    flags = {"config": config, "project": target.project, "region": target.region}
    return shlex.join(["gcloud", "builds", "submit", *_words(flags), str(directory)])


def launch_command(target: Target, template: str) -> str:
    """The command that launches a stream, with the names of the parameters that it must be given in place of values."""
    flags = {"template": template, "project": target.project, "region": target.region}
    usual = (f"--{name}={name.upper()}" for name in ("job_file", "input_subscription", "output_table"))
    return shlex.join([NAME, "launch", "JOB_NAME", *_words(flags), *usual])


def _words(flags: Mapping[str, str]) -> list[str]:
    return [f"--{name}={value}" for name, value in flags.items()]
