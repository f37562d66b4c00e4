"""What is installed of a job's monitoring against what should be: which changes make them equal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import takewhile
from typing import Any

SET_BY_THE_SERVICE = frozenset({"name", "etag", "id", "creation_record", "mutation_record", "validity"})
"""Fields that are no difference, whatever they hold."""

SHOWN = 40
"""The longest value that a difference shows; of a longer one it shows so much, from shortly before where it differs."""

SHOWN_BEFORE = 10


class Kind(Enum):
    """What can be installed."""

    DASHBOARD = "dashboard"
    ALERT = "alert"


class Action(Enum):
    """What becomes of it, with the sign that a diff shows."""

    CREATE = "+"
    CHANGE = "~"
    REMOVE = "-"


@dataclass(frozen=True)
class Item:
    """A dashboard or an alert policy, as a message of its service.

    Attributes:
        kind: which of both.
        key: what it is known by among those of its job: for an alert, the rule.
        message: a `Dashboard` or an `AlertPolicy`.
    """

    kind: Kind
    key: str
    message: Any

    def __str__(self) -> str:
        return f"{self.kind.value} {self.message.display_name!r}"


@dataclass(frozen=True)
class Change:
    """A change that is to be made.

    Attributes:
        action: which.
        item: what is wanted, or what is to be removed.
        name: the resource's name; empty of one that is not there yet.
        differences: what of a changed one is different, a line each.
    """

    action: Action
    item: Item
    name: str = ""
    differences: tuple[str, ...] = ()

    def lines(self) -> Iterator[str]:
        """The change as a diff shows it."""
        yield f"{self.action.value} {self.item}"
        yield from (f"    {line}" for line in self.differences)


def is_ours(labels: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    """Whether labels hold all those that mark what belongs to a job."""
    return all(labels.get(key) == value for key, value in wanted.items())


def changes(wanted: Iterable[Item], there: Iterable[Item]) -> list[Change]:
    """What makes that which is there equal to what is wanted.

    Of several that are there with one key, the first counts, and the others are removed.
    """
    left = {(item.kind, item.key, item.message.name): item for item in there}
    made = []
    for item in wanted:
        place = next((place for place in left if place[:2] == (item.kind, item.key)), None)
        if place is None:
            made.append(Change(Action.CREATE, item))
        elif found := tuple(differences(item.message, left.pop(place).message)):
            made.append(Change(Action.CHANGE, item, place[2], found))
    return made + [Change(Action.REMOVE, item, item.message.name) for item in left.values()]


def differences(wanted: Any, there: Any) -> Iterator[str]:
    """Where a message does not hold what another of its type does, a line each.

    Only what is wanted is compared: what the service fills in is no difference, nor are notification channels that
    somebody has added where none are asked for.
    """
    told = _plain(wanted)
    if not told.get("notification_channels"):
        told.pop("notification_channels", None)
    return _differing(told, _plain(there), "")


def _plain(message: Any) -> dict[str, Any]:
    return dict(type(message).to_dict(message, always_print_fields_with_no_presence=True))


def _differing(wanted: Any, there: Any, path: str) -> Iterator[str]:
    if isinstance(wanted, dict) and isinstance(there, dict):
        for key in sorted(wanted.keys() - SET_BY_THE_SERVICE):
            yield from _differing(wanted[key], there.get(key), f"{path}.{key}" if path else key)
    elif isinstance(wanted, list) and isinstance(there, list) and len(wanted) == len(there):
        yield from _differing_items(wanted, there, path)
    elif wanted != there:
        texts = _text(there), _text(wanted)
        alike = sum(1 for _ in takewhile(lambda signs: signs[0] == signs[1], zip(*texts, strict=False)))
        start = max(0, alike - SHOWN_BEFORE)
        yield f"{path}: {' -> '.join(_short(text, start) for text in texts)}"


def _differing_items(wanted: Sequence[Any], there: Sequence[Any], path: str) -> Iterator[str]:
    for number, (each, other) in enumerate(zip(wanted, there, strict=True)):
        yield from _differing(each, other, f"{path}[{number}]")


def _text(value: Any) -> str:
    return f"{len(value)} of them" if isinstance(value, list) else repr(value)


def _short(text: str, start: int) -> str:
    if len(text) <= SHOWN:
        return text
    end = start + SHOWN
    return f"{'...' if start else ''}{text[start:end]}{'...' if end < len(text) else ''}"
