"""What the value of a parameter looks like: as the program reads it, and as the template's form describes it.

Other regular expression engines read the patterns, too: nothing in them that RE2 or JavaScript lacks. RE2 counts to
1,000 at most, so that lengths are left to the program. The `paramType` of each is the picker that the console shows.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints, WithJsonSchema

from streaming.bigquery.table_ids import PROJECT, parse_table_id
from streaming.durations import Duration

_TABLE = rf"{PROJECT}[:.][A-Za-z0-9_]+\.[^\x00-\x1F!-,./:-@\[-\^`{{-\x7F]+"  # of ASCII: letters, digits, _, -, space
_BUCKET = "gs://[a-z0-9._-]+/"


def _table(text: str) -> str:
    return str(parse_table_id(text))


def _resource(collection: str) -> StringConstraints:
    """Pub/Sub's rule for names; of projects, what emulators take as well."""
    return StringConstraints(pattern=rf"^projects/[A-Za-z0-9._:-]+/{collection}/[A-Za-z][A-Za-z0-9._~+%-]*$")


def _text(pattern: str, **more: str) -> WithJsonSchema:
    """What the form says of a text whose mistakes the program names in its own words."""
    schema: dict[str, Any] = {"type": "string", "pattern": pattern, **more}
    return WithJsonSchema(schema)


Subscription = Annotated[str, _resource("subscriptions"), Field(json_schema_extra={"paramType": "PUBSUB_SUBSCRIPTION"})]
Topic = Annotated[str, _resource("topics"), Field(json_schema_extra={"paramType": "PUBSUB_TOPIC"})]
Table = Annotated[str, AfterValidator(_table), _text(rf"^{_TABLE}$", paramType="BIGQUERY_TABLE")]
Span = Annotated[Duration, _text(r"^[0-9]*[1-9][0-9]*(?:ms|s|m|h|d)$")]

# The template's are on gs://, where launcher and workers can reach them.
File = Annotated[str, _text(rf"^{_BUCKET}.*[^/\r\n]$", paramType="GCS_READ_FILE")]
Directory = Annotated[str, _text(rf"^{_BUCKET}[^*?\[\r\n]*$", paramType="GCS_WRITE_FOLDER")]

OutputFormat = Literal["parquet", "prediction_log"]
