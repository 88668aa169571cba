"""Standard output and standard error of a command: open, read by somebody, or dropped; what may be written there."""

from __future__ import annotations

import os
import re
import select
import sys
from contextlib import suppress

# What moves a terminal's cursor, colours it or answers for its user: all control characters but newline and tab.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def visible(text: str) -> str:
    r"""Show control characters as `\x1b`, so that no value and no message steers the terminal."""
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def opened() -> dict[int, int]:
    """Return copies of standard output and standard error, by which it is seen whether anybody reads them.

    Where standard output was closed, put one that refuses; else the next file opened would get its number.
    """
    if sys.stdout is None:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 1)
        sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    copies = {}
    for number in (1, 2):
        with suppress(OSError):  # standard error may be closed as well
            copies[number] = os.dup(number)
    return copies


def unread(outputs: dict[int, int]) -> list[int]:
    """Return those of the outputs that are pipes whose reader has gone."""
    unread = []
    for number, copy in outputs.items():
        poll = select.poll()
        poll.register(copy, 0)
        if poll.poll(0):
            unread.append(number)
    return unread


def drop(*outputs: int) -> None:
    """Drop what waits to be written to these outputs."""
    for number in outputs:
        os.dup2(os.open(os.devnull, os.O_WRONLY), number)
