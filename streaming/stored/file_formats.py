"""What a file holds, by the end of its name."""

from __future__ import annotations

import re
from typing import Literal

FileFormat = Literal["avro", "ndjson", "parquet", "tfrecord"]

_ENDINGS: dict[str, FileFormat] = {
    ".avro": "avro",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".json": "ndjson",
    ".parquet": "parquet",
    ".tfrecord": "tfrecord",
    ".tfrecords": "tfrecord",
    "_tfrecord": "tfrecord",  # TFX: data_tfrecord-00000-of-00001.gz
}
_SHARD = re.compile(r"-\d{5,}-of-\d{5,}$")
_MAY_BE_GZIPPED = ("ndjson", "tfrecord")  # the others compress what they hold by themselves

KNOWN_ENDINGS = f"{', '.join(_ENDINGS)}, which -00000-of-00010 may follow; after NDJSON's and TFRecords' also .gz"
"""The names that are understood, for an error message."""


def format_of(path: str) -> FileFormat | None:
    """What the file holds; None where its name does not tell."""
    name = path.lower()
    plain = name.removesuffix(".gz")
    unsharded = _SHARD.sub("", plain)
    kind = next((kind for ending, kind in _ENDINGS.items() if unsharded.endswith(ending)), None)
    return kind if plain == name or kind in _MAY_BE_GZIPPED else None
