"""What a rebuild costs as raw grows: years of daily runs for 30 repositories, parsed, built, and read by the dashboard.

The rival reads the same JSON into pandas, as a notebook over the raw archive would: every page in full, every time.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table

from dashboards import data, reader, starcounts
from dashboards.reader import Published
from tests.perf.years import Years, write_registry
from warehouse.raw import Archive
from warehouse.settings import Settings

DAYS_A_YEAR = 365.25
ROUNDS = 5
# A build in a process of its own, whose memory and processor time can be told from this one's.
_BUILD = """
import json, resource, sys
from pathlib import Path
from warehouse import registry
from warehouse.build import build
from warehouse.settings import Settings
if __name__ == "__main__":
    settings = Settings(home=Path(sys.argv[1]), raw=Path(sys.argv[2]), registry_file=Path(sys.argv[3]))
    built = build(settings, registry.load(settings))
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu = sum(one.ru_utime + one.ru_stime for one in used)
    peak = max(one.ru_maxrss for one in used)
    print(json.dumps({"took": built.took_s, "cpu": cpu, "peak": peak, **built.phases}))
"""


@dataclass(frozen=True)
class Cost:
    """What one build took: wall seconds by phase, processor seconds, and the largest process in MiB."""

    took: float
    cpu: float
    parse: float
    start: float
    models: float
    tests: float
    publish: float
    peak: float


def cost_of_build(settings: Settings) -> Cost:
    """Build in a process of its own and return what it took."""
    assert settings.registry_file
    # A script file, since the processes that parse import what started them.
    script = settings.home.parent / "build_once.py"
    script.write_text(_BUILD)
    command = [sys.executable, script, settings.home, settings.raw, settings.registry_file]
    root = str(Path(__file__).resolve().parents[2])
    done = subprocess.run(
        command,
        env={**os.environ, "PYTHONPATH": root, "DBT_WRITE_JSON": "true"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    told = json.loads(done.stdout.splitlines()[-1])
    start, models, tests = _dbt_phases(settings.home, told["dbt"])
    return Cost(
        told["took"], told["cpu"], told["parse"], start, models, tests, told["publish"], told["peak"] / 1024
    )  # fmt: skip


def _dbt_phases(home: Path, whole: float) -> tuple[float, float, float]:
    """Return the seconds of dbt before its first model, and those after it by models, and by tests and macros."""
    results = json.loads((home / "build/target/run_results.json").read_text("utf-8"))["results"]
    moments = [
        timing[end] for result in results for timing in result["timing"] for end in ("started_at", "completed_at")
    ]
    instants = [datetime.fromisoformat(moment.replace("Z", "+00:00")) for moment in moments if moment]
    working = (max(instants) - min(instants)).total_seconds()
    spent = {kind: sum(_seconds(results, kind)) for kind in ("model", "operation")}
    models = working * spent["model"] / (sum(spent.values()) or 1)
    return whole - working, models, working - models


def _seconds(results: Sequence[dict[str, Any]], kind: str) -> Iterator[float]:
    return (result["execution_time"] for result in results if result["unique_id"].startswith(f"{kind}."))


def size(folder: Path) -> float:
    """Return the MiB of a file, or of all files below a folder."""
    files = folder.rglob("*") if folder.is_dir() else (folder,)
    return sum(path.stat().st_size for path in files if path.is_file()) / 2**20


def pandas_star_days(raw: Path) -> int:
    """The rival: every page of star history into one data frame, then the newest reading of each day."""
    weeks = [
        (answer.subject, answer.fetched_at, week["week"], week["days"])
        for answer in Archive(raw).responses("stars")
        if answer.status == 200 and answer.params.get("kind") == "history"
        for week in json.loads(answer.body)
    ]
    frame = pd.DataFrame(weeks, columns=["repo", "at", "week", "days"]).sort_values("at")
    return len(frame.drop_duplicates(["repo", "week"], keep="last").explode("days"))


def dashboard_queries(database: Path) -> dict[str, float]:
    """Return the median milliseconds of each query behind the dashboard, slowest first, none of them cached."""
    stat = database.stat()
    state = Published(str(database), stat.st_ino, stat.st_mtime_ns)
    whole = (data.frameworks, data.figures, data.mentions, starcounts.sums, data.surveys, data.as_known_at)
    calls: dict[str, Callable[[], object]] = {ask.__name__: partial(ask, state) for ask in whole}
    for estimator in starcounts.ESTIMATORS:
        calls[f"star_points {estimator}"] = partial(starcounts.total, state, estimator)
        calls[f"stars_added {estimator}"] = partial(starcounts.added, state, estimator, "month")
    calls["gaps stars"] = partial(data.gaps, state, "stars")
    times = {name: statistics.median(_milliseconds(call) for _ in range(ROUNDS)) for name, call in calls.items()}
    return dict(sorted(times.items(), key=lambda item: -item[1]))


def _milliseconds(call: Callable[[], object]) -> float:
    reader._cached.clear()
    started = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - started)


def grown(folder: Path, years: Sequence[float]) -> Iterator[tuple[float, Settings, Years]]:
    """Yield each number of years, a home without a database, and the archive grown to so many."""
    registry = folder / "registry.toml"
    archive = Years(folder / "raw", write_registry(registry))
    for number in years:
        archive.write(round(number * DAYS_A_YEAR) - archive.days)
        yield number, Settings(folder / f"home-{number:g}", folder / "raw", registry_file=registry), archive


def measure(folder: Path, years: Sequence[float]) -> Path:
    """Print, for each number of years, what the first build and the one a day later take; return the last database."""
    builds = Table("years", "build", "s", "parse", "dbt start", "models", "tests", "publish", "CPU s", "MiB")
    sizes = Table(
        "years", "answers", "parts", "raw, MiB", "parsed, MiB", "database, MiB", "pandas, s", "dlpulse / pandas"
    )
    database = folder
    for number, settings, archive in grown(folder, years):
        for which in ("first", "a day later"):
            cost = cost_of_build(settings)
            figures = (cost.took, cost.parse, cost.start, cost.models, cost.tests, cost.publish, cost.cpu, cost.peak)
            builds.add_row(f"{number:.3g}", which, *(f"{figure:,.1f}" for figure in figures))
            if which == "first":
                archive.write(1)
        rival = _milliseconds(partial(pandas_star_days, settings.raw)) / 1000
        database = settings.database
        counts = (f"{count:,}" for count in (_count(database), len(Archive(settings.raw).parts())))
        files = (size(settings.raw), size(settings.home / "parsed"), size(database))
        ratio = (f"{rival:.1f}", f"{cost.took / rival:.2f}")
        sizes.add_row(f"{number:.3g}", *counts, *(f"{mebibytes:,.1f}" for mebibytes in files), *ratio)
    console = Console(width=120)
    builds.title = f"a rebuild from years of daily runs for 30 repositories, {os.cpu_count()} cores"
    sizes.title = "what it reads and writes; the next build against pandas over the star pages alone"
    console.print(builds, sizes)
    return database


def _count(database: Path) -> int:
    stat = database.stat()
    return int(data.as_known_at(Published(str(database), stat.st_ino, stat.st_mtime_ns))["answers"].iloc[0])


def print_queries(database: Path) -> None:
    """Print what the queries behind the dashboard take on the database, slowest first."""
    table = Table("query", "ms", title=f"the dashboard's queries, medians of {ROUNDS}")
    for name, milliseconds in dashboard_queries(database).items():
        table.add_row(name, f"{milliseconds:.1f}")
    Console(width=120).print(table)


def main(years: Sequence[float] = (1, 3, 10)) -> None:
    """Measure in a folder of its own; ten years take some minutes."""
    with tempfile.TemporaryDirectory() as folder:
        print_queries(measure(Path(folder), years))
