"""How often each source is asked, and which are due: read by `dlpulse collect --due` and `dlpulse status`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from warehouse.raw import RUN_END, RUN_START, Archive, Response
from warehouse.registry import Framework

INTERVALS: Mapping[str, timedelta] = MappingProxyType(
    {"stars": timedelta(days=1), "papers": timedelta(days=7), "surveys": timedelta(days=30)}
)
# cron starts a little earlier or later each day; a daily source asked 23 hours ago is due.
SLACK = timedelta(hours=1)
# How the parts of early versions begin the error of a run that did not get to its end.
_OLD_PREFIX = "_Unfinished: "


@dataclass(frozen=True)
class History:
    """A source's runs: when the newest began, its error (None when it ended well), and the newest whole success."""

    last_run: datetime | None = None
    last_error: str | None = None
    last_success: datetime | None = None


def history(archive: Archive, source: str, frameworks: Iterable[Framework]) -> History:
    """Return what the archive tells of the source's runs (UTC).

    A run is a success for `frameworks` when it ended without an error, asked about all of them, and was not cut to
    some days.
    """
    wanted = {framework.id for framework in frameworks}
    last_run = last_error = success = None
    whole: set[str] = set()
    for response in archive.responses(source):
        if response.subject == RUN_START:
            last_run, last_error = response.fetched_at, "did not finish"
            whole |= {response.run_id} if _asks_all(response, wanted) else set()
        elif response.subject == RUN_END:
            last_error = response.json().get("error")
            if last_error is None and response.run_id in whole:
                success = max(success or response.fetched_at, response.fetched_at)
    return History(last_run, last_error and last_error.removeprefix(_OLD_PREFIX), success)


def due(archive: Archive, source: str, now: datetime, frameworks: Iterable[Framework]) -> bool:
    """Whether the source was never asked about `frameworks` with success, or longer ago than its interval."""
    last = history(archive, source, frameworks).last_success
    return last is None or now - last >= INTERVALS[source] - SLACK


def _asks_all(start: Response, wanted: set[str]) -> bool:
    asked = start.json()
    return wanted <= set(asked.get("frameworks", ())) and not (asked.get("since") or asked.get("until"))
