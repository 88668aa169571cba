"""`dlpulse collect`: asks the sources and reports what came. Mounted by dlpulse.py; settings come as `ctx.obj`."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer
from rich.console import Console

from collectors.sources import SOURCES
from warehouse import registry as registries
from warehouse.errors import BadInputError, nearest
from warehouse.raw import Archive
from warehouse.schedule import INTERVALS, due
from warehouse.settings import Settings


def collect(
    ctx: typer.Context,
    sources: Annotated[
        list[str] | None, typer.Argument(metavar="[SOURCE]...", help=f"{', '.join(SOURCES)}; all when none is named")
    ] = None,
    only_due: Annotated[bool, typer.Option("--due", help="Ask only what its schedule says (for cron)")] = False,
    framework: Annotated[list[str] | None, typer.Option(metavar="ID", help="Only this framework; repeatable")] = None,
    since: Annotated[str | None, typer.Option(metavar="DATE", help="No papers before this day")] = None,
    until: Annotated[str | None, typer.Option(metavar="DATE", help="No papers after this day")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be asked, and ask nothing")] = False,
) -> None:
    """Ask the sources and keep every answer in the raw archive. Exit 1 when any source failed; the rest is kept."""
    from collectors.runner import collect as run

    settings: Settings = ctx.obj
    console = Console(stderr=True)
    registry = registries.load(settings)
    frameworks = registry.choose(framework)
    first, last = _day(since, "--since"), _day(until, "--until")
    if first and last and first > last:
        raise BadInputError(f"--since {first} is after --until {last}")
    chosen = _choose(sources)
    if only_due:
        chosen = [source for source in chosen if due(Archive(settings.raw), source, settings.clock(), frameworks)]
    if dry_run:
        for source in chosen:
            names = ", ".join(entry.id for entry in frameworks)
            typer.echo(f"{source}: would ask about {names} (every {INTERVALS[source].days} days by schedule)")
        return
    if not chosen:
        return
    outcomes = run(settings, registry, chosen, frameworks=frameworks, since=first, until=last, console=console)
    if any(outcome.failed or outcome.stopped for outcome in outcomes):
        raise typer.Exit(1)


def _choose(sources: list[str] | None) -> list[str]:
    for source in sources or ():
        if source not in SOURCES:
            raise BadInputError(f"unknown source {source!r}{nearest(source, SOURCES)}")
    return list(dict.fromkeys(sources or SOURCES))


def _day(text: str | None, option: str) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadInputError(f"{option} {text!r} is not a day like 2018-06-01") from None
