"""The real dashboard and a real browser: served, opened, watched. What the browser's tests and its timings share."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.conftest import ROOT, environment

ARTIFACTS = ROOT / "artifacts"
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SERVE = (
    "import sys; from pathlib import Path; from dashboards import cli; from warehouse.settings import Settings;"
    "home = Path(sys.argv[1]); sys.exit(cli.serve(Settings(home=home, raw=home / 'raw'), port=int(sys.argv[2])))"
)
DRAWN = '[data-testid="stVegaLiteChart"] svg path, [data-testid="stVegaLiteChart"] canvas'


@contextmanager
def serving(home: Path) -> Iterator[str]:
    """Serve a home's database as `dlpulse dashboard` does; yields the address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-c", SERVE, str(home), str(port)]
    process = subprocess.Popen(command, cwd=ROOT, env=environment(home), stdout=subprocess.PIPE, text=True)
    address = f"http://127.0.0.1:{port}"
    try:
        assert process.stdout is not None and process.stdout.readline() == f"Dashboard: {address}\n"
        _wait_for(f"{address}/_stcore/health")
        yield address
    finally:
        process.terminate()  # SIGINT is ignored by children of a background shell, as CI may be
        assert process.wait(timeout=30) == 0


def _wait_for(url: str) -> None:
    for _ in range(300):
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"{url} did not answer")


def chromium_path() -> str | None:
    """Return where Chromium is, None where it is not."""
    return os.environ.get("DLPULSE_CHROMIUM") or shutil.which("chromium")


@contextmanager
def started(path: str) -> Iterator[Any]:
    """Start Chromium; yields Playwright's browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield chromium
        chromium.close()


class Visit:
    """A page in the browser that remembers what went wrong and what was asked from elsewhere."""

    def __init__(self, browser: Any, address: str, width: int, scheme: str = "light") -> None:
        self.address, self.width = address, width
        self.troubles: list[str] = []
        self.foreign: list[str] = []
        self.page = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme).new_page()
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.page.on("request", self._asked)

    def _said(self, message: Any) -> None:
        # A page opened by its own address first looks for Streamlit's services below it; Streamlit's way, then found.
        probing = "/_stcore/" in message.location.get("url", "")
        if message.type == "error" and not probing:
            self.troubles.append(message.text)

    def _asked(self, request: Any) -> None:
        if not request.url.startswith((self.address, "data:", "blob:")):
            self.foreign.append(request.url)

    def open(self, path: str, *, drawn: bool = True) -> None:
        self.page.goto(f"{self.address}/{path}")
        self.page.wait_for_selector("h2", timeout=60_000)
        if drawn:
            self.page.wait_for_selector(DRAWN, state="attached", timeout=60_000)
        self.settle()

    def settle(self) -> None:
        """Wait until the script has run to its end."""
        self.page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]', timeout=60_000)
        self.page.wait_for_timeout(300)

    def text(self) -> str:
        return str(self.page.inner_text('[data-testid="stMain"]'))

    def drawn_words(self) -> str:
        return " ".join(self.page.locator('[data-testid="stVegaLiteChart"] svg text').all_text_contents())

    def keep(self, name: str, width: int | None = None) -> None:
        """Save the whole page as a picture for people, as wide as it is or as told; not in CI, where nobody looks."""
        if os.environ.get("CI") == "true":
            return
        ARTIFACTS.mkdir(exist_ok=True)
        width = width or self.width
        if width != self.width:
            self.page.set_viewport_size({"width": width, "height": 900})
            self.page.wait_for_timeout(600)
        height = self.page.evaluate("document.querySelector('[data-testid=stMainBlockContainer]').scrollHeight")
        self.page.set_viewport_size({"width": width, "height": int(height) + 20})
        self.page.wait_for_timeout(600)
        self.page.screenshot(path=ARTIFACTS / f"{name}-{width}.png")
        self.page.set_viewport_size({"width": self.width, "height": 900})

    def download(self, label: str, folder: Path) -> Path:
        """Take a file from the first figure's downloads; returns where it was saved."""
        self.page.get_by_test_id("stPopoverButton").first.click()
        with self.page.expect_download() as got:
            self.page.get_by_role("button", name=label, exact=True).click()
        path = folder / got.value.suggested_filename
        got.value.save_as(path)
        return path

    def assert_well(self) -> None:
        assert self.page.locator('[data-testid="stException"]').count() == 0
        wide = self.page.evaluate("document.documentElement.scrollWidth")
        assert wide <= self.width, f"the page is {wide} pixels wide"
        assert (self.troubles, self.foreign) == ([], [])
