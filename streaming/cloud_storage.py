"""Objects of Cloud Storage.

Not by way of Beam's file systems: where one is refused, they ask again until the program ends, and do not say why.
"""

from __future__ import annotations

from typing import Any


def blob(path: str) -> Any:
    """The object `gs://BUCKET/NAME` as Google's client has it, whether it is there or not."""
    from google.cloud.storage import Client

    bucket, _, name = path.removeprefix("gs://").partition("/")
    return Client(project=None).bucket(bucket).blob(name)
