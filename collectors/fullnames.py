"""Names of repositories at GitHub, today's and all ever told, by the archived records of the stars. No network."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from warehouse.parse import Rejected, rows_of
from warehouse.raw import Archive

# A record older than two rounds of the stars' rereading says little about today.
TOLD_WITHIN = timedelta(days=56)


def names_today(archive: Archive, now: datetime) -> dict[str, str]:
    """Return GitHub's full name, in its exact case, of each repository by its name in the registry.

    Repositories without a record of the last TOLD_WITHIN are left out.
    """
    return dict(_told(archive, now - TOLD_WITHIN))


def names_told(archive: Archive) -> dict[str, list[str]]:
    """Return every full name that GitHub ever told of each repository, newest last, by its name in the registry.

    Cost: every archived answer of the stars is read.
    """
    names: dict[str, dict[str, None]] = {}
    for repo_id, name in _told(archive, None):
        told = names.setdefault(repo_id, {})
        told.pop(name, None)
        told[name] = None
    return {repo_id: list(told) for repo_id, told in names.items()}


def _told(archive: Archive, since: datetime | None) -> Iterator[tuple[str, str]]:
    """Yield the name in the registry and GitHub's of each record since then, oldest first.

    A record with another id than the first is another repository's, which was born under the old name.
    """
    ids: dict[str, int] = {}
    for response in archive.responses("stars", since=since):
        if response.params.get("kind") != "repo":
            continue
        try:
            records = [row for table, row in rows_of(response) if table == "repo_records"]
        except Rejected:
            continue
        for row in records:
            if ids.setdefault(row["repo_id"], row["github_id"]) == row["github_id"]:
                yield row["repo_id"], row["full_name"]
