"""What the production ends count on threads of their own; `integration/test_services.py` has the rest."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pyarrow as pa
import pytest
from grpc import StatusCode

from streaming import metrics, registry, services
from streaming.batches import Failure, failure_rows
from streaming.bigquery.storage_write import AppendConnection
from streaming.errors import PermanentError
from streaming.options import Parameters
from streaming.pubsub.publisher import Publisher
from streaming.services import DeadLetters, Table, Topic
from streaming.tally import Tally
from tests.bigquery_rest_server import BigQueryRestServer, failure
from tests.bigquery_write_server import Answer, BigQueryWriteServer
from tests.builders import readings
from tests.pubsub_publisher_server import Fail, PublisherServer

TOPIC = "projects/p/topics/predictions"
FAILURES = failure_rows(readings([1.0]).rows, [Failure("decode", "AvroError", "cut off")])


@pytest.fixture(autouse=True)
def _from_zero(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(metrics, "_here", Tally())
    forget()
    yield
    forget()


def forget() -> None:
    for key in ("append", "publisher", ("bigquery", "p")):
        registry.forget(key)


def counters() -> dict[str, int]:
    return dict(metrics.snapshot()["counters"])


def test_appends_that_are_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with BigQueryWriteServer() as server:
        monkeypatch.setenv("BIGQUERY_STORAGE_EMULATOR_HOST", server.host)
        server.script.append(Answer(StatusCode.UNAVAILABLE))
        assert Table("p.d.t").append(pa.RecordBatch.from_pydict({"n": [1]})).result(10) == []
        made: AppendConnection = registry.shared("append", _none)
        made.close()
    assert counters() == {"sink_retries_table": 1}


@pytest.fixture
def topic(monkeypatch: pytest.MonkeyPatch) -> Iterator[PublisherServer]:
    with PublisherServer() as server:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", server.host)
        server.script.append(Fail(StatusCode.UNAVAILABLE))
        made: Publisher = services._publisher()
        with closing(made):
            yield server


@pytest.mark.usefixtures("topic")
def test_messages_that_are_sent_again() -> None:
    assert Topic(TOPIC, ordering=False).publish([b"1"], [{}], [""]).result(10) == []
    assert counters() == {"sink_retries_topic": 1}


@pytest.mark.usefixtures("topic")
def test_dead_letters_that_are_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with BigQueryRestServer() as server:
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", server.host)
        server.replies.append(failure(503, "backendError", "away"))
        DeadLetters("p.d.e", TOPIC, "job").write(FAILURES)
    assert counters() == {"sink_retries_dead_letters": 2}


def test_a_dead_letter_that_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with BigQueryRestServer() as server:
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", server.host)
        server.replies.append(failure(403, "accessDenied", "no"))
        with pytest.raises(PermanentError, match="no permission to write"):
            DeadLetters("p.d.e", None, "job").write(FAILURES)
    assert counters() == {"sink_refusals_dead_letters": 1}


def _none() -> Any:
    raise AssertionError("nothing was shared")


def test_dead_letters_go_to_the_services_that_are_named() -> None:
    topic = Parameters(job_file="job.yaml", input_files="in", output_files="out", output_deadletter_topic=TOPIC)
    assert services.dead_letters(topic, "n") == DeadLetters(None, TOPIC, "n")
    both = topic.model_copy(update={"output_table": "p.d.t"})
    assert services.dead_letters(both, "name") == DeadLetters("p.d.t_error_records", TOPIC, "name")


@pytest.mark.usefixtures("topic")
def test_dead_letters_without_a_table_are_published_alone() -> None:
    DeadLetters(None, TOPIC, "job").write(FAILURES)
    assert counters() == {"sink_retries_dead_letters": 1}
