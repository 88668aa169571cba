"""`dlpulse status`: mounted by dlpulse.py; settings come as `ctx.obj`."""

from __future__ import annotations

import dataclasses
import json
import sys
from datetime import datetime
from typing import Annotated

import typer

from warehouse import outputs, registry
from warehouse.formats import Format, write_rows
from warehouse.settings import Settings
from warehouse.status import SourceStatus, Status, read_all

_COLUMNS = ("source", "state", "last success", "next due", "covered", "left", "budget", "last error")


def status(
    ctx: typer.Context,
    form: Annotated[Format, typer.Option("--format", help="How the rows are written.")] = Format.TABLE,
) -> None:
    """Say how fresh and how complete each source is, what failed last, and how much room is left.

    Exit 1 when a source is stale, a build is overdue, or the disk is nearly full.
    """
    settings: Settings = ctx.obj
    settings.check_raw()
    told = read_all(settings, registry.load(settings))
    try:
        _print(told, form)
    except (BrokenPipeError, SystemExit) as error:  # rich makes a SystemExit of it
        if not isinstance(error, BrokenPipeError) and not isinstance(error.__context__, BrokenPipeError):
            raise
        outputs.drop(1)  # nobody reads it to the end; how things are stands in the exit code
    if told.database is None:
        print(f"there is no database at {settings.database} yet; `dlpulse build` makes it", file=sys.stderr)
    elif told.overdue:
        print("runs of two days ago are not in the database: did `dlpulse build` fail?", file=sys.stderr)
    if told.disk.low:
        print(f"the disk is nearly full: a build needs {_mib(told.disk.needed)}", file=sys.stderr)
    if not told.well:
        raise typer.Exit(1)


def _print(told: Status, form: Format) -> None:
    if form is Format.JSON:
        print(json.dumps(_as_json(told), indent=2, default=_instant))
    elif form is Format.TABLE:
        _print_table(told)
    else:
        write_rows(_COLUMNS, [_cells(source) for source in told.sources], form)


def _print_table(told: Status) -> None:
    # Fewer columns, for which a terminal has the room.
    columns = (*_COLUMNS[:-3], "left, budget or last error")
    rows = []
    for *cells, left, budget, error in map(_cells, told.sources):
        rows.append((*cells, "; ".join(filter(None, (left, budget, error and f"error: {error}")))))
    write_rows(columns, rows, Format.TABLE, fold=True)
    if told.database:
        print(f"database: published {_minute(told.database.at)}, {_mib(told.database.bytes)}")
    print(f"disk: raw archive {_mib(told.disk.raw)}, parsed {_mib(told.disk.parsed)}, free {_mib(told.disk.free)}")


def _cells(source: SourceStatus) -> tuple[str, ...]:
    return (
        source.source,
        "stale" if source.stale else "fresh",
        _minute(source.last_success),
        _minute(source.next_due) if source.next_due else "now",
        f"{source.covered.known} of {source.covered.of}" if source.covered else "",
        source.left,
        source.budget,
        source.last_error or "",
    )


def _as_json(told: Status) -> dict[str, object]:
    disk = dataclasses.asdict(told.disk)
    return {**dataclasses.asdict(told), "disk": {**disk, "low": told.disk.low}, "well": told.well}


def _instant(value: datetime) -> str:
    return f"{value:%Y-%m-%dT%H:%M:%SZ}"


def _minute(instant: datetime | None) -> str:
    return f"{instant:%Y-%m-%d %H:%M}" if instant else "never"


def _mib(size: int) -> str:
    return f"{size / 2**20:,.1f} MiB" if size < 2**30 else f"{size / 2**30:,.1f} GiB"
