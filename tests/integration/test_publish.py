"""A fleet publishes to Google's emulator; the truth file is held against what a subscription receives."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow.compute as pc
import pytest

from producers.messages import Fault
from producers.publishing.plan import PublishPlan
from producers.publishing.publish import publish
from producers.publishing.sending import UNDER_WAY, Totals
from producers.truth import Truth, read_truth
from streaming.endpoints import publisher_client, subscriber_client
from streaming.errors import Mistakes, PermanentError
from streaming.local.emulators import PubSubEmulator
from tests.publish_cases import write_files
from tests.stream_cases import FAULTS

pytestmark = pytest.mark.integration

PATIENCE = 60.0  # seconds until a test that waits for nothing fails
LARGEST_REQUEST = 1000
SETTLED = 5  # empty pulls after which nothing more is expected


class Channel:
    """A topic of a test's own, and a subscription to it."""

    def __init__(self) -> None:
        name = f"t{uuid4().hex[:10]}"
        self.topic = f"projects/publish/topics/{name}"
        self._subscription = f"projects/publish/subscriptions/{name}"
        self._client = subscriber_client()

    def subscribe(self, ordering: bool = False) -> Channel:
        request = {"name": self._subscription, "topic": self.topic, "enable_message_ordering": ordering}
        self._client.create_subscription(request=request)
        return self

    def create(self, ordering: bool = False) -> Channel:
        publisher_client().create_topic(name=self.topic)
        return self.subscribe(ordering)

    def received(self) -> list[Any]:
        """Everything that waits."""
        messages, empty = [], 0
        while empty < SETTLED:
            request = {"subscription": self._subscription, "max_messages": 1000, "return_immediately": True}
            pulled = list(self._client.pull(request=request, timeout=PATIENCE).received_messages)
            empty = 0 if pulled else empty + 1
            messages += [each.message for each in pulled]
            if pulled:
                self._client.acknowledge(subscription=self._subscription, ack_ids=[each.ack_id for each in pulled])
        return messages


@pytest.fixture
def channel(pubsub_emulator: PubSubEmulator, monkeypatch: pytest.MonkeyPatch) -> Channel:
    for name, value in pubsub_emulator.environment().items():
        monkeypatch.setenv(name, value)
    return Channel()


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    return write_files(tmp_path, faults=FAULTS)


def hashes(truth: Truth, status: str) -> dict[str, str]:
    """Of the payloads, by message id, of the messages of this status."""
    rows = truth.messages.filter(pc.equal(truth.messages["status"], status))
    return dict(zip(rows["message_id"].to_pylist(), rows["payload_sha256"].to_pylist(), strict=True))


def received_hashes(messages: list[Any]) -> dict[str, str]:
    return {each.message_id: sha256(each.data).hexdigest() for each in messages}


ENCODINGS = [
    ("avro", "avro", False, ""),
    ("avro", "avro", True, "BINARY"),
    ("avro", "avro_json", True, "JSON"),
    ("json", "json", False, ""),
    ("json", "avro", True, "BINARY"),
]


@pytest.mark.parametrize(("form", "encoding", "with_schema", "mark"), ENCODINGS)
def test_what_a_subscription_receives_is_what_the_truth_file_says(
    form: str, encoding: Any, with_schema: bool, mark: str, channel: Channel, tmp_path: Path
) -> None:
    scenario = write_files(tmp_path, {"format": form}, faults=FAULTS)
    path = tmp_path / "truth.ndjson"
    plan = PublishPlan(channel.topic, str(scenario), rate=2000, encoding=encoding, messages=2000, truth=path)
    publish(replace(plan, messages=1, truth=None, create_topic=True, create_schema=with_schema))
    channel.subscribe()
    totals = publish(plan)
    truth, received = read_truth(path), channel.received()
    assert totals == replace(
        Totals(totals.published, 2000 - totals.published, 0, totals.seconds, "completed"),
        planted=totals.refused,
        reason=totals.reason,
    )
    assert truth.ending == "completed"
    assert received_hashes(received) == hashes(truth, "confirmed")
    marks = Counter(each.attributes.get("googclient_schemaencoding", "") for each in received)
    assert marks == {mark: totals.published}
    assert set(truth.messages["fault"].to_pylist()) == {None, *Fault}
    if with_schema:
        refused = truth.messages.filter(pc.equal(truth.messages["status"], "refused"))
        assert set(refused["stage"].to_pylist()) == {"decode"}
        assert totals.reason.startswith("InvalidArgument: ")
    else:
        assert (totals.refused, totals.reason) == (0, "")


