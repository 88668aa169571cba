"""How often each source is asked, and which are due: read by `dlpulse collect --due` and `dlpulse status`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType

from warehouse.raw import Archive, Response
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
    known = History()
    for run in archive.runs(source):
        if run.is_import:
            continue
        if known.last_run is None:
            error = run.error and run.error.removeprefix(_OLD_PREFIX)
            known = replace(known, last_run=run.start.fetched_at, last_error=error)
        if run.end and run.error is None and _asks_all(run.start, wanted):
            return replace(known, last_success=run.end.fetched_at, left=run.end.json().get("left", ""))
    return known


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
