"""Prints the rows of a query as a table, CSV, JSON, Markdown or Parquet."""

from __future__ import annotations

import io
import math
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from enum import StrEnum
from itertools import islice
from typing import Any

import pyarrow as pa
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from warehouse.errors import BadInputError
from warehouse.outputs import visible
from warehouse.values import as_csv, as_json, as_text, listed, shortened

TABLE_ROWS = 500
_WIDEST = 10_000
# Of a column that is broken into lines.
_NARROWEST = 16
_GROUP_BYTES = 32 << 20
_ROWS_AT_ONCE = 1_000
Rows = Sequence[Sequence[Any]]


class Format(StrEnum):
    """How rows are written."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    MD = "md"
    PARQUET = "parquet"


def write(schema: pa.Schema, batches: Iterable[pa.RecordBatch], form: Format, fold: bool = False) -> int:
    """Write rows to standard output as they come; return how many there were.

    `fold` breaks the last column of a table that is too wide into lines.

    Raises:
        BadInputError: for Parquet on a terminal, for a type that Parquet does not have, and for two columns of one name
            in Parquet and JSON, whose readers would see one of them.
    """
    if form in (Format.PARQUET, Format.JSON):
        _refuse_same_names(schema.names)
    counted = _Counted(batches)
    if form is Format.PARQUET:
        _write_parquet(schema, counted)
    elif form is Format.TABLE:
        shown = [tuple(map(_held, row)) for row in islice(_rows(counted), TABLE_ROWS)]
        for _ in counted:
            pass
        _write_table(schema.names, shown, counted.rows, fold)
    else:
        _TEXT_WRITERS[form](schema.names, _rows(counted))
    return counted.rows


def _refuse_same_names(names: Sequence[str]) -> None:
    for index, name in enumerate(names):
        if name in names[:index]:
            raise BadInputError(f"two columns are called {name!r}: name one with AS")


class _Counted:
    """Batches, and how many rows went by."""

    def __init__(self, batches: Iterable[pa.RecordBatch]) -> None:
        self.rows = 0
        self._batches = iter(batches)

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        for batch in self._batches:
            self.rows += batch.num_rows
            yield batch


def write_rows(columns: Sequence[str], rows: Rows, form: Format, fold: bool = False) -> None:
    """Write rows; raises BadInputError for Parquet on a terminal.

    `fold` breaks the last column into lines where a terminal is too narrow; in a pipe each row stays in one line.
    """
    if form is Format.PARQUET:
        import pyarrow.parquet as pq

        _refuse_terminal()
        table = pa.table({name: [row[index] for row in rows] for index, name in enumerate(columns)})
        pq.write_table(table, sys.stdout.buffer, compression="zstd")
    elif form is Format.TABLE:
        shown = [tuple(map(_held, row)) for row in rows[:TABLE_ROWS]]
        _write_table(columns, shown, len(rows), fold and sys.stdout.isatty())
    else:
        _TEXT_WRITERS[form](columns, rows)


def _rows(batches: Iterable[pa.RecordBatch]) -> Iterator[Sequence[Any]]:
    for batch in batches:
        # As Python's objects a batch takes many times its bytes: a part at a time.
        for start in range(0, batch.num_rows, _ROWS_AT_ONCE):
            part = batch.slice(start, _ROWS_AT_ONCE)
            yield from zip(*map(_values, part.schema.names, part.columns), strict=True)


def _values(name: str, column: pa.Array) -> list[Any]:
    """A column in Python's types, or as text where Python has none: nanoseconds, the year 10000, infinity."""
    try:
        return listed(column)
    except pa.ArrowException:
        raise BadInputError(f"column {name!r} cannot be written as it is: cast it to varchar in the query") from None


def _refuse_terminal() -> None:
    if sys.stdout.isatty():
        raise BadInputError("--format parquet writes bytes: send it to a file, as in `dlpulse sql … > rows.parquet`")


