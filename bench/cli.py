"""The commands `dlpulse bench run | verify | show | compare | engines | stacks`."""

from __future__ import annotations

import importlib.metadata
import sys
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bench import accelerators, progress, results, runner, show, stackcli
from bench.data import NAMES as DATASETS
from bench.engines import ENGINES, EngineSpec, absent, missing
from bench.job import Track
from bench.launch import TUNINGS
from bench.progress import Display
from bench.protocol import FULL, PRECISIONS, QUICK, STANDARD, TRACKS, Protocol
from bench.summary import Summary
from bench.wanted import BY_DEFAULT, Wanted
from warehouse.errors import BadInputError, DlpulseError, nearest
from warehouse.raw import Archive
from warehouse.settings import Settings

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Train the same small CNN in each framework on this device."
)
app.command("stacks")(stackcli.command)
STOPPED = 130


class Format(StrEnum):
    """How results are printed."""

    table = "table"
    csv = "csv"
    json = "json"
    md = "md"


Engines = Annotated[list[str] | None, typer.Option("--engine", metavar="NAME", help="Only this engine; repeatable.")]
Modes = Annotated[
    list[str] | None, typer.Option("--mode", metavar="NAME", help="Only this mode, or `all`; repeatable.")
]
Tracks = Annotated[
    list[str] | None, typer.Option("--track", metavar="NAME", help="default or matched; repeatable. Both unless told.")
]
Tunings = Annotated[
    list[str] | None,
    typer.Option("--tuning", metavar="NAME", help=f"{' or '.join(TUNINGS)}; repeatable. Both unless told."),
]
DeviceOption = Annotated[str, typer.Option("--device", metavar="KIND", help=f"auto, {', '.join(accelerators.KINDS)}.")]
Seed = Annotated[int, typer.Option(min=0, metavar="N", help="Of initial weights and of the order.")]
FormatOption = Annotated[Format, typer.Option("--format", metavar="FORM", help="table, csv, json or md.")]


@app.command()
def run(  # noqa: PLR0913, PLR0917 (as many parameters as options)
    ctx: typer.Context,
    quick: Annotated[bool, typer.Option("--quick", help="3 launches, default track, 90 seconds.")] = False,
    full: Annotated[bool, typer.Option("--full", help="Every engine, mode, batch size; learning.")] = False,
    budget: Annotated[
        float | None,
        typer.Option(min=1, metavar="MINUTES", help="At most this long and a launch; a first round anyway."),
    ] = None,
    engine: Engines = None,
    mode: Modes = None,
    track: Tracks = None,
    tuning: Tunings = None,
    batch_size: Annotated[
        list[int] | None, typer.Option(min=1, metavar="N", help="Images a step; repeatable, the main one first.")
    ] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Of every library; all cores (or the CPU quota) unless told.")
    ] = None,
    precision: Annotated[str, typer.Option(metavar="NAME", help=f"{' or '.join(PRECISIONS)}.")] = PRECISIONS[0],
    dataset: Annotated[str, typer.Option(metavar="NAME", help=f"{', '.join(DATASETS)}.")] = DATASETS[0],
    device: DeviceOption = accelerators.AUTO,
    launches: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Processes of each contestant; 8 unless told.")
    ] = None,
    learning: Annotated[
        int | None, typer.Option(min=0, metavar="SEEDS", help="Whole epochs too, so many seeds; --full: 10.")
    ] = None,
    seed: Seed = 0,
    matrix: Annotated[Path | None, typer.Option(metavar="FILE", help="Library versions to measure (TOML).")] = None,
    yes_large: Annotated[bool, typer.Option("--yes-large", help="Install also stacks of gigabytes.")] = False,
    resumed: Annotated[
        str | None, typer.Option("--resume", metavar="RUN", help="Go on with a run; `last`: the newest.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done; do nothing.")] = False,
    form: FormatOption = Format.table,
) -> None:
    """Prove the networks identical, then time each in processes of its own.

    Without --quick or --full: keras-tensorflow and pytorch in their first mode.
    """
    settings: Settings = ctx.obj
    if resumed is not None:
        _alone_with(ctx, "resumed", "form", "dry_run")
        _do(settings, runner.again(settings, resumed), form, dry_run)
        return
    standard = _protocol(quick, full, budget)
    wanted = Wanted(
        protocol=replace(
            standard,
            launches=launches or standard.launches,
            tracks=_tracks(track) or standard.tracks,
            tunings=tuple(tuning or standard.tunings),
            batch_sizes=tuple(dict.fromkeys(batch_size or standard.batch_sizes)),
            learning_seeds=standard.learning_seeds if learning is None else learning,
        ),
        engines=tuple(engine) if engine else None if full or matrix else BY_DEFAULT,
        modes=_modes(mode, full),
        dataset=dataset,
        seed=seed,
        threads=threads,
        precision=precision,
        device=device,
        matrix=matrix,
        agree=(lambda _: True) if yes_large else _agree,
    )
    _do(settings, runner.prepare(settings, wanted, say=None if dry_run else _say), form, dry_run)


def _do(settings: Settings, ready: runner.Ready, form: Format, dry_run: bool) -> None:
    """Say what is to be done and how long it takes, then do it and print what came out."""
    done = ready.past.trials if ready.past else set()
    for line in progress.told(ready.plan, [trial for trial in ready.plan.trials if trial not in done]):
        _say(line)
    if dry_run:
        return
    with Display() as display:
        summary = runner.run(settings, ready, progress=display.show)
    _report(settings, summary, form)


