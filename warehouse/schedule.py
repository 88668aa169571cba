"""How often each source is asked, and which are due: read by `dlpulse collect --due` and `dlpulse status`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType

from warehouse.raw import Archive, Response, RunNotes
from warehouse.registry import Framework

INTERVALS: Mapping[str, timedelta] = MappingProxyType(
    {
        "stars": timedelta(days=1),
        "ranking": timedelta(days=30),
        "events": timedelta(days=30),
        "papers": timedelta(days=7),
        "surveys": timedelta(days=30),
        "downloads": timedelta(days=7),
        "questions": timedelta(days=30),
        "releases": timedelta(days=7),
    }
)
# A run that left something to the next one is followed after this time, whatever the interval.
LEFT_INTERVAL = timedelta(days=1)
REFUSALS_REMEMBERED = timedelta(days=7)
REFUSED_RESTS = timedelta(hours=23)
# cron starts a little earlier or later each day; a daily source asked 23 hours ago is due.
SLACK = timedelta(hours=1)
# How the error of a run begins that ended at a source's limit; runs of early versions do not say until when.
_LIMIT = "limit reached"
_UNTIL = re.compile(_LIMIT + r" until (\d{4}-\d\d-\d\d \d\d:\d\d) UTC")
# How the parts of early versions begin the error of a run that did not get to its end.
_OLD_PREFIX = "_Unfinished: "


def limit_words(until: datetime) -> str:
    """Return how the error of a run begins that ended at a source's limit: with the minute after which it may go on."""
    return f"{_LIMIT} until {until:%Y-%m-%d %H:%M} UTC"


@dataclass(frozen=True)
class Limit:
    """A source's limit at which a run ended: what it `left`, and when it may go on (UTC; None: it was not noted)."""

    left: str
    until: datetime | None


@dataclass(frozen=True)
class History:
    """A source's runs: when the newest began, its error (None when it ended well), and the newest whole success.

    `left` says what that success left for another run, "" when nothing. When the newest run ended at a source's limit,
    which is no error, `limit` tells of it. `budget` is what the source said of its limit in the newest run that heard
    of it, no older than that success, "" when none did. Imports of files are no runs here.
    """

    last_run: datetime | None = None
    last_error: str | None = None
    last_success: datetime | None = None
    left: str = ""
    limit: Limit | None = None
    budget: str = ""


def history(archive: Archive, source: str, frameworks: Iterable[Framework]) -> History:
    """Return what the archive tells of the source's runs (UTC).

    A run is a success for `frameworks` when it ended without an error, asked about all of them, and was not cut to
    some days.
    """
    wanted = {framework.id for framework in frameworks}
    known = History()
    for run in archive.runs(source):
        if run.is_import:
            continue
        if known.last_run is None:
            limit = _limit_of(run)
            error = None if limit or not run.error else run.error.removeprefix(_OLD_PREFIX)
            known = replace(known, last_run=run.start.fetched_at, last_error=error, limit=limit)
        if run.end and not known.budget:
            known = replace(known, budget=run.end.json().get("budget", ""))
        if run.end and run.error is None and _asks_all(run.start, wanted):
            return replace(known, last_success=run.end.fetched_at, left=run.end.json().get("left", ""))
    return known


def _limit_of(run: RunNotes) -> Limit | None:
    error = (run.error or "").removeprefix(_OLD_PREFIX)
    if run.end is None or not error.startswith(_LIMIT):
        return None
    told = _UNTIL.match(error)
    return Limit(run.end.json().get("left", ""), datetime.fromisoformat(told[1]) if told else None)


def due(archive: Archive, source: str, now: datetime, frameworks: Iterable[Framework]) -> bool:
    """Whether the source was never asked about `frameworks` with success, or longer ago than its interval."""
    runs = history(archive, source, frameworks)
    interval = min(INTERVALS[source], LEFT_INTERVAL) if runs.left else INTERVALS[source]
    return runs.last_success is None or now - runs.last_success >= interval - SLACK


def unfinished_since(archive: Archive, source: str, now: datetime) -> datetime | None:
    """Return when the runs began (UTC) that the next one only has to finish, or None after a run that ended well.

    They are the newest runs in a row that were killed or ended with an error, as far as they are younger than the
    source's interval: what they were answered need not be asked again. Imports of files are no runs here.
    """
    earliest = None
    for run in archive.runs(source):
        began = run.start.fetched_at
        if run.is_import:
            continue
        if run.error is None or now - began >= INTERVALS[source] - SLACK:
            break
        earliest = began
    return earliest


def refused_lately(archive: Archive, source: str, now: datetime) -> dict[str, datetime]:
    """Return when the source's questions, by label, were last refused (UTC), in the runs of REFUSALS_REMEMBERED.

    Such a question is asked last, and by `collect --due` not before REFUSED_RESTS have passed.
    """
    refused: dict[str, datetime] = {}
    for run in archive.runs(source):
        if run.start.fetched_at < now - REFUSALS_REMEMBERED:
            break
        if run.end:
            for label in run.end.json().get("refused", ()):
                refused.setdefault(label, run.end.fetched_at)
    return refused


def _asks_all(start: Response, wanted: set[str]) -> bool:
    asked = start.json()
    return wanted <= set(asked.get("frameworks", ())) and not (asked.get("since") or asked.get("until"))
