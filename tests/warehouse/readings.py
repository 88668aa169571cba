"""Histories of star days and downloads: of the parsed store by the staging model, and of the archive by hand."""

from __future__ import annotations

import re
from datetime import date, datetime
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from tests.conftest import ROOT
from warehouse.parse import Rejected, rows_of
from warehouse.parse.stars import pacific_date
from warehouse.raw import Archive, Response

MODEL = ROOT / "warehouse/dbt/models/staging/stg_github__star_days.sql"


class Facts(NamedTuple):
    """What the warehouse makes its marts of; each a sorted list."""

    star_days: list[tuple[Any, ...]]
    downloads: list[tuple[Any, ...]]
    pages: list[tuple[Any, ...]]
    responses: list[tuple[Any, ...]]


def stored(folder: Path) -> Facts:
    """Return the facts of the parsed store in `folder`."""
    model = re.sub(r"\{\{ source\('parsed', '(\w+)'\) }}", rf"read_parquet('{folder}/\1/*.parquet')", MODEL.read_text())
    days = "repo_id, day, stars_added, is_partial, fetched_at, response_id"
    downloads = "package, day, downloads, fetched_at, response_id"
    with duckdb.connect(config={"threads": 1}) as connection:

        def rows(sql: str) -> list[tuple[Any, ...]]:
            return connection.execute(f"{sql} order by all").fetchall()

        return Facts(
            rows(_changes(days, f"({model})", "repo_id, day", "stars_added, is_partial")),
            rows(
                _changes(
                    downloads, f"read_parquet('{folder}/package_downloads/*.parquet')", "package, day", "downloads"
                )
            ),
            rows(f"select response_id, run_id, repo_id, has_today from read_parquet('{folder}/star_pages/*.parquet')"),
            rows(f"select response_id, rejected from read_parquet('{folder}/responses/*.parquet')"),
        )


def _changes(columns: str, table: str, keys: str, values: str) -> str:
    return f"""
        select {columns}
        from {table}
        qualify
            row({values})
            is distinct from lag(row({values})) over (partition by {keys} order by fetched_at, response_id)
    """


def by_hand(archive: Archive) -> Facts:
    """Return the facts of the archive, every answer read in order of time, without any store."""
    answers = sorted(archive.responses(), key=lambda answer: (answer.fetched_at, answer.response_id))
    rows, rejected = {}, {}
    for answer in answers:
        try:
            rows[answer.response_id] = rows_of(answer)
        except Rejected as reason:
            rows[answer.response_id], rejected[answer.response_id] = [], str(reason)
    stars, downloads = _History(), _History()
    pages = []
    for answer in answers:
        today = pacific_date(answer.fetched_at)
        told = rows.get(answer.revalidates or "", []) if answer.status == 304 else rows[answer.response_id]
        days = [row for table, row in told if table == "star_days"]
        for row in days:
            if row["day"] <= today:
                stars.take((row["repo_id"], row["day"]), (row["stars_added"], row["day"] == today), answer)
        if days:
            has_today = any(row["day"] == today for row in days)
            pages.append((answer.response_id, answer.run_id, days[0]["repo_id"], has_today))
        for row in (row for table, row in rows[answer.response_id] if table == "package_downloads"):
            downloads.take((row["package"], row["day"]), (row["downloads"],), answer)
    responses = [(answer.response_id, rejected.get(answer.response_id)) for answer in answers]
    return Facts(sorted(stars.rows), sorted(downloads.rows), sorted(pages), sorted(responses))


class _History:
    """Keeps the first reading of each new value of a key."""

    def __init__(self) -> None:
        self.rows: list[tuple[Any, ...]] = []
        self.last: dict[tuple[str, date], tuple[Any, ...]] = {}

    def take(self, key: tuple[str, date], value: tuple[Any, ...], answer: Response) -> None:
        if self.last.get(key) != value:
            self.last[key] = value
            at: datetime = answer.fetched_at
            self.rows.append((*key, *value, at, answer.response_id))
