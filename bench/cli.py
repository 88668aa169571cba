"""The commands `dlpulse bench run | verify | show`."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as ProgressBar

from bench import results, runner, show
from bench.engines import missing
from bench.launch import TUNINGS
from bench.protocol import FULL, QUICK
from warehouse.errors import DlpulseError
from warehouse.raw import Archive
from warehouse.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Train the same small CNN in each framework on this device.")


class Format(StrEnum):
    """How results are printed."""

    table = "table"
    csv = "csv"
    json = "json"
    md = "md"


Engines = Annotated[list[str] | None, typer.Option("--engine", help="Only this engine; may be repeated.")]
Seed = Annotated[int, typer.Option(min=0, help="Of the initial weights and of the trials' order.")]
FormatOption = Annotated[Format, typer.Option("--format", help="How to print the results.")]


@app.command()
def run(
    ctx: typer.Context,
    quick: Annotated[bool, typer.Option("--quick", help="3 launches of each engine, within 90 seconds.")] = False,
    engine: Engines = None,
    tuning: Annotated[list[str] | None, typer.Option(help=f"{' or '.join(TUNINGS)}; may be repeated.")] = None,
    launches: Annotated[int | None, typer.Option(min=1, help="Processes per engine and tuning. [default: 8]")] = None,
    dataset: Annotated[str, typer.Option(help="digits (real, learns) or synthetic (throughput only).")] = "digits",
    seed: Seed = 0,
    form: FormatOption = Format.table,
) -> None:
    """Prove the networks identical, then time each in processes of its own, in random order."""
    settings: Settings = ctx.obj
    protocol = QUICK if quick else FULL
    protocol = replace(protocol, launches=launches or protocol.launches, tunings=tuple(tuning or protocol.tunings))
    with _Display() as display:
        summary = runner.run(
            settings,
            quick=quick,
            progress=display.show,
            engines=engine,
            dataset=dataset,
            seed=seed,
            protocol=protocol,
        )
    for note in summary.notes:
        print(note, file=sys.stderr)
    if summary.trials:
        show.render(results.read_run(Archive(settings.raw), summary.run_id), form, Console())
    if summary.failures:
        raise DlpulseError("; ".join(summary.failures))


@app.command()
def verify(engine: Engines = None, seed: Seed = 0) -> None:
    """Prove the engines' networks identical to the reference: logits, losses and weights in float64. Times nothing."""
    proofs = runner.verify(engine, seed=seed)
    for name, proof in proofs.items():
        figures = ", ".join(f"{what} {value:.1e}" for what, value in proof["figures"].items())
        print(f"{name}: {'proved' if proof['proved'] else 'NOT PROVED'} (largest differences: {figures})")
    faults = [f"{name}: {fault}" for name, proof in proofs.items() for fault in proof["faults"]]
    if faults:
        raise DlpulseError("; ".join(faults))


@app.command("show")
def show_command(
    ctx: typer.Context,
    run_id: Annotated[str | None, typer.Option("--run", help="A run's id. [default: the newest]")] = None,
    form: FormatOption = Format.table,
) -> None:
    """Print a run's results: medians and quartiles over launches, ratios, and the circumstances."""
    settings: Settings = ctx.obj
    show.render(results.read_run(Archive(settings.raw), run_id), form, Console())


def run_if_new(settings: Settings, console: Console) -> bool:
    """Benchmark this device quickly when it has no result yet; returns False when an engine failed.

    Where the libraries are missing, says in one line how to add them: that is no failure.
    """
    if runner.has_result(Archive(settings.raw), runner.this_device()):
        console.print("this device has results already; `dlpulse bench run` measures again")
        return True
    if lacking := missing():
        console.print(lacking, highlight=False, markup=False, soft_wrap=True)
        return True
    try:
        with _Display() as display:
            summary = runner.run(settings, quick=True, progress=display.show)
    except DlpulseError as error:  # the rest of `dlpulse run` goes on without it
        console.print(str(error), highlight=False, markup=False, soft_wrap=True)
        return False
    for line in (*summary.notes, *summary.failures):
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    return not summary.failures


class _Display:
    """Progress on stderr: a bar on a terminal, plain lines elsewhere."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._bar = ProgressBar(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
        )
        self._task = self._bar.add_task("bench", total=None)

    def __enter__(self) -> _Display:
        self._context: AbstractContextManager[object] = self._bar if self._console.is_terminal else nullcontext()
        self._context.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._context.__exit__(None, None, None)

    def show(self, done: int, planned: int, title: str) -> None:
        """Say what comes next; a `runner.Progress`."""
        if self._console.is_terminal:
            self._bar.update(self._task, completed=done, total=planned, description=title)
        else:
            print(f"bench {done}/{planned}: {title}", file=sys.stderr)
