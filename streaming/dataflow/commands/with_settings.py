"""Commands that take all settings of a launch, each as an option of its own."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import MISSING, Field, fields
from functools import wraps
from typing import Any, get_type_hints

from streaming.dataflow.commands.settings import Settings


def with_settings(command: Callable[..., None]) -> Callable[..., None]:
    """The command with an option for each field of `Settings` in place of its parameter `settings`."""
    names = {field.name for field in fields(Settings)}

    @wraps(command)
    def run(**arguments: Any) -> None:
        own = {name: arguments[name] for name in names}
        rest = {name: value for name, value in arguments.items() if name not in names}
        command(settings=Settings(**own), **rest)

    signature = inspect.signature(command)
    hints = get_type_hints(command, include_extras=True)
    parameters = [each.replace(annotation=hints[name]) for name, each in signature.parameters.items()]
    place = list(signature.parameters).index("settings")
    parameters[place : place + 1] = _options()
    by_name = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in parameters]
    run.__signature__ = signature.replace(parameters=by_name, return_annotation=None)  # type: ignore[attr-defined]
    run.__annotations__ = {each.name: each.annotation for each in by_name}
    return run


def _options() -> list[inspect.Parameter]:
    hints = get_type_hints(Settings, include_extras=True)
    return [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=_default(field),
            annotation=hints[field.name],
        )
        for field in fields(Settings)
    ]


def _default(field: Field[Any]) -> Any:
    if field.default_factory is not MISSING:
        return field.default_factory()
    return inspect.Parameter.empty if field.default is MISSING else field.default
