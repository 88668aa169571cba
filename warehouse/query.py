"""Read-only ad-hoc SQL on the published file: no file or network access, with a time and a memory limit."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from warehouse.errors import BadInputError, DlpulseError

MEMORY_LIMIT = "2GB"
# Order matters: external access must still be on to attach the file, and the lock comes last.
_LOCKDOWN = (
    "set temp_directory = ''",
    f"set memory_limit = '{MEMORY_LIMIT}'",
    "set enable_external_access = false",
    "set lock_configuration = true",
)


def open_readonly(database: Path) -> duckdb.DuckDBPyConnection:
    """Return an in-memory connection that sees `database` read-only as `dlpulse` and nothing else of the machine.

    Raises:
        DlpulseError: when there is no published database yet, or the file is not one.
    """
    if not database.exists():
        raise DlpulseError(f"there is no database at {database} yet; `dlpulse run` or `dlpulse build` makes it")
    connection = duckdb.connect()
    try:
        quoted = str(database).replace("'", "''")
        connection.execute(f"attach '{quoted}' as dlpulse (read_only)")
        connection.execute("use dlpulse")
    except duckdb.Error as error:
        connection.close()
        raise DlpulseError(f"{database} cannot be opened: {one_line(error)}") from None
    for statement in _LOCKDOWN:
        connection.execute(statement)
    return connection


@contextmanager
def run(connection: duckdb.DuckDBPyConnection, sql: str, seconds: float) -> Iterator[duckdb.DuckDBPyConnection]:
    """Execute `sql` and yield the cursor with its rows; the whole block must end within `seconds`.

    Raises:
        BadInputError: when DuckDB refuses the statement.
        DlpulseError: when the time is over.
    """
    timer = threading.Timer(seconds, connection.interrupt)
    timer.start()
    try:
        yield connection.execute(sql)
    except duckdb.InterruptException:
        raise DlpulseError(f"the query was stopped after {seconds:g} s; --timeout allows more") from None
    except duckdb.OutOfMemoryException:
        raise DlpulseError(f"the query needs more than {MEMORY_LIMIT} of memory; aggregate or filter earlier") from None
    except duckdb.Error as error:
        raise BadInputError(f"SQL: {one_line(error)}") from None
    finally:
        timer.cancel()


def one_line(error: Exception) -> str:
    """DuckDB's message without its picture of the statement."""
    return " ".join(str(error).split("\n\nLINE")[0].split())
