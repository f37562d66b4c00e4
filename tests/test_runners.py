"""What the job asks of a runner."""

from __future__ import annotations

import pytest
from apache_beam.options.pipeline_options import DebugOptions, GoogleCloudOptions, PipelineOptions, StandardOptions

from streaming.errors import Mistakes
from streaming.options import Parameters
from streaming.runners import beam_arguments, beam_flags, beam_options, reader, runner_mistakes, runner_of
from streaming.source import ReadBySubscriber, ReadLimits, ReadOnDataflow

SUBSCRIPTION = "projects/my-project/subscriptions/readings"
STREAM = {"input_subscription": SUBSCRIPTION}
STORED = {"input_files": "gs://bucket/*.avro", "output_files": "gs://bucket/out"}


def parameters(**values: object) -> Parameters:
    given = {"job_file": "job.yaml", "input_subscription": SUBSCRIPTION, "output_table": "p.d.t"}
    return Parameters.model_validate({**given, **values})


def test_beams_own_flags_are_known() -> None:
    assert {"runner", "project", "region", "temp_location", "job_endpoint", "sdk_container_image"} <= beam_flags()
    assert not {"job_file", "input_subscription", "help"} & beam_flags()


@pytest.mark.parametrize("runner", ["DirectRunner", "BundleBasedDirectRunner", "SwitchingDirectRunner", "FnApiRunner"])
def test_a_runner_that_does_not_acknowledge_is_refused_with_the_reason(runner: str) -> None:
    assert runner_mistakes(PipelineOptions(runner=runner), STREAM) == [
        f"--runner: {runner} never acknowledges a message, or does so before it is processed; "
        "use PrismRunner, DataflowRunner or another portable runner"
    ]


def test_beams_default_runner_is_refused_too() -> None:
    assert len(runner_mistakes(PipelineOptions(), STREAM)) == 1


@pytest.mark.parametrize("runner", ["PrismRunner", "DataflowRunner", "PortableRunner", "FlinkRunner"])
def test_other_runners_are_taken(runner: str) -> None:
    assert runner_mistakes(PipelineOptions(runner=runner), STREAM) == []


@pytest.mark.parametrize("runner", ["FnApiRunner", "PrismRunner", "DataflowRunner", "DirectRunner"])
def test_stored_data_asks_nothing_of_a_runner(runner: str) -> None:
    assert runner_mistakes(PipelineOptions(runner=runner), STORED) == []


def test_a_job_over_stored_data_takes_the_place_of_none() -> None:
    assert runner_mistakes(PipelineOptions(["--runner=DataflowRunner", "--update"]), STORED) == [
        "--update: a job over stored data ends by itself, and none takes its place; launch another job"
    ]


HERE = {"input_files": "data/*.avro", "output_files": "/tmp/out"}


def test_dataflow_reaches_no_file_of_this_machine() -> None:
    assert runner_mistakes(PipelineOptions(runner="dataflow"), HERE) == [
        "--input_files: data/*.avro is on this machine, out of the workers' reach; name a place on gs://",
        "--output_files: /tmp/out is on this machine, out of the workers' reach; name a place on gs://",
    ]
    table = {"input_table": "p:d.t", "output_table": "p:d.predictions"}
    assert runner_mistakes(PipelineOptions(runner="DataflowRunner"), table) == []


@pytest.mark.parametrize("runner", ["FnApiRunner", "PrismRunner", "PortableRunner"])
def test_other_runners_take_files_of_this_machine(runner: str) -> None:
    assert runner_mistakes(PipelineOptions(runner=runner), HERE) == []


OF_A_TEMPLATE = [
    "--streaming",
    "--enable_streaming_engine",
    "--dataflow_service_options=streaming_mode_at_least_once",
    "--dataflow_service_options=enable_hot_key_logging",
    "--experiments=streaming_mode_at_least_once",
]


def kept(options: PipelineOptions) -> tuple[object, ...]:
    return (
        options.view_as(StandardOptions).streaming,
        options.view_as(GoogleCloudOptions).dataflow_service_options,
        options.view_as(DebugOptions).experiments,
    )


def test_a_job_over_stored_data_is_a_batch_job_whatever_the_template_says() -> None:
    assert kept(beam_options(OF_A_TEMPLATE, is_stream=False)) == (False, ["enable_hot_key_logging"], None)


def test_a_stream_is_a_streaming_job_and_keeps_what_the_template_says() -> None:
    services = ["streaming_mode_at_least_once", "enable_hot_key_logging"]
    assert kept(beam_options(OF_A_TEMPLATE, is_stream=True)) == (True, services, ["streaming_mode_at_least_once"])
    assert kept(beam_options([], is_stream=True))[0] is True


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


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ([], []),
        (["--streaming=true", "--update=TRUE", "--no_auth"], ["--streaming", "--update", "--no_auth"]),
        (["--update=false", "--no_auth=False"], []),
        (["--use_public_ips=false", "--save_main_session=False"], ["--no_use_public_ips", "--no_save_main_session"]),
        (["--no_use_public_ips=true", "--no_pipeline_type_check=false"], ["--no_use_public_ips"]),
        (["--update", "false", "--streaming", "true"], ["--streaming"]),
        (
            ["--num_workers", "2", "--labels=a=b", "--update=", "--service_account_email="],
            ["--num_workers=2", "--labels=a=b"],
        ),
    ],
)
def test_beams_switches_may_have_values(given: list[str], taken: list[str]) -> None:
    assert beam_arguments(given) == (taken, [])


def test_a_switch_that_is_no_truth_or_cannot_be_off_is_a_mistake() -> None:
    assert beam_arguments(["--update=yes", "--enable_streaming_engine=false", "--streaming=true"]) == (
        ["--streaming"],
        [
            "--update: 'yes' is neither true nor false",
            "--enable_streaming_engine: Beam has it always on; leave it out",
        ],
    )
