"""ClickHouse's public tables of star events and downloads: two queries, known by the table that they read.

It keeps the silent cut at 1,000 rows, the sentinel row with an empty name, and 64-bit integers as strings.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from tests.world.events import by_name_and_day
from tests.world.github import GitHub
from tests.world.packages import Packages, normal
from tests.world.reply import Reply, Request, as_text

MOST_ROWS = 1_000
EVENTS, DOWNLOADS = "github.github_events", "pypi.pypi_downloads_per_day"
_ARRAY = re.compile(r"\[\s*(?:'(?:[^'\\]|\\.)*'\s*(?:,\s*(?!\]))?)*\]")
_TEXT = re.compile(r"'((?:[^'\\]|\\.)*)'")
_BAD_VALUE = "457. DB::Exception: Value {} cannot be parsed as {} for query parameter '{}'. (BAD_QUERY_PARAMETER)"


class ClickHouse:
    """`integers_as_strings` is how 64-bit integers are written; `now` is UTC without zone."""

    def __init__(self, now: datetime, github: GitHub, packages: Packages) -> None:
        self.now, self.github, self.packages = now, github, packages
        self.integers_as_strings = True

    def at(self, now: datetime) -> None:
        """Move the clock."""
        self.now = now

    def reply(self, request: Request) -> Reply:
        """Answer one query."""
        user = request.query.get("user") or request.headers.get("X-ClickHouse-User")
        if user != "demo":
            return _exception(403, "516. DB::Exception: default: Authentication failed. (AUTHENTICATION_FAILED)")
        sql = request.query.get("query", "")
        read = {EVENTS: self.events, DOWNLOADS: self.downloads}
        table = next((table for table in read if table in sql), None)
        if table is None:
            return _exception(400, "62. DB::Exception: Syntax error: failed at position 1. (SYNTAX_ERROR)")
        if "JSONEachRow" not in (request.query.get("default_format"), *sql.split()[-1:]):
            return _exception(400, "73. DB::Exception: this world writes JSONEachRow only. (UNKNOWN_FORMAT)")
        try:
            names, first, until = _parameters(request.query)
        except _Refused as refused:
            return _exception(400, str(refused))
        keys = ("repo_name", "day", "stars") if table == EVENTS else ("project", "day", "downloads")
        return self._rows(keys, [("", first, 0), *read[table](names, first, until)])

    def events(self, names: list[str], first: date, until: date) -> list[tuple[str, date, int]]:
        """Return name, day, star events: the truth behind the first query, without its cut."""
        return by_name_and_day(self.github, names, first, until)

    def downloads(self, names: list[str], first: date, until: date) -> list[tuple[str, date, int]]:
        """Return project, day, downloads with mirrors: the truth behind the second query, without its cut."""
        until = min(until, self.now.date())
        days = [first + timedelta(days=n) for n in range((until - first).days)]
        counted = (
            (name, day, self.packages.downloads(name, day) if name == normal(name) else None)
            for name in sorted(set(names))
            for day in days
        )
        return [(name, day, downloads) for name, day, downloads in counted if downloads is not None]

    def _rows(self, keys: tuple[str, str, str], rows: list[tuple[str, date, int]]) -> Reply:
        def integer(number: int) -> str | int:
            return str(number) if self.integers_as_strings else number

        of_rows = integer(len(rows))
        lines = [
            json.dumps({keys[0]: name, keys[1]: str(day), keys[2]: integer(number), "of_rows": of_rows})
            for name, day, number in rows[:MOST_ROWS]
        ]
        text = "".join(f"{line.replace(': ', ':').replace(', ', ',')}\n" for line in lines)
        return as_text(200, text, "application/x-ndjson; charset=UTF-8")


class _Refused(Exception):
    """A parameter is missing or cannot be read; the text is ClickHouse's."""


def _parameters(query: Mapping[str, str]) -> tuple[list[str], date, date]:
    for name in ("names", "from", "until"):
        if f"param_{name}" not in query:
            raise _Refused(f"456. DB::Exception: Substitution `{name}` is not set. (UNKNOWN_QUERY_PARAMETER)")
    names = query["param_names"]
    if not _ARRAY.fullmatch(names):
        raise _Refused(_BAD_VALUE.format(names, "Array(String)", "names"))
    days = [_day(query, "from"), _day(query, "until")]
    return [re.sub(r"\\(.)", r"\1", text) for text in _TEXT.findall(names)], days[0], days[1]


def _day(query: Mapping[str, Any], name: str) -> date:
    value = query[f"param_{name}"]
    try:
        return datetime.strptime(value, "%Y-%m-%d").date()
    except ValueError:
        raise _Refused(_BAD_VALUE.format(value, "Date", name)) from None


def _exception(status: int, text: str) -> Reply:
    return as_text(status, f"Code: {text}\n")
