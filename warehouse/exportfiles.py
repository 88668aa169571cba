"""Writes the rows of a query into one CSV and one Parquet file, batch by batch."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from warehouse.spreadsheets import RISKY_START

BATCH_ROWS = 50_000
_LINE = "csv line"
_NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")
_KINDS = {
    **dict.fromkeys(_NUMBERS, "integer"),
    "DOUBLE": "number",
    "FLOAT": "number",
    "DATE": "date",
    "TIMESTAMP": "datetime",
    "BOOLEAN": "boolean",
    "VARCHAR": "string",
}


@dataclass(frozen=True)
class Column:
    """A column: its name, DuckDB's type, and its description."""

    name: str
    sql_type: str
    description: str

    @property
    def kind(self) -> str:
        """The type as a Table Schema names it; what it has no name for is written as text."""
        if self.sql_type.endswith("]"):
            return "array"
        return "object" if self.sql_type.startswith(("MAP(", "STRUCT(")) else _KINDS.get(self.sql_type, "string")


@dataclass(frozen=True)
class File:
    """A file that was written: csv or parquet, its path in the export, its length and SHA-256."""

    format: str
    path: str
    size: int
    sha256: str


def write(
    connection: duckdb.DuckDBPyConnection,
    sql: str,
    columns: Sequence[Column],
    folder: Path,
    name: str,
    formats: Sequence[str],
    tell: Callable[[int], object],
) -> tuple[list[File], int]:
    """Write the rows of `sql` to `<folder>/<format>/<name>.<format>`; return the files and the number of rows.

    `tell` hears the number of rows so far. Raises OSError and duckdb.Error.
    """
    paths = {form: f"{form}/{name}.{form}" for form in formats}
    values = ", ".join(_value(column) for column in columns)
    line = f", {_line(columns)} as {_quoted(_LINE)}" if "csv" in formats else ""
    reader = connection.sql(f"select {values}{line} from ({sql})").to_arrow_reader(BATCH_ROWS)
    schema = pa.schema([field for field in reader.schema if field.name != _LINE])
    rows = 0
    with ExitStack() as stack:
        files = {form: stack.enter_context(durable(folder / path)) for form, path in paths.items()}
        if "csv" in files:
            files["csv"].write(f"{','.join(schema.names)}\n".encode())
        if "parquet" in files:
            options = {"compression": "zstd", "write_page_checksum": True}
            parquet = stack.enter_context(pq.ParquetWriter(files["parquet"], schema, **options))
        for batch in reader:
            if "csv" in files:
                files["csv"].write("".join(batch.column(_LINE).to_pylist()).encode())
            if "parquet" in files:
                parquet.write_batch(batch.select(schema.names))
            rows += batch.num_rows
            tell(rows)
    return [_measured(form, folder, path) for form, path in paths.items()], rows


@contextmanager
def durable(path: Path) -> Iterator[BinaryIO]:
    """Open a new file for writing; it is on disk when the block ends."""
    path.parent.mkdir(exist_ok=True)
    with path.open("xb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def _measured(form: str, folder: Path, path: str) -> File:
    with (folder / path).open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return File(form, path, (folder / path).stat().st_size, digest)


def _value(column: Column) -> str:
    name = _quoted(column.name)
    return name if column.kind != "string" or column.sql_type == "VARCHAR" else f"{name}::varchar as {name}"


def _line(columns: Sequence[Column]) -> str:
    """Return SQL for a row's line of RFC 4180: texts in quotation marks, all else without, nothing at all for NULL."""
    cells = ", ',', ".join(_cell(column) for column in columns)
    return f"concat({cells}, chr(10))"


def _cell(column: Column) -> str:
    name = _quoted(column.name)
    text = f"{name}::varchar"
    match column.kind:
        case "string":
            risky = RISKY_START.replace("'", "''")
            return _in_marks(f"if(regexp_matches({text}, '{risky}'), '''', '') || {text}")
        case "array" | "object":
            return _in_marks(f"to_json({name})::varchar")
        case "number":
            return f"case when isfinite({name}) then {text} when isnan({name}) then 'NaN' else upper({text}) end"
        case "datetime":
            return f"replace({text}, ' ', 'T') || 'Z'"
        case _:
            return text


def _in_marks(text: str) -> str:
    return f"""'"' || replace({text}, '"', '""') || '"'"""


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
