"""Writes single values as text: for CSV and Markdown, for JSON, and so that a terminal only shows them."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import pyarrow as pa

CELL_LENGTH = 2_000
# DuckDB's infinite days and instants, as Arrow holds them.
_INFINITE = {
    limit * sign: word for limit in (2**31 - 1, 2**63 - 1) for sign, word in ((1, "infinity"), (-1, "-infinity"))
}
_TIMEZONE_FREE = {"s": pa.timestamp("s"), "ms": pa.timestamp("ms"), "us": pa.timestamp("us"), "ns": pa.timestamp("ns")}


def shortened(text: str) -> str:
    """Cut a text that is too long for a table's cell, and say how long it is."""
    return text if len(text) <= CELL_LENGTH else f"{text[:CELL_LENGTH]}… ({len(text):,} characters)"


def as_text(value: Any) -> str:
    """Return a value as SQL writes it; lists and maps as JSON."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, pa.MonthDayNano):
        return _interval(value)
    if isinstance(value, bytes):
        return "".join(chr(byte) if 32 <= byte < 127 and byte not in b"\\'\"" else f"\\x{byte:02X}" for byte in value)
    if isinstance(value, list | dict | tuple):
        return as_json(value)
    return str(value)


def as_json(value: Any) -> str:
    """Return a value as JSON: decimals with all their digits, null for NaN and infinity, which JSON does not have."""
    if isinstance(value, dict):
        fields = (f"{_quoted(str(key))}: {as_json(item)}" for key, item in value.items())
        return "{" + ", ".join(fields) + "}"
    if isinstance(value, list | tuple) and not isinstance(value, pa.MonthDayNano):  # an interval is a tuple too
        return "[" + ", ".join(map(as_json, value)) + "]"
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "null"
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    if isinstance(value, Decimal):
        return f"{value:f}"
    return _quoted(value.isoformat() if isinstance(value, date | datetime | time) else as_text(value))


def as_csv(value: Any) -> str:
    """Return a field of CSV: empty for NULL, `""` for the empty text, as the export has them."""
    if value is None:
        return ""
    text = as_text(value)
    plain = text and not any(mark in text for mark in ',"\n\r')
    return text if plain else '"' + text.replace('"', '""') + '"'


def listed(column: pa.Array) -> list[Any]:
    """Return a column in Python's types, or as text where Python has none, also within lists, maps and structs.

    Raises ValueError or an ArrowException when the column holds something else.
    """
    with suppress(ValueError, OverflowError):
        values: list[Any] = column.to_pylist(maps_as_pydicts="lossy")
        return values
    kind = column.type
    if pa.types.is_map(kind):
        return [dict(zip(*map(listed, row.values.flatten()), strict=True)) if row.is_valid else None for row in column]
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return [listed(row.values) if row.is_valid else None for row in column]
    if pa.types.is_struct(kind):
        rows = zip(*map(listed, column.flatten()), strict=True)
        names = [field.name for field in kind]
        whole = zip(column.is_valid().to_pylist(), rows, strict=True)
        return [dict(zip(names, row, strict=True)) if valid else None for valid, row in whole]
    return _instants(column)


def _instants(column: pa.Array) -> list[Any]:
    """Return days or instants that Python does not have as text: nanoseconds, the year 10000, infinity.

    Raises ValueError or an ArrowException when the column holds something else.
    """
    if not pa.types.is_temporal(column.type) or pa.types.is_interval(column.type):
        return list(column.cast(pa.string()).to_pylist())
    width = pa.int32() if pa.types.is_date32(column.type) or pa.types.is_time32(column.type) else pa.int64()
    counts = column.view(width).to_pylist()
    if pa.types.is_timestamp(column.type):  # in UTC already: a zone would only be written behind it
        column = column.view(_TIMEZONE_FREE[column.type.unit])
    texts = column.cast(pa.string()).to_pylist()
    return [_INFINITE.get(count, text) for count, text in zip(counts, texts, strict=True)]


_quoted: Callable[[str], str] = json.JSONEncoder(ensure_ascii=False).encode


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
