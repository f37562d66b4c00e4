"""Objects of Cloud Storage.

Not by way of Beam's file systems: where one is refused, they ask again until the program ends, and do not say why.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from streaming.registry import shared
from streaming.service_errors import retry

CLIENT = "storage_client"
"""The registry's key of what asks Cloud Storage: each new client asks for credentials anew."""


def blob(path: str) -> Any:
    """The object `gs://BUCKET/NAME` as Google's client has it, whether it is there or not."""
    bucket, name = _split(path)
    return _client().bucket(bucket).blob(name)


def blobs(directory: str) -> Iterable[Any]:
    """The objects in `gs://BUCKET/DIRECTORY`, without those below its own directories, listed as they are asked for."""
    bucket, name = _split(directory)
    listed: Iterable[Any] = _client().list_blobs(bucket, prefix=f"{name}/", delimiter="/", retry=retry())
    return listed


def _split(path: str) -> tuple[str, str]:
    bucket, _, name = path.removeprefix("gs://").partition("/")
    return bucket, name


def _client() -> Any:
    from google.cloud.storage import Client

    return shared(CLIENT, lambda: Client(project=None))
