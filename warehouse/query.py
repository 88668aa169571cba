"""Read-only ad-hoc SQL on the published file: no file or network access, with a time and a memory limit."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
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


def run(connection: duckdb.DuckDBPyConnection, sql: str, seconds: float) -> duckdb.DuckDBPyConnection:
    """Execute the one statement in `sql` within `seconds` and return the cursor with its rows.

    Raises:
        BadInputError: when there is not one statement, or DuckDB refuses it.
        DlpulseError: when the time is over or the memory is spent.
    """
    statement = _only_statement(connection, sql)
    # In a thread of its own: DuckDB hands signals on only now and then, the waiting main thread takes them at once.
    pool = ThreadPoolExecutor(max_workers=1)
    try:
        return pool.submit(connection.execute, statement).result(timeout=seconds)
    except KeyboardInterrupt:
        connection.interrupt()
        raise
    except TimeoutError:
        connection.interrupt()
        raise DlpulseError(f"the query was stopped after {seconds:g} s; --timeout allows more") from None
    except duckdb.OutOfMemoryException:
        raise DlpulseError(f"the query needs more than {MEMORY_LIMIT} of memory; aggregate or filter earlier") from None
    except duckdb.Error as error:
        raise BadInputError(_refusal(error)) from None
    finally:
        pool.shutdown()


def _only_statement(connection: duckdb.DuckDBPyConnection, sql: str) -> duckdb.Statement:
    try:
        statements = connection.extract_statements(sql)
    except duckdb.Error as error:
        raise BadInputError(_refusal(error)) from None
    if len(statements) != 1:
        raise BadInputError(f"expected one SQL statement, found {len(statements) or 'none'}")
    return statements[0]


def _refusal(error: duckdb.Error) -> str:
    hint = "; `dlpulse sql --tables` lists the tables" if isinstance(error, duckdb.CatalogException) else ""
    return f"SQL: {one_line(error)}{hint}"


def one_line(error: Exception) -> str:
    """DuckDB's message without its picture of the statement."""
    return " ".join(str(error).split("\n\nLINE")[0].split())
