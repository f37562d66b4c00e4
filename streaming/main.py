"""The template's entry point: arguments -> parameters and contract -> graph -> run. It never waits for a service."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import GoogleCloudOptions, PipelineOptions, TestOptions
from apache_beam.runners.runner import PipelineResult

from streaming import options, services
from streaming.contract import check
from streaming.decode import Decoder
from streaming.errors import JobError, Mistakes, exit_code
from streaming.job import load_job
from streaming.options import Parameters
from streaming.parameter_rules import is_stored
from streaming.pipeline import Ends, build
from streaming.runners import (
    EndOfLine,
    beam_arguments,
    beam_flags,
    beam_mistakes,
    beam_options,
    reader,
    runner_mistakes,
    runner_of,
)
from streaming.steps import MessagesToBatch, PureStep
from streaming.stored.inputs import Found
from streaming.stored.launch import look
from streaming.stored.shaper import Shaper
from streaming.stored.shaping import RecordsToBatch
from streaming.stored.source import ReadStored
from streaming.wiring import Contract


@dataclass(frozen=True)
class Launch:
    """A job that has passed every check that needs no service but those that have its job file and its stored input.

    Attributes:
        parameters: where it reads and writes.
        contract: what it does.
        beam_options: the runner's, for a stream or for a job that ends.
        found: the stored input; None is a stream.
    """

    parameters: Parameters
    contract: Contract
    beam_options: PipelineOptions
    found: Found | None = None

    @property
    def origins(self) -> tuple[str, ...]:
        """The files, or the table, of which the job will write all anew; none where Beam only draws its graph."""
        dry = self.beam_options.view_as(TestOptions).dry_run
        return self.found.origins if self.found and not dry else ()


@dataclass(frozen=True)
class _Flags:
    """The arguments, each where it belongs.

    Attributes:
        values: the parameters by name.
        beam_args: Beam's own options, as Beam takes them.
        unreadable: what Beam cannot read of them.
        mistakes: what else is wrong.
    """

    values: dict[str, str]
    beam_args: list[str]
    unreadable: list[str]
    mistakes: list[str]


def main(argv: Sequence[str] | None = None) -> int:
    """Launch the job and return without waiting: the exit code, 2 for mistakes of the caller."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    flags = _flags(sys.argv[1:] if argv is None else argv)
    if argv is None:  # Beam's file systems read the program's arguments, and understand none but Beam's own
        sys.argv[1:] = [] if flags.unreadable else flags.beam_args
    try:
        launch = _checked(flags)
        services.prepare(launch.parameters, launch.contract, launch.origins)
        start(launch)
    except JobError as error:
        sys.stderr.write(f"{error}\n")
        return exit_code(error)
    return 0


def checked(argv: Sequence[str]) -> Launch:
    """The job that `argv` describes, checked end to end without a service.

    Raises:
        Mistakes: all that is wrong with flags, job file, schema and models, at once.
    """
    return _checked(_flags(argv))


def _flags(argv: Sequence[str]) -> _Flags:
    values, others, mistakes = options.read(argv, beam_flags())
    beam_args, switch_mistakes = beam_arguments(others)
    return _Flags(values, beam_args, beam_mistakes(beam_args), mistakes + switch_mistakes)


def _checked(flags: _Flags) -> Launch:
    options_of_beam = beam_options(flags.beam_args, is_stream=not is_stored(flags.values))
    mistakes = flags.mistakes + (flags.unreadable or runner_mistakes(options_of_beam, flags.values))
    contract = None
    if "job_file" in flags.values:
        try:
            contract = check(load_job(flags.values["job_file"]))
        except Mistakes as error:
            mistakes += error.lines
    found, wrong = look(flags.values, contract)
    mistakes += [line for line in wrong if line not in mistakes]  # a parameter's form is looked at by both
    if mistakes or contract is None:
        raise Mistakes(mistakes)
    parameters = Parameters.model_validate(flags.values)
    if parameters.window_duration:
        contract = replace(contract, window=parameters.window_duration)
    return Launch(parameters, contract, options_of_beam, found)


def start(launch: Launch) -> PipelineResult:
    """Draw the graph and hand it to the runner."""
    logging.getLogger("apache_beam.transforms.util").setLevel(logging.WARNING)  # BatchElements: a line for each bundle
    return draw(launch).run()


def draw(launch: Launch) -> beam.Pipeline:
    """The graph with all its steps; nothing runs yet, and no service is asked."""
    runner = runner_of(launch.beam_options)
    pipeline = beam.Pipeline(options=launch.beam_options)
    batches = build(pipeline, launch.contract, _ends(launch, runner))
    if runner == "PrismRunner":
        _ = batches | "EndOfLine" >> EndOfLine()
    return pipeline


def _ends(launch: Launch, runner: str) -> Ends:
    parameters, contract = launch.parameters, launch.contract
    name = launch.beam_options.view_as(GoogleCloudOptions).job_name or parameters.job_name
    starts = launch.found.starts() if launch.found else frozenset()
    read, decode = _stream(launch, runner) if launch.found is None else _stored(launch, launch.found)
    return Ends(
        read=read,
        decode=decode,
        table=services.Table(parameters.output_table) if parameters.output_table else None,
        topic=services.Topic(parameters.output_topic, parameters.output_ordering) if parameters.output_topic else None,
        files=services.prediction_files(parameters, contract, starts),
        dead_letters=services.dead_letters(parameters, name),
        error_files=services.error_files(parameters, contract, name, starts),
        stored=launch.found is not None,
    )


def _stream(launch: Launch, runner: str) -> tuple[beam.PTransform, PureStep[Any]]:
    read = reader(launch.parameters, runner)
    return read, MessagesToBatch(Decoder.of(launch.contract), read.display_data())


def _stored(launch: Launch, found: Found) -> tuple[beam.PTransform, PureStep[Any]]:
    read = ReadStored(found, launch.parameters.batch_size, schema=launch.contract.schema)
    return read, RecordsToBatch(Shaper(launch.contract, found.form), read.display_data())


if __name__ == "__main__":
    sys.exit(main())
