"""Standard output and standard error of a command: open, read by somebody, or dropped."""

from __future__ import annotations

import os
import select
import sys
from contextlib import suppress


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
