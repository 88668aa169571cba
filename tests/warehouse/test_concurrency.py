"""Collectors, a builder, a compactor and readers at once, all of them real processes over one home."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.conftest import ROOT, environment
from tests.warehouse.wholeness import CLI, WHOLE, answers_in
from tests.world.github import TOKEN
from warehouse.files import write_whole
from warehouse.raw import Archive
from warehouse.verification import verify

# The collectors' clocks go on by an hour with each collection, from here on; the compactor lives a year later, so that
# every month is closed to it and each unended run, also one that is going on, looks as if it had been killed.
BEGUN, MUCH_LATER = datetime(2026, 10, 31, 12), datetime(2028, 1, 1)
# A framework whose star history, releases and papers are short enough to be asked for many times a second.
COLLECTED = {
    "stars": ["--framework", "chainer"],
    "releases": ["--framework", "keras"],
    "papers": ["--framework", "pytorch", "--since", "2026-10-25"],
    "questions": ["--framework", "jax", "--since", "2026-09-01"],
}
# Seconds between two turns of a reader, a collector, or the compactor.
PAUSE = 0.1
COLLECTOR = """
import datetime, itertools, os, pathlib, sys, time
import dlpulse
begun, stop = datetime.datetime.fromisoformat(sys.argv[1]), pathlib.Path(sys.argv[2])
for number in itertools.count():
    os.environ["DLPULSE_NOW"] = (begun + datetime.timedelta(hours=number)).isoformat()
    code = dlpulse.app(["collect", *sys.argv[3:]], standalone_mode=False)
    assert not code, f"collection {number} ended with {code}"
    if stop.exists():
        break
    time.sleep({pause})
print(number + 1)
"""
# A reader in Python notes what it must see at least, asks by its own `ask`, and tells what it saw, until it is stopped.
READER = """
import itertools, json, pathlib, sys, time
from tests.warehouse.wholeness import COUNTS, WHOLE
database, floor, stop = map(pathlib.Path, sys.argv[1:])
{ask}
for number in itertools.count():
    least = int(floor.read_text())
    began = time.perf_counter()
    row = ask(number)
    print(json.dumps([least, (time.perf_counter() - began) * 1000, row]), flush=True)
    if stop.exists():
        break
    time.sleep({pause})
"""
PYTHON = """
import duckdb
def ask(number):
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.sql(WHOLE).to_arrow_table().to_pylist()[0]
"""
ATTACHED = """
from warehouse import query
def ask(number):
    with query.open_readonly(database) as connection:
        return connection.sql(WHOLE).to_arrow_table().to_pylist()[0]
"""
# A connection that outlives a build goes on seeing the file that it opened.
KEPT_OPEN = """
import duckdb
def ask(number):
    with duckdb.connect(str(database), read_only=True) as connection:
        first = connection.sql(WHOLE).to_arrow_table().to_pylist()[0]
        until = time.monotonic() + 8
        while time.monotonic() < until and not stop.exists():
            again = connection.sql(WHOLE).to_arrow_table().to_pylist()[0]
            assert again == first, f"an open connection saw {first}, then {again}"
            time.sleep(0.2)
        return first
"""
# The number keeps the answer from coming out of the page's cache.
DASHBOARD = """
import logging
logging.disable(logging.WARNING)
from dashboards import data, reader, starcounts
def ask(number):
    state = reader.published(database)
    assert state and not data.frameworks(state).empty
    for one in (data.figures, data.mentions, data.as_known_at):
        one(state)
    starcounts.total(state, "retained"), starcounts.added(state, "retained", "month")
    return reader.frame(state, f"{WHOLE} -- {number}", COUNTS).astype(int).to_dict("records")[0]
