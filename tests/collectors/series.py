"""Star days as the warehouse's staging model reads them: parser and the model's own SQL, without a whole build."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from tests.conftest import ROOT
from warehouse.parse import TABLES, Rejected, rows_of
from warehouse.parse.stars import pacific_date
from warehouse.raw import Archive

MODEL = ROOT / "warehouse/dbt/models/staging/stg_github__star_days.sql"
COLUMNS = ("repo_id", "day", "stars_added", "is_partial", "fetched_at", "response_id")


def readings(raw: Path) -> list[dict[str, Any]]:
    """Every reading of every day, oldest first."""
    days: list[dict[str, Any]] = []
    responses: list[dict[str, Any]] = []
    for answer in Archive(raw).responses("stars"):
        known = {name: getattr(answer, name, None) for name in TABLES["responses"].names}
        responses.append(known | {"params": None, "pacific_day": pacific_date(answer.fetched_at)})
        try:
            days += [row for table, row in rows_of(answer) if table == "star_days"]
        except Rejected:
            continue
    sql = MODEL.read_text("utf-8")
    for table in ("star_days", "responses"):
        sql = sql.replace(f"{{{{ source('parsed', '{table}') }}}}", f"parsed_{table}")
    with duckdb.connect() as connection:
        connection.register("parsed_star_days", pa.Table.from_pylist(days, schema=TABLES["star_days"]))
        connection.register("parsed_responses", pa.Table.from_pylist(responses, schema=TABLES["responses"]))
        ordered = f"select {', '.join(COLUMNS)} from ({sql}) order by fetched_at, response_id, day"
        return [dict(zip(COLUMNS, row, strict=True)) for row in connection.execute(ordered).fetchall()]


def newest(raw: Path, repo_id: str) -> dict[date, dict[str, Any]]:
    """The newest reading of each day of a repository."""
    return {reading["day"]: reading for reading in readings(raw) if reading["repo_id"] == repo_id}


def stars(raw: Path, repo_id: str) -> dict[date, int]:
    """The newest telling of each day of a repository."""
    return {day: reading["stars_added"] for day, reading in newest(raw, repo_id).items()}
