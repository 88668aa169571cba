"""Measures the raw archive against SQLite, the usual home of collected answers, and then whatever else is here."""

from __future__ import annotations

import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.perf import bench_overhead, flops, growth, overhead
from warehouse.raw import Archive
from warehouse.settings import utc_now

ANSWERS = 200
ROUNDS = 7
BODY = bytes(range(256)) * 16


def keep_in_archive(folder: Path) -> None:
    """Store answers as dlpulse does: each one durable before the next is asked, merged at the end."""
    with Archive(folder / "raw").start("perf", utc_now) as run:
        for page in range(ANSWERS):
            run.write("subject", BODY, params={"page": page}, status=200)


def keep_in_sqlite(folder: Path) -> None:
    """Store the same answers in SQLite with one full-synchronous commit each, as github-to-sqlite's users could."""
    with sqlite3.connect(folder / "raw.sqlite") as connection:
        connection.execute("pragma synchronous = full")
        connection.execute("create table answers (page integer primary key, body blob)")
        for page in range(ANSWERS):
            connection.execute("insert into answers values (?, ?)", (page, BODY))
            connection.commit()


def read_archive(folder: Path) -> None:
    """Read every answer back, checking its SHA-256."""
    for _ in Archive(folder / "raw").responses("perf"):
        pass


def read_sqlite(folder: Path) -> None:
    """Read every answer back."""
    with sqlite3.connect(folder / "raw.sqlite") as connection:
        connection.execute("select page, body from answers").fetchall()


def seconds(work: Callable[[Path], None], folder: Path) -> float:
    """Return the wall time of one call."""
    started = time.perf_counter()
    work(folder)
    return time.perf_counter() - started


def main() -> None:
    """Interleave ours and the rival, and print the median of the rounds' ratios with their range."""
    pairs = {
        f"keep {ANSWERS} answers of 4 KiB, each durable": (keep_in_archive, keep_in_sqlite),
        f"read {ANSWERS} answers back": (read_archive, read_sqlite),
    }
    ratios: dict[str, list[float]] = {name: [] for name in pairs}
    ours: dict[str, list[float]] = {name: [] for name in pairs}
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            for name, (mine, rival) in pairs.items():
                ours[name].append(seconds(mine, Path(folder)))
                ratios[name].append(ours[name][-1] / seconds(rival, Path(folder)))
    table = Table("what", "dlpulse, ms", "dlpulse / sqlite3", "range", title=f"medians of {ROUNDS} interleaved rounds")
    for name, values in ratios.items():
        spread = f"{min(values):.2f} to {max(values):.2f}"
        table.add_row(name, f"{1000 * statistics.median(ours[name]):.0f}", f"{statistics.median(values):.2f}", spread)
    Console().print(table)
    flops.main()
    overhead.main()
    bench_overhead.main()
    growth.main()


if __name__ == "__main__":
    main()
