"""The emulators, started once for all tests that ask for them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from streaming.local.emulators import BigQueryEmulator, PubSubEmulator
from tests.integration.dead_letters import Letters


@pytest.fixture(scope="session")
def pubsub_emulator() -> Iterator[PubSubEmulator]:
    with PubSubEmulator() as emulator:
        yield emulator


@pytest.fixture(scope="session")
def bigquery_emulator() -> Iterator[BigQueryEmulator]:
    with BigQueryEmulator() as emulator:
        yield emulator


@pytest.fixture
def emulators(
    pubsub_emulator: PubSubEmulator, bigquery_emulator: BigQueryEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both, as the environment names them to clients and to child processes."""
    for name, value in {**pubsub_emulator.environment(), **bigquery_emulator.environment()}.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def letters(emulators: None) -> Letters:
    return Letters()
