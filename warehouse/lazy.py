"""A group of commands whose modules are imported when a command is asked for: all of them together take a second."""

from __future__ import annotations

import importlib
from collections import UserDict
from collections.abc import Mapping
from typing import Any

import typer
from typer.core import TyperGroup


def group(where: Mapping[str, str]) -> type[TyperGroup]:
    """Return the class of a group with its own commands first, and then those that stand at `module:attribute`.

    An attribute is a function, or a typer.Typer of one command or many.
    """

    class Group(TyperGroup):
        def __init__(self, *, commands: Mapping[str, Any] | None = None, **attributes: Any) -> None:
            super().__init__(**attributes)
            self.commands = _Commands({**(commands or {}), **where})

    return Group


class _Commands(UserDict[str, Any]):
    """Commands by name, each a place until it is asked for."""

    def __getitem__(self, name: str) -> Any:
        found = self.data[name]
        if isinstance(found, str):
            self.data[name] = found = _loaded(name, found)
        return found


def _loaded(name: str, place: str) -> Any:
    module, _, attribute = place.partition(":")
    found = getattr(importlib.import_module(module), attribute)
    if not isinstance(found, typer.Typer):
        function, found = found, typer.Typer(add_completion=False)
        found.command(name)(function)
    command = typer.main.get_command(found)
    command.name = name
    return command
