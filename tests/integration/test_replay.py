"""Dead letters replayed on the emulators, from the table and from a subscription, and what the job makes of them."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import fastavro
import pyarrow as pa
import pytest
from click.testing import Result
from typer import Typer
from typer.testing import CliRunner

from producers import multiply
from producers.commands.replay import replay as replay_command
from producers.replaying.letters import Selection
from producers.replaying.replay import ANSWERED, NOT_SELECTED, replay
from producers.replaying.replay_plan import ReplayPlan
from producers.replaying.replay_summary import FailedAt, Held, Reason, Summary
from producers.table_access import NoTableError
from streaming.batches import FAILURE
from streaming.bigquery.error_records import insert
from streaming.bigquery.table_ids import TableId, parse_table_id
from streaming.bigquery.tables import ensure_error_table
from streaming.deadletters import to_messages, to_rows
from streaming.endpoints import bigquery_client, publisher_client
from streaming.errors import JobError, Mistakes
from tests.integration.service import PROJECT, Service, await_true

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600), pytest.mark.usefixtures("emulators")]

EXAMPLE = Path(__file__).parents[2] / "examples" / "multiply"
NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
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


def done(plan: ReplayPlan) -> Summary:
    summary = Summary()
    replay(plan, summary)
    return summary


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


class Letters:
    """Topics, subscriptions and tables of a test's own, which hold letters of its making."""

    def __init__(self) -> None:
        self.service = Service(Path("no.yaml"))
        self.table = parse_table_id(f"{self.service.table}_error_records")
        self.output_table = parse_table_id(self.service.table)
        client = bigquery_client(PROJECT)
        ensure_error_table(client, self.table)
        client.query(f"CREATE TABLE `{self.output_table}` (prediction_id STRING)").result()

    def write(self, *changes: Mapping[str, Any], to_topic: bool = False) -> None:
        known = {"payload": b"x", "attributes": [("site", "north")], "stage": "decode", "error_class": "AvroError"}
        failures = pa.RecordBatch.from_pylist([known | change for change in changes], schema=FAILURE)
        if to_topic:
            with publisher_client() as publisher:
                request = {"topic": self.service.topic("dead"), "messages": to_messages(failures, "job", NOW)}
                publisher.publish(request=request)
        else:
            insert(bigquery_client(PROJECT), self.table, *to_rows(failures, "job", NOW))

    def answer(self, *prediction_ids: str) -> None:
        rows = ", ".join(f"('{name}')" for name in prediction_ids)
        bigquery_client(PROJECT).query(f"INSERT INTO `{self.output_table}` VALUES {rows}").result()

    def plan(self, **settings: Any) -> ReplayPlan:
        ends = {} if "subscription" in settings else {"table": self.table}
        return ReplayPlan(self.service.topic("in"), **ends, **settings)

    def published(self) -> list[tuple[bytes, dict[str, str]]]:
        messages = [(message.data, dict(message.attributes)) for message in self.service.drained("in")]
        return sorted(messages, key=lambda message: message[1]["original_message_id"])


@pytest.fixture
def letters() -> Iterator[Letters]:
    return Letters()


def infer(model: str, message_id: str) -> dict[str, Any]:
    return {"message_id": message_id, "stage": f"infer:{model}", "model": model, "error_class": "ModelFailedError"}


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


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (Selection(), ["1", "2", "3"]),
        (Selection(stages=("decode", "event_time")), ["1", "3"]),
        (Selection(error_classes=("ModelFailedError",)), ["2"]),
        (Selection(model="a"), ["2"]),
        (Selection(since=NOW, until=NOW + timedelta(seconds=1)), ["1", "2", "3"]),
        (Selection(since=NOW + timedelta(microseconds=1)), []),
        (Selection(until=NOW), []),
    ],
)
def test_the_query_of_the_table_selects_as_a_selection_does(
    letters: Letters, selection: Selection, expected: list[str]
) -> None:
    letters.write({"message_id": "1"}, infer("a", "2"), {"message_id": "3", "stage": "event_time"})
    summary = done(letters.plan(selection=selection))
    assert [attributes["original_message_id"] for _, attributes in letters.published()] == expected
    assert (summary.messages, summary.left_out) == (len(expected), {})
    there = {FailedAt("decode", None): 1, FailedAt("infer:a", "a"): 1, FailedAt("event_time", None): 1}
    assert summary.unwanted == ({} if expected else there)


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


def test_a_table_of_several_pages_is_read_whole(letters: Letters, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("producers.replaying.letters_table.PAGE_ROWS", 100)
    letters.write(*({"message_id": str(number % 200)} for number in range(250)))
    summary = done(letters.plan())
    assert (summary.messages, summary.letters) == (200, 250)
    assert len(letters.published()) == 200


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


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """The command, which is given its flags."""
    monkeypatch.setenv("COLUMNS", "160")
    app = Typer()
    app.command()(replay_command)
    return lambda *flags: CliRunner().invoke(app, flags)


def test_the_command_shows_what_goes(letters: Letters, command: Callable[..., Result]) -> None:
    letters.write({"message_id": "1", "error_message": "8 bytes are left"}, {"message_id": None, "stage": "generation"})
    flags = (f"--topic={letters.service.topic('in')}", f"--table={letters.table}")
    dry = command(*flags, "--dry-run")
    assert (dry.exit_code, [line.rstrip() for line in dry.stdout.splitlines()[4:]]) == (
        0,
        ["1 message would be published, of 1 dead letter.", "1 dead letter left out: of an event, not of a message"],
    )
    assert letters.published() == []
    real = command(*flags, "--stage=decode", "--rate=5")
    assert (real.exit_code, real.stdout.splitlines()[4:]) == (0, ["1 message published, of 1 dead letter."])
    assert letters.published() == [(b"x", {"site": "north", "original_message_id": "1"})]


def test_the_command_fails_when_pubsub_refuses_a_message(letters: Letters, command: Callable[..., Result]) -> None:
    letters.write({"message_id": "1", "attributes": [(f"a{number}", "x") for number in range(100)]})
    refused = command(f"--topic={letters.service.topic('in')}", f"--table={letters.table}")
    assert (refused.exit_code, refused.stdout.splitlines()) == (
        1,
        [
            "0 messages published, of 0 dead letters.",
            "1 dead letter refused by Pub/Sub: TooManyAttributes: the message has 101 attributes, 100 are the most "
            "(messages 1)",
        ],
    )


def test_mistakes_and_missing_things_print_nothing_on_standard_output(
    letters: Letters, command: Callable[..., Result]
) -> None:
    topic = f"--topic={letters.service.topic('in')}"
    for flags, error in (([topic], Mistakes), ([topic, f"--table={letters.table}_none"], NoTableError)):
        ended = command(*flags)
        assert (type(ended.exception), ended.stdout) == (error, "")


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
