"""`dlpulse claims`: what the article of 2018 said, decided by the published tables for any day."""

from __future__ import annotations

from datetime import date
from itertools import groupby
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from warehouse import claims as catalogue
from warehouse.errors import BadInputError
from warehouse.formats import Format, write_rows
from warehouse.query import asking
from warehouse.settings import Settings

TODAY = "today"
_LOOKS = {
    "reproduced": ("reproduced", "green"),
    "contradicted": ("contradicted", "red"),
    "not_reproducible": ("not reproducible", "dim"),
}
_NEWEST = """
select coalesce(
    max(fetched_at) filter (where not starts_with(response_id, 'cited:')),
    max(fetched_at)
)::date
from meta_responses
"""


def claims(
    ctx: typer.Context,
    on: Annotated[
        str, typer.Option("--on", metavar="DAY", help="YYYY-MM-DD, or `today` for the newest day in the database.")
    ] = str(catalogue.ARTICLE_DAY),
    form: Annotated[Format, typer.Option("--format", help="How the rows are written.")] = Format.TABLE,
) -> None:
    """Decide the claims of the article of 2018 for a day, from all that is known now.

    Every verdict comes from a query over the tables; `--format csv` prints it too.
    """
    settings: Settings = ctx.obj
    day = None if on == TODAY else _day(on)
    with asking(settings.database) as ask:
        rows = list(catalogue.judged(ask, day or ask(_NEWEST)[0].popitem()[1] or catalogue.ARTICLE_DAY))
    if form is Format.TABLE:
        _print(rows)
    else:
        write_rows(catalogue.COLUMNS, [tuple(row[name] for name in catalogue.COLUMNS) for row in rows], form)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadInputError(f"--on {text}: expected a day such as {catalogue.ARTICLE_DAY}, or {TODAY}") from None


def _print(rows: list[dict[str, Any]]) -> None:
    """Print each claim, and under it its parts with verdict, what was stated and measured, and why."""
    console = Console(highlight=False)
    rules = {claim.number: claim.holds for claim in catalogue.load()}
    counts = {verdict: sum(row["verdict"] == verdict for row in rows) for verdict in _LOOKS}
    for (number, claim), parts in groupby(rows, lambda row: (row["claim_id"].partition(".")[0], row["claim"])):
        console.print(Text(f"{number}. {claim}", "bold"))
        console.print(Padding(Text(f"Holds: {rules[int(number)]}", "dim"), (0, 0, 0, 3)))
        grid = Table.grid(padding=(0, 2, 0, 0))
        grid.add_column(no_wrap=True)
        grid.add_column(overflow="fold")
        for row in parts:
            words, style = _LOOKS[row["verdict"]]
            part = row["claim_id"].partition(".")[2]
            found = f"{part} (says: {row['stated_value']}): {row['measured_value'] or 'not known'}"
            grid.add_row(Text(words, style), Text(found))
            grid.add_row("", Text(str(row["reason"]), "dim"))
        console.print(Padding(grid, (0, 0, 1, 3)))
    day = rows[0]["valid_on"] if rows else ""
    told = ", ".join(f"{count} {_LOOKS[verdict][0]}" for verdict, count in counts.items())
    console.print(f"For {day}, parts: {told}. `dlpulse claims --format csv` has each verdict's SQL.")
