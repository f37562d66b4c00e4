"""The commands `monitoring apply`, `diff` and `remove`: a job's dashboard and alert policies in Cloud Monitoring."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from streaming.command_options import Debug, Project, wrong_project
from streaming.errors import EXIT_FAILED, Mistakes

if TYPE_CHECKING:
    from streaming.monitoring.installation import Installation
    from streaming.monitoring.installed import Change
    from streaming.monitoring.target import Target

HELP = "A job's dashboard and alerts in Cloud Monitoring: install them, compare them, remove them."
EPILOG = "Example: pubsub-inference monitoring apply --project P --job readings --subscription readings --dry-run"

_JOB = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_SUBSCRIPTION = re.compile(r"(projects/[^/]+/subscriptions/)?([A-Za-z][A-Za-z0-9._~+%-]{2,254})")
_CHANNEL = re.compile(r"projects/[^/]+/notificationChannels/[^/]+")

Job = Annotated[str, typer.Option(help="The job's name; a job that replaces it has the same.")]
Subscription = Annotated[
    str, typer.Option(help="The subscription that it reads: its id, or projects/P/subscriptions/S.")
]
Channels = Annotated[
    list[str] | None,
    typer.Option("--notification-channel", help="projects/P/notificationChannels/N that alerts go to; repeatable."),
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask before anything is changed.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only show what would be changed.")]


def apply(
    project: Project,
    job: Job,
    subscription: Subscription,
    notification_channel: Channels = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    _debug: Debug = False,
) -> None:
    """Install the dashboard and the alerts of a job, or change those that are there.

    The changes are shown first, and made once they are agreed to.
    """
    from streaming.monitoring.installation import wanted
    from streaming.monitoring.installed import changes

    channels = notification_channel or []
    target, installation = _place(project, job, subscription, channels)
    _make(installation, changes(wanted(target, channels), installation.there(target)), yes=yes, dry_run=dry_run)


def diff(
    project: Project,
    job: Job,
    subscription: Subscription,
    notification_channel: Channels = None,
    _debug: Debug = False,
) -> None:
    """Show what `apply` would change; exit code 1 if it would change anything."""
    from streaming.monitoring.installation import wanted
    from streaming.monitoring.installed import changes

    channels = notification_channel or []
    target, installation = _place(project, job, subscription, channels)
    made = changes(wanted(target, channels), installation.there(target))
    _show(made)
    if made:
        raise typer.Exit(EXIT_FAILED)


def remove(project: Project, job: Job, yes: Yes = False, dry_run: DryRun = False, _debug: Debug = False) -> None:
    """Remove the dashboard and the alerts of a job."""
    from streaming.monitoring.installed import changes

    target, installation = _place(project, job, None, [])
    _make(installation, changes([], installation.there(target)), yes=yes, dry_run=dry_run)


def sub_app(**settings: object) -> typer.Typer:
    """The three commands; `settings` are the context's of each."""
    app = typer.Typer(name="monitoring", help=HELP, epilog=EPILOG, no_args_is_help=True)
    for command in (apply, diff, remove):
        example = EPILOG if command is apply else f"Example: pubsub-inference monitoring {_example(command.__name__)}"
        app.command(epilog=example, context_settings=dict(settings))(command)
    return app


def _example(command: str) -> str:
    subscription = "" if command == "remove" else " --subscription readings"
    return f"{command} --project P --job readings{subscription}"


def _place(project: str, job: str, subscription: str | None, channels: Sequence[str]) -> tuple[Target, Installation]:
    """The job, and where its monitoring is installed, once nothing is wrong with the flags."""
    from streaming.monitoring.installation import Installation
    from streaming.monitoring.target import Target

    if mistakes := list(_wrong(project, job, subscription, channels)):
        raise Mistakes(mistakes)
    return Target(job, (subscription or "").rpartition("/")[2]), Installation(project)


def _wrong(project: str, job: str, subscription: str | None, channels: Sequence[str]) -> Iterator[str]:
    yield from wrong_project(project)
    if not _JOB.fullmatch(job):
        yield f"--job: {job!r} is no job's name; `pubsub-inference jobs` lists them"
    if subscription is not None and not _SUBSCRIPTION.fullmatch(subscription):
        yield f"--subscription: {subscription!r} is no subscription; write its id, or projects/P/subscriptions/S"
    for channel in channels:
        if not _CHANNEL.fullmatch(channel):
            yield (
                f"--notification-channel: {channel!r} is no channel's name; `gcloud beta monitoring channels list` "
                "shows those there are"
            )


def _make(installation: Installation, made: Sequence[Change], *, yes: bool, dry_run: bool) -> None:
    _show(made)
    if not made or dry_run:
        return
    if not yes:
        _agree(len(made))
    for change in made:
        installation.make(change)
        typer.echo(f"{change.action.name.lower()}: {change.item}: done", err=True)


def _show(made: Sequence[Change]) -> None:
    for change in made:
        for line in change.lines():
            typer.echo(line)
    if not made:
        typer.echo("nothing to change")


def _agree(number: int) -> None:
    """Go on if somebody agrees; without a terminal nobody can."""
    if not _has_terminal():
        raise Mistakes([f"--yes: {number} changes were not made, for there is no terminal to ask on; add --yes"])
    try:
        agreed = typer.confirm(f"Make these {number} changes?", err=True)
    except typer.Abort:
        agreed = False
    if not agreed:
        typer.echo("nothing was changed", err=True)
        raise typer.Exit(EXIT_FAILED)


def _has_terminal() -> bool:
    return sys.stdin.isatty()
