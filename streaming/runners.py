"""What the job needs from the Beam runner that runs it, and which runners cannot run it."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Mapping, Sequence

import apache_beam as beam
from apache_beam.options.pipeline_options import DebugOptions, GoogleCloudOptions, PipelineOptions, StandardOptions

from streaming.batches import Batch
from streaming.options import Parameters
from streaming.parameter_rules import is_stored
from streaming.source import ReadBySubscriber, ReadLimits, ReadOnDataflow

DEFAULT_BATCH_WAIT_SECONDS = 0.05

_PYTHON_RUNNERS = {
    "DirectRunner",
    "TestDirectRunner",
    "BundleBasedDirectRunner",
    "SwitchingDirectRunner",
    "FnApiRunner",
    "InteractiveRunner",
}


def beam_flags() -> set[str]:
    """The names of Beam's own pipeline options, its runners' included."""
    return {flag.removeprefix("--") for action in _beam_parser()._actions for flag in action.option_strings}


def beam_arguments(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """Beam's own options as Beam takes them, and what is wrong with those of them that are switches.

    The launcher of a Flex Template gives every option a value, but Beam's switches take none: `--update=true` becomes
    `--update`, and `--update=false` is left out. So is an option whose value is the empty text.

    Args:
        argv: flags that Beam has, each as one argument or with its value as the next.
    """
    options = _beam_parser()._option_string_actions
    arguments: list[str] = []
    mistakes: list[str] = []
    for flag, value in _pairs(argv):
        if value is None or (value and options[flag].nargs != 0):
            arguments.append(flag if value is None else f"{flag}={value}")
        elif value.lower() == "true":
            arguments.append(flag)
        elif value.lower() == "false" and (opposite := _opposite(options[flag], options.values())) is not None:
            arguments += opposite
        elif value:
            mistakes.append(_switch_mistake(flag, value))
    return arguments, mistakes


def _pairs(argv: Sequence[str]) -> Iterator[tuple[str, str | None]]:
    """Each flag with its value, if it has one."""
    following = [*argv, "--"][1:]
    for argument, next_one in zip(argv, following, strict=True):
        if argument.startswith("--"):
            flag, equals, value = argument.partition("=")
            spaced = None if next_one.startswith("--") else next_one
            yield flag, value if equals else spaced


def _opposite(switch: argparse.Action, others: Iterable[argparse.Action]) -> list[str] | None:
    """The arguments that leave a switch off: none, or the switch that undoes it; None if it cannot be left off."""
    if switch.const is True:
        undoing = [each for each in others if each.dest == switch.dest and each.const is False]
        if undoing:
            return [undoing[0].option_strings[0]]
    return None if switch.default is switch.const else []


def _switch_mistake(flag: str, value: str) -> str:
    if value.lower() == "false":
        return f"{flag}: Beam has it always on; leave it out"
    return f"{flag}: {value!r} is neither true nor false"


def beam_mistakes(argv: Sequence[str]) -> list[str]:
    """The first of Beam's own options that Beam cannot read: it would print its usage and end the process."""
    try:
        _beam_parser().parse_known_args(argv)
    except argparse.ArgumentError as error:
        return [f"{error.argument_name}: {error.message}"]
    return []


def _beam_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        conflict_handler="resolve", add_help=False, allow_abbrev=False, exit_on_error=False
    )
    for options in PipelineOptions.__subclasses__():
        if "_add_argparse_args" in vars(options):
            options._add_argparse_args(parser)
    return parser


def runner_of(options: PipelineOptions) -> str:
    """The runner's class name. Beam takes it in any case, and without "Runner"."""
    named = options.view_as(StandardOptions).runner or StandardOptions.DEFAULT_RUNNER
    name = str(named).rpartition(".")[2]
    known = {each.lower(): each for each in StandardOptions.KNOWN_RUNNER_NAMES}
    return known.get(name.lower()) or known.get(f"{name.lower()}runner", name)


def beam_options(argv: Sequence[str], is_stream: bool) -> PipelineOptions:
    """Beam's options of a stream, or of a job that ends.

    A template has defaults for streams, which the launcher hands on. Of a job that ends, they are left out: the job's
    type is what the options say, whatever the template does.
    """
    options = PipelineOptions(argv, streaming=is_stream, save_main_session=False)  # nothing is defined in it
    if not is_stream:
        _without_streaming_mode(options)
    return options


def _without_streaming_mode(options: PipelineOptions) -> None:
    for view, name in ((GoogleCloudOptions, "dataflow_service_options"), (DebugOptions, "experiments")):
        given = getattr(options.view_as(view), name) or []
        kept = [each for each in given if not each.startswith("streaming_mode_")]
        setattr(options.view_as(view), name, kept or None)


def runner_mistakes(options: PipelineOptions, values: Mapping[str, str]) -> list[str]:
    """Why this runner cannot run the job.

    Args:
        options: Beam's.
        values: the job's parameters by name.
    """
    runner = runner_of(options)
    if is_stored(values):
        return [*_stored_mistakes(options, runner, values)]
    if runner in _PYTHON_RUNNERS:
        return [
            f"--runner: {runner} never acknowledges a message, or does so before it is processed; "
            "use PrismRunner, DataflowRunner or another portable runner"
        ]
    return []


def _stored_mistakes(options: PipelineOptions, runner: str, values: Mapping[str, str]) -> Iterator[str]:
    if options.view_as(GoogleCloudOptions).update:
        yield "--update: a job over stored data ends by itself, and none takes its place; launch another job"
    if runner == "DataflowRunner":
        for name in ("input_files", "output_files"):
            if name in values and not values[name].startswith("gs://"):
                yield f"--{name}: {values[name]} is on this machine, out of the workers' reach; name a place on gs://"


def reader(parameters: Parameters, runner: str) -> beam.PTransform:
    """Of a stream: Dataflow's native reader there, ours elsewhere."""
    wait = parameters.batch_max_wait.total_seconds() if parameters.batch_max_wait else None
    assert parameters.input_subscription is not None
    if runner == "DataflowRunner":
        return ReadOnDataflow(parameters.input_subscription, parameters.batch_size, wait)
    limits = ReadLimits(parameters.batch_size, DEFAULT_BATCH_WAIT_SECONDS if wait is None else wait)
    return ReadBySubscriber(parameters.input_subscription, limits)


class EndOfLine(beam.PTransform):
    """What must follow the last step on Prism: a stage none of whose outputs leaves it makes Prism spin a core.

    Nothing flows through it, and it does not break the fusion before it.
    """

    def expand(self, batches: beam.PCollection[Batch]) -> beam.PCollection[Batch]:
        return batches | "Nothing" >> beam.FlatMap(_nothing) | beam.Reshuffle() | "Same" >> beam.Map(_same)


def _nothing(_batch: Batch) -> Iterator[Batch]:
    return iter(())


def _same(batch: Batch) -> Batch:
    return batch