"""
READERS = {
    "python": PYTHON,
    "python, attached": ATTACHED,
    "python, kept open": KEPT_OPEN,
    "dashboard": DASHBOARD,
    "dashboard, another": DASHBOARD,
}


@dataclass(frozen=True)
class Query:
    """One query: what the file had to hold at least when it was asked, what it held, and the milliseconds it took."""

    least: int
    answers: int
    took_ms: float


@dataclass
class Home:
    """One home with what runs over it; `floor` tells how many answers the newest published file was made of."""

    folder: Path
    address: str
    stop: Path
    floor: Path
    builds: list[float] = field(default_factory=list)
    compactions: list[float] = field(default_factory=list)

    @property
    def database(self) -> Path:
        return self.folder / "dlpulse.duckdb"

    @property
    def archive(self) -> Archive:
        return Archive(self.folder / "raw")

    def run(self, *command: str) -> str:
        """Run a command to its end, which must be a good one; return what it printed."""
        world = {
            "DLPULSE_GITHUB_API": f"{self.address}/github",
            "DLPULSE_ARXIV_API": f"{self.address}/arxiv/api/query",
            "DLPULSE_STACKEXCHANGE_API": f"{self.address}/stackexchange/2.3",
            "GITHUB_TOKEN": TOKEN,
            "DLPULSE_NOW": MUCH_LATER.isoformat(),
            "PYTHONPATH": str(ROOT),
        }
        done = subprocess.run(
            command, env=environment(self.folder, **world), cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command[:8]} ended with {done.returncode}: {done.stderr[-2000:]}"
        return done.stdout

    def dlpulse(self, *arguments: str) -> str:
        return self.run(sys.executable, "-m", "dlpulse", *arguments)

    def run_nicely(self, *command: str) -> str:
        """Run a command that leaves the builder, one among fourteen, most of the processors' time."""
        return self.run("nice", "-n", "10", *command)

    def collect(self, source: str) -> int:
        """Collect again and again in a process of its own; return how often."""
        told = self.run_nicely(
            sys.executable,
            "-c",
            COLLECTOR.replace("{pause}", str(PAUSE)),
            BEGUN.isoformat(),
            str(self.stop),
            source,
            *COLLECTED[source],
        )
        return int(told.split()[-1])

    def build(self) -> None:
        """Build once; what was archived when it began must be in the file that it published."""
        archived = self.archived()
        began = time.monotonic()
        self.dlpulse("build")
        self.builds.append(time.monotonic() - began)
        with duckdb.connect(str(self.database), read_only=True) as connection:
            sql = "select response_id from meta_responses where run_id is not null"
            published = {response_id for (response_id,) in connection.execute(sql).fetchall()}
        assert archived <= published
        write_whole(self.floor, lambda file: file.write(str(len(published)).encode()))

    def archived(self) -> set[str]:
        return {answer.response_id for answer in self.archive.responses()}

    def keep_building(self) -> None:
        while not self.stop.exists():
            self.build()

    def keep_compacting(self) -> None:
        while not self.stop.exists():
            began = time.monotonic()
            self.run_nicely(sys.executable, "-m", "dlpulse", "raw", "compact")
            self.compactions.append(time.monotonic() - began)
            time.sleep(PAUSE)

    def keep_reading(self, ask: str) -> list[Query]:
        """Read in a Python process of its own."""
        files = (str(self.database), str(self.floor), str(self.stop))
        lines = self.run_nicely(sys.executable, "-c", READER.format(ask=ask, pause=PAUSE), *files).splitlines()
        # DuckDB ends the progress bar of a query of some seconds, as on a busy machine, with an empty line.
        told = [json.loads(line) for line in lines if line]
        return [Query(least, answers_in(row), took_ms) for least, took_ms, row in told]

    def keep_asking(self, *command: str) -> list[Query]:
        """Read by a command that is started anew for each query and prints its row as JSON."""
        queries = []
        while not self.stop.exists():
            least = int(self.floor.read_text())
            began = time.perf_counter()
            (row,) = json.loads(self.run_nicely(*command))
            queries.append(Query(least, answers_in(row), (time.perf_counter() - began) * 1000))
            time.sleep(PAUSE)
        return queries


