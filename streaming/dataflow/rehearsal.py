"""A launch up to the graph, on this machine: what the launcher would do with the parameters, without a service."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from streaming.dataflow.steps import step_names
from streaming.options import Parameters
from streaming.quiet import import_tensorflow

_BEAM_OPTIONS = (
    "--runner=DataflowRunner",
    "--dry_run=True",  # with it Beam looks at no bucket
    "--project=rehearsal",  # the names are nowhere in the graph, but Beam wants some
    "--region=rehearsal",
    "--staging_location=gs://rehearsal/staging",
    "--temp_location=gs://rehearsal/temp",
)
_TALKATIVE = ("apache_beam.utils.retry", "apache_beam.internal.gcp.auth", "google.auth", "urllib3.connectionpool")
"""Loggers of what a file is read with."""


def rehearse(parameters: Mapping[str, str]) -> frozenset[str]:
    """The names of the steps of the graph that these parameters make.

    The job file, its schema and the graphs of its SavedModels are read. Parameters that this version of the program
    does not know, and a template may still have, are left out.

    Raises:
        Mistakes: all that is wrong with parameters, job file, schema and models.
    """
    import_tensorflow()
    _read_files_as_they_are()
    from streaming import main

    known = [f"--{name}={value}" for name, value in parameters.items() if name in Parameters.model_fields]
    return step_names(main.draw(main.checked([*known, *_BEAM_OPTIONS])))


def _read_files_as_they_are() -> None:
    """Keep Beam's file systems from reading the program's arguments, and ending it where they are not Beam's.

    They do not tell either what they try again, with its traceback: what comes of it in the end is told.
    """
    from apache_beam.io.filesystems import FileSystems
    from apache_beam.options.pipeline_options import PipelineOptions

    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.ERROR)
    FileSystems.set_options(PipelineOptions([]))
