"""A topic is found, and refused before anything is sent where its messages would not be read as they are meant."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import grpc
import pytest
from google.pubsub_v1.types import (
    CreateSchemaRequest,
    GetSchemaRequest,
    GetTopicRequest,
    Schema,
    SchemaSettings,
    Topic,
)
from google.pubsub_v1.types import Encoding as TopicEncoding

from producers.publishing import topics
from producers.publishing.topics import Place, Wanted, check_place, create, find
from streaming.endpoints import show_pubsub
from streaming.errors import Mistakes, PermanentError
from tests.grpc_servers import GrpcServer
from tests.publish_cases import SCHEMA, TOPIC

DEFINITION = json.dumps(SCHEMA)
SCHEMA_NAME = "projects/my-project/schemas/readings"
NONE = Place(TOPIC, exists=False)
PLAIN = Place(TOPIC, exists=True)
BINARY = Place(TOPIC, exists=True, encoding="BINARY", definition=DEFINITION)
JSON = replace(BINARY, encoding="JSON")
HIDDEN = Place(TOPIC, exists=None)
AVRO, AVRO_JSON = Wanted("avro", "avro", DEFINITION), Wanted("avro_json", "avro", DEFINITION)
PLAIN_JSON = Wanted("json", "json", DEFINITION)


def made(wanted: Wanted) -> Wanted:
    return replace(wanted, create_schema=True)


@pytest.mark.parametrize(
    ("place", "wanted"),
    [
        (PLAIN, AVRO),
        (BINARY, AVRO),
        (BINARY, Wanted("avro", "json", DEFINITION)),
        (JSON, AVRO_JSON),
        (JSON, Wanted("avro_json", "json", DEFINITION)),
        (PLAIN, PLAIN_JSON),
        (NONE, replace(AVRO, create_topic=True)),
        (NONE, replace(PLAIN_JSON, create_topic=True)),
        (NONE, made(AVRO)),
        (NONE, made(AVRO_JSON)),
        (BINARY, made(AVRO)),
        (replace(BINARY, definition=json.dumps(SCHEMA, indent=2)), made(AVRO)),
        (replace(BINARY, definition=""), made(AVRO)),
        (PLAIN, replace(AVRO, create_topic=True)),
        (HIDDEN, AVRO),
        (HIDDEN, AVRO_JSON),
        (HIDDEN, made(AVRO_JSON)),
    ],
)
def test_what_fits(place: Place, wanted: Wanted) -> None:
    assert list(check_place(place, wanted)) == []


@pytest.mark.parametrize(
    ("place", "wanted", "line"),
    [
        (NONE, AVRO, f"--topic: there is no {TOPIC}; create it with --create-topic, or correct the name"),
        (
            NONE,
            made(PLAIN_JSON),
            "--create-schema: plain JSON goes to a topic without a schema; use --encoding=avro_json, or leave it out",
        ),
        (PLAIN, made(AVRO), f"--create-schema: {TOPIC} exists with no schema; leave it out, or name another topic"),
        (
            JSON,
            made(AVRO),
            f"--create-schema: {TOPIC} exists with a schema of encoding JSON; leave it out, or name another topic",
        ),
        (
            replace(BINARY, definition="{}"),
            made(AVRO),
            f"--create-schema: {TOPIC} exists with another schema; leave it out, or name another topic",
        ),
        (JSON, AVRO, "--encoding: the topic has a schema of encoding JSON; use --encoding=avro_json"),
        (BINARY, AVRO_JSON, "--encoding: the topic has a schema of encoding BINARY; use --encoding=avro"),
        (BINARY, PLAIN_JSON, "--encoding: the topic has a schema of encoding BINARY; use --encoding=avro"),
        (
            PLAIN,
            AVRO_JSON,
            "--encoding: Avro JSON goes to a topic that has a schema of encoding JSON; "
            "use --encoding=avro, or a new topic with --create-schema",
        ),
        (
            PLAIN,
            Wanted("json", "avro", DEFINITION),
            "--encoding: the job file takes avro from a topic without a schema; use --encoding=avro",
        ),
        (
            PLAIN,
            Wanted("avro", "json", DEFINITION),
            "--encoding: the job file takes json from a topic without a schema; use --encoding=json",
        ),
        (
            HIDDEN,
            Wanted("json", "avro", DEFINITION),
            "--encoding: the job file takes avro, not plain JSON; use --encoding=avro",
        ),
    ],
)
def test_what_does_not_fit_is_named_with_the_remedy(place: Place, wanted: Wanted, line: str) -> None:
    assert list(check_place(place, wanted)) == [line]


class TopicServer(GrpcServer):
    """Answers the calls that have an answer, ends the others with an error, and keeps what was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: dict[str, Any] = {}
        self.errors: dict[str, grpc.StatusCode] = {}
        self.passing: list[grpc.StatusCode] = []  # errors of the first calls, of any name
        self.asked: list[Any] = []

    def service(self, call: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        name = call.method.rpartition("/")[2]
        request, response = _TYPES[name]

        def handle(asked: Any, context: grpc.ServicerContext) -> Any:
            self.asked.append(asked)
            if self.passing:
                context.abort(self.passing.pop(), "scripted")
            if name in self.errors:
                context.abort(self.errors[name], "scripted")
            return self.answers.get(name, asked if name == "CreateTopic" else response())

        return grpc.unary_unary_rpc_method_handler(handle, request.deserialize, response.serialize)


_TYPES: dict[str, tuple[Any, Any]] = {
    "GetTopic": (GetTopicRequest, Topic),
    "CreateTopic": (Topic, Topic),
    "GetSchema": (GetSchemaRequest, Schema),
    "CreateSchema": (CreateSchemaRequest, Schema),
}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[TopicServer]:
    with TopicServer() as server:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", server.host)
        yield server


def test_a_topic_is_found_with_its_schema(server: TopicServer) -> None:
    settings = SchemaSettings(schema=SCHEMA_NAME, encoding=TopicEncoding.JSON)
    server.answers = {
        "GetTopic": Topic(name=TOPIC, schema_settings=settings),
        "GetSchema": Schema(name=SCHEMA_NAME, definition=DEFINITION),
    }
    assert find(TOPIC) == JSON


def test_a_schema_that_may_not_be_seen_is_unknown(server: TopicServer) -> None:
    settings = SchemaSettings(schema=SCHEMA_NAME, encoding=TopicEncoding.BINARY)
    server.answers = {"GetTopic": Topic(name=TOPIC, schema_settings=settings)}
    server.errors = {"GetSchema": grpc.StatusCode.PERMISSION_DENIED}
    assert find(TOPIC) == replace(BINARY, definition="")


@pytest.mark.parametrize(
    ("code", "place"), [(grpc.StatusCode.NOT_FOUND, NONE), (grpc.StatusCode.PERMISSION_DENIED, HIDDEN)]
)
def test_a_topic_may_be_missing_or_hidden(code: grpc.StatusCode, place: Place, server: TopicServer) -> None:
    server.errors = {"GetTopic": code}
    assert find(TOPIC) == place


def test_credentials_that_are_not_valid_are_named(server: TopicServer) -> None:
    server.errors = {"GetTopic": grpc.StatusCode.UNAUTHENTICATED}
    with pytest.raises(PermanentError, match=r"^Pub/Sub: no valid credentials; run gcloud auth"):
        find(TOPIC)


def test_an_emulator_that_does_not_answer_is_named(server: TopicServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topics, "PATIENCE_SECONDS", 0.1)
    server.errors = {"GetTopic": grpc.StatusCode.UNAVAILABLE}
    with pytest.raises(PermanentError) as raised:
        find(TOPIC)
    assert str(raised.value) == f"{show_pubsub()} does not answer; start it, or correct the variable (503 scripted)"
    assert show_pubsub().startswith("the Pub/Sub emulator (PUBSUB_EMULATOR_HOST=127.0.0.1:")


def test_an_emulator_that_is_busy_is_asked_again(server: TopicServer) -> None:
    server.passing.append(grpc.StatusCode.UNAVAILABLE)
    server.answers = {"GetTopic": Topic(name=TOPIC)}
    assert find(TOPIC) == PLAIN
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    "name", ["readings", "projects/p/topics/", "projects/p/subscriptions/s", "projects/p/topics/a b"]
)
def test_what_is_no_topic_is_refused_without_asking(name: str) -> None:
    with pytest.raises(Mistakes) as raised:
        find(name)
    assert raised.value.lines == (f"--topic: {name!r} is no topic; write projects/PROJECT/topics/TOPIC",)


