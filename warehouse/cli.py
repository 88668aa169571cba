"""The commands that make the warehouse and that take it along: build, export."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from warehouse import build as builder
from warehouse import export as exporting
from warehouse import registry
from warehouse.settings import Settings


def build(
    ctx: typer.Context,
    even_if_smaller: Annotated[
        bool, typer.Option("--even-if-smaller", help="Publish also what is made of less than half of the answers.")
    ] = False,
) -> None:
    """Build the database from the raw archive, check it, and publish it."""
    settings: Settings = ctx.obj
    settings.check_raw()
    built = builder.build(settings, registry.load(settings), even_if_smaller=even_if_smaller)
    print(f"published {built.database} in {built.took_s:.1f} s ({built.new_parts} new of {built.parts} raw parts)")


def export(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder, or an earlier export.")],
    tables: Annotated[list[str] | None, typer.Option(metavar="TABLE", help="Only this table; repeatable.")] = None,
    form: Annotated[exporting.FileFormat, typer.Option("--format", help="How each table is written.")] = (
        exporting.FileFormat.BOTH
    ),
    own_use: Annotated[
        bool, typer.Option("--own-use", help="Also rows of sources whose licence is not known: do not pass them on.")
    ] = False,
) -> None:
    """Write all tables to Parquet and CSV, with descriptions, licences and citations.

    An earlier export in DIR is replaced as a whole.
    """
    settings: Settings = ctx.obj
    order = exporting.Order(folder, form, tables or (), own_use)
    started = time.monotonic()
    with exporting.shown() as advance:
        package = exporting.export(settings.database, order, settings.clock(), advance)
    exporting.print_summary(package, folder, time.monotonic() - started)
