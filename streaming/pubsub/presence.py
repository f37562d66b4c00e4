"""Whether topics and subscriptions are there: asked before anything begins that needs them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from google.api_core import exceptions
from google.api_core.retry import Retry
from google.auth.exceptions import GoogleAuthError

from streaming.endpoints import publisher_client, show_pubsub, subscriber_client
from streaming.errors import JobError, PermanentError, no_credentials, one_line

T = TypeVar("T")


def see_topic(place: str, name: str, within: float) -> None:
    """See that there is the topic, as far as this account may look.

    Args:
        place: the flag that names it, for the error message.
        name: `projects/P/topics/T`.
        within: seconds for which Pub/Sub is asked again while it does not answer.

    Raises:
        PermanentError: there is none, or there are no credentials.
        JobError: Pub/Sub does not answer.
    """

    def ask() -> None:
        with publisher_client() as client:
            client.get_topic(topic=name, retry=Retry(timeout=within))

    _answered(place, name, "topics", ask)


def see_subscription(place: str, name: str, within: float) -> str | None:
    """See that there is the subscription `projects/P/subscriptions/S`; the rest as in `see_topic`.

    Returns:
        The topic that it is of; None where this account may not look.
    """

    def ask() -> str:
        with subscriber_client() as client:
            return str(client.get_subscription(subscription=name, retry=Retry(timeout=within)).topic)

    return _answered(place, name, "subscriptions", ask)


def _answered(place: str, name: str, kind: str, ask: Callable[[], T]) -> T | None:
    """What Pub/Sub answers; one line of what it says instead."""
    try:
        return ask()
    except exceptions.NotFound as error:
        raise PermanentError(f"{place}: there is no {name}; create it with gcloud pubsub {kind} create") from error
    except exceptions.PermissionDenied:
        return None  # one who may use it need not be allowed to look; the first use will tell
    except exceptions.InvalidArgument as error:
        raise PermanentError(f"{place}: {name} is no name that Pub/Sub takes; mend it ({one_line(error)})") from error
    except exceptions.GoogleAPIError as error:
        unknown = f"{show_pubsub()} does not tell whether there is {name}; see whether it is up"
        raise JobError(f"{place}: {unknown} ({one_line(error)})") from error
    except GoogleAuthError as error:
        raise PermanentError(f"{place}: {no_credentials(error)}") from error