def test_a_name_that_pubsub_refuses_is_named(server: TopicServer) -> None:
    server.errors = {"GetTopic": grpc.StatusCode.INVALID_ARGUMENT}
    with pytest.raises(Mistakes) as raised:
        find(TOPIC)
    assert raised.value.lines == (f"--topic: {TOPIC} is no topic: scripted; correct the name",)


def test_any_other_answer_is_told(server: TopicServer) -> None:
    server.errors = {"GetTopic": grpc.StatusCode.UNIMPLEMENTED}
    with pytest.raises(PermanentError) as raised:
        find(TOPIC)
    assert str(raised.value) == f"--topic: {TOPIC} cannot be looked up: scripted"


def test_a_topic_is_made_with_its_schema(server: TopicServer) -> None:
    create(NONE, made(AVRO_JSON))
    schema, topic = server.asked
    assert (schema.parent, schema.schema_id) == ("projects/my-project", "readings")
    assert schema.schema == Schema(type_=Schema.Type.AVRO, definition=DEFINITION)
    settings = SchemaSettings(schema=SCHEMA_NAME, encoding=TopicEncoding.JSON)
    assert topic == Topic(name=TOPIC, schema_settings=settings)


def test_a_topic_is_made_without_a_schema(server: TopicServer) -> None:
    create(NONE, replace(AVRO, create_topic=True))
    assert server.asked == [Topic(name=TOPIC)]


