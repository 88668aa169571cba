"""Cited facts: figures read off published pages, shipped as tables in facts/. Each line is its own provenance."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pyarrow as pa

from warehouse.errors import BadInputError

FOLDER = Path(__file__).with_name("facts")
PREFIX = "cited:"
_ORIGIN = [("response_id", pa.string()), ("read_on", pa.date32()), ("source_url", pa.string())]

TABLES: dict[str, pa.Schema] = {
    "stars": pa.schema(
        [
            *_ORIGIN,
            ("framework_id", pa.string()),
            ("repo_id", pa.string()),
            ("day", pa.date32()),
            ("stars", pa.int64()),
            ("rounded_to", pa.int64()),
            ("source", pa.string()),
            ("licence", pa.string()),
        ]
    ),
    "surveys": pa.schema(
        [
            *_ORIGIN,
            ("survey", pa.string()),
            ("year", pa.int32()),
            ("population", pa.string()),
            ("label", pa.string()),
            ("respondents", pa.int64()),
            ("base", pa.int64()),
            ("share", pa.float64()),
            ("asked", pa.bool_()),
            ("verified", pa.bool_()),
            ("note", pa.string()),
        ]
    ),
    "mentions": pa.schema(
        [
            *_ORIGIN,
            ("framework_id", pa.string()),
            ("month", pa.date32()),
            ("measure", pa.string()),
            ("share", pa.float64()),
            ("population", pa.string()),
            ("source", pa.string()),
        ]
    ),
    # How long others' networks took to train on others' devices.
    "benchmarks": pa.schema(
        [
            *_ORIGIN,
            ("source", pa.string()),
            ("network", pa.string()),
            ("dataset", pa.string()),
            ("device", pa.string()),
            ("year", pa.int32()),
            ("program", pa.string()),
            ("framework_id", pa.string()),
            ("seconds", pa.int64()),
            ("verified", pa.bool_()),
        ]
    ),
    "outages": pa.schema(
        [
            *_ORIGIN,
            ("source", pa.string()),
            ("subject", pa.string()),
            ("period_start", pa.date32()),
            ("period_end", pa.date32()),
            ("note", pa.string()),
        ]
    ),
    # Whose data these are and on what terms: NULL where the source does not say.
    "sources": pa.schema(
        [
            *_ORIGIN,
            ("source", pa.string()),
            ("name", pa.string()),
            ("licence", pa.string()),
            ("licence_url", pa.string()),
            ("citation", pa.string()),
            ("note", pa.string()),
        ]
    ),
}


@dataclass(frozen=True)
class CitedFact:
    """One line of a facts table: `line` is its text, and the body that its sha256 is taken of."""

    table: str
    line: str
    values: Mapping[str, Any]

    @property
    def sha256(self) -> str:
        """The line's SHA-256, 64 hexadecimal digits."""
        return hashlib.sha256(self.line.encode()).hexdigest()

    @property
    def response_id(self) -> str:
        """The id under which meta_responses knows this figure."""
        return PREFIX + self.sha256

    @property
    def fetched_at(self) -> datetime:
        """The day the figure was read, at midnight UTC."""
        return datetime.combine(self.values["read_on"], time.min)


def facts(folder: Path = FOLDER) -> Iterator[CitedFact]:
    """Yield every cited fact.

    Raises:
        BadInputError: names file, line and column of a value that is not what the column holds.
    """
    for table, schema in TABLES.items():
        path = folder / f"{table}.csv"
        lines = path.read_text("utf-8").splitlines()
        columns = lines[0].split(",")
        if set(columns) | {"response_id"} != set(schema.names):
            raise BadInputError(f"{path}: line 1: expected the columns {', '.join(schema.names[1:])}")
        for number, line in enumerate(lines[1:], 2):
            cells = next(csv.reader([line]))
            if len(cells) != len(columns):
                raise BadInputError(f"{path}: line {number}: expected {len(columns)} cells, found {len(cells)}")
            values = {
                name: _value(cell, schema.field(name).type, f"{path}: line {number}: {name}")
                for name, cell in zip(columns, cells, strict=True)
            }
            yield CitedFact(table, line, values)


def find(response_id: str) -> CitedFact | None:
    """Return one cited fact by its id, or None."""
    return next((fact for fact in facts() if fact.response_id == response_id), None)


_READERS: dict[pa.DataType, tuple[Callable[[str], Any], str]] = {
    pa.int64(): (int, "a whole number"),
    pa.int32(): (int, "a whole number"),
    pa.float64(): (float, "a number"),
    pa.date32(): (date.fromisoformat, "a date like 2018-06-10"),
    pa.bool_(): (lambda cell: {"true": True, "false": False}[cell], "true or false"),
    pa.string(): (str, "a text"),
}


def _value(cell: str, kind: pa.DataType, where: str) -> Any:
    if cell == "":
        return None
    read, expected = _READERS[kind]
    try:
        return read(cell)
    except (ValueError, KeyError):
        raise BadInputError(f"{where}: expected {expected}, found {cell!r}") from None