@app.command()
def verify(
    engine: Engines = None,
    mode: Modes = None,
    track: Tracks = None,
    tuning: Tunings = None,
    device: DeviceOption = accelerators.AUTO,
    seed: Seed = 0,
) -> None:
    """Prove the engines' networks identical to the numpy reference; times nothing.

    All installed engines in all their modes, unless told otherwise.
    """
    from bench import proofs

    protocol = replace(QUICK, tracks=_tracks(track) or TRACKS, tunings=tuple(tuning or QUICK.tunings))
    modes = _modes(mode, every=mode is None)
    wanted = Wanted(protocol, tuple(engine) if engine else None, modes, seed=seed, device=device)
    answers = []
    for proving, answer in runner.verify(wanted):
        state = "proved" if answer.get("proved") else "NOT PROVED"
        _say(f"{proving.engine} {proving.mode}, {proving.track}, {proving.tuning}: {state}")
        answers.append(answer)
    Console().print(proofs.table(answers))
    if faults := proofs.faults(answers):
        raise DlpulseError("; ".join(faults))


@app.command("show")
def show_command(
    ctx: typer.Context,
    run_id: Annotated[str | None, typer.Argument(metavar="[RUN]", help="A run's id; the newest unless told.")] = None,
    form: FormatOption = Format.table,
) -> None:
    """Print a run's results and their circumstances."""
    settings: Settings = ctx.obj
    show.render(results.read_run(Archive(settings.raw), run_id), form, Console())


@app.command()
def compare(
    ctx: typer.Context,
    a: Annotated[str, typer.Argument(help="A run, a device, or a version: tensorflow=2.20.0.")],
    b: Annotated[str, typer.Argument(help="What it is compared with, likewise.")],
    form: FormatOption = Format.table,
) -> None:
    """Compare two runs, devices or library versions, configuration by configuration."""
    from bench.comparison import compare as compared
    from bench.comparison import render

    settings: Settings = ctx.obj
    render(compared(Archive(settings.raw), a, b), form, Console())


@app.command()
def engines() -> None:
    """List the engines, their modes, and what is installed or how to add it."""
    table = Table(box=None, pad_edge=False)
    for heading in ("engine", "framework", "modes", "installed"):
        table.add_column(heading, overflow="fold")
    for spec in ENGINES.values():
        modes = "\n".join(f"{mode}: {what}" for mode, what in spec.modes.items())
        table.add_row(spec.name, spec.framework_id, modes, escape(_installed(spec)))
    Console().print(table)


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
        ready = runner.prepare(settings, Wanted(QUICK))
        with Display() as display:
            summary = runner.run(settings, ready, progress=display.show)
    except DlpulseError as error:  # the rest of `dlpulse run` goes on without it
        console.print(str(error), highlight=False, markup=False, soft_wrap=True)
        return False
    for line in (*summary.notes, *summary.failures):
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    if summary.stopped:
        raise KeyboardInterrupt
    return not summary.failures


def _report(settings: Settings, summary: Summary, form: str) -> None:
    """Print the results and what went wrong; a stopped run ends with the line that resumes it."""
    for note in summary.notes:
        _say(note)
    if summary.trials:
        show.render(results.read_run(Archive(settings.raw), summary.run_id), form, Console())
    if summary.stopped:
        _say(f"{summary.left} trials left; go on with: dlpulse bench run --resume {summary.run_id}")
        for failure in summary.failures:
            _say(failure)
        raise typer.Exit(STOPPED)
    if summary.failures:
        raise DlpulseError("; ".join(summary.failures))


def _protocol(quick: bool, full: bool, budget: float | None) -> Protocol:
    if sum((quick, full, quick and budget is not None)) > 1:
        raise BadInputError("--quick excludes --full and --budget: it has a budget of its own")
    protocol = QUICK if quick else FULL if full else STANDARD
    return protocol if budget is None else protocol.within(budget * 60)


def _modes(modes: list[str] | None, every: bool) -> tuple[str, ...] | None:
    """Return the chosen modes, None for all of them, none at all for each engine's first."""
    chosen = tuple(modes or ())
    return None if "all" in chosen or (every and not chosen) else chosen


def _tracks(tracks: list[str] | None) -> tuple[Track, ...]:
    for track in tracks or ():
        if track not in TRACKS:
            raise BadInputError(f"--track {track}: there is no such track{nearest(track, TRACKS)}")
    return tuple(track for track in TRACKS if track in (tracks or ()))


def _alone_with(ctx: typer.Context, *allowed: str) -> None:
    """Refuse options that a resumed run cannot heed."""
    for parameter in ctx.command.params:
        source = ctx.get_parameter_source(parameter.name or "")
        if source and source.name == "COMMANDLINE" and parameter.name not in allowed:
            raise BadInputError(f"{parameter.opts[0]} cannot go with --resume, which does what its run had planned")


def _installed(spec: EngineSpec) -> str:
    """Return the versions that are there, or the command that adds them."""
    if absent(spec):
        return f"no: pip install 'dlpulse[{spec.extra}]'"
    found = []
    for package in spec.packages:
        try:
            found.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return ", ".join(found)


def _agree(question: str) -> bool:
    """Ask on a terminal; elsewhere there is nobody to ask."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    _say(f"{question} [y/N]")  # typer.confirm would write to stdout, where results go
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def _say(line: str) -> None:
    print(line, file=sys.stderr)
