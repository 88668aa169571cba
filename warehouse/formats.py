"""Prints the rows of a query as a table, CSV, JSON, Markdown or Parquet."""

from __future__ import annotations

import csv
import json
import math
import sys
import warnings
from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from warehouse.errors import BadInputError

TABLE_ROWS = 500
_WIDEST = 10_000
Rows = Sequence[Sequence[Any]]


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
        BadInputError: for Parquet on a terminal, and for a type that Parquet does not have.
    """
    if form is Format.PARQUET:
        _write_parquet(cursor)
        return
    columns = [column[0] for column in cursor.description or ()]
    write_rows(columns, cursor.fetchall(), form)


def write_rows(columns: Sequence[str], rows: Rows, form: Format) -> None:
    """Write rows; raises BadInputError for Parquet on a terminal."""
    if form is Format.PARQUET:
        _refuse_terminal()
        table = pa.table({name: [row[index] for row in rows] for index, name in enumerate(columns)})
        pq.write_table(table, sys.stdout.buffer, compression="zstd")
        return
    writers: dict[Format, Callable[[Sequence[str], Rows], None]] = {
        Format.TABLE: _write_table,
        Format.CSV: _write_csv,
        Format.JSON: _write_json,
        Format.MD: _write_markdown,
    }
    writers[form](columns, rows)


def _refuse_terminal() -> None:
    if sys.stdout.isatty():
        raise BadInputError("--format parquet writes bytes: send it to a file, as in `dlpulse sql … > rows.parquet`")


def _write_parquet(cursor: duckdb.DuckDBPyConnection) -> None:
    _refuse_terminal()
    try:
        with warnings.catch_warnings():  # DuckDB would rather have a relation asked; rows and types are the same
            warnings.simplefilter("ignore", UserWarning)
            rows = cursor.to_arrow_table()
        pq.write_table(rows, sys.stdout.buffer, compression="zstd")
    except pa.ArrowException as error:
        raise BadInputError(f"--format parquet: {' '.join(str(error).split())}; cast the column in the query") from None


def _write_table(columns: Sequence[str], rows: Rows) -> None:
    console = Console()
    shown = rows[:TABLE_ROWS]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for index, name in enumerate(columns):
        kinds = {type(row[index]) for row in shown} - {type(None)}
        numeric = bool(kinds) and kinds <= {int, float, Decimal}
        table.add_column(name, justify="right" if numeric else "left")
    for row in shown:
        table.add_row(*map(_cell, row))
    width = Console(width=_WIDEST).measure(table).maximum
    if not console.is_terminal:
        console = Console(width=max(80, width))
    if width <= console.width:
        console.print(table)
    else:
        _write_records(columns, shown, console)
    if len(rows) > TABLE_ROWS:
        print(f"{len(rows) - TABLE_ROWS} more rows; --format csv writes all", file=sys.stderr)


def _write_records(columns: Sequence[str], rows: Rows, console: Console) -> None:
    """One column a line, for rows that are wider than the terminal."""
    for number, row in enumerate(rows, 1):
        console.print(f"row {number}", style="bold", highlight=False)
        grid = Table.grid(padding=(0, 2))
        grid.add_column(no_wrap=True, style="dim")
        grid.add_column(overflow="fold")
        for name, value in zip(columns, row, strict=True):
            grid.add_row(name, _cell(value))
        console.print(grid)


def _cell(value: Any) -> Text:
    if value is None:
        return Text("NULL", style="dim")
    if isinstance(value, float) and math.isfinite(value) and (value == 0 or 1e-4 <= abs(value) < 1e15):
        return Text(f"{value:,.0f}" if abs(value) >= 1e6 else f"{value:.6g}")
    return Text(_text(value))


def _text(value: Any) -> str:
    """A value in CSV and Markdown: lists and maps as JSON, true and false as SQL writes them."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | dict | tuple):
        return json.dumps(_finite(value), default=_plain, ensure_ascii=False)
    return str(value)


def _write_csv(columns: Sequence[str], rows: Rows) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([None if cell is None else _text(cell) for cell in row] for row in rows)


def _write_json(columns: Sequence[str], rows: Rows) -> None:
    objects = (
        json.dumps(_finite(dict(zip(columns, row, strict=True))), default=_plain, ensure_ascii=False) for row in rows
    )
    body = ",\n  ".join(objects)
    print(f"[\n  {body}\n]" if body else "[]")


def _finite(value: Any) -> Any:
    """JSON has no NaN and no infinity: null stands for them."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, date | datetime):
        return value.isoformat()
    return str(value)


def _write_markdown(columns: Sequence[str], rows: Rows) -> None:
    print("| " + " | ".join(columns) + " |")
    print("|" + " --- |" * len(columns))
    for row in rows:
        cells = ("" if cell is None else _text(cell).replace("|", "\\|").replace("\n", "<br>") for cell in row)
        print("| " + " | ".join(cells) + " |")
