"""Reads an export back by what its datapackage.json says, and nothing else."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import duckdb

SQL_TYPES = {
    "integer": "BIGINT", "number": "DOUBLE", "date": "DATE", "datetime": "TIMESTAMP", "boolean": "BOOLEAN",
}  # fmt: skip
JSON_TYPES = {"array": "VARCHAR[]", "object": "MAP(VARCHAR, VARCHAR)"}
Rows = list[tuple[Any, ...]]


def description(folder: Path) -> dict[str, Any]:
    """The export's datapackage.json."""
    content: dict[str, Any] = json.loads((folder / "datapackage.json").read_text("utf-8"))
    return content


def resources(folder: Path, form: str) -> dict[str, dict[str, Any]]:
    """The resources of one format, by table."""
    return {Path(one["path"]).stem: one for one in description(folder)["resources"] if one["format"] == form}


def rows(folder: Path, resource: dict[str, Any]) -> Rows:
    """The rows of a file, in its order, with the types of its schema."""
    fields = resource["schema"]["fields"]
    if resource["format"] == "parquet":
        source = "read_parquet($file)"
        values = [f'"{field["name"]}"' for field in fields]
    else:
        types = ", ".join(f"'{field['name']}': '{SQL_TYPES.get(field['type'], 'VARCHAR')}'" for field in fields)
        source = (
            f"read_csv($file, columns = {{{types}}}, header = true, auto_detect = false, strict_mode = true, "
            "delim = ',', quote = '\"', escape = '\"', nullstr = '', allow_quoted_nulls = false)"
        )
        values = [_logical(field) for field in fields]
    with duckdb.connect() as connection:
        sql = f"select {', '.join(values)} from {source}"
        return plain(connection.execute(sql, {"file": str(folder / resource["path"])}).fetchall())


def _logical(field: dict[str, str]) -> str:
    name = f'"{field["name"]}"'
    if field["type"] == "string":
        return f"if(starts_with({name}, ''''), substr({name}, 2), {name})"
    return f"{name}::json::{JSON_TYPES[field['type']]}" if field["type"] in JSON_TYPES else name


def plain(found: Rows) -> Rows:
    """Rows in which a NaN equals a NaN."""
    return [tuple("NaN" if value != value else value for value in row) for row in found]  # noqa: PLR0124


def is_whole(folder: Path) -> bool:
    """Whether every file is there with the length and SHA-256 that datapackage.json tells."""
    return all(
        (content := (folder / one["path"]).read_bytes())
        and len(content) == one["bytes"]
        and f"sha256:{hashlib.sha256(content).hexdigest()}" == one["hash"]
        for one in description(folder)["resources"]
    )
