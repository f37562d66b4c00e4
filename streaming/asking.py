"""Calls of Google's services by generated clients, and on one line why they have not done what they were asked to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from google.api_core import exceptions
from google.auth.exceptions import GoogleAuthError

from streaming.errors import PermanentError, no_credentials
from streaming.service_errors import in_words, retry

T = TypeVar("T")

CALL_SECONDS = 60.0
"""How long one call may take."""


@dataclass(frozen=True)
class Service:
    """A service, and what is to be done where it refuses.

    Attributes:
        name: what it is called.
        show: it in words, or the server that stands in for it.
        remedies: by the kind of the error.
        remedies_of_denials: by what the service says where permission is denied, but no role is missing.
    """

    name: str
    show: Callable[[], str]
    remedies: Mapping[type[Exception], str]
    remedies_of_denials: Mapping[str, str] = field(default_factory=dict)

    def connected(self, client: Callable[[], T]) -> T:
        """A client, made by one of `streaming.endpoints`' functions.

        Raises:
            PermanentError: there are no credentials.
        """
        try:
            return client()
        except GoogleAuthError as error:
            raise PermanentError(f"cannot ask {self.show()}: {no_credentials(error)}") from error

    def asked(self, what: str, call: Callable[..., T], request: Any) -> T:
        """What the service answers; it is asked again for some seconds while it cannot be had.

        Args:
            what: what it is asked to do, as in "launch readings".
            call: a method of a generated client.
            request: its argument.

        Raises:
            PermanentError: it refuses, or cannot be had.
        """

        def ask() -> T:
            try:
                return call(request=request, retry=None, timeout=CALL_SECONDS)
            except exceptions.ResourceExhausted as error:  # no quota comes back while somebody waits
                raise self._refusal(what, error) from error

        try:
            return retry()(ask)()
        except exceptions.RetryError as error:
            raise self._refusal(what, error.cause or error) from error
        except (exceptions.GoogleAPICallError, GoogleAuthError) as error:
            raise self._refusal(what, error) from error

    def _refusal(self, what: str, error: BaseException) -> PermanentError:
        if isinstance(error, GoogleAuthError | exceptions.Unauthenticated):
            return PermanentError(f"cannot {what}: {no_credentials(error)}")
        said = in_words(error).rstrip(".")
        remedy = self._remedy(error, said)
        return PermanentError(f"cannot {what}: {said}{remedy and f'; {remedy}'}")

    def _remedy(self, error: BaseException, said: str) -> str:
        if isinstance(error, exceptions.ServiceUnavailable) and (asked_instead := self.show()) != self.name:
            return f"is {asked_instead} there?"
        if isinstance(error, exceptions.PermissionDenied):
            for part, remedy in self.remedies_of_denials.items():
                if part in said:
                    return remedy
        return next((words for kind, words in self.remedies.items() if isinstance(error, kind)), "")
