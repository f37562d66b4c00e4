"""The command `template`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streaming.command_options import Debug, Project
from streaming.dataflow.commands.options import Region

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from streaming.dataflow.template import Target
    from streaming.dataflow.written import Written

EPILOG = (
    "Example: pubsub-inference template --project P --region europe-west4 --repository jobs --tag 1.4.0 "
    "--output gs://bucket/pubsub-inference.json"
)


def template(
    project: Project = "",
    region: Region = "",
    repository: Annotated[str, typer.Option(help="The image's repository in Artifact Registry.")] = "",
    tag: Annotated[str, typer.Option(help="The image's tag, one that stays: not latest.")] = "",
    image: Annotated[str, typer.Option(help="A whole image name, instead of repository and tag.")] = "",
    output: Annotated[
        str | None,
        typer.Option(
            help="The template's file, gs:// or local; by default standard output. A template that is there is "
            "replaced, which is how jobs come by a new image; any other file is not."
        ),
    ] = None,
    cloud_build: Annotated[
        str | None,
        typer.Option(
            metavar="PATH",
            help="Write Cloud Build's configuration into this file, to build there instead of here. One that this "
            "command has written is replaced, one that was changed since is not.",
        ),
    ] = None,
    directory: Annotated[Path, typer.Option(help="The repository's root.")] = Path(),
    check: Annotated[bool, typer.Option("--check", help="Only check; exit code 2 if anything is wrong.")] = False,
    template: Annotated[
        str | None,
        typer.Option(help="With --check: a rendered template, gs:// or local, instead of the repository's own."),
    ] = None,
    _debug: Debug = False,
) -> None:
    """Render the Flex Template for an image, and show the commands that build the image and launch a job.

    Nothing is built or launched. Template, Dockerfile and requirements are checked first, and nothing is written while
    any of them is wrong.
    """
    from streaming.dataflow.template import Target

    target = Target(project, region, repository, tag, image)
    if check:
        _refuse(_superfluous(target, output, cloud_build))
        _check(directory, template)
    else:
        _refuse([] if template is None else ["--template: goes with --check; to write a template, give --output"])
        _render(target, directory, output, cloud_build)


def _check(directory: Path, path: str | None) -> None:
    from streaming.dataflow.checks import check_image_recipe, check_repository, check_spec
    from streaming.dataflow.written import read_there

    _refuse(_wrong_directory(directory))
    if path is None:
        findings = check_repository(directory)
    else:
        content = read_there(path, "--template", "correct the path")
        findings = [*check_spec(content, path, rendered=True), *check_image_recipe(directory)]
    _refuse(map(str, findings))
    typer.echo(
        f"{path or directory / 'flex_template.json'}, Dockerfile, requirements.txt and pyproject.toml: nothing is wrong"
    )


def _render(target: Target, directory: Path, output: str | None, cloud_build: str | None) -> None:
    from streaming.dataflow.checks import check_repository, check_spec
    from streaming.dataflow.spec import spec, text
    from streaming.dataflow.template import revision_of

    _refuse(_wrong_flags(target, directory, output, cloud_build))
    rendered = text(spec(target.image))
    _refuse(
        map(str, [*check_spec(rendered.encode(), output or "template", rendered=True), *check_repository(directory)])
    )
    revision = revision_of(directory)
    for file in _files(target, rendered, revision, output, cloud_build):
        typer.echo(file.write(), err=True)
    if output is None:
        typer.echo(rendered, nl=False)
    typer.echo(_what_follows(target, revision, directory, output, cloud_build), err=output is None)


def _files(target: Target, rendered: str, revision: str, output: str | None, cloud_build: str | None) -> list[Written]:
    """What is to be written, after it is sure of all that it can be."""
    from streaming.dataflow.checks import is_spec
    from streaming.dataflow.cloud_build import config, is_config
    from streaming.dataflow.written import to_write

    files = []
    if cloud_build is not None:
        files.append(to_write(cloud_build, "--cloud-build", config(target.image, revision), is_config))
    if output is not None:
        files.append(to_write(output, "--output", rendered.encode(), is_spec))
    return files


def _what_follows(target: Target, revision: str, directory: Path, output: str | None, cloud_build: str | None) -> str:
    """The commands that build the image, unless it is there already, and the one that launches a job."""
    from streaming.dataflow.template import cloud_build_command, docker_commands, launch_command

    if target.is_built:
        build = []
    elif cloud_build is None:
        build = docker_commands(target.image, revision, directory)
    else:
        build = [cloud_build_command(target, cloud_build, directory)]
    return "\n".join([*build, launch_command(target, output or "TEMPLATE")])


def _wrong_flags(target: Target, directory: Path, output: str | None, cloud_build: str | None) -> Iterator[str]:
    from streaming.dataflow.written import wrong_path

    yield from _wrong_place(target)
    yield from target.image_mistakes()
    yield from _wrong_directory(directory)
    yield from wrong_path(output, "--output")
    if cloud_build is not None and "://" in cloud_build:
        yield f"--cloud-build: {cloud_build} is not on this machine, where gcloud reads it; name a local file"
    else:
        yield from wrong_path(cloud_build, "--cloud-build")
    if output is not None and output == cloud_build:
        yield "--cloud-build: is the --output; give it a file of its own"
    if cloud_build is not None and target.is_built:
        yield "--cloud-build: an image with a digest is built already; name it by a tag, or leave out --cloud-build"


def _wrong_place(target: Target) -> Iterator[str]:
    from streaming.dataflow.commands.options import wrong_place

    missing = [name for name in ("project", "region") if not getattr(target, name)]
    yield from (f"--{name}: missing; give --{name} {name.upper()}" for name in missing)
    for line in wrong_place(target.project, target.region):
        if not line.startswith(tuple(f"--{name}:" for name in missing)):
            yield line


def _wrong_directory(directory: Path) -> Iterator[str]:
    if not directory.is_dir():
        yield f"--directory: no directory {directory}; name the repository's root"


def _superfluous(target: Target, output: str | None, cloud_build: str | None) -> Iterator[str]:
    parts = {"repository": target.repository, "tag": target.tag, "image": target.other_image}
    for name in (name for name, value in {**parts, "output": output, "cloud-build": cloud_build}.items() if value):
        yield f"--{name}: goes without --check, which renders nothing; leave out one of them"


def _refuse(lines: Iterable[str]) -> None:
    """End with all that is wrong, if anything is."""
    from streaming.errors import Mistakes

    if mistakes := list(lines):
        raise Mistakes(mistakes)
