"""Today's names of repositories at GitHub, as the archived records of the stars tell them. No network."""

from __future__ import annotations

from datetime import datetime, timedelta

from warehouse.parse import Rejected, rows_of
from warehouse.raw import Archive

# A record older than two rounds of the stars' rereading says little about today.
TOLD_WITHIN = timedelta(days=56)


def names_today(archive: Archive, now: datetime) -> dict[str, str]:
    """Return GitHub's full name, in its exact case, of each repository by its name in the registry.

    Repositories without a record of the last TOLD_WITHIN are left out. A record with another id than the first is
    another repository's, which was born under the old name.
    """
    ids: dict[str, int] = {}
    names: dict[str, str] = {}
    for response in archive.responses("stars", since=now - TOLD_WITHIN):
        if response.params.get("kind") != "repo":
            continue
        try:
            records = [row for table, row in rows_of(response) if table == "repo_records"]
        except Rejected:
            continue
        for row in records:
            if ids.setdefault(row["repo_id"], row["github_id"]) == row["github_id"]:
                names[row["repo_id"]] = row["full_name"]
    return names