@pytest.mark.parametrize("place", [PLAIN, HIDDEN])
def test_a_topic_that_may_be_there_is_not_made(place: Place, server: TopicServer) -> None:
    create(place, made(AVRO))
    assert server.asked == []


def test_a_schema_that_is_there_is_taken_if_it_is_the_same(server: TopicServer) -> None:
    server.errors = {"CreateSchema": grpc.StatusCode.ALREADY_EXISTS}
    server.answers = {"GetSchema": Schema(definition=json.dumps(SCHEMA, indent=1))}
    create(NONE, made(AVRO))
    assert [type(asked) for asked in server.asked] == [CreateSchemaRequest, GetSchemaRequest, Topic]


def test_another_schema_of_the_name_is_left_alone(server: TopicServer) -> None:
    server.errors = {"CreateSchema": grpc.StatusCode.ALREADY_EXISTS}
    server.answers = {"GetSchema": Schema(definition='{"type": "record"}')}
    with pytest.raises(Mistakes) as raised:
        create(NONE, made(AVRO))
    words = f"--create-schema: there is another {SCHEMA_NAME}; remove it, or name another topic"
    assert raised.value.lines == (words,)
    assert [type(asked) for asked in server.asked] == [CreateSchemaRequest, GetSchemaRequest]


def test_a_topic_that_somebody_else_has_made_meanwhile_is_taken(server: TopicServer) -> None:
    server.errors = {"CreateTopic": grpc.StatusCode.ALREADY_EXISTS}
    create(NONE, replace(AVRO, create_topic=True))


@pytest.mark.parametrize("call", ["CreateTopic", "CreateSchema"])
def test_who_may_not_make_a_topic_is_told_so(call: str, server: TopicServer) -> None:
    server.errors = {call: grpc.StatusCode.PERMISSION_DENIED}
    with pytest.raises(PermanentError) as raised:
        create(NONE, made(AVRO))
    assert str(raised.value) == f"--create-topic: {TOPIC} cannot be created: scripted"
