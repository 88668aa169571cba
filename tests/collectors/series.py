"""Star days as the warehouse's staging model reads them: the parsed store and the model's own SQL, without a build."""

from __future__ import annotations

import re
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from tests.conftest import ROOT
from warehouse import parsed
from warehouse.raw import Archive

MODEL = ROOT / "warehouse/dbt/models/staging/stg_github__star_days.sql"
COLUMNS = ("repo_id", "day", "stars_added", "is_partial", "fetched_at", "response_id")


def readings(raw: Path) -> list[dict[str, Any]]:
    """Every reading of a week's days that differs from the one before, oldest first."""
    with tempfile.TemporaryDirectory() as home, duckdb.connect() as connection:
        folder = parsed.refresh(Archive(raw), Path(home)).folder
        sql = re.sub(
            r"\{\{ source\('parsed', '(\w+)'\) }}", rf"read_parquet('{folder}/\1/*.parquet')", MODEL.read_text()
        )
        ordered = f"select {', '.join(COLUMNS)} from ({sql}) order by fetched_at, response_id, day"
        return [dict(zip(COLUMNS, row, strict=True)) for row in connection.execute(ordered).fetchall()]


def newest(raw: Path, repo_id: str) -> dict[date, dict[str, Any]]:
    """The newest reading of each day of a repository."""
    return {reading["day"]: reading for reading in readings(raw) if reading["repo_id"] == repo_id}


def stars(raw: Path, repo_id: str) -> dict[date, int]:
    """The newest telling of each day of a repository."""
    return {day: reading["stars_added"] for day, reading in newest(raw, repo_id).items()}
