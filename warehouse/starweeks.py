"""Pages of star history as weeks, the form in which the parsed store keeps them: a week is told again every day.

Day rows would be seven times as many, and nearly all of them were told before. Nothing here judges an answer:
warehouse/parse/stars.py does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import lru_cache

import numpy as np
import pyarrow as pa

from warehouse.parse import Rejected, restored, rows_of
from warehouse.parse.stars import pacific_date
from warehouse.parse.tables import OVERSIZED
from warehouse.raw import Response

WEEKS = "star_weeks"
PAGES = "star_pages"
SCHEMAS = {
    # One week (Sunday first) as a page told it, or as a 304 confirmed it, by the answer of that moment. `days_over` of
    # its days lay before the answer's own US-Pacific day, which is the next one (-1: the week had not begun).
    WEEKS: pa.schema(
        [
            ("response_id", pa.string()),
            ("fetched_at", pa.timestamp("us")),
            ("repo_id", pa.string()),
            ("week", pa.date32()),
            ("days_over", pa.int8()),
            ("days", pa.list_(pa.int64())),
        ]
    ),
    # One page, or a 304 that confirmed it. `has_today`: it told the answer's own US-Pacific day.
    PAGES: pa.schema(
        [
            ("response_id", pa.string()),
            ("fetched_at", pa.timestamp("us")),
            ("run_id", pa.string()),
            ("repo_id", pa.string()),
            ("has_today", pa.bool_()),
        ]
    ),
}
_PAGE = Response(
    response_id="", run_id="", source="stars", subject="", url=None, params={"kind": "history"}, status=200, etag=None,
    revalidates=None, fetched_at=datetime(1970, 1, 1), body=b"",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Week:
    """A week as it was told: the stars of its seven days, Sunday first. The same text gives the same object."""

    week: date
    days: tuple[int, ...]


Page = tuple[Week, ...]


@dataclass(frozen=True)
class _Telling:
    response: Response
    repo_id: str
    page: Page


def is_page(response: Response) -> bool:
    """Whether the answer is a page of star history, the 304 to one, or weeks that were restored."""
    params = response.params
    return restored.is_star_history(response) or (
        response.source == "stars"
        and response.status in (200, 304)
        and params.get("kind") == "history"
        and OVERSIZED not in params
    )


def read(response: Response) -> Page:
    """Return the weeks of a page, as `rows_of` reads them.

    All but the newest weeks of a page are those of yesterday's. So each week's text is parsed once: texts that are
    whole objects one by one are a list of these objects when they stand in brackets, with commas between them.

    Raises:
        Rejected: as `rows_of`.
    """
    body = response.body
    if body[:2] == b"[{" and body[-2:] == b"}]":
        weeks: dict[date, Week] = {}
        for text in body[2:-2].split(b"},{"):
            week = _week(text)
            if week is None:
                break
            weeks.setdefault(week.week, week)
        else:
            return tuple(weeks.values())
    return _whole(response)


def _whole(response: Response) -> Page:
    days: dict[date, list[int]] = {}
    for _, row in rows_of(response):
        days.setdefault(row["week"], []).append(row["stars_added"])
    return tuple(Week(week, tuple(told)) for week, told in days.items())


@lru_cache(maxsize=2**16)
def _week(text: bytes) -> Week | None:
    """Return the week of an object's text without its braces; None when it is not one week."""
    try:
        page = _whole(replace(_PAGE, body=b"[{" + text + b"}]"))
    except Rejected:
        return None
    return page[0] if len(page) == 1 else None


class Pages:
    """The pages of some runs, and the 304s that confirm them or older ones."""

    def __init__(self) -> None:
        self._read: dict[str, tuple[str, Page]] = {}
        self._told: list[_Telling] = []
        self._confirmed: list[Response] = []

    def take(self, response: Response) -> None:
        """Take in an answer for which `is_page` holds; raises Rejected."""
        if response.status == 304:
            self._confirmed.append(replace(response, body=b""))
        elif page := read(response):
            repo_id = restored.repo_of(response) if restored.is_star_history(response) else response.subject
            self._read[response.response_id] = repo_id, page
            self._told.append(_Telling(replace(response, body=b""), repo_id, page))

    def tables(self, find: Callable[[str], Response | None]) -> dict[str, pa.Table]:
        """Return both tables; `find` gives the answer of another run that a 304 confirmed, or None."""
        tellings = [*self._told, *(told for told in (self._telling(one, find) for one in self._confirmed) if told)]
        return {WEEKS: _weeks_table(tellings), PAGES: _pages_table(tellings)} if tellings else {}

    def _telling(self, response: Response, find: Callable[[str], Response | None]) -> _Telling | None:
        confirmed = response.revalidates or ""
        if confirmed not in self._read:
            self._read[confirmed] = _page_of(find(confirmed))
        repo_id, page = self._read[confirmed]
        return _Telling(response, repo_id, page) if page else None


def _page_of(response: Response | None) -> tuple[str, Page]:
    if response is None or response.status != 200 or not is_page(response):
        return "", ()
    try:
        return response.subject, read(response)
    except Rejected:
        return "", ()


def _weeks_table(tellings: Sequence[_Telling]) -> pa.Table:
    ordinals: dict[Week, int] = {}
    of_week = np.array([ordinals.setdefault(week, len(ordinals)) for told in tellings for week in told.page])
    of_telling = np.repeat(np.arange(len(tellings)), [len(told.page) for told in tellings])
    weeks = np.array([week.week for week in ordinals], dtype="datetime64[D]")[of_week]
    today = np.array([pacific_date(told.response.fetched_at) for told in tellings], dtype="datetime64[D]")[of_telling]
    columns = _origin(tellings, of_telling) | {
        "week": pa.array(weeks),
        "days_over": pa.array(np.clip((today - weeks).astype(int), -1, 7).astype(np.int8)),
        "days": pa.array([week.days for week in ordinals], pa.list_(pa.int64())).take(pa.array(of_week)),
    }
    return pa.table({name: columns[name] for name in SCHEMAS[WEEKS].names}, schema=SCHEMAS[WEEKS])


def _pages_table(tellings: Sequence[_Telling]) -> pa.Table:
    columns = _origin(tellings, np.arange(len(tellings))) | {
        "run_id": [told.response.run_id for told in tellings],
        "has_today": [_has_today(told) for told in tellings],
    }
    return pa.table({name: columns[name] for name in SCHEMAS[PAGES].names}, schema=SCHEMAS[PAGES])


def _has_today(told: _Telling) -> bool:
    today = pacific_date(told.response.fetched_at)
    return any(0 <= (today - week.week).days < 7 for week in told.page)


def _origin(tellings: Sequence[_Telling], rows: np.ndarray) -> dict[str, pa.Array]:
    """Return the columns that lead to an answer, with one row for each of `rows`, which number the tellings."""
    responses = [told.response for told in tellings]
    columns = {
        "response_id": pa.array([response.response_id for response in responses]),
        "fetched_at": pa.array([response.fetched_at for response in responses], pa.timestamp("us")),
        "repo_id": pa.array([told.repo_id for told in tellings]),
    }
    return {name: column.take(pa.array(rows)) for name, column in columns.items()}
