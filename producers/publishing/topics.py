"""The topic that a fleet publishes to, and its schema: found, checked against what will be sent, and made."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from google.api_core import exceptions
from google.api_core.retry import Retry
from google.auth.exceptions import GoogleAuthError
from google.pubsub_v1.types import Encoding as TopicEncoding
from google.pubsub_v1.types import Schema, SchemaSettings, Topic

from producers.synthesis.payloads import Encoding
from streaming.endpoints import emulators, publisher_client, schema_client, show_pubsub
from streaming.errors import Mistakes, PermanentError, no_credentials, one_line

PATIENCE_SECONDS = 8.0
"""How long Pub/Sub may take to say what it knows of a topic, asked again while it cannot be had."""

REFUSED_SECONDS = 2.0
"""The same where nothing listens."""

_NAME = re.compile(r"projects/([^/\s]+)/topics/([^/\s]+)")
_TOPIC_ENCODINGS = {"avro": TopicEncoding.BINARY, "avro_json": TopicEncoding.JSON}


@dataclass(frozen=True)
class Place:
    """What is known of a topic before anything is sent to it.

    Attributes:
        name: `projects/P/topics/T`.
        exists: None where this account may not know.
        encoding: of the payloads of a topic with a schema, `BINARY` or `JSON`; empty without a schema.
        definition: the text of its schema; empty without one, or where this account may not know.
    """

    name: str
    exists: bool | None
    encoding: str = ""
    definition: str = ""

    @property
    def schema(self) -> str:
        """The name of the schema that is made with the topic."""
        return self.name.replace("/topics/", "/schemas/")


@dataclass(frozen=True)
class Wanted:
    """What is to be sent to a topic, and what may be made for it.

    Attributes:
        encoding: of the payloads.
        format: of the job's messages, for those that come from a topic without a schema.
        definition: the text of the messages' Avro schema.
        create_topic: whether the topic is made if there is none.
        create_schema: the same, with the schema.
    """

    encoding: Encoding
    format: Literal["avro", "json"]
    definition: str
    create_topic: bool = False
    create_schema: bool = False


def find(topic: str) -> Place:
    """What is known of a topic; who may publish to it need not be allowed to look at it.

    Raises:
        Mistakes: this is not a topic's name.
        PermanentError: Pub/Sub does not answer, or there are no credentials.
    """
    if not _NAME.fullmatch(topic):
        raise Mistakes([f"--topic: {topic!r} is no topic; write projects/PROJECT/topics/TOPIC"])
    try:
        with _errors_explained(), publisher_client() as client:
            found = client.get_topic(topic=topic, retry=_retry(), timeout=PATIENCE_SECONDS)
    except exceptions.NotFound:
        return Place(topic, exists=False)
    except exceptions.PermissionDenied:
        return Place(topic, exists=None)
    except exceptions.InvalidArgument as error:
        raise Mistakes([f"--topic: {topic} is no topic: {error.message}; correct the name"]) from error
    except exceptions.GoogleAPICallError as error:
        raise PermanentError(f"--topic: {topic} cannot be looked up: {error.message}") from error
    settings = found.schema_settings
    if not settings.schema:
        return Place(topic, exists=True)
    return Place(topic, True, TopicEncoding(settings.encoding).name, _definition(settings.schema))


def check_place(place: Place, wanted: Wanted) -> Iterator[str]:
    """Every reason why this cannot be sent there; one line each."""
    creating = wanted.create_topic or wanted.create_schema
    if place.exists is False and not creating:
        yield f"--topic: there is no {place.name}; create it with --create-topic, or correct the name"
    elif wanted.create_schema and wanted.encoding not in _TOPIC_ENCODINGS:
        yield "--create-schema: plain JSON goes to a topic without a schema; use --encoding=avro_json, or leave it out"
    elif wanted.create_schema and (other := _other_schema(place, wanted)):
        yield f"--create-schema: {place.name} exists with {other}; leave it out, or name another topic"
    elif place.exists is not None and (why := _unfit(_encoding(place, wanted), wanted)):
        yield f"--encoding: {why}"
    elif wanted.encoding == "json" and wanted.format != "json":
        yield f"--encoding: the job file takes {wanted.format}, not plain JSON; use --encoding=avro"


def create(place: Place, wanted: Wanted) -> None:
    """Make the topic, and its schema where that is wanted, unless it is there.

    Raises:
        Mistakes: there is a schema of the name that another topic's is.
        PermanentError: Pub/Sub does not allow it, or does not answer.
    """
    if place.exists is not False:
        return
    topic = Topic(name=place.name)
    try:
        if wanted.create_schema:
            _create_schema(place.schema, wanted.definition)
            topic.schema_settings = SchemaSettings(schema=place.schema, encoding=_TOPIC_ENCODINGS[wanted.encoding])
        with _errors_explained(), publisher_client() as client:
            client.create_topic(request=topic, retry=_retry(), timeout=PATIENCE_SECONDS)
    except exceptions.AlreadyExists:
        return  # somebody else has made it since
    except exceptions.GoogleAPICallError as error:
        raise PermanentError(f"--create-topic: {place.name} cannot be created: {error.message}") from error


def _create_schema(name: str, definition: str) -> None:
    project, _, schema_id = name.partition("/schemas/")
    schema = Schema(type_=Schema.Type.AVRO, definition=definition)
    try:
        with _errors_explained(), schema_client() as client:
            client.create_schema(
                parent=project, schema=schema, schema_id=schema_id, retry=_retry(), timeout=PATIENCE_SECONDS
            )
    except exceptions.AlreadyExists as error:
        if not _same(_definition(name), definition):
            raise Mistakes([f"--create-schema: there is another {name}; remove it, or name another topic"]) from error


def _retry() -> Retry:
    """Asks again while Pub/Sub cannot be had, which on a loaded machine may pass."""
    since = time.monotonic()

    def passes(error: Exception) -> bool:
        is_refused = "Connection refused" in str(error) and time.monotonic() - since > REFUSED_SECONDS
        return isinstance(error, exceptions.ServiceUnavailable) and not is_refused

    return Retry(passes, initial=0.1, maximum=1.0, timeout=PATIENCE_SECONDS)


@contextmanager
def _errors_explained() -> Iterator[None]:
    """What keeps Pub/Sub from answering anything, in words."""
    try:
        yield
    except (exceptions.ServiceUnavailable, exceptions.DeadlineExceeded, exceptions.RetryError) as error:
        remedy = "start it, or correct the variable" if "PUBSUB_EMULATOR_HOST" in emulators() else "try again later"
        cause = error.cause if isinstance(error, exceptions.RetryError) else error
        raise PermanentError(f"{show_pubsub()} does not answer; {remedy} ({one_line(cause)})") from error
    except (exceptions.Unauthenticated, GoogleAuthError) as error:
        raise PermanentError(f"Pub/Sub: {no_credentials(error)}") from error


def _definition(schema: str) -> str:
    """The text of a schema; empty if it cannot be had."""
    try:
        with _errors_explained(), schema_client() as client:
            return str(client.get_schema(name=schema, retry=_retry(), timeout=PATIENCE_SECONDS).definition)
    except exceptions.GoogleAPICallError:  # deleted since, or not for this account to see
        return ""


def _same(definition: str, other: str) -> bool:
    return not definition or json.loads(definition) == json.loads(other)


def _other_schema(place: Place, wanted: Wanted) -> str:
    """What an existing topic has instead of the schema that is to be made; empty if it has that."""
    if not place.exists:
        return ""
    if not place.encoding:
        return "no schema"
    if place.encoding != _TOPIC_ENCODINGS[wanted.encoding].name:
        return f"a schema of encoding {place.encoding}"
    return "" if _same(place.definition, wanted.definition) else "another schema"


def _encoding(place: Place, wanted: Wanted) -> str:
    """Of the topic's schema, as it is or will be."""
    if place.exists or not wanted.create_schema:
        return place.encoding
    return _TOPIC_ENCODINGS[wanted.encoding].name


def _unfit(topic_encoding: str, wanted: Wanted) -> str | None:
    """Why the topic's messages, which a schema of this encoding marks, would not be read as they are meant."""
    if topic_encoding:
        needed = "avro_json" if topic_encoding == "JSON" else "avro"
        if wanted.encoding == needed:
            return None
        return f"the topic has a schema of encoding {topic_encoding}; use --encoding={needed}"
    if wanted.encoding == "avro_json":
        return (
            "Avro JSON goes to a topic that has a schema of encoding JSON; "
            f"use --encoding={wanted.format}, or a new topic with --create-schema"
        )
    if wanted.encoding == wanted.format:
        return None
    return f"the job file takes {wanted.format} from a topic without a schema; use --encoding={wanted.format}"
