"""Star events by repository name and day: ClickHouse's answers and what was counted in GH Archive's hour files."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from warehouse.parse import fields
from warehouse.parse.tables import Rejected, Row
from warehouse.raw import Response

# ClickHouse's public server cuts a result here without a word.
MOST_ROWS = 1_000


def parse(response: Response) -> Iterator[Row]:
    """Yield one `event_windows` row and `star_events` rows; names without events have none.

    Raises:
        Rejected: the answer is not ClickHouse's to our query, or not whole.
    """
    kind = response.params.get("kind")
    if response.status is None and kind is None:
        return
    if response.status not in (200, None):
        raise Rejected(f"status {response.status}{_message(response)}")
    parser = _PARSERS.get(kind or "")
    if parser is None:
        raise Rejected(f"unknown kind {kind!r}")
    yield from parser(response, fields.origin(response, provider=kind))


@dataclass(frozen=True)
class _Window:
    """What was asked: days from `start` to `end`, both included, of `names`."""

    names: list[str]
    start: date
    end: date


def _clickhouse(response: Response, origin: dict[str, Any]) -> Iterator[Row]:
    window = _asked(response.params)
    lines = _lines(response.body)
    counted: dict[tuple[str, date], int] = {}
    for row in lines:
        name, day, stars = _row(row, len(lines), window)
        if (name, day) in counted:
            raise Rejected(f"{name or 'the closing row'} comes twice for {day}")
        counted[name, day] = stars
    if counted.pop(("", window.start), None) != 0:
        raise Rejected("the closing row is missing: the answer is not whole")
    names = {"repo_names": window.names}
    days = {"window_start": window.start, "window_end": window.end, "hour": None}
    yield "event_windows", {**origin, **names, **days}
    for (name, day), stars in counted.items():
        yield "star_events", {**origin, "repo_name": name, "day": day, "hour": None, "stars": stars}


def _asked(params: Mapping[str, Any]) -> _Window:
    try:
        start, until = date.fromisoformat(params["from"]), date.fromisoformat(params["until"])
    except (KeyError, TypeError, ValueError) as error:
        raise Rejected(f"the archived question has no window: {error}") from None
    return _Window(_names(params.get("names")), start, until - timedelta(days=1))


def _lines(body: bytes) -> list[dict[str, Any]]:
    lines = body.splitlines()
    if len(lines) >= MOST_ROWS:
        raise Rejected(f"{len(lines):,} rows: ClickHouse cuts at {MOST_ROWS:,} without a word")
    rows = []
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            raise Rejected(f"line {number} of {len(lines)} is not JSON: {_start(line)}") from None
        if not isinstance(row, dict):
            raise Rejected(f"line {number} is not an object")
        rows.append(row)
    return rows


def _row(row: dict[str, Any], received: int, window: _Window) -> tuple[str, date, int]:
    """Return name, day and stars of a row; the closing row, which tells a whole answer, has the name ""."""
    of_rows = fields.wide_count(row.get("of_rows"), "of_rows")
    if of_rows != received:
        raise Rejected(f"{received} of {of_rows} rows were received")
    name, day = row.get("repo_name"), fields.day(row.get("day"))
    if not window.start <= day <= window.end:
        raise Rejected(f"{day} is outside the window asked, {window.start} to {window.end}")
    if name != "" and name not in window.names:
        raise Rejected(f"repo_name {name!r} was not asked")
    return str(name), day, fields.wide_count(row.get("stars"), f"stars of {name} on {day}")


def _gharchive(response: Response, origin: dict[str, Any]) -> Iterator[Row]:
    """Read what `collectors.gharchive` counted in one hour file."""
    try:
        content = response.json()
        day, hour, stars = date.fromisoformat(content["day"]), content["hour"], dict(content["stars"])
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise Rejected(f"the counts of an hour file are malformed: {error}") from None
    names = _names(content.get("names"))
    if type(hour) is not int or not 0 <= hour <= 23:
        raise Rejected(f"hour {hour!r} is not from 0 to 23")
    if strange := stars.keys() - set(names):
        raise Rejected(f"{min(strange)} was not asked")
    yield "event_windows", {**origin, "repo_names": names, "window_start": day, "window_end": day, "hour": hour}
    for name, number in stars.items():
        counted = {"repo_name": name, "day": day, "hour": hour, "stars": fields.wide_count(number, f"stars of {name}")}
        yield "star_events", {**origin, **counted}


_PARSERS: dict[str, Callable[[Response, dict[str, Any]], Iterator[Row]]] = {
    "clickhouse": _clickhouse,
    "gharchive": _gharchive,
}


def _names(value: Any) -> list[str]:
    if not isinstance(value, list) or not value or not all(isinstance(name, str) and name for name in value):
        raise Rejected("the names asked are not a list of texts")
    return value


def _message(response: Response) -> str:
    """Return the beginning of ClickHouse's own words, when the answer has them."""
    return f": {_start(response.body)}" if response.body.startswith(b"Code: ") else ""


def _start(line: bytes) -> str:
    return repr(line[:100].decode("utf-8", "replace"))
