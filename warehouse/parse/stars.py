"""GitHub's answers about one repository: its record and pages of its star history. Pure: bytes in, typed rows out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from warehouse.parse.tables import Rejected, Row
from warehouse.raw import Response

PACIFIC = ZoneInfo("America/Los_Angeles")
WEEK = timedelta(days=7)
_DAYS = [timedelta(days=offset) for offset in range(7)]
_WEEK_SECONDS = 7 * 86_400
# 1970-01-04, the first Sunday of the epoch.
_FIRST_SUNDAY = 3 * 86_400
_YEAR_2100 = 4_102_444_800
_FULL_NAME = re.compile(r"[A-Za-z0-9._-]+/[A-Za-z0-9._-]+")


def pacific_date(instant: datetime) -> date:
    """Return the US-Pacific calendar day of a UTC instant without zone: the days of GitHub's star history."""
    return instant.replace(tzinfo=UTC).astimezone(PACIFIC).date()


def week_of(day: date) -> date:
    """Return the Sunday that begins the day's week."""
    return day - timedelta(days=(day.weekday() + 1) % 7)


def parse(response: Response) -> Iterator[Row]:
    """Yield `repo_records` or `star_days` rows; nothing for dlpulse's notes and for a 304, whose body is empty.

    A week gives all its seven days, as answered: those to come are GitHub's zeros, which a later 304 can make real.

    Raises:
        Rejected: the answer is not what GitHub's API description (2026-03-10) promises.
    """
    if response.status is None or response.status == 304:
        return
    if response.status != 200:
        raise Rejected(f"status {response.status}{_message(response)}")
    parser = _PARSERS.get(response.params.get("kind", ""))
    if parser is None:
        raise Rejected(f"unknown kind {response.params.get('kind')!r}")
    try:
        content = response.json()
    except (ValueError, RecursionError):
        raise Rejected("not JSON (cut short, or a web page)") from None
    origin = {"response_id": response.response_id, "fetched_at": response.fetched_at, "repo_id": response.subject}
    yield from parser(content, origin)


def _record(content: Any, origin: dict[str, Any]) -> Iterator[Row]:
    if not isinstance(content, dict):
        raise Rejected("a repository record must be an object")
    full_name = content.get("full_name")
    if not isinstance(full_name, str) or not _FULL_NAME.fullmatch(full_name):
        raise Rejected(f"full_name {full_name!r} is not owner/name")
    archived = content.get("archived")
    if not isinstance(archived, bool):
        raise Rejected(f"archived {archived!r} is not true or false")
    created_at = _instant(content, "created_at")
    if created_at is None:
        raise Rejected("created_at is missing")
    yield (
        "repo_records",
        {
            **origin,
            "github_id": _count(content.get("id"), "id"),
            "full_name": full_name,
            "stars": _count(content.get("stargazers_count"), "stargazers_count"),
            "forks": _count(content.get("forks_count"), "forks_count"),
            "open_issues": _count(content.get("open_issues_count"), "open_issues_count"),
            # `watchers_count` repeats the stars; the people who watch are the subscribers.
            "watchers": _count(content.get("subscribers_count"), "subscribers_count"),
            "archived": archived,
            "pushed_at": _instant(content, "pushed_at"),
            "created_on": created_at.date(),
        },
    )


def _history(content: Any, origin: dict[str, Any]) -> Iterator[Row]:
    if not isinstance(content, list):
        raise Rejected("a page of star history must be a list")
    # A week that rolls over between two pages comes twice: the first telling counts.
    weeks: dict[date, list[int]] = {}
    for entry in content:
        week, days = _week(entry)
        weeks.setdefault(week, days)
    for week, days in weeks.items():
        for offset, stars in enumerate(days):
            yield "star_days", {**origin, "week": week, "day": week + _DAYS[offset], "stars_added": stars}


def _week(entry: Any) -> tuple[date, list[int]]:
    if not isinstance(entry, dict):
        raise Rejected(f"a week must be an object, found {entry!r}")
    label = _count(entry.get("week"), "week")
    if label % _WEEK_SECONDS != _FIRST_SUNDAY or label > _YEAR_2100:
        raise Rejected(f"week {label} is not a Sunday at 00:00")
    week = datetime.fromtimestamp(label, UTC).date()
    days = entry.get("days")
    if not isinstance(days, list) or len(days) != 7:
        raise Rejected(f"week {week} does not have 7 days")
    what = f"a day of week {week}"
    counts = [_count(value, what) for value in days]
    if _count(entry.get("total"), f"total of week {week}") != sum(counts):
        raise Rejected(f"week {week}: total {entry['total']} is not the sum of its days, {sum(counts)}")
    return week, counts


_PARSERS: dict[str, Callable[[Any, dict[str, Any]], Iterator[Row]]] = {
    "repo": _record,
    "history": _history,
}


def _count(value: Any, what: str) -> int:
    if type(value) is not int or not 0 <= value < 2**63:
        raise Rejected(f"{what} {value!r} is not a count")
    return value


def _instant(content: dict[str, Any], key: str) -> datetime | None:
    value = content.get(key)
    if value is None:
        return None
    try:
        instant = datetime.fromisoformat(value)
        if instant.tzinfo is None:
            raise ValueError("without zone")
        return instant.astimezone(UTC).replace(tzinfo=None)
    except (TypeError, ValueError, OverflowError):
        raise Rejected(f"{key} {value!r} is not an instant") from None


def _message(response: Response) -> str:
    try:
        content = response.json()
    except (ValueError, RecursionError):
        return ""
    message = content.get("message") if isinstance(content, dict) else None
    return f": {message[:200]}" if isinstance(message, str) else ""