def _write_parquet(schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> None:
    import pyarrow.parquet as pq  # a tenth of a second that other formats need not wait for

    _refuse_terminal()
    sink = _Sink()
    try:
        writer = pq.ParquetWriter(sink, schema, compression="zstd")
        for group in _groups(batches):
            writer.write_table(pa.Table.from_batches(group, schema))
        writer.close()
    except pa.ArrowException as error:
        raise BadInputError(f"--format parquet: {' '.join(str(error).split())}; cast the column in the query") from None
    finally:
        sink.done = True


class _Sink(io.RawIOBase):
    """Standard output until `done`: a writer that is dropped amid the rows would still write a footer to it."""

    done = False

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        return len(data) if self.done else sys.stdout.buffer.write(data)


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


def _write_table(columns: Sequence[str], shown: Rows, count: int, fold: bool = False) -> None:
    console = Console()
    columns = [shortened(visible(name)) for name in columns]
    table = _table(columns, shown, fold)
    width = _width(table)
    if not console.is_terminal and not fold:
        console = Console(width=max(80, width))
    beside = _width(_table(columns[:-1], [row[:-1] for row in shown])) if fold else 0
    if width <= console.width or (fold and beside + _NARROWEST <= console.width):
        console.print(table)
    else:
        _write_records(columns, shown, console)
    if count > len(shown):
        print(f"{count - len(shown)} more rows; --format csv writes all", file=sys.stderr)


def _width(table: Table) -> int:
    return Console(width=_WIDEST).measure(table).maximum


def _table(columns: Sequence[str], rows: Rows, fold: bool = False) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for index, name in enumerate(columns):
        kinds = {type(row[index]) for row in rows} - {type(None)}
        numeric = bool(kinds) and kinds <= {int, float, Decimal}
        last = fold and index == len(columns) - 1
        table.add_column(Text(name), justify="right" if numeric else "left", overflow="fold", no_wrap=fold and not last)
    for row in rows:
        table.add_row(*map(_cell, row))
    return table


def _write_records(columns: Sequence[str], rows: Rows, console: Console) -> None:
    """One column a line, for rows that are wider than the terminal."""
    for number, row in enumerate(rows, 1):
        console.print(f"row {number}", style="bold", highlight=False)
        grid = Table.grid(padding=(0, 2))
        grid.add_column(no_wrap=True, style="dim")
        grid.add_column(overflow="fold")
        for name, value in zip(columns, row, strict=True):
            grid.add_row(Text(name), _cell(value))
        console.print(grid)


def _cell(value: Any) -> Text:
    if value is None:
        return Text("NULL", style="dim")
    if isinstance(value, float) and math.isfinite(value) and (value == 0 or 1e-4 <= abs(value) < 1e15):
        return Text(f"{value:,.0f}" if abs(value) >= 1e6 else f"{value:.6g}")
    return Text(visible(as_text(value)))


def _held(value: Any) -> Any:
    """A value as a table keeps it until all rows are there: numbers as they are, the rest as short text."""
    return value if value is None or type(value) in (int, float, Decimal) else shortened(as_text(value))


def _write_csv(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    sys.stdout.write(",".join(map(as_csv, columns)) + "\n")
    sys.stdout.writelines(",".join(map(as_csv, row)) + "\n" for row in rows)


def _write_json(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    opening = "[\n  "
    for row in rows:
        sys.stdout.write(opening + as_json(dict(zip(columns, row, strict=True))))
        opening = ",\n  "
    print("\n]" if opening.startswith(",") else "[]")


def _write_markdown(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    print("| " + " | ".join(map(_markdown, columns)) + " |")
    print("|" + " --- |" * len(columns))
    for row in rows:
        print("| " + " | ".join("" if cell is None else _markdown(as_text(cell)) for cell in row) + " |")


def _markdown(text: str) -> str:
    return visible(text).replace("|", "\\|").replace("\n", "<br>")


_TEXT_WRITERS: dict[Format, Callable[[Sequence[str], Iterable[Sequence[Any]]], None]] = {
    Format.CSV: _write_csv,
    Format.JSON: _write_json,
    Format.MD: _write_markdown,
}
