"""GitHub's answers about one repository: its record and pages of its star history. Pure: bytes in, typed rows out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from warehouse.parse import fields
from warehouse.parse.tables import Rejected, Row
from warehouse.raw import Response

PACIFIC = ZoneInfo("America/Los_Angeles")
WEEK = timedelta(days=7)
_WEEK_SECONDS = 7 * 86_400
# 1970-01-04, the first Sunday of the epoch.
_FIRST_SUNDAY = 3 * 86_400
_YEAR_2100 = 4_102_444_800
FULL_NAME = re.compile(r"[A-Za-z0-9._-]+/[A-Za-z0-9._-]+")


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
    yield from parser(fields.json_of(response), response)


def _record(content: Any, response: Response) -> Iterable[Row]:
    if not isinstance(content, dict):
        raise Rejected("a repository record must be an object")
    full_name = content.get("full_name")
    if not isinstance(full_name, str) or not FULL_NAME.fullmatch(full_name):
        raise Rejected(f"full_name {full_name!r} is not owner/name")
    archived = fields.flag(content.get("archived"), "archived")
    created_at = _instant(content, "created_at")
    if created_at is None:
        raise Rejected("created_at is missing")
    if pushed_at := _instant(content, "pushed_at"):
        fields.past(pushed_at.date(), response, "pushed_at")
    row = {
        "repo_id": response.subject,
        "github_id": fields.count(content.get("id"), "id"),
        "full_name": full_name,
        "stars": fields.count(content.get("stargazers_count"), "stargazers_count"),
        "forks": fields.count(content.get("forks_count"), "forks_count"),
        "open_issues": fields.count(content.get("open_issues_count"), "open_issues_count"),
        # `watchers_count` repeats the stars; the people who watch are the subscribers.
        "watchers": fields.count(content.get("subscribers_count"), "subscribers_count"),
        "archived": archived,
        "pushed_at": pushed_at,
        "created_on": fields.past(created_at.date(), response, "created_at"),
    }
    return [("repo_records", fields.origin(response, **row))]


def _instant(content: dict[str, Any], key: str) -> datetime | None:
    return None if content.get(key) is None else fields.instant(content[key], key)


def _history(content: Any, response: Response) -> Iterable[Row]:
    """Return the days of a page: nearly all that a rebuild parses, so no value costs a call of its own."""
    if not isinstance(content, list):
        raise Rejected("a page of star history must be a list")
    # A week that rolls over between two pages comes twice: the first telling counts.
    weeks: dict[date, list[int]] = {}
    for entry in content:
        weeks.setdefault(*_week(entry))
    response_id, fetched_at, repo_id = response.response_id, response.fetched_at, response.subject
    return [
        (
            "star_days",
            {
                "response_id": response_id,
                "fetched_at": fetched_at,
                "repo_id": repo_id,
                "week": week,
                "day": day,
                "stars_added": stars,
            },
        )
        for week, counts in weeks.items()
        for day, stars in zip(_days_of(week), counts, strict=True)
    ]


def _week(entry: Any) -> tuple[date, list[int]]:
    if not isinstance(entry, dict):
        raise Rejected(f"a week must be an object, found {entry!r}")
    week = _sunday(fields.count(entry.get("week"), "week"))
    total, days = entry.get("total"), entry.get("days")
    if not isinstance(days, list) or len(days) != 7:
        raise Rejected(f"week {week} does not have 7 days")
    are_counts = type(total) is int and total < fields.MOST and all(type(one) is int and one >= 0 for one in days)
    if not are_counts or total != sum(days):
        _find_fault(week, total, days)
    return week, days


def _find_fault(week: date, total: Any, days: list[Any]) -> None:
    """Raise Rejected, naming the value that is wrong; a week that is right never comes here."""
    for one in days:
        fields.count(one, f"a day of week {week}")
    if fields.count(total, f"total of week {week}") != sum(days):
        raise Rejected(f"week {week}: total {total} is not the sum of its days, {sum(days)}")


@cache
def _sunday(label: int) -> date:
    """Return the day of a week's label; a century has some 5,000 of them."""
    if label % _WEEK_SECONDS != _FIRST_SUNDAY or label > _YEAR_2100:
        raise Rejected(f"week {label} is not a Sunday at 00:00")
    return datetime.fromtimestamp(label, UTC).date()


@cache
def _days_of(week: date) -> list[date]:
    return [week + timedelta(days=offset) for offset in range(7)]


_PARSERS: dict[str, Callable[[Any, Response], Iterable[Row]]] = {
    "repo": _record,
    "history": _history,
}


def _message(response: Response) -> str:
    try:
        return fields.message(response.json(), "message")
    except (ValueError, RecursionError):
        return ""
