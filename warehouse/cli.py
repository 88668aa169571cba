"""The commands over the warehouse: build, sql, raw."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from warehouse import build as builder
from warehouse import cited, query, registry
from warehouse import status as freshness
from warehouse.errors import BadInputError, DlpulseError
from warehouse.formats import Format, write, write_rows
from warehouse.raw import Archive
from warehouse.settings import Settings

raw_app = typer.Typer(no_args_is_help=True, help="The raw archive: every answer as it came.")

TABLES_SQL = """
select table_name as "table", estimated_size as "rows", comment as description
from duckdb_tables()
where not internal and database_name = 'dlpulse'
order by table_name
"""


def build(ctx: typer.Context) -> None:
    """Build the database from the raw archive, check it, and publish it."""
    settings: Settings = ctx.obj
    built = builder.build(settings, registry.load(settings))
    print(f"published {built.database} in {built.took_s:.1f} s ({built.new_parts} new of {built.parts} raw parts)")


def sql(
    ctx: typer.Context,
    statement: Annotated[str | None, typer.Argument(help="One SQL statement, or - to read it from stdin.")] = None,
    file: Annotated[Path | None, typer.Option("--file", "-f", help="Read the SQL from a file.")] = None,
    tables: Annotated[bool, typer.Option("--tables", help="List the tables with their descriptions.")] = False,
    form: Annotated[Format, typer.Option("--format", help="How the rows are written.")] = Format.TABLE,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds that the query may take.")] = 60.0,
) -> None:
    """Ask the published database in SQL, read-only.

    The query can neither change anything nor reach a file or the network.
    """
    given = [source for source in (statement, file, tables or None) if source is not None]
    if len(given) != 1:
        raise BadInputError("expected one of: a statement, -f FILE, - (stdin), --tables")
    settings: Settings = ctx.obj
    text = TABLES_SQL if tables else _statement(statement, file)
    with query.open_readonly(settings.database) as connection:
        write(query.run(connection, text, timeout), form)


def _statement(statement: str | None, file: Path | None) -> str:
    if file is None:
        return sys.stdin.read() if statement == "-" else statement or ""
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(f"{file}: cannot be read: {error}") from None


def status(
    ctx: typer.Context,
    form: Annotated[Format, typer.Option("--format", help="How the rows are written.")] = Format.TABLE,
) -> None:
    """Say how fresh each source is, and what failed last. Exit 1 when something is stale."""
    settings: Settings = ctx.obj
    sources = freshness.read(Archive(settings.raw), registry.load(settings), settings.clock())
    columns = ("source", "state", "last success", "next due", "left", "last error")
    rows = [
        (
            source.source,
            "stale" if source.stale else "fresh",
            _minute(source.last_success),
            _minute(source.next_due) if source.next_due else "now",
            source.left,
            source.last_error or "",
        )
        for source in sources
    ]
    write_rows(columns, rows, form)
    if not settings.database.exists():
        print(f"there is no database at {settings.database} yet; `dlpulse build` makes it", file=sys.stderr)
    if any(source.stale for source in sources):
        raise typer.Exit(1)


def _minute(instant: datetime | None) -> str:
    return f"{instant:%Y-%m-%d %H:%M}" if instant else "never"


@raw_app.command()
def show(
    ctx: typer.Context,
    response_id: Annotated[str, typer.Argument(help="As in the column response_id of any fact table.")],
) -> None:
    """Print the body of an archived answer, or the line of a cited fact."""
    settings: Settings = ctx.obj
    if response_id.startswith(cited.PREFIX):
        fact = cited.find(response_id)
        body = fact.line.encode() if fact else None
    else:
        archive = Archive(settings.raw)
        response = archive.find(response_id)
        if response and response.revalidates:
            print(f"{response_id} says that {response.revalidates} still stands, which is:", file=sys.stderr)
            response = archive.find(response.revalidates)
        body = response.body if response else None
    if body is None:
        raise DlpulseError(f"no answer {response_id!r} in {settings.raw}; meta_responses lists them all")
    sys.stdout.buffer.write(body)


@raw_app.command()
def verify(ctx: typer.Context) -> None:
    """Check every archived body against its recorded SHA-256."""
    settings: Settings = ctx.obj
    archive = Archive(settings.raw)
    count = sum(1 for _ in archive.responses())
    print(f"{count} answers in {len(archive.parts())} parts, each with the recorded SHA-256")
