"""What of Pub/Sub must be there before a replay begins."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from google.api_core import exceptions
from google.api_core.retry import Retry
from google.auth.exceptions import GoogleAuthError

from streaming.endpoints import publisher_client, subscriber_client
from streaming.errors import JobError, Mistakes, PermanentError, one_line

_RETRY = Retry(timeout=5.0)  # seconds; somebody waits before the screen


def see_topic(name: str) -> None:
    """See that there is the topic to publish to.

    Raises:
        PermanentError: there is none, or there are no credentials.
        JobError: Pub/Sub does not answer.
    """
    with _seen("--topic", name, "topics"), publisher_client() as client:
        client.get_topic(topic=name, retry=_RETRY)


def see_subscription(name: str, topic: str) -> None:
    """See that there is the subscription, and that it does not bring what goes to `topic`.

    Raises:
        Mistakes: it is one of the topic itself.
        PermanentError: there is none, or there are no credentials.
        JobError: Pub/Sub does not answer.
    """
    with _seen("--subscription", name, "subscriptions"), subscriber_client() as client:
        if client.get_subscription(subscription=name, retry=_RETRY).topic == topic:
            raise Mistakes([f"--subscription: {name} is of --topic {topic} itself; give one of the dead-letter topic"])


@contextmanager
def _seen(flag: str, name: str, kind: str) -> Iterator[None]:
    """Turn what Pub/Sub says instead of showing it into one line."""
    try:
        yield
    except exceptions.NotFound as error:
        raise PermanentError(f"{flag}: there is no {name}; see gcloud pubsub {kind} list") from error
    except exceptions.PermissionDenied:
        pass  # one who may use it need not be allowed to look; the first use will tell
    except exceptions.InvalidArgument as error:
        raise PermanentError(f"{flag}: {name} is no name that Pub/Sub takes; mend it ({one_line(error)})") from error
    except exceptions.GoogleAPIError as error:
        remedy = "see whether it, or the emulator that PUBSUB_EMULATOR_HOST names, is up"
        raise JobError(f"{flag}: Pub/Sub does not answer for {name}; {remedy} ({one_line(error)})") from error
    except GoogleAuthError as error:
        remedy = "run gcloud auth application-default login"
        raise PermanentError(f"{flag}: no valid credentials; {remedy} ({one_line(error)})") from error
