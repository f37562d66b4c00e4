"""Files that a command reads or writes, local or on gs://; what is there and is not the command's own stays."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from streaming.cloud_storage import blob
from streaming.errors import Mistakes, PermanentError, no_credentials, one_line
from streaming.service_errors import in_words, retry

_OBJECT = re.compile(r"gs://[a-z0-9._-]+/.*[^/\r\n]")


@dataclass(frozen=True)
class Written:
    """A file that is still to be written.

    Attributes:
        path: local, or on gs://.
        place: the flag that names it, for error messages.
        content: what will be in it.
        before: what is in it now, if it is there.
    """

    path: str
    place: str
    content: bytes
    before: bytes | None

    def write(self) -> str:
        """Write the file, and say what has become of it.

        Raises:
            Mistakes: it cannot be written on this machine.
            PermanentError: Cloud Storage refuses.
        """
        if self.before == self.content:
            return f"{self.path}: is as it should be already"
        _done(self.path, self.place, "written", lambda: _write(self.path, self.content))
        return f"{self.path}: {'written' if self.before is None else 'replaced, as it had other content'}"


def to_write(path: str, place: str, content: bytes, is_own: Callable[[bytes], bool]) -> Written:
    """What is to be written, once it is sure that nothing else is lost by it.

    Args:
        path: a local path, or one on gs://, with which `wrong_path` finds nothing wrong.
        place: the flag that names it, for error messages.
        content: what is to be in the file.
        is_own: whether a file's content was written by this command, and so may be replaced.

    Raises:
        Mistakes: something else is there, or what is there cannot be read.
        PermanentError: Cloud Storage refuses to read it.
    """
    before = read_if_there(path, place)
    if before is not None and before != content and not is_own(before):
        raise Mistakes([f"{place}: {path} is there, and not by this command; remove it, or name another path"])
    return Written(path, place, content, before)


def read_if_there(path: str, place: str) -> bytes | None:
    """What is in the file, if it is there; `path` and `place` are as above.

    Raises:
        Mistakes: the path is not one of a file, or the file cannot be read.
        PermanentError: Cloud Storage refuses.
    """
    if wrong := _wrong_form(path):
        raise Mistakes([f"{place}: {wrong}"])
    return _done(path, place, "read", lambda: _read(path))


def read_there(path: str, place: str, remedy: str) -> bytes:
    """What is in the file, which must be there, or else `remedy` is said.

    Raises:
        Mistakes: it is not there, or as above.
        PermanentError: Cloud Storage refuses.
    """
    content = read_if_there(path, place)
    if content is None:
        raise Mistakes([f"{place}: no file {path}; {remedy}"])
    return content


def wrong_path(path: str | None, place: str) -> Iterator[str]:
    """What can be said against a path to write to before anything is tried; nothing against none."""
    if path is None:
        return
    if wrong := _wrong_form(path):
        yield f"{place}: {wrong}"
    elif "://" not in path and not Path(path).parent.is_dir():
        yield f"{place}: no directory {Path(path).parent}; make it, or correct the path"


def _wrong_form(path: str) -> str:
    """Why the path cannot be that of a file, with the remedy; empty if it can."""
    if not path:
        return "names no file; write a path"
    if "://" in path:
        return "" if _OBJECT.fullmatch(path) else f"{path} is no file on Cloud Storage; write gs://BUCKET/PATH"
    return f"{path} is a directory; name a file in it" if Path(path).is_dir() else ""


def _read(path: str) -> bytes | None:
    from google.api_core.exceptions import NotFound

    try:
        if "://" in path:
            return bytes(blob(path).download_as_bytes(retry=retry()))
        return Path(path).read_bytes()
    except (FileNotFoundError, NotFound):
        return None


def _write(path: str, content: bytes) -> None:
    if "://" in path:
        blob(path).upload_from_string(content, content_type="application/octet-stream", retry=retry())
    else:
        Path(path).write_bytes(content)


def _done(path: str, place: str, what: str, do: Callable[[], bytes | None]) -> bytes | None:
    """What comes of it, or why nothing does.

    Raises:
        Mistakes: this machine refuses.
        PermanentError: Cloud Storage does.
    """
    from google.api_core.exceptions import GoogleAPIError
    from google.auth.exceptions import GoogleAuthError

    try:
        return do()
    except GoogleAuthError as error:
        raise PermanentError(f"{place}: {path} cannot be {what}: {no_credentials(error)}") from error
    except (OSError, GoogleAPIError) as error:
        if "://" not in path:
            why = getattr(error, "strerror", None) or one_line(error)
            raise Mistakes([f"{place}: {path} cannot be {what}: {why}; correct the path"]) from error
        remedy = "see to the bucket, and to who may read and write there"
        raise PermanentError(f"{place}: {path} cannot be {what}: {in_words(error).rstrip('.')}; {remedy}") from error
