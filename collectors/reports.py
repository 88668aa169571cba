"""What `dlpulse collect` tells people: a line per source, the summary, the plan of --dry-run."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from collectors.base import Outcome, Plan
from collectors.wording import amount
from warehouse.formats import Format, write_rows


def summary_line(outcome: Outcome) -> str:
    """Say in one line what came of a source."""
    if not_reached(outcome):
        return f"{outcome.source}: not reached; left: {outcome.left}"
    states = {"failed": outcome.failed, "stopped": outcome.stopped, "not asked": outcome.busy}
    state = next((state for state, holds in states.items() if holds), "done")
    answers = f"{amount(outcome.requests, ('request', 'requests'))}, {amount(outcome.rows, ('row', 'rows'))}"
    line = f"{outcome.source}: {state}, {answers}, {outcome.new:,} new"
    if outcome.left:
        line += f"; left: {outcome.left}"
    if outcome.retry_at:
        line += f"; come back after {outcome.retry_at:%Y-%m-%d %H:%M} UTC"
    return line


def not_reached(outcome: Outcome) -> bool:
    """Whether no host of the source answered at all."""
    return not outcome.reached and not outcome.requests and not outcome.stopped


def report(outcomes: Sequence[Outcome], console: Console) -> None:
    """Print the summary table, one line per fault and per thing noticed, and that nothing is lost by stopping.

    Sources that were not reached have their lines alone: they would fill the table with zeros.
    """
    table = Table("source", "requests", "rows", "new", "failed", "left", "took", box=None, pad_edge=False)
    for outcome in (one for one in outcomes if not not_reached(one)):
        left = outcome.left + (f" (after {outcome.retry_at:%Y-%m-%d %H:%M} UTC)" if outcome.retry_at else "")
        counts = (f"{number:,}" for number in (outcome.requests, outcome.rows, outcome.new, len(outcome.failed)))
        table.add_row(outcome.source, *counts, left or "nothing", f"{outcome.took_s:.1f} s")
    if table.rows:
        console.print(table)
    for outcome in outcomes:
        for lines, style in ((outcome.failed, "red"), (outcome.noticed, "yellow")):
            for line in lines:
                console.print(f"{outcome.source}: {line}", style=style, highlight=False, soft_wrap=True, markup=False)
    if any(outcome.stopped for outcome in outcomes):
        console.print("stopped; what was collected is kept")


def report_plans(plans: Sequence[Plan], form: Format) -> None:
    """Write to standard output what each source would ask now, how long that takes, and what stays for another time."""
    columns = ("source", "calls", "takes about", "budget", "left for next time")
    rows = [
        (
            plan.source,
            plan.calls,
            _duration(plan.seconds) if form is Format.TABLE else round(plan.seconds, 1),
            plan.budget,
            plan.left,
        )
        for plan in plans
    ]
    write_rows(columns, rows, form)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5_400 else f"{seconds / 3_600:.1f} h"
