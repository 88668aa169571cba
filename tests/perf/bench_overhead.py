"""What the harness itself costs: its training trials against bare loops of the same engines. No more than 1 % is due.

PyTorch: the matched track's eager trial against the plain loop. Keras: the default track's trial against `model.fit`.
CPU time is what counts, since others disturb it least; a launch is one value. Both tunings are told. Two tables:

In one process, the harness's block and the bare loop take turns on the same model, optimiser and batches. Where memory
lies is then the same for both, and the ratio is what the harness's timed call adds to the loop. What it did before
(model, layout, settings) both share: only the second table compares that.

In processes of their own, each launch has the same environment, processors, network and data; ours and the bare one
alternate in random order. Two processes differ in more than the harness. In the stock tuning PyTorch's launches had 0
to 112 page faults an image and 168 to 373 µs, the one with the other, so 1 % cannot be told there. In the tuned one,
without faults, its trial came out 2 to 4 % cheaper than the bare loop, which no harness can be (equal initial weights,
a longer warm-up and inference before the timed part do not explain it); the last column then says "unlike work".
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench import data
from bench.default_track import epoch_images
from bench.engines import ENGINES, choose
from bench.job import Job, Track
from bench.launch import TUNINGS, Worker, environment
from bench.trial import learning_epochs
from warehouse.errors import DlpulseError
from warehouse.statistics import Ratio, compare, median_interval

ROUNDS = 10
DUE = 1.01
TRACKS: dict[str, Track] = {"pytorch": "matched", "keras-tensorflow": "default"}
BARE = Path(__file__).with_name("bare_loops.py")
PAIRED = Path(__file__).with_name("paired_loops.py")
PAIRS = 8
SIZE, BLOCKS, BLOCK_S = 128, 4, 0.5
_TIMEOUT_S = 600.0


@dataclass
class Spent:
    """Microseconds an image of each launch, and page faults, which stock glibc deals to a process by chance."""

    cpu: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)
    faults: list[float] = field(default_factory=list)

    def add(self, images: int, cpu_s: float, wall_s: float, page_faults: int) -> None:
        """Add one launch."""
        self.cpu.append(1e6 * cpu_s / images)
        self.wall.append(1e6 * wall_s / images)
        self.faults.append(page_faults / images)


@dataclass(frozen=True)
class Pair:
    """One engine's two programs: how each is launched, on how many threads, with the data in `folder`."""

    engine: str
    tuning: str
    threads: int
    folder: Path
    train_images: int

    def ours(self) -> list[dict[str, Any]]:
        """Launch the trial; return its timed blocks."""
        spec = ENGINES[self.engine]
        where = TRACKS[self.engine], self.tuning, self.threads
        job = Job(self.engine, spec.mode, *where, seed=0, batch_sizes=(SIZE,), blocks=BLOCKS, block_s=BLOCK_S)
        blocks: list[dict[str, Any]] = self._launch({"kind": "trial", "job": asdict(job)}, ())["training_blocks"]
        return blocks

    def bare(self, calls: int) -> dict[str, Any]:
        """Launch the bare loop for blocks of so many steps; return its images and seconds."""
        whole = self.train_images // SIZE * SIZE
        warm = {"warm": learning_epochs(SIZE, whole), "epoch_images": epoch_images(SIZE)}
        asked = {"engine": self.engine, "threads": self.threads, "size": SIZE, "calls": calls, "blocks": BLOCKS, **warm}
        return self._launch(asked, (sys.executable, "-I", str(BARE)))

    def both(self, calls: int, seed: int) -> dict[str, dict[str, float]]:
        """Launch the two in one process, in turns of `calls` steps; return the seconds of each by clock."""
        spec = ENGINES[self.engine]
        job = Job(self.engine, spec.mode, TRACKS[self.engine], self.tuning, self.threads, 0, batch_sizes=(SIZE,))
        asked = {"job": asdict(job), "threads": self.threads, "calls": calls, "pairs": PAIRS, "seed": seed}
        return self._launch(asked, (sys.executable, "-I", str(PAIRED)))

    def _launch(self, request: dict[str, Any], argv: Sequence[str]) -> dict[str, Any]:
        variables = environment(ENGINES[self.engine], self.tuning, self.folder, os.environ)
        told = {**request, "data": str(self.folder / "data.npz")}
        with Worker(self.engine, told, self.folder, variables, argv) as worker:
            return worker.result(_TIMEOUT_S)


