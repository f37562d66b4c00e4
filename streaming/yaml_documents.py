"""Files of YAML that people write: a mapping each, of which nothing is overlooked."""

from __future__ import annotations

import posixpath
from collections.abc import Hashable
from typing import Any

import yaml

from streaming.errors import Mistakes


def parse_document(text: str, path: str, expected: str) -> dict[str, Any]:
    """The mapping that `text` is.

    Args:
        text: of the file.
        path: where it lies, for the error message.
        expected: what the file should be, as in `a job file is a mapping with message, window and models`.

    Raises:
        Mistakes: it is not YAML, a key stands twice in it, or it is no mapping.
    """
    try:
        document = yaml.load(text, Loader=_UniqueKeys)  # noqa: S506 - it is a SafeLoader
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise Mistakes([f"{path}, line {line}: not YAML: {error.problem}"]) from error
    except (yaml.YAMLError, RecursionError) as error:
        raise Mistakes([f"{path}: not YAML: {' '.join(str(error).split())}"]) from error
    if not isinstance(document, dict):
        raise Mistakes([f"{path}: {expected}"])
    return document


def beside(path: str, other: str) -> str:
    """Where `other` lies, if a relative path in it starts at the directory of `path`."""
    if "://" in other or posixpath.isabs(other):
        return other
    scheme, separator, place = path.rpartition("://")
    return scheme + separator + posixpath.normpath(posixpath.join(posixpath.dirname(place), other))


class _UniqueKeys(yaml.SafeLoader):
    """YAML's safe loader, which also refuses a key that stands twice in one mapping."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key_node in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            key = self.construct_object(key_node, deep)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} stands twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)
