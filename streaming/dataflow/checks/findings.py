"""What a check finds."""

from __future__ import annotations

from typing import NamedTuple


class Finding(NamedTuple):
    """Something wrong.

    Attributes:
        name: the check's, in lower case with hyphens; it says what kind of fault it is.
        place: the file, and where in it: its line or its field.
        wrong: what is wrong there.
        remedy: what to do about it.
    """

    name: str
    place: str
    wrong: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.name}: {self.place}: {self.wrong}; {self.remedy}"