def measure(pair: Pair, rounds: int, chance: random.Random) -> tuple[Spent, Spent]:
    """Return what ours and the bare loop spent, after one launch of each that counts for nothing."""
    ours, bare = Spent(), Spent()
    # The trial finds for itself how many steps make a block: the bare loop does as many as the first one found.
    calls = pair.ours()[0]["calls"]
    pair.bare(calls)
    for _ in range(rounds):
        for spent in chance.sample((ours, bare), 2):
            if spent is bare:
                spent.add(**pair.bare(calls))
            else:
                blocks = pair.ours()
                sums = {name: sum(block[name] for block in blocks) for name in ("cpu_s", "wall_s", "page_faults")}
                spent.add(SIZE * sum(block["calls"] for block in blocks), **sums)
    return ours, bare


def measure_paired(pair: Pair, rounds: int) -> dict[str, list[float]]:
    """Return ours over bare of each launch in which the two take turns, by clock."""
    calls = pair.ours()[0]["calls"]
    launches = [pair.both(calls, seed) for seed in range(rounds)]
    return {clock: [one["ours"][clock] / one["bare"][clock] for one in launches] for clock in ("cpu_s", "wall_s")}


def add_paired_rows(table: Table, name: str, ratios: dict[str, list[float]]) -> None:
    """Add a row for each clock: the launches' median ratio, its bootstrap interval, their range."""
    for clock, found in ratios.items():
        low, high = median_interval(found) or (min(found), max(found))
        verdict = "yes" if high <= DUE else "no" if low > DUE else "not resolved"
        table.add_row(
            f"{name}, {clock.removesuffix('_s')}",
            f"{statistics.median(found):.4f}",
            f"{low:.4f} to {high:.4f}",
            f"{min(found):.4f} to {max(found):.4f}",
            verdict if clock == "cpu_s" else "",
        )


def add_rows(table: Table, name: str, ours: Spent, bare: Spent) -> None:
    """Add a row for each clock: both medians, the ratio of medians, its interval or range, that of the rounds."""
    for clock in ("cpu", "wall"):
        mine, rival = getattr(ours, clock), getattr(bare, clock)
        found = compare(mine, rival)
        rounds = [one / other for one, other in zip(mine, rival, strict=True)]
        table.add_row(
            f"{name}, {clock}",
            f"{statistics.median(mine):.2f}",
            f"{statistics.median(rival):.2f}",
            f"{found.ratio:.4f}",
            f"{found.low:.4f} to {found.high:.4f}",
            f"{min(rounds):.3f} to {max(rounds):.3f}",
            " / ".join(f"{statistics.median(spent.faults):.1f}" for spent in (ours, bare)) if clock == "cpu" else "",
            _verdict(found) if clock == "cpu" else "",
        )


def _verdict(found: Ratio) -> str:
    """Say whether the trial takes no more than is due; where it takes less than the bare loop, they are not alike."""
    if found.high < 1:
        return "unlike work"
    if found.high <= DUE:
        return "yes"
    return "no" if found.low > DUE else "not resolved"


def main(arguments: Sequence[str] = ()) -> None:
    """Print for each installed engine how many times a bare loop's CPU and wall time its trial takes."""
    parser = argparse.ArgumentParser(prog="python -m tests.perf.bench_overhead", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"launches of each program; {ROUNDS} unless told")
    # One thread: spinning threads of a second core would count as CPU time of either program by chance.
    parser.add_argument("--threads", type=int, default=1, help="of every library; 1 unless told")
    parser.add_argument("--engine", choices=TRACKS, action="append", help="only this one; repeatable")
    parser.add_argument("--tuning", choices=TUNINGS, action="append", help="only this one; repeatable")
    given = parser.parse_args(arguments)
    title = f"a trial against a bare loop, {given.rounds} launches each in random order, {given.threads} threads"
    columns = ("µs an image", "trial", "bare", "trial / bare", "95 % interval*", "rounds", "faults", "within 1 %")
    table = Table(*columns, title=title)
    paired = Table(
        *("trial's block / bare loop", "median", "95 % interval*", "launches", "within 1 %"),
        title=f"in one process, {PAIRS} turns each in random order, {given.rounds} launches, {given.threads} threads",
    )
    with tempfile.TemporaryDirectory() as folder:
        loaded = data.load("digits")
        loaded.save(Path(folder) / "data.npz")
        for engine in given.engine or TRACKS:
            try:
                choose([engine])
            except DlpulseError as error:
                table.add_row(engine, str(error))
                continue
            for tuning in given.tuning or TUNINGS:
                pair = Pair(engine, tuning, given.threads, Path(folder), len(loaded.train_labels))
                add_paired_rows(paired, f"{engine}, {tuning}", measure_paired(pair, given.rounds))
                add_rows(table, f"{engine}, {tuning}", *measure(pair, given.rounds, random.Random(engine)))
    note = "* below 8 rounds the range of all launches; faults: page faults an image, of both"
    Console(width=140).print(paired, table, note)


if __name__ == "__main__":
    main(sys.argv[1:])
