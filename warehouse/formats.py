"""Prints the rows of a query as a table, CSV, JSON, Markdown or Parquet."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

import duckdb
import pyarrow.parquet as pq
from rich import box
from rich.console import Console
from rich.table import Table

from warehouse.errors import BadInputError

TABLE_ROWS = 500


class Format(StrEnum):
    """How rows are written."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    MD = "md"
    PARQUET = "parquet"


def write(cursor: duckdb.DuckDBPyConnection, form: Format) -> None:
    """Write all rows of an executed query to standard output.

    Raises:
        BadInputError: for Parquet on a terminal.
    """
    if form is Format.PARQUET:
        _write_parquet(cursor)
        return
    columns = [column[0] for column in cursor.description or ()]
    write_rows(columns, cursor.fetchall(), form)


def write_rows(columns: Sequence[str], rows: Sequence[Sequence[Any]], form: Format) -> None:
    """Write rows in one of the text formats."""
    writers: dict[Format, Callable[[Sequence[str], Sequence[Sequence[Any]]], None]] = {
        Format.TABLE: _write_table,
        Format.CSV: _write_csv,
        Format.JSON: _write_json,
        Format.MD: _write_markdown,
    }
    writers[form](columns, rows)


def _write_parquet(cursor: duckdb.DuckDBPyConnection) -> None:
    if sys.stdout.isatty():
        raise BadInputError("--format parquet writes bytes: send it to a file, as in `dlpulse sql … > rows.parquet`")
    pq.write_table(cursor.to_arrow_table(), sys.stdout.buffer, compression="zstd")


def _write_table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    console = Console()
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for index, name in enumerate(columns):
        numeric = any(isinstance(row[index], int | float | Decimal) for row in rows[:TABLE_ROWS])
        table.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in rows[:TABLE_ROWS]:
        table.add_row(*map(_cell, row))
    if not console.is_terminal:
        console = Console(width=max(80, console.measure(table).maximum))
    console.print(table)
    if len(rows) > TABLE_ROWS:
        print(f"{len(rows) - TABLE_ROWS} more rows; --format csv writes all", file=sys.stderr)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value).replace("[", "\\[")


def _write_csv(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)


def _write_json(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    objects = (json.dumps(dict(zip(columns, row, strict=True)), default=_plain, ensure_ascii=False) for row in rows)
    body = ",\n  ".join(objects)
    print(f"[\n  {body}\n]" if body else "[]")


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, date | datetime):
        return value.isoformat()
    return str(value)


def _write_markdown(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    print("| " + " | ".join(columns) + " |")
    print("|" + " --- |" * len(columns))
    for row in rows:
        print("| " + " | ".join("" if cell is None else str(cell).replace("|", "\\|") for cell in row) + " |")