def test_messages_of_a_device_arrive_in_their_order(channel: Channel, scenario: Path, tmp_path: Path) -> None:
    channel.create(ordering=True)
    path = tmp_path / "truth.ndjson"
    publish(
        PublishPlan(channel.topic, str(scenario), rate=1000, messages=500, ordering=True, truth=path, no_faults=True)
    )
    truth = read_truth(path)
    expected, arrived = defaultdict(list), defaultdict(list)
    for key, hashed in zip(*(truth.messages[name].to_pylist() for name in ("key", "payload_sha256")), strict=True):
        expected[key].append(hashed)
    for each in channel.received():
        arrived[each.ordering_key].append(sha256(each.data).hexdigest())
    assert len(expected) == 10
    assert arrived == expected


def test_the_same_seed_publishes_the_same_bytes(channel: Channel, scenario: Path) -> None:
    channel.create()
    plan = PublishPlan(
        channel.topic, str(scenario), rate=2000, messages=400, seed=3, start=datetime.now(UTC) - timedelta(minutes=5)
    )
    runs = []
    for _ in range(2):
        publish(plan)
        runs.append(Counter(each.data for each in channel.received()))
    assert runs[0] == runs[1]


def test_an_unknown_topic_is_one_line_and_nothing_is_made(channel: Channel, scenario: Path, tmp_path: Path) -> None:
    path = tmp_path / "truth.ndjson"
    with pytest.raises(Mistakes) as raised:
        publish(PublishPlan(channel.topic, str(scenario), messages=1, truth=path))
    words = f"--topic: there is no {channel.topic}; create it with --create-topic, or correct the name"
    assert raised.value.lines == (words,)
    assert not path.exists()
    assert channel.topic not in [each.name for each in publisher_client().list_topics(project="projects/publish")]


def test_a_mistake_makes_neither_topic_nor_truth_file(channel: Channel, scenario: Path, tmp_path: Path) -> None:
    path = tmp_path / "truth.ndjson"
    with pytest.raises(Mistakes):
        publish(PublishPlan(channel.topic, str(scenario), messages=-1, create_schema=True, truth=path))
    assert not path.exists()
    assert channel.topic not in [each.name for each in publisher_client().list_topics(project="projects/publish")]


def command(channel: Channel, scenario: Path, truth: Path, *flags: str) -> subprocess.Popen[str]:
    arguments = [f"--topic={channel.topic}", f"--scenario={scenario}", f"--truth={truth}", *flags]
    program = [sys.executable, "-m", "streaming", "publish", *arguments]
    return subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_neither_tensorflow_nor_beam_nor_a_model_is_needed(channel: Channel, scenario: Path, tmp_path: Path) -> None:
    without = "import sys; sys.modules.update(tensorflow=None, apache_beam=None)"
    flags = [f"--topic={channel.topic}", f"--scenario={scenario}", f"--truth={tmp_path / 'truth.ndjson'}"]
    program = [sys.executable, "-c", f"{without}; from streaming.cli import main; main()", "publish", *flags]
    channel.create()
    process = subprocess.run([*program, "--messages=5"], capture_output=True, text=True, timeout=PATIENCE, check=True)
    assert process.stdout.startswith("completed: 5 messages published in ")


