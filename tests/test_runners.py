"""What the job asks of a runner."""

from __future__ import annotations

import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from streaming.errors import Mistakes
from streaming.options import Parameters
from streaming.runners import beam_flags, reader, runner_mistakes, runner_of
from streaming.source import ReadBySubscriber, ReadLimits, ReadOnDataflow

SUBSCRIPTION = "projects/my-project/subscriptions/readings"


def parameters(**values: object) -> Parameters:
    given = {"job_file": "job.yaml", "input_subscription": SUBSCRIPTION, "output_table": "p.d.t"}
    return Parameters.model_validate({**given, **values})


def test_beams_own_flags_are_known() -> None:
    assert {"runner", "project", "region", "temp_location", "job_endpoint", "sdk_container_image"} <= beam_flags()
    assert not {"job_file", "input_subscription", "help"} & beam_flags()


@pytest.mark.parametrize("runner", ["DirectRunner", "BundleBasedDirectRunner", "SwitchingDirectRunner", "FnApiRunner"])
def test_a_runner_that_does_not_acknowledge_is_refused_with_the_reason(runner: str) -> None:
    assert runner_mistakes(PipelineOptions(runner=runner)) == [
        f"--runner: {runner} never acknowledges a message, or does so before it is processed; "
        "use PrismRunner, DataflowRunner or another portable runner"
    ]


def test_beams_default_runner_is_refused_too() -> None:
    assert len(runner_mistakes(PipelineOptions())) == 1


@pytest.mark.parametrize("runner", ["PrismRunner", "DataflowRunner", "PortableRunner", "FlinkRunner"])
def test_other_runners_are_taken(runner: str) -> None:
    assert runner_mistakes(PipelineOptions(runner=runner)) == []


def test_a_runner_may_be_named_by_its_module() -> None:
    named = PipelineOptions(runner="apache_beam.runners.dataflow.DataflowRunner")
    assert runner_of(named) == "DataflowRunner"


def test_dataflow_reads_natively_and_batches_what_a_bundle_brings() -> None:
    read = reader(parameters(batch_size=500), "DataflowRunner")
    assert isinstance(read, ReadOnDataflow)
    assert (vars(read)["_messages"], vars(read)["_max_wait"]) == (500, None)
    assert vars(reader(parameters(batch_max_wait="200ms"), "DataflowRunner"))["_max_wait"] == 0.2


def test_a_subscription_that_dataflow_cannot_read_is_a_mistake() -> None:
    with pytest.raises(Mistakes, match=r"^--input_subscription: Invalid PubSub project name: 'P'"):
        reader(parameters(input_subscription="projects/P/subscriptions/s"), "DataflowRunner")


def test_other_runners_read_by_subscriber_and_wait_a_little() -> None:
    read = reader(parameters(), "PrismRunner")
    assert isinstance(read, ReadBySubscriber)
    assert vars(read)["_limits"] == ReadLimits(1000, 0.05)
    patient = reader(parameters(batch_size=10, batch_max_wait="1s"), "FlinkRunner")
    assert vars(patient)["_limits"] == ReadLimits(10, 1.0)
