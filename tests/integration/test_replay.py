"""Dead letters replayed on the emulators, from the table and from a subscription, and what the job makes of them."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fastavro
import pytest

from producers import multiply
from producers.replaying.letters import Selection
from producers.replaying.replay import ANSWERED, NOT_SELECTED
from producers.replaying.replay_plan import ReplayPlan
from producers.replaying.replay_summary import Held, Reason
from streaming.bigquery.table_ids import TableId, parse_table_id
from streaming.endpoints import publisher_client
from streaming.errors import JobError, Mistakes
from tests.integration.dead_letters import Letters, done, infer
from tests.integration.service import PROJECT, Service, await_true

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600), pytest.mark.usefixtures("emulators")]

EXAMPLE = Path(__file__).parents[2] / "examples" / "multiply"
FACTORS = {"times5": 5.0, "times10": 10.0}


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The multiply example with trained models, and `mended.yaml`, whose schema has one more field."""
    directory = tmp_path_factory.mktemp("multiply")
    job, schema = (EXAMPLE / "job.yaml").read_text(), json.loads((EXAMPLE / "reading.avsc").read_text())
    (directory / "job.yaml").write_text(job)
    (directory / "reading.avsc").write_text(json.dumps(schema))
    schema["fields"].append({"name": "battery", "type": "double"})
    (directory / "mended.avsc").write_text(json.dumps(schema))
    (directory / "mended.yaml").write_text(job.replace("reading.avsc", "mended.avsc"))
    multiply.train(directory / "models")
    return directory


def publish_changed(service: Service, example: Path, count: int) -> dict[str, float]:
    """Publish readings with the new field; the value of each by its message id."""
    schema = fastavro.parse_schema(json.loads((example / "mended.avsc").read_text()))
    values = [10.0 + number for number in range(count)]
    messages = []
    for value in values:
        payload = io.BytesIO()
        reading = {"device_id": "d1", "event_time": datetime.now(UTC), "value": value, "battery": 0.5}
        fastavro.schemaless_writer(payload, schema, reading)
        messages.append({"data": payload.getvalue(), "attributes": {"site": "north", "error_code": "7"}})
    with publisher_client() as publisher:
        ids = publisher.publish(topic=service.topic("in"), messages=messages).message_ids
    return dict(zip(ids, values, strict=True))


def fail_all(service: Service, example: Path) -> dict[str, float]:
    with service.running() as process:
        values = publish_changed(service, example, 100)
        await_true(lambda: len(service.dead_letters()) >= len(values))
        assert service.end(process) == 0
    assert sorted(row["message_id"] for row in service.dead_letters()) == sorted(values)
    return values


def see_predictions(service: Service, values: Mapping[str, float]) -> None:
    """See that there is exactly one row for each message and model, under the id that the message had first."""
    expected = sorted(
        (f"{name}/{model}", value * FACTORS[model]) for name, value in values.items() for model in FACTORS
    )
    rows = sorted((row["prediction_id"], row["prediction"]) for row in service.rows())
    assert [name for name, _ in rows] == [name for name, _ in expected]
    assert [value for _, value in rows] == pytest.approx([value for _, value in expected], rel=1e-4)


def test_a_hundred_dead_letters_of_the_table_become_their_predictions_once(example: Path) -> None:
    service = Service(example / "job.yaml")
    values = fail_all(service, example)
    table = parse_table_id(f"{service.table}_error_records")
    plan = ReplayPlan(service.topic("in"), table=table, output_table=parse_table_id(service.table))

    service.job_file = example / "mended.yaml"
    with service.running() as process:
        first = done(plan)
        await_true(lambda: len(service.rows()) >= 200)
        second = done(plan)
        assert service.end(process) == 0

    assert (first.messages, first.letters, first.left_out, first.refused) == (100, 100, {}, {})
    assert (second.messages, second.letters, second.refused) == (0, 0, {})
    assert {cause: held.letters for cause, held in second.left_out.items()} == {ANSWERED: 100}
    see_predictions(service, values)
    assert len(service.dead_letters()) == 100


def test_a_hundred_dead_letters_of_the_subscription_become_their_predictions_once(example: Path) -> None:
    service = Service(example / "job.yaml")
    values = fail_all(service, example)
    plan = ReplayPlan(service.topic("in"), subscription=service.subscription("dead"))
    tried = done(ReplayPlan(service.topic("in"), subscription=service.subscription("dead"), dry_run=True))
    assert (tried.messages, tried.letters) == (100, 100)

    service.job_file = example / "mended.yaml"
    with service.running() as process:
        assert done(plan).messages == 100
        await_true(lambda: len(service.rows()) >= 200)
        assert done(plan).messages == 0
        assert service.end(process) == 0
    see_predictions(service, values)
    assert service.drained("dead") == []


