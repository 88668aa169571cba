"""A busy day in two minutes: fifty open pages and twenty SQL clients while dlpulse collects and builds.

`python -m tests.perf.load [PAGES] [CLIENTS] [SECONDS]`; any error raises. The pages are a real browser's; each is
looked at again and again, and must show no error and say nothing on its console. The clients are `dlpulse sql` as
processes, one after the other.
"""

from __future__ import annotations

import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from tests.conftest import ROOT, environment
from tests.dashboards.browsing import Visit, chromium_path, serving, started
from tests.perf.pages import PAGES
from tests.world.server import World

NOW = datetime(2026, 11, 20, 12)
QUERIES = (
    "select name, stars_observed, stars_growth_12m from rpt_frameworks",
    "select framework_id, month, share from fct_mentions_monthly where base = 'ml_papers' order by month desc limit 50",
    "select count(*), sum(stars_added) from fct_stars where estimator = 'retained'",
    "from stars_as_of('2026-11-20 13:00') where framework_id = 'keras' order by day desc limit 20",
)


class Load:
    """One home under load; `seconds` by what was done."""

    def __init__(self, home: Path, world: World) -> None:
        self.home, self.world = home, world
        self.stop = threading.Event()
        self.seconds: dict[str, list[float]] = {"sql": [], "collect": [], "build": [], "page": []}

    def dlpulse(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one command against the world at its present moment; it must go well."""
        variables = environment(
            self.home,
            **self.world.variables(),
            DLPULSE_NOW=self.world.now.isoformat(),
            DLPULSE_STACKEXCHANGE_KEY="world-key",
            GITHUB_TOKEN="world-token",
        )
        command = [sys.executable, "-m", "dlpulse", *arguments]
        done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)
        if done.returncode:
            raise AssertionError(
                f"dlpulse {' '.join(arguments)} ended with {done.returncode}: {done.stderr or done.stdout}"
            )
        return done

    def timed(self, kind: str, *arguments: str) -> None:
        """Run one command and note how long it took."""
        began = time.perf_counter()
        self.dlpulse(*arguments)
        self.seconds[kind].append(time.perf_counter() - began)

    def ask(self, number: int) -> None:
        """Ask one query after the other."""
        chance = random.Random(number)
        while not self.stop.is_set():
            self.timed("sql", "sql", chance.choice(QUERIES), "--format", "json")

    def collect(self) -> None:
        """Collect the stars of one hour after the other."""
        while not self.stop.is_set():
            self.world.at(self.world.now + timedelta(hours=1))
            self.timed("collect", "collect", "stars")

    def build(self) -> None:
        """Publish one database after the other."""
        while not self.stop.is_set():
            self.timed("build", "build")


def watch(visits: list[Visit], load: Load, seconds: float) -> None:
    """Look at one page after the other until the time is over."""
    chance = random.Random(1)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        visit = chance.choice(visits)
        began = time.perf_counter()
        visit.page.reload()
        visit.page.wait_for_selector("h2", timeout=120_000)
        visit.page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]', timeout=120_000)
        load.seconds["page"].append(time.perf_counter() - began)


def main(pages: str = "50", clients: str = "20", seconds: str = "120") -> None:
    """Put the load on, and print what it took."""
    chromium = chromium_path()
    if not chromium:
        raise SystemExit("no Chromium found: install Debian's chromium or set DLPULSE_CHROMIUM")
    with tempfile.TemporaryDirectory() as folder, World(ROOT.parent / "shared" / "data", NOW) as world:
        load = Load(Path(folder) / "home", world)
        load.dlpulse("collect", "stars", "papers", "ranking", "releases")
        load.dlpulse("build")
        with serving(load.home) as address, started(chromium) as browser:
            visits = [Visit(browser, address, 1440) for _ in range(int(pages))]
            for visit, path in zip(visits, PAGES * len(visits), strict=False):
                visit.open(path, drawn=False)
            with ThreadPoolExecutor(int(clients) + 2) as pool:
                work = [pool.submit(load.ask, number) for number in range(int(clients))]
                work += [pool.submit(load.collect), pool.submit(load.build)]
                try:
                    watch(visits, load, float(seconds))
                finally:
                    load.stop.set()
                for each in work:
                    each.result()
            for visit in visits:
                visit.settle()
                visit.assert_well()
            memory = _memory(address)
    _print(load, int(pages), int(clients), memory)


def _memory(address: str) -> float:
    port = int(address.rpartition(":")[2])
    servers = {
        one.pid
        for one in psutil.net_connections("tcp")
        if one.laddr and one.laddr.port == port and one.status == "LISTEN"
    }
    return sum(psutil.Process(pid).memory_info().rss for pid in servers if pid) / 2**20


def _print(load: Load, pages: int, clients: int, memory: float) -> None:
    table = Table("what", "how often", "median, s", "95 % below, s", "slowest, s")
    for kind, took in load.seconds.items():
        high = statistics.quantiles(took, n=20, method="inclusive")[-1] if len(took) > 1 else took[0]
        table.add_row(kind, str(len(took)), *(f"{each:.2f}" for each in (statistics.median(took), high, max(took))))
    Console(width=120).print(f"{pages} open pages, {clients} SQL clients; no error; the server took {memory:,.0f} MiB")
    Console(width=120).print(table)


if __name__ == "__main__":
    main(*sys.argv[1:])
