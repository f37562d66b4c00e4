"""How a job is launched: where it runs, as whom, on which machines. Each setting is an option of the commands."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from streaming.command_options import Project
from streaming.dataflow.commands.options import Region, Timeout, Wait

if TYPE_CHECKING:
    from google.cloud.dataflow_v1beta3 import FlexTemplateRuntimeEnvironment

Text = str | None
Count = int | None


class StreamingMode(StrEnum):
    """Which of Pub/Sub's messages the graph gets."""

    at_least_once = "at-least-once"
    exactly_once = "exactly-once"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The options of `launch` and `update`, as they are given; those that are `None` are the template's."""

    template: Annotated[
        str, typer.Option(metavar="FILE", help="The template, gs:// or local; `template --output` writes it.")
    ]
    project: Project
    region: Region
    streaming_mode: Annotated[
        StreamingMode,
        typer.Option(
            metavar="MODE",
            help="at-least-once or exactly-once, which removes what Pub/Sub delivers again before the graph sees it; "
            "it costs more and adds latency. It adds no more than that: the sinks are at-least-once in both modes, "
            "and the rows of a bundle that is tried again repeat, under the same prediction_id.",
        ),
    ] = StreamingMode.at_least_once
    service_account: Annotated[
        Text, typer.Option(metavar="EMAIL", help="The account that the job runs as; by default Compute Engine's.")
    ] = None
    network: Annotated[Text, typer.Option(metavar="NAME", help="The workers' network; by default `default`.")] = None
    subnetwork: Annotated[
        Text, typer.Option(metavar="NAME", help="Theirs in it: regions/R/ subnetworks/S, or its URL.")
    ] = None
    public_ips: Annotated[
        bool, typer.Option("--public-ips/--no-public-ips", help="Whether workers have external addresses.")
    ] = True
    worker_zone: Annotated[
        Text, typer.Option(metavar="ZONE", help="The workers' zone; by default the service chooses.")
    ] = None
    machine_type: Annotated[
        Text, typer.Option(metavar="TYPE", help="The workers' machine type, as in n2-standard-2.")
    ] = None
    launcher_machine_type: Annotated[
        Text, typer.Option(metavar="TYPE", help="That of the machine that launches the job.")
    ] = None
    num_workers: Annotated[
        Count, typer.Option(metavar="N", help="How many workers the job begins with, 1 to 1,000.")
    ] = None
    max_workers: Annotated[Count, typer.Option(metavar="N", help="How many it may come to have, 1 to 1,000.")] = None
    disk_size_gb: Annotated[Count, typer.Option(metavar="N", help="The size of a worker's disk, 10 or more.")] = None
    staging_location: Annotated[
        Text, typer.Option(metavar="DIR", help="Where the launcher puts files: gs://BUCKET/PATH.")
    ] = None
    temp_location: Annotated[Text, typer.Option(metavar="DIR", help="Where temporary files go: gs://BUCKET/PATH.")] = (
        None
    )
    kms_key: Annotated[
        Text, typer.Option(metavar="NAME", help="The key that data at rest is encrypted with, by its full name.")
    ] = None
    label: Annotated[list[str], typer.Option(metavar="K=V", help="A label of the job, KEY=VALUE; repeatable.")] = field(
        default_factory=list
    )
    experiment: Annotated[list[str], typer.Option(metavar="NAME", help="An experiment of Dataflow's; repeatable.")] = (
        field(default_factory=list)
    )
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check all that can be, here and by the service; change nothing.")
    ] = False
    wait: Wait = True
    timeout: Timeout = None

    @property
    def labels(self) -> dict[str, str]:
        """The labels by their keys."""
        return {key: value for key, _, value in (each.partition("=") for each in self.label)}

    def environment(self) -> FlexTemplateRuntimeEnvironment:
        """The settings as the service takes them."""
        from google.cloud import dataflow_v1beta3 as service

        mode = f"STREAMING_MODE_{self.streaming_mode.name.upper()}"
        ips = service.WorkerIPAddressConfiguration
        return service.FlexTemplateRuntimeEnvironment(
            streaming_mode=service.StreamingMode[mode],
            service_account_email=self.service_account,
            network=self.network,
            subnetwork=self.subnetwork,
            ip_configuration=ips.WORKER_IP_UNSPECIFIED if self.public_ips else ips.WORKER_IP_PRIVATE,
            worker_zone=self.worker_zone,
            machine_type=self.machine_type,
            launcher_machine_type=self.launcher_machine_type,
            num_workers=self.num_workers,
            max_workers=self.max_workers,
            disk_size_gb=self.disk_size_gb,
            staging_location=self.staging_location,
            temp_location=self.temp_location,
            kms_key_name=self.kms_key,
            additional_user_labels=self.labels,
            additional_experiments=self.experiment,
        )
