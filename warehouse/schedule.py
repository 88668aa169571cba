"""How often each source is asked, and which are due: read by `dlpulse collect --due` and `dlpulse status`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from warehouse.raw import RUN_END, RUN_START, Archive, Response
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
# cron starts a little earlier or later each day; a daily source asked 23 hours ago is due.
SLACK = timedelta(hours=1)
# How the parts of early versions begin the error of a run that did not get to its end.
_OLD_PREFIX = "_Unfinished: "


@dataclass(frozen=True)
class History:
    """A source's runs: when the newest began, its error (None when it ended well), and the newest whole success.

    `left` says what that success left for another run, "" when nothing. Imports of files are no runs here.
    """

    last_run: datetime | None = None
    last_error: str | None = None
    last_success: datetime | None = None
    left: str = ""


def history(archive: Archive, source: str, frameworks: Iterable[Framework]) -> History:
    """Return what the archive tells of the source's runs (UTC).

    A run is a success for `frameworks` when it ended without an error, asked about all of them, and was not cut to
    some days.
    """
    wanted = {framework.id for framework in frameworks}
    last_run = last_error = success = None
    left = ""
    whole: set[str] = set()
    imports: set[str] = set()
    for response in archive.responses(source):
        if response.subject == RUN_START:
            if response.json().get("imported"):
                imports.add(response.run_id)
                continue
            last_run, last_error = response.fetched_at, "did not finish"
            whole |= {response.run_id} if _asks_all(response, wanted) else set()
        elif response.subject == RUN_END and response.run_id not in imports:
            end = response.json()
            last_error = end.get("error")
            if last_error is None and response.run_id in whole:
                success, left = max(success or response.fetched_at, response.fetched_at), end.get("left", "")
    return History(last_run, last_error and last_error.removeprefix(_OLD_PREFIX), success, left)


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
    began: list[datetime] = []
    imports: set[str] = set()
    for response in archive.responses(source):
        if response.subject == RUN_START:
            if response.json().get("imported"):
                imports.add(response.run_id)
            else:
                began.append(response.fetched_at)
        elif response.subject == RUN_END and response.run_id not in imports and response.json().get("error") is None:
            began.clear()
    return next((start for start in began if now - start < INTERVALS[source] - SLACK), None)


def _asks_all(start: Response, wanted: set[str]) -> bool:
    asked = start.json()
    return wanted <= set(asked.get("frameworks", ())) and not (asked.get("since") or asked.get("until"))
