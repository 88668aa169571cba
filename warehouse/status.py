"""How dlpulse is: each source's freshness and coverage, its last failure and budget, the database's age, the disk."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

from warehouse.errors import DlpulseError
from warehouse.query import open_readonly
from warehouse.raw import Archive
from warehouse.registry import Registry
from warehouse.schedule import INTERVALS, LEFT_INTERVAL, SLACK, History, history
from warehouse.settings import Settings

# cron builds each day: what came in two days ago must be published.
BUILD_OVERDUE = timedelta(days=2)
# A build writes a whole new database beside the old one, and sorts on disk what does not fit into memory.
_SPARE_BYTES = 256 * 2**20

# What is known of each subject at the end of what its source has to tell; what nobody asks has no end.
_COVERED_SQL = """
select
    source,
    count(*) filter (state in ('observed', 'zero')) as known,
    count(*) as asked
from (
    -- What was never read has no beginning either.
    select source, subject, arg_max(state, (coalesce(period_start, date '0001-01-01'), state = 'outage')) as state
    from fct_coverage
    where subject <> '*'
    group by source, subject
)
where state in ('observed', 'zero', 'missing')
group by source
"""


@dataclass(frozen=True)
class Covered:
    """Of how many subjects (`of`) of a source the newest period is `known`, in the published database."""

    known: int
    of: int


@dataclass(frozen=True)
class SourceStatus:
    """One source: `stale` when its newest success is more than two of its intervals old, or there is none.

    `left` says what the newest success, or a run since that ended at a source's limit, left for another run.
    `next_due` is None for at once, and after a limit not before it may go on. A limit is no error. `budget` is what the
    source last said of its limit, "" when it has none. `covered` is None without a database.
    """

    source: str
    last_success: datetime | None
    last_run: datetime | None
    last_error: str | None
    left: str
    next_due: datetime | None
    stale: bool
    budget: str = ""
    covered: Covered | None = None


@dataclass(frozen=True)
class Published:
    """The published database: when it was (UTC), and bytes."""

    at: datetime
    bytes: int


@dataclass(frozen=True)
class Disk:
    """Bytes of the raw archive and of what was parsed of it; bytes free beside the home, and needed for a build."""

    raw: int
    parsed: int
    free: int
    needed: int

    @property
    def low(self) -> bool:
        """Whether the next build may not find the room that it needs."""
        return self.free < self.needed


@dataclass(frozen=True)
class Status:
    """All of it; `database` is None before the first build. `overdue` are runs of two days ago that it lacks."""

    sources: list[SourceStatus]
    database: Published | None
    overdue: list[str]
    disk: Disk

    @property
    def well(self) -> bool:
        """Whether nothing is stale, overdue or about to run out of room."""
        return not (self.overdue or self.disk.low or any(source.stale for source in self.sources))


def read_all(settings: Settings, registry: Registry) -> Status:
    """Return the status of everything. Cost: a listing of the home, the runs' notes, one query."""
    now, archive = settings.clock(), Archive(settings.raw)
    sources = read(archive, registry, now, covered(settings.database))
    database = _published(settings.database)
    used = database.bytes if database else 0
    disk = Disk(
        raw=_size(settings.raw),
        parsed=_size(settings.home / "parsed"),
        free=shutil.disk_usage(_there(settings.home)).free,
        needed=2 * used + _SPARE_BYTES,
    )
    return Status(sources, database, _overdue(archive, settings.database, now), disk)


def read(
    archive: Archive, registry: Registry, now: datetime, known: Mapping[str, Covered] | None = None
) -> list[SourceStatus]:
    """Return the status of every scheduled source, in the order of the schedule.

    Only runs over all frameworks of the registry count as a success. `known` is what `covered` told.
    """
    return [_source(archive, registry, source, interval, now, known or {}) for source, interval in INTERVALS.items()]


def covered(database: Path) -> dict[str, Covered]:
    """Return by source of how many subjects the newest period is known; nothing without a database that can be read."""
    with suppress(DlpulseError, duckdb.Error), open_readonly(database) as connection:
        return {source: Covered(known, of) for source, known, of in connection.execute(_COVERED_SQL).fetchall()}
    return {}


def _source(
    archive: Archive, registry: Registry, source: str, interval: timedelta, now: datetime, known: Mapping[str, Covered]
) -> SourceStatus:
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
        budget=runs.budget,
        covered=known.get(source),
    )


def _next_due(runs: History, interval: timedelta) -> datetime | None:
    success = runs.last_success
    planned = success + (min(interval, LEFT_INTERVAL) if runs.left else interval) - SLACK if success else None
    goes_on = runs.limit and runs.limit.until
    return max((when for when in (planned, goes_on) if when), default=None)


def _published(database: Path) -> Published | None:
    try:
        stat = database.stat()
    except FileNotFoundError:
        return None
    return Published(datetime.fromtimestamp(stat.st_mtime, UTC).replace(tzinfo=None), stat.st_size)


def _overdue(archive: Archive, database: Path, now: datetime) -> list[str]:
    """Return the newest run of each source that ended two days ago or earlier, where the database lacks it."""
    known: set[str] = set()
    with suppress(DlpulseError, duckdb.Error), open_readonly(database) as connection:
        known = {run for (run,) in connection.execute("select run_id from meta_runs").fetchall()}
    newest = (
        next((run for run in archive.runs(source) if run.end and now - run.end.fetched_at > BUILD_OVERDUE), None)
        for source in INTERVALS
    )
    return [run.start.run_id for run in newest if run and run.start.run_id not in known]


def _size(folder: Path) -> int:
    return sum(_sizes(folder))


def _sizes(folder: Path) -> Iterator[int]:
    for where, _, names in os.walk(folder):  # it passes over what is removed meanwhile
        for name in names:
            with suppress(OSError):
                yield Path(where, name).stat().st_size


def _there(folder: Path) -> Path:
    """Return the folder, or the nearest one above it that is there."""
    return next(one for one in (folder, *folder.parents) if one.exists())