@pytest.fixture
def home(tmp_path: Path, shared_data: Path) -> Iterator[Home]:
    """A home with one published file, and the outside world as a process of its own."""
    command = [sys.executable, "-m", "tests.world", "--now", BEGUN.isoformat(), "--data", str(shared_data)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as world:
        try:
            assert world.stdout
            address = world.stdout.readline().strip()
            made = Home(tmp_path / "home", address, stop=tmp_path / "stop", floor=tmp_path / "floor")
            for source, choice in COLLECTED.items():
                made.dlpulse("--now", BEGUN.isoformat(), "collect", source, *choice)
            made.build()
            yield made
        finally:
            world.kill()


def run_until(home: Home, pool: ThreadPoolExecutor, seconds: float, builds: int) -> dict[str, list[Query]]:
    """Let all run for so many seconds and until so many builds were published; return each reader's queries."""
    writing: list[Future[Any]] = [pool.submit(home.collect, source) for source in COLLECTED]
    working = [*writing, pool.submit(home.keep_building), pool.submit(home.keep_compacting)]
    reading = {kind: pool.submit(home.keep_reading, ask) for kind, ask in READERS.items()}
    by_cli = (str(CLI), "-readonly", "-json", str(home.database), "-c", WHOLE)
    reading |= {name: pool.submit(home.keep_asking, *by_cli) for name in ("duckdb CLI 1.5", "duckdb CLI 1.5, another")}
    by_sql = (sys.executable, "-m", "dlpulse", "sql", "--format", "json", WHOLE)
    reading["dlpulse sql"] = pool.submit(home.keep_asking, *by_sql)
    everyone = [*working, *reading.values()]
    began = time.monotonic()
    try:
        while (time.monotonic() - began < seconds or len(home.builds) < builds) and not any(
            one.done() for one in everyone
        ):
            wait(everyone, timeout=0.2, return_when="FIRST_COMPLETED")
    finally:
        home.stop.touch()
    for one in everyone:
        one.result()
    print(f"\n{time.monotonic() - began:.0f} s, {sum(one.result() for one in writing)} collections")
    return {kind: found.result() for kind, found in reading.items()}


def tell(home: Home, written: int, queries: dict[str, list[Query]]) -> None:
    """Print the figures."""
    print(f"{written} answers written while {len(home.builds)} builds were published: {_figures(home.builds)} s")
    print(f"{len(home.compactions)} compactions: {_figures(home.compactions)} s")
    for kind, found in queries.items():
        print(f"{kind}: {len(found)} queries: {_figures([one.took_ms for one in found])} ms")


def _figures(values: list[float]) -> str:
    cuts = statistics.quantiles(values, n=20, method="inclusive") if len(values) > 1 else [*values] * 19
    return f"p50 {statistics.median(values):.1f}, p95 {cuts[-1]:.1f}" if values else "none"


@pytest.mark.timeout(1200)
@pytest.mark.parametrize(
    ("seconds", "builds"), [(5, 2), pytest.param(60, 4, marks=pytest.mark.long, id="a minute and more")]
)
def test_collectors_a_builder_a_compactor_and_eight_readers_at_once_see_no_error_and_nothing_torn_or_stale(
    home: Home, seconds: float, builds: int
) -> None:
    before = home.archived()
    home.builds.clear()
    with ThreadPoolExecutor(4 + 1 + 1 + 8) as pool:
        queries = run_until(home, pool, seconds, builds)
    written = home.archived()
    tell(home, len(written - before), queries)
    assert len(queries) == 8
    for kind, found in queries.items():
        assert found, f"{kind} never came to ask"
        assert [one for one in found if one.answers < one.least] == [], f"{kind} saw a file older than the last build"
    assert len(home.builds) >= builds
    assert before < written
    home.dlpulse("raw", "compact")
    home.build()
    assert home.archived() == written
    assert int(home.floor.read_text()) == len(written)
    found = [verify(home.archive, source, MUCH_LATER, lambda part: None) for source in home.archive.sources()]
    assert [fault for one in found for fault in one.faults] == []
