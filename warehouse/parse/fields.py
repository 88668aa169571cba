"""Reads the single values of an answer: each is what its source promises, or Rejected says what stood there instead."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

from warehouse.parse.tables import Rejected
from warehouse.raw import Response

# Counts are kept as 64-bit integers.
MOST = 2**63
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def origin(response: Response, **more: Any) -> dict[str, Any]:
    """Return the columns that lead from a row back to its answer, and `more`."""
    return {"response_id": response.response_id, "fetched_at": response.fetched_at, **more}


def json_of(response: Response, before: str = "") -> Any:
    """Return the body decoded as JSON; `before` begins the reason when it is none. Raises Rejected, as all do here."""
    try:
        return response.json()
    except (ValueError, RecursionError):
        raise Rejected(f"{before}not JSON (cut short, or a web page)") from None


def object_of(response: Response, before: str = "") -> dict[str, Any]:
    """Return the body when it is a JSON object."""
    content = json_of(response, before)
    if not isinstance(content, dict):
        raise Rejected("expected an object")
    return content


def message(content: Any, key: str) -> str:
    """Return ": " and the beginning of the words under `key` of an object, "" when a source gives none."""
    text = content.get(key) if isinstance(content, dict) else None
    return f": {text[:200]}" if isinstance(text, str) else ""


def count(value: Any, what: str) -> int:
    """Return a whole number, 0 or more; neither true nor a text of digits is one. `what` names it in the reason."""
    if type(value) is not int or not 0 <= value < MOST:
        raise Rejected(f"{what} {value!r} is not a count")
    return value


def wide_count(value: Any, what: str) -> int:
    """Return a count that ClickHouse writes as a number or as a text, by its settings for 64-bit integers."""
    told = digits(value) if isinstance(value, str) else None
    return count(value if told is None else told, what)


def digits(text: str) -> int | None:
    """Return the count that a text tells, None when it has other signs than 0 to 9 or is too large."""
    told = int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else MOST
    return told if told < MOST else None


def flag(value: Any, what: str) -> bool:
    """Return true or false; nothing else is either."""
    if not isinstance(value, bool):
        raise Rejected(f"{what} {value!r} is not true or false")
    return value


def day(value: Any, expected: str = "a day") -> date:
    """Return the day of a text such as 2018-12-18; ISO 8601's other forms are none."""
    try:
        if not _DAY.fullmatch(value):
            raise ValueError
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise Rejected(f"day {value!r} is not {expected}") from None


def month(value: Any) -> date:
    """Return the first day of a month such as 2020-06."""
    try:
        return day(f"{value}-01")
    except Rejected:
        raise Rejected(f"month {value!r} is not like 2020-06") from None


def past(told: date, response: Response, what: str) -> date:
    """Return a day that was over, or begun, when the answer was read; a day more is let pass, as clocks differ."""
    if told > response.fetched_at.date() + timedelta(days=1):
        raise Rejected(f"{what} {told} is after it was read, {response.fetched_at:%Y-%m-%d}: a wrong clock?")
    return told


def instant(value: Any, what: str) -> datetime:
    """Return, in UTC without zone, an instant told with its zone."""
    try:
        told = datetime.fromisoformat(value)
        if told.tzinfo is None:
            raise ValueError("without zone")
        return told.astimezone(UTC).replace(tzinfo=None)
    except (TypeError, ValueError, OverflowError):
        raise Rejected(f"{what} {value!r} is not an instant") from None
