"""What a scenario sends, through the job's own line on in-memory ends, to a score that finds nothing wrong."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from google.pubsub_v1.types import PubsubMessage

from producers.messages import Messages
from producers.scenario import load_scenario
from producers.scoring.offline import answers
from producers.scoring.outputs import DEAD_LETTER, Outputs, prediction_columns
from producers.scoring.score import score
from producers.synthesis.stream import Stream
from producers.target import Target, target_of
from producers.truth import Run, Truth, TruthWriter, read_truth
from streaming import deadletters
from streaming.batches import FAILURE
from streaming.contract import check
from streaming.job import load_job
from streaming.wiring import Contract
from tests.builders import save_multiplier
from tests.line import Outcome, run

pytestmark = pytest.mark.integration

EXAMPLE = Path(__file__).parents[2] / "examples" / "multiply"
COUNT = 2000
RATE = 200.0


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("multiply")
    for file in [*EXAMPLE.glob("*.yaml"), *EXAMPLE.glob("*.avsc")]:
        shutil.copy(file, directory)
    for name, factor in (("times5", 5.0), ("times10", 10.0)):
        save_multiplier(directory / "models" / name, factor)
    return directory


def published(directory: Path, target: Target, started_at: datetime) -> tuple[Truth, list[bytes]]:
    """What a publisher would have written down, and the messages as the job gets them."""
    path = str(directory / "scenario.yaml")
    scenario = load_scenario(path)
    stream = Stream(scenario, target, seed=3, rate=RATE, start=started_at, encoding="avro")
    schema = json.loads((directory / "reading.avsc").read_text())
    described = Run("t", path, scenario.job_path, target.job_hash, 3, RATE, 10, "avro", started_at, schema)
    messages: list[bytes] = []
    with TruthWriter(directory / f"{target.job_hash}.ndjson", described) as truth:
        for block in stream(COUNT):
            truth.messages(block)
            numbers = block.rows.column("number").to_pylist()
            truth.sent(numbers, [f"m{number}" for number in numbers])
            messages += received(block, started_at)
        truth.end("completed")
    return read_truth(directory / f"{target.job_hash}.ndjson"), messages


def received(block: Messages, started_at: datetime) -> Iterator[bytes]:
    for row in block.rows.to_pylist():
        message = PubsubMessage(
            data=row["payload"],
            attributes=dict(row["attributes"]),
            message_id=f"m{row['number']}",
            publish_time=started_at + timedelta(seconds=block.due),
        )
        yield PubsubMessage.serialize(message)


def written(outcome: Outcome, contract: Contract, at: datetime) -> Outputs:
    """What the job's tables and its topic hold."""
    columns = prediction_columns(contract.output_columns)
    failures = pa.RecordBatch.from_pylist(outcome.failures, schema=FAILURE)
    dead, _ = deadletters.to_rows(failures, "multiply", at)
    table = pa.Table.from_pylist(outcome.rows, columns)
    return Outputs(table, table, pa.Table.from_pylist([as_read(each, at) for each in dead], DEAD_LETTER))


def as_read(letter: dict[str, Any], at: datetime) -> dict[str, Any]:
    return letter | {"payloadBytes": base64.b64decode(letter["payloadBytes"]), "timestamp": at}


@pytest.mark.parametrize("name", ["job.yaml", "cascade.yaml"])
def test_the_job_answers_a_scenario_as_its_truth_says(directory: Path, name: str) -> None:
    job = load_job(str(directory / name))
    contract = check(job)
    started_at = datetime.now(UTC)
    truth, messages = published(directory, target_of(job), started_at)
    outcome = run(contract, messages[: COUNT // 2], messages[COUNT // 2 :])
    found = score(truth, contract, written(outcome, contract, started_at), answers(truth, contract))
    assert (found.findings, found.sent.confirmed) == ([], COUNT)
    assert len(found.sent.faults) == 10
    reached = COUNT - sum(count for (stage, _), count in found.dead_letters.items() if not stage.startswith("infer"))
    poisoned = found.dead_letters["infer:times5", "NonFinitePredictionError"]
    expected = dict.fromkeys(("times10", "times5"), reached - poisoned)
    assert [each.predictions for each in found.came] == [expected, expected]
