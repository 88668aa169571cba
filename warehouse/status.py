"""How fresh each source is, from the raw archive alone: last success, what is overdue, the last failure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from warehouse.raw import Archive
from warehouse.registry import Registry
from warehouse.schedule import INTERVALS, LEFT_INTERVAL, SLACK, History, history


@dataclass(frozen=True)
class SourceStatus:
    """One source: `stale` when its newest success is more than two of its intervals old, or there is none.

    `left` says what the newest success, or a run since that ended at a source's limit, left for another run.
    `next_due` is None for at once, and after a limit not before it may go on. A limit is no error.
    """

    source: str
    last_success: datetime | None
    last_run: datetime | None
    last_error: str | None
    left: str
    next_due: datetime | None
    stale: bool


def read(archive: Archive, registry: Registry, now: datetime) -> list[SourceStatus]:
    """Return the status of every scheduled source, in the order of the schedule.

    Only runs over all frameworks of the registry count as a success.
    """
    return [_source(archive, registry, source, interval, now) for source, interval in INTERVALS.items()]


def _source(archive: Archive, registry: Registry, source: str, interval: timedelta, now: datetime) -> SourceStatus:
    runs = history(archive, source, registry.frameworks.values())
    success = runs.last_success
    return SourceStatus(
        source=source,
        last_success=success,
        last_run=runs.last_run,
        last_error=runs.last_error,
        left=runs.limit.left if runs.limit else runs.left,
        next_due=_next_due(runs, interval),
        stale=success is None or now - success > 2 * interval,
    )


def _next_due(runs: History, interval: timedelta) -> datetime | None:
    success = runs.last_success
    planned = success + (min(interval, LEFT_INTERVAL) if runs.left else interval) - SLACK if success else None
    goes_on = runs.limit and runs.limit.until
    return max((when for when in (planned, goes_on) if when), default=None)
