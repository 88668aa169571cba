"""`dlpulse collect`: asks the sources and reports what came. Mounted by dlpulse.py; settings come as `ctx.obj`."""

from __future__ import annotations

import enum
import re
from datetime import date
from typing import Annotated, Any

import typer
from rich.console import Console

from collectors import sources as modules
from collectors.imports import KINDS
from collectors.reports import report, report_plans
from collectors.sources import SOURCES
from warehouse import registry as registries
from warehouse.errors import BadInputError, nearest
from warehouse.formats import Format
from warehouse.raw import Archive
from warehouse.schedule import due
from warehouse.settings import Settings

_DAY = re.compile(r"\d{4}-\d\d-\d\d")


class Step(enum.StrEnum):
    """How far apart the days are for which the ranking's past is asked."""

    DAY = "day"
    MONTH = "month"


def collect(
    ctx: typer.Context,
    sources: Annotated[
        list[str] | None, typer.Argument(metavar="SOURCE", help=f"{', '.join(SOURCES)}; all when none is named")
    ] = None,
    only_due: Annotated[bool, typer.Option("--due", help="Ask only what its schedule says (for cron)")] = False,
    framework: Annotated[list[str] | None, typer.Option(metavar="ID", help="Only this framework; repeatable")] = None,
    since: Annotated[str | None, typer.Option(metavar="DATE", help="Nothing before this day")] = None,
    until: Annotated[str | None, typer.Option(metavar="DATE", help="Nothing after this day")] = None,
    every: Annotated[
        Step, typer.Option(metavar="STEP", help="The step of the ranking's past: a file for each day or month")
    ] = Step.MONTH,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be asked, and ask nothing")] = False,
    form: Annotated[
        Format,
        typer.Option("--format", metavar="FORM", help=f"How the plan of --dry-run is written: {', '.join(Format)}"),
    ] = Format.TABLE,
) -> None:
    """Ask the sources and keep every answer in the raw archive.

    surveys and downloads fetch files of up to 200 MB. Exit 1 when any source failed; the rest is kept.
    """
    from collectors import runner

    settings: Settings = ctx.obj
    console = Console(stderr=True)
    registry = registries.load(settings)
    frameworks = registry.choose(framework)
    choice = {"frameworks": frameworks, "only_due": only_due, "every": every.value, **_days(since, until)}
    chosen = _choose(sources)
    if only_due:
        chosen = [source for source in chosen if due(Archive(settings.raw), source, settings.clock(), frameworks)]
    if dry_run:
        with runner.open_context(settings, registry, chosen, console=console, **choice) as context:
            report_plans([modules.plan(source, context) for source in chosen], form)
        return
    outcomes = runner.collect(settings, registry, chosen, console=console, **choice)
    if any(outcome.failed or outcome.stopped for outcome in outcomes):
        raise typer.Exit(1)


def import_files(
    ctx: typer.Context,
    kind: Annotated[str, typer.Argument(metavar="KIND", help=f"{', '.join(KINDS)}")],
    files: Annotated[list[str], typer.Argument(metavar="FILE", help="Files, plain, gzip or zip, or their addresses")],
) -> None:
    """Count what is in files that you have, or in those of an address. The files themselves are not kept.

    KIND is arxiv-snapshot for arxiv-metadata-oai-snapshot.json, gharchive for hour files as 2018-06-01-15.json.gz,
    or survey for answers of Stack Overflow or Kaggle, or the Parquet file of Papers with Code.

    For instance: dlpulse import survey ~/Downloads/kaggle-survey-2022.zip
    """
    from collectors import imports, runner

    settings: Settings = ctx.obj
    if kind not in KINDS:
        raise BadInputError(f"unknown kind {kind!r}{nearest(kind, KINDS)}")
    console = Console(stderr=True)
    with runner.open_context(settings, registries.load(settings), [KINDS[kind][0]], console=console) as context:
        outcome = imports.import_files(context, kind, files)
    report([outcome], console)
    if outcome.failed or outcome.stopped:
        raise typer.Exit(1)


def _choose(sources: list[str] | None) -> list[str]:
    for source in sources or ():
        if source not in SOURCES:
            raise BadInputError(f"unknown source {source!r}{nearest(source, SOURCES)}")
    return list(dict.fromkeys(sources or SOURCES))


def _days(since: str | None, until: str | None) -> dict[str, Any]:
    first, last = _day(since, "--since"), _day(until, "--until")
    if first and last and first > last:
        raise BadInputError(f"--since {first} is after --until {last}")
    return {"since": first, "until": last}


def _day(text: str | None, option: str) -> date | None:
    if text is None:
        return None
    try:
        if not _DAY.fullmatch(text):
            raise ValueError
        return date.fromisoformat(text)
    except ValueError:
        raise BadInputError(f"{option} {text!r} is not a day like 2018-06-01") from None
