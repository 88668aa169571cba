"""Errors that reach a person as one line; `dlpulse.py` turns them into text and exit codes, nothing else does."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class DlpulseError(Exception):
    """Something failed and the message says what, where, and what to do. Exit code 1."""


class BadInputError(DlpulseError):
    """A file, row or option is wrong; the message names it and what was expected. Exit code 2."""


def nearest(word: str, known: Iterable[str]) -> str:
    """Return `; did you mean …?` for the closest of `known`, or the whole list when none is close."""
    choices = sorted(known)
    close = difflib.get_close_matches(word.lower(), choices, n=3)
    return f"; did you mean {' or '.join(close)}?" if close else f"; known: {', '.join(choices)}"