def await_answers(truth: Path, process: subprocess.Popen[str]) -> None:
    """Wait until the truth file of the command holds some answers; a file tells nobody that it grows."""
    deadline = time.monotonic() + PATIENCE
    while not truth.exists() or truth.read_bytes().count(b'"kind":"sent"') < 20:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_in_order(number: int, channel: Channel, scenario: Path, tmp_path: Path) -> None:
    path = tmp_path / "truth.ndjson"
    channel.create()
    process = command(channel, scenario, path, "--rate=500")
    await_answers(path, process)
    process.send_signal(number)
    said, errors = process.communicate(timeout=PATIENCE)
    truth = read_truth(path)
    assert process.returncode == 0
    assert truth.ending == "stopped"
    assert received_hashes(channel.received()) == hashes(truth, "confirmed")
    assert set(truth.messages["status"].to_pylist()) == {"confirmed"}
    assert said.startswith(f"stopped: {len(truth.messages):,} messages published in ")
    assert said.endswith(f"; truth: {path}\n")
    assert "stopping: waiting for the answers under way; Ctrl-C again ends at once" in errors


def test_kill_9_loses_nothing_that_was_written(channel: Channel, scenario: Path, tmp_path: Path) -> None:
    path = tmp_path / "truth.ndjson"
    channel.create()
    process = command(channel, scenario, path, "--rate=10000")
    await_answers(path, process)
    process.kill()
    process.communicate()
    truth, received = read_truth(path), received_hashes(channel.received())
    confirmed = hashes(truth, "confirmed")
    unknown = truth.messages.filter(pc.equal(truth.messages["status"], "unknown"))["payload_sha256"].to_pylist()
    assert truth.ending == "cut off"
    assert len(confirmed) >= 20 * 100
    assert len(unknown) <= (UNDER_WAY + 1) * LARGEST_REQUEST
    assert confirmed.items() <= received.items()
    unconfirmed = Counter(hashed for message_id, hashed in received.items() if message_id not in confirmed)
    assert unconfirmed - Counter(unknown) == Counter()


def test_the_command_creates_publishes_and_says_so(channel: Channel, scenario: Path, tmp_path: Path) -> None:
    path = tmp_path / "truth.ndjson"
    flags = ["--create_schema", "--encoding=avro_json", "--no-faults", "--duration=500ms", "--rate=1000", "--devices=7"]
    process = command(channel, scenario, path, *flags)
    said, errors = process.communicate(timeout=PATIENCE)
    assert (process.returncode, errors) == (0, "")
    assert said.startswith("completed: 500 messages published in 0.")
    truth = read_truth(path)
    assert (truth.run.encoding, truth.run.devices) == ("avro_json", 7)
    assert pc.count_distinct(truth.messages["key"]).as_py() == 7


def test_an_emulator_that_is_down_is_one_line(
    channel: Channel, scenario: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", "localhost:1")
    path = tmp_path / "truth.ndjson"
    said, errors = (process := command(channel, scenario, path, "--messages=1")).communicate(timeout=PATIENCE)
    assert (process.returncode, said, errors.count("\n")) == (1, "", 1)
    words = "the Pub/Sub emulator (PUBSUB_EMULATOR_HOST=localhost:1) does not answer; start it, or correct the variable"
    assert errors.startswith(words)
    assert not path.exists()


def test_an_emulator_that_goes_away_half_way_is_one_line(
    scenario: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "truth.ndjson"
    with PubSubEmulator() as emulator:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", emulator.host)
        channel = Channel().create()
        plan = PublishPlan(channel.topic, str(scenario), rate=1000, truth=path, retry_for=1.0)

        def end(totals: Totals) -> None:
            if totals.published >= 200:
                emulator.stop()

        with pytest.raises(PermanentError, match=r"^failed: the Pub/Sub emulator .* has not answered: 503 ") as raised:
            publish(plan, on_progress=end)
    truth = read_truth(path)
    counts = Counter(truth.messages["status"].to_pylist())
    assert counts["confirmed"] >= 200
    assert counts["unknown"] > 0
    assert str(raised.value).endswith(
        f"; messages: published {counts['confirmed']:,}, not published {counts['refused']:,}, "
        f"unknown {counts['unknown']:,}; {path} tells which"
    )
    assert str(raised.value).startswith(truth.ending)
