"""Parses the parts of the raw archive not seen before into typed Parquet files: disposable, rebuilt at will."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa

from warehouse import raw
from warehouse.files import write_parquet
from warehouse.parse import TABLES, Rejected, rows_of
from warehouse.parse.stars import pacific_date

_DONE = "responses"


@dataclass(frozen=True)
class Parsed:
    """The folder of typed tables and how much of the archive was new to it."""

    folder: Path
    parts: int
    new_parts: int


@cache
def version() -> str:
    """The parsers' version: a digest of their source, so that a changed parser reads everything again."""
    folder = Path(__file__).with_name("parse")
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for path in sorted(folder.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def refresh(archive: raw.Archive, home: Path) -> Parsed:
    """Parse unseen parts into `<home>/parsed/<version>/<table>/<part>.parquet` and return that folder.

    Cost: one read of each new part, once; parts already parsed are not opened. A run that merges its parts
    meanwhile is parsed under its new name.
    """
    folder = home / "parsed" / version()
    for table, schema in TABLES.items():
        empty = folder / table / "_empty.parquet"
        if not empty.exists():
            write_parquet(empty, schema.empty_table())
    for other in (home / "parsed").iterdir():
        if other != folder:
            shutil.rmtree(other, ignore_errors=True)
    new = 0
    while True:
        parts = archive.parts()
        unseen = [part for part in parts if not (folder / _DONE / part.name).exists()]
        if not unseen:
            break
        new += sum(_parse_part(archive, part, folder) for part in unseen)
    _drop_stale({part.name for part in parts}, folder)
    return Parsed(folder, len(parts), new)


def _parse_part(archive: raw.Archive, part: Path, folder: Path) -> bool:
    """Parse one part; False when it was merged away before it could be read."""
    rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
    try:
        for response in archive.read(part):
            rejected = _parse_response(response, rows)
            rows["responses"].append(_response_row(response, part, rejected))
    except FileNotFoundError:
        return False
    for table in sorted(rows, key=lambda name: name == _DONE):
        write_parquet(folder / table / part.name, pa.Table.from_pylist(rows[table], schema=TABLES[table]))
    return True


def _parse_response(response: raw.Response, rows: dict[str, list[dict[str, Any]]]) -> str | None:
    if response.subject in (raw.RUN_START, raw.RUN_END):
        rows["runs"].append(_run_row(response))
        return None
    try:
        found = rows_of(response)
    except Rejected as reason:
        return str(reason)
    for table, values in found:
        origin = {"response_id": response.response_id, "fetched_at": response.fetched_at}
        rows[table].append({**values, **origin})
    return None


def _run_row(response: raw.Response) -> dict[str, Any]:
    end = response.json() if response.subject == raw.RUN_END else {}
    at: datetime = response.fetched_at
    return {
        "run_id": response.run_id,
        "source": response.source,
        "started_at": None if end else at,
        "finished_at": at if end else None,
        "requests": end.get("requests"),
        "rows": end.get("rows"),
        "error": end.get("error"),
    }


def _response_row(response: raw.Response, part: Path, rejected: str | None) -> dict[str, Any]:
    names = (
        "response_id",
        "fetched_at",
        "run_id",
        "source",
        "subject",
        "url",
        "status",
        "body_sha256",
        "revalidates",
    )
    return {
        **{name: getattr(response, name) for name in names},
        "params": json.dumps(dict(response.params), sort_keys=True, default=str),
        "bytes": len(response.body),
        "part": f"{part.parent.name}/{part.name}",
        "rejected": rejected,
        "pacific_day": pacific_date(response.fetched_at),
    }


def _drop_stale(current: set[str], folder: Path) -> None:
    """Remove what was parsed from parts that have been merged since; the merged part has a file of its own."""
    for path in folder.glob("*/*.parquet"):
        if path.name not in current and not path.name.startswith("_"):
            path.unlink()
