"""The command `sql`: a module of its own, since it is asked often and needs little of what building does."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from warehouse import queries, query, sqlbox
from warehouse.errors import BadInputError, DlpulseError, nearest
from warehouse.formats import Format, write, write_rows
from warehouse.settings import Settings

TABLES_SQL = """
with listed as (
    select
        1 as place,
        table_name as name,
        estimated_size as "rows",
        comment as description
    from duckdb_tables()
    where not internal and database_name = 'dlpulse'
    union all
    select
        2 as place,
        function_name || '(' || array_to_string(parameters, ', ') || ')' as name,
        null as "rows",
        comment as description
    from duckdb_functions()
    where not internal and database_name = 'dlpulse' and function_type = 'table_macro'
)
select name as "table", "rows", description
from listed
order by place, name
"""
COLUMNS_SQL = """
select column_name as "column", data_type as "type", comment as description
from duckdb_columns()
where not internal and database_name = 'dlpulse' and table_name = '{name}'
order by column_index
"""
# What a macro returns has no comments of its own: those of the table with the same columns, if there is one.
MACRO_COLUMNS_SQL = """
with returned as (
    select *, row_number() over () as place
    from (describe from {call})
),
described as (
    select column_name, column_index, comment, table_name
    from duckdb_columns()
    where not internal and database_name = 'dlpulse'
),
mirrored as (
    select table_name
    from described
    group by table_name
    having list(column_name order by column_index) = (select list(column_name order by place) from returned)
    order by table_name
    limit 1
)
select returned.column_name as "column", returned.column_type as "type", described.comment as description
from returned
left join described
    on returned.column_name = described.column_name and described.table_name = (select table_name from mirrored)
order by returned.place
"""


class SqlCommand(TyperCommand):
    """Takes SQL that begins with a comment for SQL, not for an option."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the arguments as typer does, SQL last."""
        return super().parse_args(ctx, _sql_last(args))


def _sql_last(words: list[str]) -> list[str]:
    """Put SQL that begins with `-- `, or with a dash and has several lines, behind a `--`: no options come after it."""
    end = words.index("--") if "--" in words else len(words)
    texts = [one for one in words[:end] if one.startswith("-- ") or (one.startswith("-") and "\n" in one)]
    if not texts:
        return words
    return [*(one for one in words[:end] if one not in texts), "--", *texts, *words[end + 1 :]]


sql_app = typer.Typer(add_completion=False)


@sql_app.command(cls=SqlCommand)
def sql(  # noqa: PLR0913, PLR0917 (as many parameters as options)
    ctx: typer.Context,
    statement: Annotated[
        str | None, typer.Argument(help="One SQL statement; - or none reads it from standard input.")
    ] = None,
    file: Annotated[Path | None, typer.Option("--file", "-f", help="Read the SQL from a file.")] = None,
    tables: Annotated[bool, typer.Option("--tables", help="List the tables and macros.")] = False,
    describe: Annotated[
        str | None, typer.Option("--describe", metavar="TABLE", help="List a table's or a macro's columns.")
    ] = None,
    worked: Annotated[str | None, typer.Option("--query", metavar="NAME", help="Run a worked query.")] = None,
    worked_list: Annotated[bool, typer.Option("--queries", help="List the worked queries.")] = False,
    form: Annotated[Format, typer.Option("--format", help="How the rows are written.")] = Format.TABLE,
    timeout: Annotated[
        float, typer.Option(min=0.1, max=86_400, metavar="SECONDS", help="How long it may take, your reading included.")
    ] = sqlbox.SECONDS,
    memory: Annotated[
        str, typer.Option(metavar="SIZE", help="How much it may use, such as 512MB.")
    ] = query.MEMORY_LIMIT,
) -> None:
    """Ask the published database in SQL, read-only.

    The query can neither change anything nor reach a file or the network.
    """
    settings: Settings = ctx.obj
    _check_one(statement, file, tables or None, describe, worked, worked_list or None)
    if worked_list:
        write_rows(("query", "title"), [(one.name, one.title) for one in queries.load()], form, fold=True)
    elif describe is not None:
        _answer(settings, _columns_sql(settings.database, describe), form, timeout, memory, fold=True)
    elif tables:
        _answer(settings, TABLES_SQL, form, timeout, memory, fold=True)
    else:
        text = _statement(statement, file) if worked is None else queries.find(worked).sql
        _answer(settings, text, form, timeout, memory)


def _check_one(*wanted: object) -> None:
    given = [source for source in wanted if source is not None]
    if len(given) > 1 or (not given and sys.stdin.isatty()):
        raise BadInputError(
            "expected one of: a statement, -f FILE, - (standard input), --tables, --describe TABLE, --query NAME, "
            "--queries"
        )


def _answer(settings: Settings, text: str, form: Format, seconds: float, memory: str, *, fold: bool = False) -> None:
    try:
        with sqlbox.ask(settings.database, text, seconds=seconds, memory=memory) as answer:
            count = write(answer.schema, answer.batches, form, fold=fold)
    except sqlbox.TooLong as error:
        raise DlpulseError(f"{error}; --timeout allows more") from None
    except sqlbox.TooMuchMemory as error:
        raise DlpulseError(f"{error}; --memory allows more") from None
    if count == 0:
        print("0 rows", file=sys.stderr)


def _columns_sql(database: Path, name: str) -> str:
    """Return the query for the columns of a table, or of what a macro returns."""
    listed = sqlbox.fetch(database, TABLES_SQL, rows_limit=100_000).column("table").to_pylist()
    calls = {entry.partition("(")[0]: entry for entry in listed}
    # SQL's own names: without regard to case, with or without schema and database.
    asked = name.partition("(")[0].strip().lower().removeprefix("dlpulse.").removeprefix("main.")
    known = {call.lower(): entry for call, entry in calls.items()}.get(asked)
    if known is None:
        raise BadInputError(f"--describe: there is no table or macro {name!r}{nearest(name, calls)}")
    if known.endswith(")"):
        nulls = ", ".join("null" for _ in known.split(","))
        return MACRO_COLUMNS_SQL.format(call=f"{known.partition('(')[0]}({nulls})")
    return COLUMNS_SQL.format(name=known.replace("'", "''"))


def _statement(statement: str | None, file: Path | None) -> str:
    try:
        if file is not None:
            return file.read_text("utf-8-sig")
        if statement in (None, "-"):
            return sys.stdin.buffer.read().decode("utf-8-sig")
        return os.fsencode(statement or "").decode()
    except UnicodeDecodeError:
        raise BadInputError(f"{f'{file}: ' if file else ''}the SQL is not UTF-8") from None
    except OSError as error:
        raise BadInputError(f"{file or 'standard input'}: cannot be read: {error.strerror or error}") from None
