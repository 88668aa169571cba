"""Reads the published database: one read-only connection per file state, a cursor per query, answers cached."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple, cast

import duckdb
import pandas as pd
import streamlit as st

from warehouse import query
from warehouse.settings import Settings, default_home


class Published(NamedTuple):
    """One state of the published file; a build replaces the file, so that inode and time change."""

    path: str
    inode: int
    mtime_ns: int


def database() -> Path:
    """Return where the published database is expected: under DLPULSE_HOME."""
    home = Path(os.environ.get("DLPULSE_HOME") or default_home())
    return Settings(home=home, raw=home / "raw").database


def published(path: Path) -> Published | None:
    """Return the file's present state, or None when there is none (yet)."""
    try:
        stat = path.stat()
    except FileNotFoundError:
        return None
    return Published(str(path), stat.st_ino, stat.st_mtime_ns)


def _open(state: Published) -> duckdb.DuckDBPyConnection:
    return query.open_readonly(Path(state.path))


def _query(state: Published, sql: str, columns: tuple[str, ...], values: tuple[str, ...]) -> pd.DataFrame:
    cursor = _connection(state).cursor()
    try:
        # A cursor does not inherit what its connection uses.
        cursor.execute("use dlpulse")
        return cast(pd.DataFrame, cursor.execute(sql, list(values)).df())
    except duckdb.CatalogException:
        # A table that this database does not hold yet is a table without rows.
        return pd.DataFrame({column: pd.Series(dtype="object") for column in columns})
    finally:
        cursor.close()


_connection = st.cache_resource(max_entries=2, show_spinner=False)(_open)
_cached = st.cache_data(max_entries=64, show_spinner=False)(_query)


_AS_OF = {"fct_stars": "stars_as_of", "rpt_frameworks": "frameworks_as_of"}


def mart(name: str, known_on: str) -> str:
    """Return what stands after FROM for a mart as it was known when a day (`YYYY-MM-DD`, UTC) began; "": as it is.

    Raises:
        ValueError: for what is no day.
    """
    return f"{_AS_OF[name]}('{pd.Timestamp(known_on):%Y-%m-%d}')" if known_on else name


def frame(state: Published, sql: str, columns: str, *values: str) -> pd.DataFrame:
    """Return the query's rows with exactly `columns` (names apart by blanks); no rows while a table is missing."""
    frame = cast(pd.DataFrame, _cached(state, sql, tuple(columns.split()), values))
    return frame[columns.split()]
