"""The star events of the world: what people clicked on a day, under the name that a repository had then.

Gross events exceed the stars kept until today (`tests.world.repos.kept`) and never sink. The archive has none for
2020-08-21 to 23, and after 2025-05-23 a small part only: 15 in 100, from 2026-07-01 on 5 in 100 (our choice).
"""

from __future__ import annotations

import zlib
from datetime import date, timedelta
from functools import cache

from tests.world.github import GitHub
from tests.world.repos import Repo, kept

LAST_WHOLE = date(2025, 5, 23)
HOLE = (date(2020, 8, 21), date(2020, 8, 23))


def clicked(repo: Repo, day: date) -> int:
    """Return how many people starred a repository on a day, whether they still do or not."""
    given = repo.given.get(day, 0)
    # Round up on two of three days, so that little repositories lose somebody too.
    return int(given / _kept(day) * 1.02 + (0.67 if given else 0.0))


def archived(repo: Repo, day: date) -> int:
    """Return how many of a day's star events the archive has."""
    if HOLE[0] <= day <= HOLE[1]:
        return 0
    percent = 100 if day <= LAST_WHOLE else 15 if day < date(2026, 7, 1) else 5
    # Rounded up now and down then, so that a few a day do not all get lost.
    return (clicked(repo, day) * percent + zlib.crc32(f"{repo.id} {day}".encode()) % 100) // 100


def by_name_and_day(github: GitHub, names: list[str], first: date, until: date) -> list[tuple[str, date, int]]:
    """Return name, day and events, those without events left out, for the days from `first` to before `until`."""
    until = min(until, github.now.date() + timedelta(days=1))
    days = [first + timedelta(days=n) for n in range((until - first).days)]
    wanted = set(names)
    found = [
        (repo.name_on(day), day, archived(repo, day))
        for repo in github.repos
        if wanted & {repo.full_name, *(name for name, _ in repo.eras)}
        for day in days
        if repo.name_on(day) in wanted
    ]
    return sorted(row for row in found if row[2])


_kept = cache(kept)
