"""Names of BigQuery tables: `P:D.T` or `P.D.T`."""

from __future__ import annotations

import re
from dataclasses import dataclass

PROJECT = r"(?:[a-z0-9-]+(?:\.[a-z0-9-]+)+:)?[a-z0-9][a-z0-9-]*"
"""The pattern of a project's id, as every regular expression engine reads it; `example.com:project` is one, too."""

_PATTERN = re.compile(
    rf"(?P<project>{PROJECT})"
    r"[:.](?P<dataset>[A-Za-z0-9_]{1,1024})"
    r"\.(?P<table>[\w -]{1,1024})"
)


@dataclass(frozen=True)
class TableId:
    """The full name of a table; as text `P.D.T`."""

    project: str
    dataset: str
    table: str

    def __str__(self) -> str:
        return f"{self.project}.{self.dataset}.{self.table}"


def parse_table_id(text: str) -> TableId:
    """The table that `text` names.

    Raises:
        ValueError: it is not project, dataset and table.
    """
    match = _PATTERN.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a table; write PROJECT:DATASET.TABLE or PROJECT.DATASET.TABLE")
    return TableId(**match.groupdict())
