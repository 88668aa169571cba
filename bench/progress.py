"""How far a run is: what each launch takes, the remaining time, and its display on stderr."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.progress import Progress as ProgressBar

from bench.job import ASIDE
from bench.protocol import Contestant, Plan, Planned, Protocol

START_S = 7.0
"""A guess, used until the first launch of an engine has ended: import, build, first step and the accuracy check."""
PROOF_S = 15.0
BOUNDS_S = 20.0
_COMPILING_S = {"pytorch": 20.0}
"""For each shape and phase of a compiled mode; XLA takes about a second."""
_EPOCH_S = 1.0
_EPOCHS = 10


@dataclass(frozen=True)
class Step:
    """Where a run is: steps done and planned, what comes next, seconds gone and to come."""

    done: int
    planned: int
    title: str
    elapsed_s: float
    remaining_s: float


Progress = Callable[[Step], None]


_Work = tuple[Contestant, int]
"""A contestant, and at how many batch sizes it is measured."""


class Pace:
    """What each contestant's launches took so far, in seconds, and what the next one is expected to take."""

    def __init__(self, protocol: Protocol) -> None:
        self._protocol = protocol
        self._seconds: dict[_Work, list[float]] = {}

    def add(self, trial: Planned, seconds: float) -> None:
        """Note what a launch took."""
        self._seconds.setdefault(self._work(trial), []).append(seconds)

    def expected(self, trial: Planned) -> float:
        """Return the median of its contestant's launches with as many batch sizes so far, else of its engine's alike.

        Else a guess, but no more than what its launches with more batch sizes took.
        """
        work = self._work(trial)
        like = [taken for one, taken in self._seconds.items() if _alike(one, work)]
        taken = self._seconds.get(work) or [second for each in like for second in each]
        if taken:
            return statistics.median(taken)
        longer = [
            statistics.median(taken)
            for (one, sizes), taken in self._seconds.items()
            if one == work[0] and sizes > work[1]
        ]
        return min([self._guess(*work), *longer])

    def total(self, trials: Iterable[Planned]) -> float:
        """Return the seconds that these launches are expected to take."""
        return sum(self.expected(one) for one in trials)

    def _work(self, trial: Planned) -> _Work:
        return trial.contestant, len(trial.batch_sizes(self._protocol))

    def _guess(self, contestant: Contestant, sizes: int) -> float:
        protocol = self._protocol
        if contestant.kind == "learning":
            return START_S + _EPOCHS * _EPOCH_S
        shapes = 2 * sizes
        compiling = _COMPILING_S.get(contestant.engine, 1.0) * shapes if contestant.mode == "compiled" else 0.0
        # Of training and inference; half as much again goes by while a block's length is found.
        blocks = 2 * 1.5 * protocol.blocks * (1 + ASIDE * (sizes - 1))
        return START_S + compiling + (blocks + 2) * protocol.block_s


def _alike(one: _Work, other: _Work) -> bool:
    (a, a_sizes), (b, b_sizes) = one, other
    return (a.engine, a.mode, a.track, a.kind, a_sizes) == (b.engine, b.mode, b.track, b.kind, b_sizes)


def words(seconds: float) -> str:
    """Return a duration for a person: `45 s`, `12 min`, `3 h 20 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


def silent(step: Step) -> None:
    """Show nothing."""


class Display:
    """Progress on stderr: a bar on a terminal, plain lines elsewhere."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._bar = ProgressBar(
            MofNCompleteColumn(),
            BarColumn(bar_width=20),
            TextColumn("{task.fields[time]}"),
            TextColumn("{task.description}"),
            console=self._console,
            transient=True,
            # A thread that draws ten times a second would take its time from what is timed.
            auto_refresh=False,
        )
        self._task = self._bar.add_task("bench", total=None, time="")

    def __enter__(self) -> Display:
        self._context: AbstractContextManager[object] = self._bar if self._console.is_terminal else nullcontext()
        self._context.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._context.__exit__(None, None, None)

    def show(self, step: Step) -> None:
        """Say what comes next and how long it will take; a `Progress`."""
        time = f"{words(step.elapsed_s)}, {words(step.remaining_s)} to go"
        if self._console.is_terminal:
            self._bar.update(self._task, completed=step.done, total=step.planned, description=step.title, time=time)
            self._bar.refresh()
        else:
            print(f"bench {step.done}/{step.planned} ({time}): {step.title}", file=sys.stderr)


def told(plan: Plan, trials: Iterable[Planned] | None = None) -> list[str]:
    """Say what a run will do and how long it is expected to take, in a few lines; `trials` are those still to do."""
    protocol, conditions = plan.protocol, plan.conditions
    left = plan.trials if trials is None else list(trials)
    contestants = [trial.contestant for trial in left]
    names = dict.fromkeys(f"{one.engine} {one.mode}{f' [{one.stack}]' if one.stack else ''}" for one in contestants)
    sizes = ", ".join(map(str, protocol.batch_sizes))
    if protocol.aside_launches is not None and len(protocol.batch_sizes) > 1:
        sizes += f" (all in {protocol.aside_launches} launches, then the first alone)"
    learning = sum(one.kind == "learning" for one in contestants)
    seconds = Pace(protocol).total(left) + PROOF_S * len(plan.proofs) / 2 + BOUNDS_S
    expected = f"about {words(seconds)}"
    if protocol.budget_s is not None:
        more = "; the rest of it goes where the intervals are widest" if protocol.fill else ""
        expected += f", {words(protocol.budget_s)} at most: what does not fit is left out{more}"
    return [
        f"engines: {', '.join(names) or 'none'}",
        f"tracks: {_each(one.track for one in contestants)}; tunings: {_each(one.tuning for one in contestants)}; "
        f"batch sizes: {sizes}; data: {conditions.dataset}, {conditions.precision}; device: {conditions.device}; "
        f"threads: {conditions.threads}",
        f"{len(left) - learning} launches, the A/A controls' among them, and {learning} learning trials: {expected}",
    ]


def _each(texts: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(sorted(texts)))
