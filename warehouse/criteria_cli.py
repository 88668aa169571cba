"""`dlpulse criteria`: the article's criteria for a first framework as evidence, and their sum under your weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from warehouse import criteria as catalogue
from warehouse.errors import BadInputError, nearest
from warehouse.formats import Format, write_rows
from warehouse.query import asking
from warehouse.settings import Settings

_HEADS = {
    "conciseness": "code,\nlines",
    "flexibility": "papers'\ncode",
    "popularity": "stars",
    "momentum": "gained,\n1 year",
    "resources": "questions",
    "speed": "images/s",
    "deployment": "downloads,\n30 days",
}
_UNKNOWN = "–"


def criteria(
    ctx: typer.Context,
    weight: Annotated[
        list[str] | None,
        typer.Option("--weight", metavar="NAME=N", help="How much a criterion weighs for you; may be repeated."),
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="How the rows are written.")] = Format.TABLE,
) -> None:
    """Lay out what the article of 2018 chose a first framework by, as evidence of today.

    dlpulse has no order of its own. With `--weight speed=3 --weight popularity=1` it adds up for you: of each criterion
    the value over the best one, weighed. `--format csv` tells each figure's day and circumstances.
    """
    settings: Settings = ctx.obj
    weights = _weights(weight or [])
    if weights and form is not Format.TABLE:
        raise BadInputError(f"--weight adds up in the table alone: leave it out with --format {form.value}")
    with asking(settings.database) as ask:
        rows = ask(catalogue.EVIDENCE)
    if form is Format.TABLE:
        _print(rows, weights)
    else:
        write_rows(catalogue.COLUMNS, [tuple(row[name] for name in catalogue.COLUMNS) for row in rows], form)


def _weights(given: Sequence[str]) -> dict[str, float]:
    """Return weight by criterion.

    Raises:
        BadInputError: for what is no criterion, no number, or below zero, and when all are zero.
    """
    weights: dict[str, float] = {}
    for text in given:
        name, _, number = text.partition("=")
        if name not in catalogue.ASKS:
            raise BadInputError(f"--weight {text}: unknown criterion {name!r}{nearest(name, catalogue.ASKS)}")
        try:
            weights[name] = float(number)
        except ValueError:
            weights[name] = -1.0
        if not 0 <= weights[name] < float("inf"):
            raise BadInputError(f"--weight {text}: expected a number from 0 on, as in {name}=2")
    if given and not sum(weights.values()):
        raise BadInputError("--weight: expected one criterion at least to weigh more than 0")
    return weights


def _print(rows: Sequence[Mapping[str, Any]], weights: Mapping[str, float]) -> None:
    """Print a line for each framework, in the order of the weights or, without any, of the names."""
    console = Console(highlight=False)
    told = {(row["framework_id"], row["criterion"]): _written(row) for row in rows}
    names = dict(sorted({row["framework_id"]: row["name"] for row in rows}.items(), key=lambda pair: pair[1].lower()))
    weighed = {one.framework_id: one for one in catalogue.weigh(rows, weights)} if weights and rows else {}
    table = Table(box=None, padding=(0, 0, 0, 1), pad_edge=False)
    table.add_column("")
    for head in _HEADS.values():
        table.add_column(head, justify="right", vertical="bottom")
    if weighed:
        table.add_column("yours", justify="right", vertical="bottom")
    for framework_id in weighed or names:
        cells = [told[framework_id, criterion] for criterion in _HEADS]
        table.add_row(names[framework_id], *cells, *([_score(weighed[framework_id])] if weighed else []))
    console.print(table)
    missing = any(one.missing for one in weighed.values())
    console.print(
        (f"{_UNKNOWN} under yours: something that weighs is not known. " if missing else "")
        + (
            "yours: of each criterion the value over the best one, weighed."
            if weighed
            else f"By name; weigh with --weight NAME=N: {', '.join(catalogue.ASKS)}."
        )
    )


def _written(row: Mapping[str, Any]) -> str:
    if row["value"] is None:
        return _UNKNOWN
    return f"{row['value']:.2%}" if row["unit"] == "share" else f"{row['value']:,.0f}"


def _score(one: catalogue.Weighed) -> str:
    return _UNKNOWN if one.score is None else f"{one.score:.2f}"
