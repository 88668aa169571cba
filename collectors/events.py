"""Events: GitHub's star events by day since 2011, gross of unstars, from ClickHouse's public copy of GH Archive."""

from __future__ import annotations

import calendar
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import chain

from collectors import clickhouse
from collectors.asking import Ask
from collectors.base import Context, Outcome, Plan
from collectors.refusals import Refusals
from collectors.worklist import Worklist, work_off
from warehouse.parse import rows_of
from warehouse.parse.tables import Rejected
from warehouse.raw import Archive
from warehouse.registry import Framework
from warehouse.settings import Settings

FIRST = date(2011, 2, 12)
# From 2025-05-23 on GH Archive misses most events (igrigorik/gharchive.org, issues 310, 312, 320 and 323): what it
# holds of those days says nothing about stars, so they are not asked.
LAST = date(2025, 5, 22)
WINDOWS_A_RUN = 60
# A result of more than 1,000 rows is cut there without a word; a window of this many names x days cannot be.
MOST_NAME_DAYS = 900
# The row with the name "" is always there: it tells an answer without events from one that was cut off. The bounds are
# instants of UTC, whatever the server's own zone is.
SQL = """\
select repo_name, day, stars, count() over () as of_rows
from (
    select repo_name, toDate(created_at, 'UTC') as day, count() as stars
    from github.github_events
    where event_type = 'WatchEvent'
        and repo_name in {names:Array(String)}
        and created_at >= toDateTime({from:Date}, 'UTC')
        and created_at < toDateTime({until:Date}, 'UTC')
    group by repo_name, day
    union all
    select '' as repo_name, {from:Date} as day, toUInt64(0) as stars
)
order by repo_name, day
"""
Window = tuple[date, date]


def collect(context: Context) -> Outcome:
    """Ask for each month and each repository's names once, newest month first: no whole month changes any more."""
    return work_off(context, [_worklist(context)])


def plan(context: Context) -> Plan:
    """Say what a run would ask."""
    return _worklist(context).plan()


def names_of(frameworks: Iterable[Framework], full_names: Mapping[str, Sequence[str]]) -> list[str]:
    """Return today's and all former names of the repositories: an event stands under the name of its day.

    `full_names` are all that GitHub ever told, by the name in the registry, which may be older, or in another case.
    """
    repositories = (repo for framework in frameworks for repo in framework.repositories)
    names = ((repo.name, *full_names.get(repo.name, ()), *repo.formerly) for repo in repositories)
    return list(dict.fromkeys(chain.from_iterable(names)))


def _worklist(context: Context) -> Worklist:
    return Worklist(
        source="events",
        host=clickhouse.host(context.settings),
        asks=list(_questions(context)),
        noun=("window of star events", "windows of star events"),
        refusals=Refusals.of(context, "events"),
        budget=WINDOWS_A_RUN,
    )


def _questions(context: Context) -> Iterator[Ask]:
    names = names_of(context.frameworks, context.full_names)
    done = _done(context.archive)
    for first, last in _months():
        if not context.covers(first, last) or last >= context.settings.clock().date():
            continue
        missing = [name for name in names if name not in done[first, last]]
        at_once = MOST_NAME_DAYS // ((last - first).days + 1)
        for start in range(0, len(missing), at_once):
            yield _question(context.settings, missing[start : start + at_once], first, last)


def _months() -> Iterator[Window]:
    """Yield calendar months, newest first; the oldest and the newest are no whole ones."""
    last = LAST
    while last >= FIRST:
        first = max(FIRST, last.replace(day=1))
        yield first, last
        last = first - timedelta(days=1)


def _done(archive: Archive) -> Mapping[Window, set[str]]:
    """Return the names that were asked for each window to its end."""
    done: dict[Window, set[str]] = defaultdict(set)
    for response in archive.responses("events"):
        try:
            rows = rows_of(response)
        except Rejected:
            continue
        for table, row in rows:
            if table == "event_windows" and row["provider"] == "clickhouse":
                done[row["window_start"], row["window_end"]] |= set(row["repo_names"])
    return done


def _question(settings: Settings, names: list[str], first: date, last: date) -> Ask:
    until = str(last + timedelta(days=1))
    return Ask(
        label=f"star events of {_label(first, last)}",
        subject=f"events:{first}..{last}",
        url=clickhouse.address(settings),
        params={"kind": "clickhouse", "names": names, "from": str(first), "until": until, "query": SQL},
        query=clickhouse.query(settings, SQL, **{"names": clickhouse.array(names), "from": str(first), "until": until}),
    )


def _label(first: date, last: date) -> str:
    whole = first.day == 1 and last.day == calendar.monthrange(last.year, last.month)[1]
    return f"{first:%Y-%m}" if whole else f"{first} to {last}"
