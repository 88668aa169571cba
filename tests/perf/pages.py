"""What a reader of the dashboard waits for: first chart, click to drawn chart, and bytes sent, on years of data.

`python -m tests.perf.pages [YEARS | HOME]` builds so many years of daily runs for 30 repositories, or takes a home that
has a database.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import TimeoutError as TookTooLong
from rich.console import Console
from rich.table import Table

from tests.dashboards.browsing import DRAWN, Visit, chromium_path, serving, started
from tests.perf.growth import cost_of_build, grown

CLICKS = 30
PAGES = ("", "stars", "stars?estimator=retained&measure=per+week", "papers", "surveys", "usage", "benchmarks",
         "performance", "first", "article", "data")  # fmt: skip
IDLE = '[data-testid="stApp"][data-test-script-state="notRunning"]'
# Of the whole page: what Streamlit itself is made of comes once and is cached.
_CHARTS = "[...document.querySelectorAll('[data-testid=stVegaLiteChart] svg')].map(svg => svg.outerHTML.length).join()"


class Timed(Visit):
    """A visit that counts what the server sends over its socket."""

    def __init__(self, browser: Any, address: str) -> None:
        super().__init__(browser, address, 1440)
        self.received = 0
        self.page.on("websocket", lambda socket: socket.on("framereceived", self._count))

    def _count(self, payload: bytes | str) -> None:
        self.received += len(payload)

    def first_chart(self, path: str) -> float:
        """Open a page; return the seconds until its first chart is there, or its text where it has none."""
        began = time.perf_counter()
        self.page.goto(f"{self.address}/{path}")
        self.page.wait_for_selector("h2", timeout=60_000)
        titled = time.perf_counter() - began
        try:
            self.page.wait_for_selector(DRAWN, state="attached", timeout=10_000)
        except TookTooLong:
            return titled
        return time.perf_counter() - began

    def click(self, name: str) -> float:
        """Choose a framework or drop it; return the seconds until all charts are drawn anew and the script rests."""
        before = self.page.evaluate(_CHARTS)
        began = time.perf_counter()
        self.page.get_by_role("button", name=name, exact=True).click()
        self.page.wait_for_function(f"before => {_CHARTS} !== before", arg=before, timeout=20_000)
        self.page.wait_for_selector(IDLE, timeout=60_000)
        return time.perf_counter() - began


def measure(home: Path) -> None:
    """Print the times and bytes of each page of a home's database."""
    path = chromium_path()
    if not path:
        raise SystemExit("no Chromium found: install Debian's chromium or set DLPULSE_CHROMIUM")
    table = Table("page", "first chart, s", "again, s", f"click, ms (median of {CLICKS})", "p95", "sent, kB")
    with serving(home) as address, started(path) as browser:
        for page in PAGES:
            visit = Timed(browser, address)
            times = [visit.first_chart(page) for _ in range(2)]
            visit.settle()
            sent = visit.received / 2
            has_choice = visit.page.get_by_role("button", name="JAX", exact=True).count() > 0
            clicks = _clicks(visit) if has_choice else []
            told = (
                (f"{1000 * statistics.median(clicks):.0f}", f"{1000 * statistics.quantiles(clicks, n=20)[-1]:.0f}")
                if clicks
                else ("", "")
            )
            table.add_row(page or "overview", *(f"{each:.2f}" for each in times), *told, f"{sent / 1000:.0f}")
            visit.page.context.close()
    Console(width=120).print(table)


def _clicks(visit: Timed) -> list[float]:
    """Return the seconds of each click; none where no chart of the page knows the framework."""
    try:
        visit.click("JAX")
    except TookTooLong:
        return []
    return [visit.click("JAX") for _ in range(CLICKS)]


def main(what: str = "10") -> None:
    """Measure a home, or so many years of one made for it."""
    if Path(what).is_dir():
        measure(Path(what))
        return
    with tempfile.TemporaryDirectory() as folder:
        for _, settings, _ in grown(Path(folder), [float(what)]):
            cost_of_build(settings)
            measure(settings.home)


if __name__ == "__main__":
    main(*sys.argv[1:])
