"""The job as a worker runs it: checked, prepared, started in this process, and asked to stop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from streaming import options
from streaming.parameter_rules import is_stored

if TYPE_CHECKING:
    from apache_beam.options.pipeline_options import PortableOptions
    from apache_beam.runners.runner import PipelineResult

BEAM_DEFAULTS = (
    "--runner=PrismRunner",
    "--environment_type=LOOPBACK",
    "--experiments=prism_disable_sdf_split",  # a split reader would take turns with itself
    f"--job_server_timeout={10 * 365 * 86400}",  # seconds; Beam stops watching the job's state after it, 300 by default
)
"""Beam's options unless the arguments say otherwise. The job runs in this process, which is how it is watched."""

STORED_DEFAULTS = (*BEAM_DEFAULTS, "--runner=FnApiRunner")
"""Those of a job over stored data: nothing is to be acknowledged, and so no second program is needed."""


class WorkerJob:
    """A `streaming.local.worker.Job`: the one that `argv` describes.

    Beam and TensorFlow, ten seconds of imports, come in with `prepare`.
    """

    def __init__(self, argv: Sequence[str]) -> None:
        values, _, _ = options.read(argv)
        self._ends = is_stored(values)
        self._argv = [*(STORED_DEFAULTS if self._ends else BEAM_DEFAULTS), *argv]

    def prepare(self) -> None:
        from streaming.quiet import import_tensorflow

        import_tensorflow()
        from streaming import main, services

        self._launch = main.checked(self._argv)
        services.prepare(self._launch.parameters, self._launch.contract, self._launch.origins)

    def wants_prism(self) -> bool:
        from streaming.runners import runner_of

        return runner_of(self._launch.beam_options) == "PrismRunner" and not self._portable().job_endpoint

    def start(self, prism: str | None) -> PipelineResult:
        from streaming import main

        if prism is not None:
            self._portable().job_endpoint = prism
        return main.start(self._launch)

    def ends(self) -> bool:
        return self._ends

    def stop_reading(self) -> None:
        from streaming import source

        source.stop_reading()

    def ready(self) -> bool:
        from streaming import metrics

        return metrics.ready()

    def worn_out(self) -> bool:
        from streaming import deadlines

        return deadlines.worn_out()

    def snapshot(self) -> Mapping[str, Any]:
        from streaming import metrics
        from streaming.stored import progress

        found = self._launch.found
        parts = {"parts": [progress.parts_read(), len(found.parts)]} if found else {}
        return {**metrics.snapshot(), **parts}

    def _portable(self) -> PortableOptions:
        from apache_beam.options.pipeline_options import PortableOptions

        return self._launch.beam_options.view_as(PortableOptions)
