"""The emulators of Pub/Sub and BigQuery as child processes on free ports."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from abc import abstractmethod
from collections.abc import Iterator
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from streaming.errors import PermanentError
from streaming.local.processes import LOOPBACK, Service, accepts, free_port

_JARS = "platform/pubsub-emulator/lib/cloud-pubsub-emulator-*-all.jar"
SDK_ROOTS = (
    "/usr/lib/google-cloud-sdk",
    "/usr/share/google-cloud-sdk",
    "/usr/local/share/google-cloud-sdk",
    "/opt/google-cloud-sdk",
    "/opt/homebrew/share/google-cloud-sdk",
    "/snap/google-cloud-cli/current",
    "~/google-cloud-sdk",
)


class Emulator(Service):
    """A service that stands in for one of Google's."""

    @abstractmethod
    def environment(self) -> dict[str, str]:
        """The variables by which clients find it."""


class PubSubEmulator(Emulator):
    """Google's Pub/Sub emulator, empty, at `host` (host:port).

    Raises:
        PermanentError: the emulator or Java is not on this machine.
    """

    def __init__(self) -> None:
        port = free_port()
        self.host = f"{LOOPBACK}:{port}"
        argv = [find_java(), "-jar", str(find_jar()), f"--host={LOOPBACK}", f"--port={port}"]
        super().__init__("the Pub/Sub emulator", argv)

    def environment(self) -> dict[str, str]:
        return {"PUBSUB_EMULATOR_HOST": self.host}

    def answers(self) -> bool:
        return _responds(self.host, "/v1/projects/any/topics")


class BigQueryEmulator(Emulator):
    """An empty bqemulator: REST at `url`, the Storage Write and Read services at `storage_host` (host:port).

    Raises:
        PermanentError: bqemulator is not installed.
    """

    def __init__(self) -> None:
        if importlib.util.find_spec("bqemulator") is None:
            raise PermanentError("bqemulator, the BigQuery emulator, is not installed; pip install -e '.[dev]'")
        rest_port, self._grpc_port = free_port(), free_port()
        self._rest_host = f"{LOOPBACK}:{rest_port}"
        self.url = f"http://{self._rest_host}"
        self.storage_host = f"{LOOPBACK}:{self._grpc_port}"
        flags = [f"--rest-port={rest_port}", f"--grpc-port={self._grpc_port}", "--ephemeral", "--log-level=warning"]
        argv = [sys.executable, "-m", "streaming.local.bigquery_emulator", "start", *flags]
        # The format extensions (Avro load jobs) would be downloaded.
        super().__init__("the BigQuery emulator", argv, {"BQEMU_ENABLE_FORMAT_EXTENSIONS": "false"})

    def environment(self) -> dict[str, str]:
        return {"BIGQUERY_EMULATOR_HOST": self.url, "BIGQUERY_STORAGE_EMULATOR_HOST": self.storage_host}

    def answers(self) -> bool:
        return _responds(self._rest_host, "/bigquery/v2/projects/any/datasets") and accepts(self._grpc_port)


def find_java() -> str:
    """The Java runtime.

    Raises:
        PermanentError: there is none on the PATH.
    """
    java = shutil.which("java")
    if java is None:
        raise PermanentError("java, which the Pub/Sub emulator needs, is not on the PATH; install a Java runtime")
    return java


def find_jar() -> Path:
    """The jar of Google's Pub/Sub emulator, as a component of the gcloud SDK or as PUBSUB_EMULATOR_JAR names it.

    Raises:
        PermanentError: there is none, or PUBSUB_EMULATOR_JAR names none.
    """
    named = os.environ.get("PUBSUB_EMULATOR_JAR")
    if named:
        if Path(named).is_file():
            return Path(named)
        raise PermanentError(f"PUBSUB_EMULATOR_JAR: no file {named}; mend or unset the variable")
    for root in _sdk_roots():
        jars = sorted(root.glob(_JARS), key=_version)
        if jars:
            return jars[-1]
    raise PermanentError(
        "the Pub/Sub emulator is not on this machine; `gcloud components install pubsub-emulator`,"
        " or set PUBSUB_EMULATOR_JAR"
    )


def _sdk_roots() -> Iterator[Path]:
    """Where the gcloud SDK may be, the likeliest first; gcloud itself is asked last, for it takes seconds."""
    gcloud = shutil.which("gcloud")
    if gcloud:
        yield Path(gcloud).resolve().parent.parent
    yield from (Path(root).expanduser() for root in SDK_ROOTS)
    if gcloud:
        asked = [gcloud, "info", "--format=value(installation.sdk_root)"]
        root = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
        if root:
            yield Path(root)


def _version(jar: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", jar.name)]


def _responds(host: str, path: str) -> bool:
    connection = HTTPConnection(host, timeout=5)  # straight to the port: urllib would ask the user's proxy
    try:
        connection.request("GET", path)
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
