"""Any values of any type come back from both files as they were, and no CSV cell is a formula."""

from __future__ import annotations

import csv
import math
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.warehouse.exported import plain, rows
from warehouse.exportfiles import Column, write

TYPES = {
    "count": (pa.int64(), "BIGINT", st.integers(-(2**63), 2**63 - 1)),
    "share": (pa.float64(), "DOUBLE", st.floats()),
    "day": (pa.date32(), "DATE", st.dates(date(1678, 1, 1))),
    "known_at": (pa.timestamp("us"), "TIMESTAMP", st.datetimes(datetime(1678, 1, 1))),
    "asked": (pa.bool_(), "BOOLEAN", st.booleans()),
    "title": (
        pa.string(),
        "VARCHAR",
        st.text() | st.text("=+-@\t\r\n'\",;|＝＋－＠ ax") | st.sampled_from(["", "'", '"', "NULL", "nan", "\\N", " "]),
    ),
    "names": (pa.list_(pa.string()), "VARCHAR[]", st.lists(st.none() | st.text(max_size=5), max_size=3)),
    "versions": (
        pa.map_(pa.string(), pa.string()),
        "MAP(VARCHAR, VARCHAR)",
        st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=2),
    ),
}
SCHEMA = pa.schema([(name, kind) for name, (kind, _, _) in TYPES.items()])
COLUMNS = [Column(name, sql_type, "") for name, (_, sql_type, _) in TYPES.items()]
ROW = st.fixed_dictionaries({name: st.none() | values for name, (_, _, values) in TYPES.items()})
NASTY = {
    "count": -5, "share": math.inf, "day": date(2026, 2, 28), "known_at": datetime(2026, 1, 1, 0, 0, 0, 1),
    "asked": False, "title": '=cmd|\' /C calc\'!A0,"\r\n', "names": ["=1", None, 'a"b'], "versions": {"": "\n"},
}  # fmt: skip
EMPTY: dict[str, Any] = dict.fromkeys(TYPES) | {"title": "", "names": [], "versions": {}}


def exported(found: list[dict[str, Any]], folder: Path) -> dict[str, Path]:
    """Write the rows as both formats; return the paths."""
    table = pa.Table.from_pylist(
        [row | {"versions": None if row["versions"] is None else list(row["versions"].items())} for row in found],
        schema=SCHEMA,
    )
    with duckdb.connect() as connection:
        connection.register("given", table)
        files, number = write(
            connection, "select * from given", COLUMNS, folder, "t", ("csv", "parquet"), lambda _rows: None
        )
    assert number == len(found)
    return {file.format: folder / file.path for file in files}


def resource(path: Path) -> dict[str, Any]:
    fields = [{"name": column.name, "type": column.kind} for column in COLUMNS]
    return {"path": str(path), "format": path.suffix[1:], "schema": {"fields": fields}}


@given(st.lists(ROW, max_size=4))
@example([NASTY, EMPTY, dict.fromkeys(TYPES), {**EMPTY, "title": "'", "share": math.nan}])
@settings(max_examples=40, deadline=None)
def test_both_files_give_every_value_back(found: list[dict[str, Any]]) -> None:
    with TemporaryDirectory() as folder:
        paths = exported(found, Path(folder))
        expected = plain([tuple(row[name] for name in TYPES) for row in found])
        assert rows(Path(folder), resource(paths["parquet"])) == expected
        assert rows(Path(folder), resource(paths["csv"])) == expected


@given(st.lists(ROW, min_size=1, max_size=4))
@example([NASTY])
@settings(max_examples=40, deadline=None)
def test_no_text_of_a_csv_file_begins_like_a_formula(found: list[dict[str, Any]]) -> None:
    with TemporaryDirectory() as folder:
        path = exported(found, Path(folder))["csv"]
        with path.open(encoding="utf-8", newline="") as file:
            lines = list(csv.DictReader(file, strict=True))
    assert len(lines) == len(found)
    for line in lines:
        for name in ("title", "names", "versions"):
            assert line[name][:1] not in tuple("=+-@\t\r\n＝＋－＠")


def test_null_is_an_empty_cell_and_an_empty_text_stands_in_quotation_marks(tmp_path: Path) -> None:
    path = exported([EMPTY, dict.fromkeys(TYPES), NASTY], tmp_path)["csv"]
    assert path.read_bytes() == (
        b"count,share,day,known_at,asked,title,names,versions\n"
        b',,,,,"","[]","{}"\n'
        b",,,,,,,\n"
        b"-5,INF,2026-02-28,2026-01-01T00:00:00.000001Z,false,"
        b'"\'=cmd|\' /C calc\'!A0,""\r\n","[""=1"",null,""a\\""b""]","{"""":""\\n""}"\n'
    )


@pytest.mark.parametrize(
    ("value", "cell"),
    [(math.nan, "NaN"), (-math.inf, "-INF"), (1e300, "1e+300"), (-0.1, "-0.1"), (5e-324, "5e-324")],
)
def test_numbers_are_written_as_the_standard_wants_them(tmp_path: Path, value: float, cell: str) -> None:
    path = exported([{**EMPTY, "share": value}], tmp_path)["csv"]
    assert path.read_text().splitlines()[1].split(",")[1] == cell
