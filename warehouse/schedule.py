"""How often each source is asked, and which are due: read by `dlpulse collect --due` and `dlpulse status`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

from warehouse.raw import RUN_END, Archive

INTERVALS: Mapping[str, timedelta] = MappingProxyType(
    {"stars": timedelta(days=1), "papers": timedelta(days=7), "surveys": timedelta(days=30)}
)
# cron starts a little earlier or later each day; a daily source asked 23 hours ago is due.
SLACK = timedelta(hours=1)


def last_success(archive: Archive, source: str) -> datetime | None:
    """Return when the source's newest run ended without an error (UTC), or None."""
    newest = None
    for response in archive.responses(source):
        if response.subject == RUN_END and response.json().get("error") is None:
            newest = max(newest or response.fetched_at, response.fetched_at)
    return newest


def due(archive: Archive, source: str, now: datetime) -> bool:
    """Whether the source was never asked with success, or longer ago than its interval."""
    last = last_success(archive, source)
    return last is None or now - last >= INTERVALS[source] - SLACK
