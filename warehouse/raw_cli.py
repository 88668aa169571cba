"""The commands over the raw archive: show an answer, verify all, compact, restore."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from warehouse import cited, compaction, journal, verification
from warehouse import restore as restoring
from warehouse.errors import BadInputError, DlpulseError, nearest
from warehouse.formats import Format, write_rows
from warehouse.raw import Archive, Response, members
from warehouse.rawfile import SCHEMA
from warehouse.rawparts import batches, run_of
from warehouse.settings import Settings

app = typer.Typer(no_args_is_help=True, add_completion=False, help="The raw archive: every answer as it came.")

_COMPACTED = ("source", "parts_before", "parts_after", "bytes_before", "bytes_after", "took_s")
Form = Annotated[Format, typer.Option("--format", help="How the rows are written.")]
Chosen = Annotated[list[str] | None, typer.Option("--source", help="Only this source; may be repeated.")]


@app.command()
def show(
    ctx: typer.Context,
    response_id: Annotated[str, typer.Argument(help="As in the column response_id of any fact table.")],
    headers: Annotated[bool, typer.Option("--headers", help="Tell the answer's other fields, on stderr.")] = False,
) -> None:
    """Print the body of an archived answer, byte for byte, or the line of a cited fact.

    Of an answer that only confirmed an earlier one, the earlier one's body is shown.
    """
    settings: Settings = ctx.obj
    settings.check_raw()
    sys.stdout.flush()
    sys.stdout.buffer.write(_body(Archive(settings.raw), response_id.strip(), headers))


def _body(archive: Archive, response_id: str, headers: bool) -> bytes:
    if response_id.startswith(cited.PREFIX):
        fact = cited.find(response_id)
        if fact is None:
            raise DlpulseError(
                f"no cited fact {response_id!r} in this version of dlpulse; meta_responses lists them all"
            )
        return fact.line.encode()
    response = archive.find(response_id)
    if response is None:
        raise DlpulseError(f"no answer {response_id!r} in {archive.root}{_near(archive, response_id)}")
    if headers:
        _tell(response)
    if not response.revalidates:
        return response.body
    print(f"{response_id} says that {response.revalidates} still stands, which is:", file=sys.stderr)
    confirmed = archive.find(response.revalidates)
    if confirmed is None:
        raise DlpulseError(f"{response_id} confirms {response.revalidates}, which is not in {archive.root}")
    if headers:
        _tell(confirmed)
    return confirmed.body


def _tell(response: Response) -> None:
    fields = {name: getattr(response, name) for name in SCHEMA.names if name != "body"}
    for name, value in {**fields, "params": dict(response.params), "bytes": len(response.body)}.items():
        print(f"{name}: {'' if value is None else value}", file=sys.stderr)


def _near(archive: Archive, response_id: str) -> str:
    """Say which answers the run has, or which run may have been meant."""
    runs: dict[str, Path] = {run: part for part in archive.parts() for run in members(part)}
    run_id = run_of(response_id)
    if run_id in runs:
        last = max(one for batch in batches(runs[run_id], run_id, run_id) for one in batch["response_id"].to_pylist())
        return f": that run's answers are {run_id}-00001 to {last}"
    close = difflib.get_close_matches(run_id, (run for run in runs if run[:6] == run_id[:6]), n=2)
    return f"; did you mean one of run {' or '.join(close)}?" if close else "; meta_responses lists them all"


@app.command()
def verify(
    ctx: typer.Context,
    chosen: Chosen = None,
    quarantine: Annotated[
        bool, typer.Option("--quarantine", help="Move damaged parts to HOME/quarantine, so that the rest builds.")
    ] = False,
    form: Form = Format.TABLE,
) -> None:
    """Check every archived body against its SHA-256, and what belongs together. Exit 1 when anything is wrong.

    All that is wrong is named on stderr: parts that cannot be read, bodies that changed, answers that are there twice
    or are missing, runs without notes, confirmations of answers that are not there. It changes nothing unless told.
    """
    settings: Settings = ctx.obj
    settings.check_raw()
    archive = Archive(settings.raw)
    sources = _sources(archive, chosen)
    with _progress("verify", sum(len(archive.parts(source)) for source in sources)) as advance:
        found = [verification.verify(archive, source, settings.clock(), advance) for source in sources]
    rows = [(one.source, one.answers, one.parts, one.bytes, len(one.faults)) for one in found]
    write_rows(("source", "answers", "parts", "bytes", "faults"), rows, form)
    faults = [fault for one in found for fault in one.faults]
    answers, parts, size = (sum(numbers) for numbers in zip((0, 0, 0), *(row[1:4] for row in rows), strict=True))
    wrong = f"{len(faults)} fault{'s' if len(faults) > 1 else ''}" if faults else "each with the recorded SHA-256"
    if not parts:
        _end([], f"{archive.root} holds no answers")
        return
    if quarantine:
        faults += _put_aside([part for one in found for part in one.damaged], archive, settings)
    _end(faults, f"{answers:,} answers in {parts:,} parts, {size:,} bytes: {wrong}")


def _put_aside(damaged: Sequence[Path], archive: Archive, settings: Settings) -> Iterator[str]:
    """Move the parts; yield a line for each, one for what stood in the way, and what to do before the next build."""
    part = None
    try:
        with compaction.alone(archive):
            for part in verification.put_aside(damaged, settings.home / "quarantine"):
                journal.note("quarantined", part=str(part))
                yield f"moved to {part}"
    except DlpulseError as error:
        yield str(error)
    if part and settings.database.exists():
        yield "copy the database before you build: `dlpulse raw restore COPY` gives back what no source tells again"


@app.command()
def compact(
    ctx: typer.Context,
    chosen: Chosen = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    form: Form = Format.TABLE,
) -> None:
    """Put the many small parts of each source into few large ones; no answer changes.

    The runs of a closed month go into one part, those of a closed year into another; this month's stay apart. Safe at
    any time: while others collect, build or read, and when it is killed. Exit 1 when a part is damaged; it is named
    and left as it is.
    """
    settings: Settings = ctx.obj
    settings.check_raw()
    archive = Archive(settings.raw)
    sources, now = _sources(archive, chosen), settings.clock()
    plans = {source: compaction.plan(archive, source, now) for source in sources}
    if dry_run or not sources:
        _write_compacted([_planned(archive, source, plans[source]) for source in sources], form)
        return
    done: list[compaction.Compacted] = []
    try:
        with compaction.alone(archive), _progress("compact", _taken(plans)) as advance:
            for source in sources:
                compacted = compaction.compact(archive, source, now, advance)
                done.append(compacted)
                journal.note("compacted", **vars(compacted))
    finally:  # what was done before the disk was full, or Ctrl-C
        if done:
            _write_compacted([[getattr(one, name) for name in _COMPACTED] for one in done], form)
    _end([fault for one in done for fault in one.faults], "")


@app.command()
def restore(
    ctx: typer.Context,
    database: Annotated[Path, typer.Argument(help="A database that dlpulse published, such as HOME/dlpulse.duckdb.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    form: Form = Format.TABLE,
) -> None:
    """Put back into the archive what a published database still tells of the answers that the archive lacks.

    The way back when the archive is lost: star counts and histories, downloads, questions and benchmarks, each as it
    was known then. The rest is asked again by collecting. What is there, or was restored before, is passed over.
    """
    settings: Settings = ctx.obj
    settings.check_raw()
    archive = Archive(settings.raw)
    found = restoring.plan(archive, database, settings.clock())
    if not dry_run and found.runs:
        with _progress("restore", len(found.runs)) as advance:
            restoring.write(archive, found.runs, advance)
        journal.note("restored", database=str(database), runs=len(found.runs), answers=found.answers)
    shown = [(one.what, one.rows, one.restored, one.asked_again) for one in found.kept]
    write_rows(("what", "rows", "restored", "asked again by"), shown, form)
    print(_restored(found, archive, dry_run=dry_run), file=sys.stderr)


def _restored(found: restoring.Restored, archive: Archive, *, dry_run: bool) -> str:
    if not found.runs:
        return f"nothing to restore: {archive.root} lacks nothing that the database still tells"
    done = "would be restored" if dry_run else "restored"
    runs = f"{len(found.runs):,} run{'' if len(found.runs) == 1 else 's'}"
    what = f"{found.answers:,} answers of {runs} {done} to {archive.root}"
    return what if dry_run else f"{what}; keep a copy of the database, collect, then `dlpulse build --even-if-smaller`"


def _write_compacted(rows: Sequence[Sequence[Any]], form: Format) -> None:
    """Write the rows; seconds for people as elsewhere (`0.3 s`), for programs as a number."""
    if form in (Format.TABLE, Format.MD):
        shown = [(*row, None if took is None else f"{took:.1f} s") for *row, took in rows]
        write_rows((*_COMPACTED[:-1], "took"), shown, form)
    else:
        write_rows(_COMPACTED, rows, form)


def _taken(plans: dict[str, list[compaction.Batch]]) -> int:
    return sum(len(batch.parts) for batches in plans.values() for batch in batches)


def _planned(archive: Archive, source: str, batches: Sequence[compaction.Batch]) -> tuple[object, ...]:
    before, size = compaction.measure(archive, source)
    return source, before, before - sum(len(batch.parts) - 1 for batch in batches), size, None, None


def _sources(archive: Archive, chosen: Sequence[str] | None) -> list[str]:
    known = archive.sources()
    for source in chosen or ():
        if source not in known:
            raise BadInputError(f"--source {source}: no such source in {archive.root}{nearest(source, known)}")
    return [source for source in known if not chosen or source in chosen]


@contextmanager
def _progress(what: str, total: int) -> Iterator[Callable[[object], None]]:
    """Show how many parts are done, on a terminal; yields what is to be called after each."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task(f"{what} (parts)", total=total)
        yield lambda _part: progress.advance(task)


def _end(faults: Sequence[str], told: str) -> None:
    for fault in faults:
        print(f"dlpulse: {fault}", file=sys.stderr)
    if told:
        print(told, file=sys.stderr)
    if faults:
        raise typer.Exit(1)
