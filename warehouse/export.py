"""Exports the published tables into a folder, with descriptions for machines and for people.

warehouse/exportrows.py says which rows, exportfiles.py writes them, datapackage.py and exporttexts.py describe them,
exportfolder.py puts the folder in its place.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

import duckdb
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from warehouse import datapackage, exportfiles, exporttexts
from warehouse.datapackage import Package, Source, Table
from warehouse.errors import BadInputError, DlpulseError, nearest
from warehouse.exportfiles import Column
from warehouse.exportfolder import refuse_other, replacing, resolved
from warehouse.exportrows import Chooser
from warehouse.formats import Format, write_rows
from warehouse.query import Damaged, is_damage, one_line, open_readonly

_KIND = "export"
_COLUMNS = """
select
    tables.table_name,
    coalesce(tables.comment, ''),
    columns.column_name,
    columns.data_type,
    coalesce(columns.comment, '')
from duckdb_tables() as tables
inner join duckdb_columns() as columns using (database_name, schema_name, table_name)
where tables.database_name = 'dlpulse'
order by tables.table_name, columns.column_index
"""
_SOURCES = """
select
    sources.source,
    sources.name,
    sources.licence,
    sources.licence_url,
    sources.citation,
    sources.note,
    responses.url
from dim_sources as sources
left join meta_responses as responses using (response_id)
order by sources.source
"""

# Hears of each batch: table, tables done, number of tables, the table's rows so far.
Advance = Callable[[str, int, int, int], object]


class FileFormat(StrEnum):
    """In which formats each table is written."""

    PARQUET = "parquet"
    CSV = "csv"
    BOTH = "both"

    @property
    def each(self) -> tuple[str, ...]:
        """The one or two formats."""
        return ("csv", "parquet") if self is FileFormat.BOTH else (self.value,)


@dataclass(frozen=True)
class Order:
    """What to export where: all tables unless some are named; rows without a known licence for own use alone."""

    folder: Path
    formats: FileFormat = FileFormat.BOTH
    tables: Sequence[str] = ()
    own_use: bool = False


def export(database: Path, order: Order, now: datetime, advance: Advance) -> Package:
    """Write tables of the published file into a folder that appears whole, and return what was written.

    All is read from one file, whatever is published meanwhile, and in batches: memory is what DuckDB keeps of the file
    (its limit is query.MEMORY_LIMIT) and two batches. Cost: one scan of each table, and one to count its sources.

    Raises:
        BadInputError: the folder is the working one or holds something else than an earlier export, or there is no
            such table.
        DlpulseError: the database cannot be read, or the folder cannot be written; it is then as it was.
    """
    folder = resolved(order.folder, _KIND)
    with open_readonly(database) as connection:
        try:
            described = _described(connection, order.tables)
            with replacing(folder, lambda: refuse_other(folder, _KIND, _written)) as new:
                tables = _write_tables(connection, described, new, order, advance)
                sources = [Source(*row) for row in connection.execute(_SOURCES).fetchall()]
                (known_at,) = connection.execute("select max(fetched_at) from meta_responses").fetchone() or (None,)
                package = Package(tables, sources, known_at, now, order.own_use)
                for name, text in {**datapackage.texts(package), **exporttexts.texts(package)}.items():
                    with exportfiles.durable(new / name) as file:
                        file.write(text.encode())
        except duckdb.Error as error:
            if is_damage(error):
                raise Damaged(database) from None
            raise DlpulseError(f"{database} cannot be exported: {one_line(error)}") from None
    return package


def _described(connection: duckdb.DuckDBPyConnection, wanted: Sequence[str]) -> dict[str, tuple[str, list[Column]]]:
    """Return description and columns of each table wanted, by name."""
    tables: dict[str, tuple[str, list[Column]]] = {}
    for table, text, *column in connection.execute(_COLUMNS).fetchall():
        tables.setdefault(table, (text, []))[1].append(Column(*column))
    for name in wanted:
        if name not in tables:
            raise BadInputError(f"--tables {name}: there is no such table{nearest(name, tables)}")
    return {name: tables[name] for name in tables if not wanted or name in wanted}


def _write_tables(
    connection: duckdb.DuckDBPyConnection,
    described: dict[str, tuple[str, list[Column]]],
    folder: Path,
    order: Order,
    advance: Advance,
) -> list[Table]:
    chooser = Chooser(connection, order.own_use)
    tables: list[Table] = []
    for name, (text, columns) in described.items():

        def tell(rows: int, name: str = name) -> None:
            advance(name, len(tables), len(described), rows)

        tell(0)
        chosen = chooser.choose(name, [column.name for column in columns])
        files, rows = exportfiles.write(connection, chosen.sql, columns, folder, name, order.formats.each, tell)
        told = f"{text} {chosen.remark}".strip()
        tables.append(Table(name, told, columns, chosen, files, rows))
    return tables


def _written(folder: Path) -> set[str]:
    """Return the files that the export in a folder says it wrote."""
    told = json.loads((folder / datapackage.DESCRIPTOR).read_text("utf-8"))
    return datapackage.files_of(told) | set(exporttexts.NAMES)


def print_summary(package: Package, folder: Path, took_s: float) -> None:
    """Print a line for each table, and what was left out."""
    forms = [file.format for file in package.tables[0].files] if package.tables else []
    sizes = [[file.size for file in table.files] for table in package.tables]
    rows = [(table.name, table.rows, *size) for table, size in zip(package.tables, sizes, strict=True)]
    write_rows(("table", "rows", *(f"{form} bytes" for form in forms)), rows, Format.TABLE)
    total, size = sum(table.rows for table in package.tables), sum(map(sum, sizes))
    print(f"exported {len(rows)} tables, {total:,} rows, {size:,} bytes to {folder} in {took_s:.1f} s")
    if unlicensed := exporttexts.numbers(package.unlicensed()):
        done = "in it, for your own use alone" if package.own_use else "left out (--own-use exports them too)"
        print(f"{done}: {unlicensed}; no licence is known for them")


@contextmanager
def shown() -> Iterator[Advance]:
    """Yield an `advance` that shows progress on a terminal, and nothing elsewhere."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rows]:,} rows"),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("export", total=None, rows=0)

        def advance(table: str, done: int, tables: int, rows: int) -> None:
            progress.update(task, description=table, completed=done, total=tables, rows=rows)

        yield advance