def test_of_several_models_letters_those_without_their_answer_go_as_one_message(letters: Letters) -> None:
    letters.write(*(infer(model, message) for model in ("a", "b") for message in ("1", "2", "x/3")))
    letters.write({"message_id": "4"}, {"message_id": "5"})
    letters.answer("1/a", "x/3/a", "x/3/b", "4/a")
    summary = done(letters.plan(output_table=letters.output_table))
    assert (summary.messages, {reason: tally.letters for reason, tally in summary.reasons.items()}) == (
        3,
        {
            Reason("infer:a", "ModelFailedError", "a"): 1,
            Reason("infer:b", "ModelFailedError", "b"): 2,
            Reason("decode", "AvroError", None): 1,
        },
    )
    assert {cause: held.letters for cause, held in summary.left_out.items()} == {ANSWERED: 4}
    assert letters.published() == [
        (b"x", {"site": "north", "original_message_id": message}) for message in ("1", "2", "5")
    ]


def dead(letters: Letters) -> str:
    return letters.service.subscription("dead")


def left(letters: Letters, count: int) -> list[Any]:
    """The messages that are on the dead-letter subscription; those given back come in a moment."""
    messages: list[Any] = []

    def all_there() -> bool:
        messages.extend(letters.service.drained("dead"))
        return len(messages) >= count

    await_true(all_there)
    return messages


def left_ids(letters: Letters, count: int) -> set[str]:
    return {message.attributes["error_message_id"] for message in left(letters, count)}


def test_what_the_limit_leaves_stays_on_the_subscription(letters: Letters) -> None:
    letters.write(*({"message_id": str(number)} for number in range(5)), to_topic=True)
    assert done(letters.plan(subscription=dead(letters), limit=2)).messages == 2
    gone = {attributes["original_message_id"] for _, attributes in letters.published()}
    assert left_ids(letters, 3) == {"0", "1", "2", "3", "4"} - gone


def test_other_messages_on_the_subscription_are_left_there(letters: Letters) -> None:
    with publisher_client() as publisher:
        publisher.publish(topic=letters.service.topic("dead"), messages=[{"data": b"no letter"}])
    summary = done(letters.plan(subscription=dead(letters)))
    assert [(cause, held.letters) for cause, held in summary.left_out.items()] == [
        ("not a dead letter: without the attribute error_stage", 1)
    ]
    assert letters.published() == []
    assert [message.data for message in left(letters, 1)] == [b"no letter"]


def test_what_is_missing_is_said_before_anything_is_sent(letters: Letters) -> None:
    letters.write({"message_id": "1"})
    topic, missing = letters.service.topic("in"), TableId(PROJECT, letters.table.dataset, "none")
    for plan, error, words in [
        (
            ReplayPlan("projects/test/topics/none", table=letters.table),
            Mistakes,
            "--topic: there is no ",
        ),
        (ReplayPlan(topic, table=missing), Mistakes, f"--table {missing}: no such table; "),
        (
            ReplayPlan(topic, table=letters.output_table),
            Mistakes,
            "lacks the columns ",
        ),
        (letters.plan(output_table=missing), Mistakes, f"--output-table {missing}: no such table; "),
        (
            letters.plan(output_table=letters.table),
            Mistakes,
            "lacks the columns ",
        ),
        (letters.plan(subscription="projects/test/subscriptions/none"), Mistakes, "--subscription: there is no "),
        (letters.plan(subscription=letters.service.subscription("in")), Mistakes, "is of --topic projects/test/topics"),
    ]:
        with pytest.raises(error) as raised:
            done(plan)
        assert words in str(raised.value)
        assert len(str(raised.value).splitlines()) == 1
    assert letters.published() == []


def test_an_emulator_that_is_down_is_said_in_one_line(letters: Letters, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", "127.0.0.1:1")
    with pytest.raises(
        JobError, match=r"^--topic: the Pub/Sub emulator .* does not answer: nothing listens there; see"
    ):
        done(letters.plan())


def test_what_filters_leave_out_goes_back_to_the_subscription(letters: Letters) -> None:
    letters.write({"message_id": "1"}, {"message_id": "2", "stage": "event_time"}, to_topic=True)
    summary = done(letters.plan(subscription=dead(letters), selection=Selection(stages=("decode",))))
    assert (summary.messages, summary.left_out) == (1, {NOT_SELECTED: Held(1, ["2"])})
    assert letters.published() == [(b"x", {"site": "north", "original_message_id": "1"})]
    assert left_ids(letters, 1) == {"2"}


def test_a_jobs_own_ids_tell_what_is_answered(letters: Letters, tmp_path: Path) -> None:
    job = (EXAMPLE / "job.yaml").read_text().replace("format: avro", "format: json\n  id: {attribute: serial}")
    (tmp_path / "job.yaml").write_text(job)
    (tmp_path / "reading.avsc").write_bytes((EXAMPLE / "reading.avsc").read_bytes())
    reading = b'{"device_id": "d", "event_time": 1, "value": 2.5}'
    for number in ("1", "2"):
        letters.write({"message_id": number, "payload": reading, "attributes": [("serial", f"s{number}")]})
    letters.answer("s2/times5", "1/times5")
    plan = letters.plan(output_table=letters.output_table, job_file=str(tmp_path / "job.yaml"))
    summary = done(plan)
    assert (summary.messages, summary.left_out) == (1, {ANSWERED: Held(1, ["2"])})
    assert [attributes["serial"] for _, attributes in letters.published()] == ["s1"]
