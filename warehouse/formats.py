"""Prints the rows of a query as a table, CSV, JSON, Markdown or Parquet."""

from __future__ import annotations

import csv
import json
import math
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from itertools import islice
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from warehouse.errors import BadInputError

TABLE_ROWS = 500
_WIDEST = 10_000
_GROUP_BYTES = 32 << 20
Rows = Sequence[Sequence[Any]]


class Format(StrEnum):
    """How rows are written."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    MD = "md"
    PARQUET = "parquet"


def write(schema: pa.Schema, batches: Iterable[pa.RecordBatch], form: Format) -> int:
    """Write rows to standard output as they come; return how many there were.

    Raises:
        BadInputError: for Parquet on a terminal, and for a type that Parquet does not have.
    """
    counted = _Counted(batches)
    if form is Format.PARQUET:
        _write_parquet(schema, counted)
    elif form is Format.TABLE:
        shown = list(islice(_rows(counted), TABLE_ROWS))
        for _ in counted:
            pass
        _write_table(schema.names, shown, counted.rows)
    else:
        _TEXT_WRITERS[form](schema.names, _rows(counted))
    return counted.rows


class _Counted:
    """Batches, and how many rows went by."""

    def __init__(self, batches: Iterable[pa.RecordBatch]) -> None:
        self.rows = 0
        self._batches = iter(batches)

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        for batch in self._batches:
            self.rows += batch.num_rows
            yield batch


def write_rows(columns: Sequence[str], rows: Rows, form: Format) -> None:
    """Write rows; raises BadInputError for Parquet on a terminal."""
    if form is Format.PARQUET:
        _refuse_terminal()
        table = pa.table({name: [row[index] for row in rows] for index, name in enumerate(columns)})
        pq.write_table(table, sys.stdout.buffer, compression="zstd")
    elif form is Format.TABLE:
        _write_table(columns, rows[:TABLE_ROWS], len(rows))
    else:
        _TEXT_WRITERS[form](columns, rows)


def _rows(batches: Iterable[pa.RecordBatch]) -> Iterator[Sequence[Any]]:
    for batch in batches:
        yield from zip(*map(_values, batch.schema.names, batch.columns), strict=True)


def _values(name: str, column: pa.Array) -> list[Any]:
    """A column in Python's types, or as text where Python has none: nanoseconds, the year 10000."""
    try:
        with suppress(ValueError, OverflowError):
            values: list[Any] = column.to_pylist(maps_as_pydicts="lossy")
            return values
        texts: list[Any] = column.cast(pa.string()).to_pylist()
    except pa.ArrowException:
        raise BadInputError(f"column {name!r} cannot be written as it is: cast it to varchar in the query") from None
    return texts


def _refuse_terminal() -> None:
    if sys.stdout.isatty():
        raise BadInputError("--format parquet writes bytes: send it to a file, as in `dlpulse sql … > rows.parquet`")


def _write_parquet(schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> None:
    _refuse_terminal()
    try:
        with pq.ParquetWriter(sys.stdout.buffer, schema, compression="zstd") as writer:
            for group in _groups(batches):
                writer.write_table(pa.Table.from_batches(group, schema))
    except pa.ArrowException as error:
        raise BadInputError(f"--format parquet: {' '.join(str(error).split())}; cast the column in the query") from None


def _groups(batches: Iterable[pa.RecordBatch]) -> Iterator[list[pa.RecordBatch]]:
    """Gather batches until they are worth a row group."""
    group: list[pa.RecordBatch] = []
    for batch in batches:
        group.append(batch)
        if sum(one.nbytes for one in group) > _GROUP_BYTES:
            yield group
            group = []
    if group:
        yield group


def _write_table(columns: Sequence[str], shown: Rows, count: int) -> None:
    console = Console()
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
    if count > len(shown):
        print(f"{count - len(shown)} more rows; --format csv writes all", file=sys.stderr)


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
    if isinstance(value, pa.MonthDayNano):
        return _interval(value)
    if isinstance(value, list | dict | tuple):
        return json.dumps(_finite(value), default=_plain, ensure_ascii=False)
    return str(value)


def _interval(value: pa.MonthDayNano) -> str:
    """As DuckDB writes it: `14 months 3 days 04:05:06.5`."""
    parts = [
        f"{count} {unit}{'' if abs(count) == 1 else 's'}"
        for count, unit in ((value.months, "month"), (value.days, "day"))
        if count
    ]
    if value.nanoseconds or not parts:
        seconds, rest = divmod(abs(value.nanoseconds), 10**9)
        clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}" + (
            f".{rest:09}".rstrip("0") if rest else ""
        )
        parts.append(f"-{clock}" if value.nanoseconds < 0 else clock)
    return " ".join(parts)


def _write_csv(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([None if cell is None else _text(cell) for cell in row] for row in rows)


def _write_json(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    opening = "[\n  "
    for row in rows:
        fields = _finite(dict(zip(columns, row, strict=True)))
        sys.stdout.write(opening + json.dumps(fields, default=_plain, ensure_ascii=False))
        opening = ",\n  "
    print("\n]" if opening.startswith(",") else "[]")


def _finite(value: Any) -> Any:
    """JSON has no NaN and no infinity: null stands for them."""
    if isinstance(value, pa.MonthDayNano):
        return _interval(value)
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


def _write_markdown(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    print("| " + " | ".join(columns) + " |")
    print("|" + " --- |" * len(columns))
    for row in rows:
        cells = ("" if cell is None else _text(cell).replace("|", "\\|").replace("\n", "<br>") for cell in row)
        print("| " + " | ".join(cells) + " |")


_TEXT_WRITERS: dict[Format, Callable[[Sequence[str], Iterable[Sequence[Any]]], None]] = {
    Format.CSV: _write_csv,
    Format.JSON: _write_json,
    Format.MD: _write_markdown,
}
