"""Opens the published file read-only, closed to everything else of the machine; says DuckDB's errors in one line.

It runs in the calling process and sets no time limit: what a user typed goes through `warehouse.sqlbox`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from warehouse.errors import DlpulseError

MEMORY_LIMIT = "2GB"
# Before the file is attached: one of another kind would ask for an extension.
_NO_EXTENSIONS = (
    "set autoinstall_known_extensions = false",
    "set autoload_known_extensions = false",
    "set allow_community_extensions = false",
)
# Order matters: the file system must still be there to attach the file, and the lock comes last.
_LOCKDOWN = (
    "set temp_directory = ''",
    "set enable_progress_bar = false",
    # All instants of the warehouse are UTC: the same question has the same answer on every machine.
    "set timezone = 'UTC'",
    "set python_enable_replacements = false",
    "set enable_external_access = false",
    # Without it DuckDB would still read, and write, the path that was attached.
    "set disabled_filesystems = 'LocalFileSystem'",
    "set lock_configuration = true",
)
# Of DuckDB's messages, those that tell of a file which is not as DuckDB wrote it.
_DAMAGE = ("Corrupt database file", "not a valid DuckDB database file", "Could not read enough bytes", "FATAL")


class Damaged(DlpulseError):
    """The published file is not as DuckDB wrote it."""

    def __init__(self, database: Path | str = "the database") -> None:
        super().__init__(f"{database} is damaged; `dlpulse build` makes it again")


def open_readonly(database: Path, memory: str = MEMORY_LIMIT, more: Sequence[str] = ()) -> duckdb.DuckDBPyConnection:
    """Return an in-memory connection that sees `database` read-only as `dlpulse` and nothing else of the machine.

    `memory` is DuckDB's own limit (`2GB`); `more` are further SET statements, run before the settings are locked.

    Raises:
        DlpulseError: when there is no published database yet, the file is damaged, or another program writes to it.
    """
    if not database.exists():
        raise DlpulseError(f"there is no database at {database} yet; `dlpulse run` or `dlpulse build` makes it")
    connection = duckdb.connect()
    for statement in _NO_EXTENSIONS:
        connection.execute(statement)
    try:
        quoted = str(database).replace("'", "''")
        connection.execute(f"attach '{quoted}' as dlpulse (read_only)")
        connection.execute("use dlpulse")
    except duckdb.Error as error:
        connection.close()
        raise _unopened(database, error) from None
    for statement in (f"set memory_limit = '{memory}'", *more, *_LOCKDOWN):
        connection.execute(statement)
    return connection


@contextmanager
def asking(database: Path) -> Iterator[Callable[[str], list[dict[str, Any]]]]:
    """Yield what runs a statement on the published file and returns its rows by column; all see one state of the file.

    Raises:
        DlpulseError: as `open_readonly`, and when the file was built by another version of dlpulse.
    """
    with open_readonly(database) as connection:

        def ask(sql: str) -> list[dict[str, Any]]:
            return list(connection.sql(sql).to_arrow_table().to_pylist())

        try:
            yield ask
        except duckdb.Error as error:
            if is_damage(error):
                raise Damaged(database) from None
            told = f"{database} cannot be asked: {one_line(error)}"
            raise DlpulseError(f"{told}; `dlpulse build` makes it anew") from None


def _unopened(database: Path, error: duckdb.Error) -> DlpulseError:
    message = one_line(error)
    if database.is_dir():
        return DlpulseError(f"{database} is a folder: move it away; `dlpulse build` puts the database there")
    if "Could not set lock" in message:
        return DlpulseError(f"another program holds {database} for writing: open it there with -readonly")
    if "WAL" in message:
        return DlpulseError(
            f"{database}.wal is not of this file: remove it. A program opened the database for writing: "
            "open it there with -readonly"
        )
    return Damaged(database) if is_damage(error) else DlpulseError(f"{database} cannot be opened: {message}")


def is_damage(error: Exception) -> bool:
    """Whether DuckDB's error means that the file is damaged, rather than that the SQL is wrong."""
    return any(sign in str(error) for sign in _DAMAGE)


def one_line(error: Exception) -> str:
    """DuckDB's message without its picture of the statement."""
    return " ".join(str(error).split("\n\nLINE")[0].split())
