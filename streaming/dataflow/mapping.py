"""New names of steps by old ones, as a user gives them to an update."""

from __future__ import annotations

import json
from typing import Any

from streaming.dataflow.written import read_there
from streaming.errors import Mistakes

FLAG = "--transform-name-mapping"
_FORM = 'write a JSON object of texts, as in \'{"OLD": "NEW", "REMOVED": ""}\''


def read_mapping(text: str | None) -> tuple[dict[str, str], list[str]]:
    """The mapping, and what is wrong with it.

    Args:
        text: JSON, or the path of a file of it, local or on gs://.

    Raises:
        PermanentError: Cloud Storage refuses to read the file.
    """
    if not text:
        return {}, []
    try:
        content = text if text.lstrip().startswith("{") else read_there(text, FLAG, _FORM).decode()
        mapping = json.loads(content)
    except Mistakes as error:
        return {}, [*error.lines]
    except ValueError as error:
        return {}, [f"{FLAG}: not JSON: {error}; {_FORM}"]
    if not _is_of_texts(mapping):
        return {}, [f"{FLAG}: {content.strip()} is not one; {_FORM}"]
    return mapping, []


def _is_of_texts(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(each, str) for each in value.values())
