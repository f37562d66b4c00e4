"""BigQuery tables that are read: whether they are there, and one line where they cannot be had."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import requests
from google.api_core import exceptions
from google.auth.exceptions import GoogleAuthError
from google.cloud.bigquery import Client

from streaming.bigquery.table_ids import TableId
from streaming.endpoints import emulators
from streaming.errors import JobError, Mistakes, PermanentError, no_credentials
from streaming.service_errors import in_words, retry


class NoTableError(Mistakes):
    """There is no such table; a job that has only just started may be about to make it."""


def see_columns(client: Client, place: str, table: TableId, columns: Iterable[str], remedy: str) -> None:
    """See that there is the table, with the columns.

    Args:
        client: of any project.
        place: the flag that names the table.
        table: which.
        columns: their names.
        remedy: what is to be done where some are missing.

    Raises:
        NoTableError: there is no such table.
        Mistakes: it lacks columns.
        JobError: BigQuery refuses, or does not answer.
    """
    with explained(place, table):
        there = {field.name for field in client.get_table(str(table), retry=retry()).schema}
    missing = [name for name in columns if name not in there]
    if missing:
        raise Mistakes([f"{place} {table}: lacks the columns {', '.join(missing)}; {remedy}"])


@contextmanager
def explained(place: str, table: TableId) -> Iterator[None]:
    """Turn what BigQuery says into one line with a remedy."""
    named = f"{place} {table}"
    try:
        yield
    except exceptions.NotFound as error:
        raise NoTableError([f"{named}: no such table; name one that the job has made"]) from error
    except exceptions.Forbidden as error:
        remedy = "grant roles/bigquery.dataViewer on it, and roles/bigquery.jobUser and readSessionUser on the project"
        raise PermanentError(f"{named}: no permission to read it; {remedy} ({in_words(error)})") from error
    except GoogleAuthError as error:
        raise PermanentError(f"{named}: {no_credentials(error)}") from error
    except (exceptions.GoogleAPIError, requests.exceptions.RequestException) as error:
        raise JobError(f"{named}: BigQuery could not read it: {in_words(error)}; {_remedy()}") from error


def _remedy() -> str:
    host = emulators().get("BIGQUERY_EMULATOR_HOST")
    return f"check the emulator (BIGQUERY_EMULATOR_HOST={host})" if host else "check the network and try again"
