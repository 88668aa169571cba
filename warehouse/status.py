"""How fresh each source is, from the raw archive alone: last success, what is overdue, the last failure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from warehouse.raw import RUN_END, RUN_START, Archive
from warehouse.schedule import INTERVALS, SLACK


@dataclass(frozen=True)
class SourceStatus:
    """One source: `stale` when its newest success is more than two of its intervals old, or there is none."""

    source: str
    last_success: datetime | None
    last_run: datetime | None
    last_error: str | None
    next_due: datetime | None
    stale: bool


def read(archive: Archive, now: datetime) -> list[SourceStatus]:
    """Return the status of every scheduled source, in the order of the schedule."""
    return [_source(archive, source, interval, now) for source, interval in INTERVALS.items()]


def _source(archive: Archive, source: str, interval: timedelta, now: datetime) -> SourceStatus:
    last_run = success = error = None
    for response in archive.responses(source):
        if response.subject == RUN_START:
            last_run, error = response.fetched_at, "did not finish"
        elif response.subject == RUN_END:
            error = response.json().get("error")
            success = response.fetched_at if error is None else success
    return SourceStatus(
        source=source,
        last_success=success,
        last_run=last_run,
        last_error=error,
        next_due=success + interval - SLACK if success else None,
        stale=success is None or now - success > 2 * interval,
    )
