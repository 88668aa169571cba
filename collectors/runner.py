"""Runs collectors side by side: one failing source never stops another, the first Ctrl-C ends all of them cleanly."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from contextlib import contextmanager
from datetime import date
from types import FrameType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from collectors import sources as modules
from collectors.base import Busy, Context, Outcome, alone, fault_line
from collectors.reports import report, summary_line
from warehouse import journal
from warehouse.errors import DlpulseError
from warehouse.raw import Archive
from warehouse.registry import Framework, Registry
from warehouse.settings import Settings

_log = logging.getLogger(__name__)


def collect(
    settings: Settings,
    registry: Registry,
    sources: Sequence[str],
    *,
    console: Console,
    **choice: Any,
) -> list[Outcome]:
    """Ask the named sources at once, each in its thread; returns their outcomes in the given order.

    `choice` is as for `open_context`. Progress bars when `console` is a terminal, else one line per source; then a
    summary. Faults are in the outcomes: nothing is raised for them.
    """
    with open_context(settings, registry, sources, console=console, **choice) as context:
        with ThreadPoolExecutor(max_workers=max(1, len(sources))) as pool:
            running = [pool.submit(_collect_one, source, context) for source in sources]
            _wait(running)
        outcomes = [_outcome(source, future) for source, future in zip(sources, running, strict=True)]
    for outcome in outcomes:
        told = {name: value for name, value in vars(outcome).items() if value or name == "requests"}
        journal.note("failed" if outcome.failed else "stopped" if outcome.stopped else "collected", **told)
    report(outcomes, console)
    return outcomes


@contextmanager
def open_context(  # noqa: PLR0913
    settings: Settings,
    registry: Registry,
    sources: Sequence[str],
    *,
    frameworks: Sequence[Framework] | None = None,
    since: date | None = None,
    until: date | None = None,
    only_due: bool = False,
    every: str = "month",
    console: Console,
) -> Iterator[Context]:
    """Yield what a collection of the named sources is about; all frameworks when none are given."""
    columns = (TextColumn("{task.description:9}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    progress = Progress(*columns, console=console, disable=not console.is_terminal, transient=True)
    with progress, _stopping() as stop:
        yield Context(
            settings=settings,
            registry=registry,
            archive=Archive(settings.raw),
            frameworks=list(registry.choose(None) if frameworks is None else frameworks),
            since=since,
            until=until,
            progress=progress,
            stop=stop,
            sources=tuple(sources),
            only_due=only_due,
            every=every,
        )


def _collect_one(source: str, context: Context) -> Outcome:
    """Return the source's outcome; this is the one boundary where a source's failure becomes a line."""
    try:
        with alone(context.settings, source):
            outcome = modules.collect(source, context)
    except Busy as busy:
        outcome = Outcome(source, left=str(busy), busy=True)
    except (DlpulseError, OSError) as error:
        outcome = Outcome(source, failed=[fault_line(error)])
    if not context.progress.console.is_terminal:
        context.progress.console.print(summary_line(outcome), highlight=False, soft_wrap=True, markup=False)
    return outcome


def _outcome(source: str, finished: Future[Outcome]) -> Outcome:
    """Return a source's outcome, also when the collector itself is broken: then its traceback is for --debug."""
    error = finished.exception()
    if error is None:
        return finished.result()
    _log.debug("collector %s failed", source, exc_info=error)
    return Outcome(source, failed=[f"unexpected {type(error).__name__}: {error} (--debug shows where)"])


def _wait(running: Sequence[Future[Outcome]]) -> None:
    """Wait in short turns, so that a signal's handler gets its turn in the main thread."""
    while wait_for(running, timeout=0.2).not_done:
        pass


@contextmanager
def _stopping() -> Iterator[threading.Event]:
    """Yield an event that the first Ctrl-C or SIGTERM sets; a second one acts as it always does."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    previous = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def restore() -> None:
        for number, handler in previous.items():
            signal.signal(number, handler)

    def request_stop(_number: int, _frame: FrameType | None) -> None:
        stop.set()
        restore()

    for number in previous:
        signal.signal(number, request_stop)
    try:
        yield stop
    finally:
        restore()
