"""Writes the help of every command for docs/commands.md, whose cog block calls it; `make docs` renews the page."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

import typer
from typer.testing import CliRunner

WIDTH = 100


def page() -> str:
    """Return each command with its help, in the order of `dlpulse --help`."""
    os.environ |= {"TERMINAL_WIDTH": str(WIDTH), "NO_COLOR": "1", "TERM": "dumb"}
    import dlpulse

    runner = CliRunner()
    parts = ["The options that follow `dlpulse` itself, before the command, hold for all of them."]
    for words in [[], *_commands(typer.main.get_command(dlpulse.app))]:
        shown = runner.invoke(dlpulse.app, [*words, "--help"], env={"COLUMNS": str(WIDTH)}, prog_name="dlpulse")
        assert shown.exit_code == 0, shown.output
        text = re.sub(r" +$", "", shown.output, flags=re.MULTILINE).strip("\n")
        parts.append(f"## dlpulse {' '.join(words)}".rstrip() + f"\n\n```text\n{text}\n```")
    return "\n\n" + "\n\n".join(parts) + "\n\n"


def _commands(group: object, before: tuple[str, ...] = ()) -> Iterator[list[str]]:
    for name, command in getattr(group, "commands", {}).items():
        if not command.hidden:
            yield [*before, name]
            yield from _commands(command, (*before, name))
