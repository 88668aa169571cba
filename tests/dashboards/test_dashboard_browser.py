"""The real dashboard in a real browser: every page draws, names the frameworks, and its address restores it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.conftest import ROOT, environment
from tests.dashboards.conftest import Home

pytestmark = pytest.mark.browser

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


@pytest.fixture(scope="module")
def dashboard(sample_home: Home) -> Iterator[str]:
    """Serve the full sample as `dlpulse dashboard` does; yields the address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    home = sample_home("full")
    command = [sys.executable, "-c", SERVE, str(home), str(port)]
    process = subprocess.Popen(command, cwd=ROOT, env=environment(home), stdout=subprocess.PIPE, text=True)
    address = f"http://127.0.0.1:{port}"
    assert process.stdout is not None and process.stdout.readline() == f"Dashboard: {address}\n"
    _wait_for(f"{address}/_stcore/health")
    yield address
    process.terminate()  # SIGINT is ignored by children of a background shell, as CI may be
    assert process.wait(timeout=30) == 0


def _wait_for(url: str) -> None:
    for _ in range(300):
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"{url} did not answer")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Start Chromium; without one, skip locally and fail in CI."""
    path = os.environ.get("DLPULSE_CHROMIUM") or shutil.which("chromium")
    if not path:
        message = "no Chromium found: install Debian's chromium or set DLPULSE_CHROMIUM"
        pytest.fail(message) if os.environ.get("CI") == "true" else pytest.skip(message)
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

    def keep(self, name: str) -> None:
        """Save the whole page as a picture."""
        ARTIFACTS.mkdir(exist_ok=True)
        height = self.page.evaluate("document.querySelector('[data-testid=stMainBlockContainer]').scrollHeight")
        self.page.set_viewport_size({"width": self.width, "height": int(height) + 20})
        self.page.wait_for_timeout(600)
        self.page.screenshot(path=ARTIFACTS / f"{name}-{self.width}.png")
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


PAGES = {
    "overview": ("", ["TensorFlow", "PyTorch", "Keras", "JAX"]),
    "stars": ("stars", ["TensorFlow", "PyTorch", "Keras", "Torch (Lua), to 2018"]),
    "papers": ("papers", ["TensorFlow", "PyTorch", "Keras", "JAX"]),
    "surveys": ("surveys?population=kdnuggets%3A+KDnuggets+readers", ["TensorFlow", "PyTorch", "2017", "2018"]),
    "usage": ("usage", ["tensorflow", "tf-nightly", "Keras", "CNTK"]),
    "performance": ("performance", ["Keras", "PyTorch", "images per second"]),
    "benchmarks": ("benchmarks", ["keras-tensorflow: 1,680 images/s (n = 8)", "pytorch: 2,032 images/s (n = 8)"]),
}


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("name", PAGES)
def test_every_page_draws_its_chart_with_the_names_and_asks_nothing_of_the_internet(
    name: str, width: int, dashboard: str, browser: Any
) -> None:
    visit = Visit(browser, dashboard, width)
    path, expected = PAGES[name]
    visit.open(path)
    for words in expected:
        assert words in visit.drawn_words()
    visit.keep(name)
    visit.assert_well()


def test_the_dark_page_is_dark(dashboard: str, browser: Any) -> None:
    visit = Visit(browser, dashboard, 1440, scheme="dark")
    visit.open("stars")
    background = visit.page.evaluate("getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor")
    assert background == "rgb(18, 22, 28)"
    visit.keep("stars-dark")
    visit.assert_well()


def test_the_choice_of_frameworks_travels_in_the_address(dashboard: str, browser: Any) -> None:
    visit = Visit(browser, dashboard, 1440)
    visit.open("stars")
    for name in ("TensorFlow", "JAX"):
        visit.page.get_by_role("button", name=name, exact=True).click()
        visit.settle()
    visit.page.get_by_role("radio", name="retained").click()
    visit.page.wait_for_url("**estimator=retained**")
    visit.settle()
    link = visit.page.url
    assert "framework=JAX" in link and "framework=TensorFlow" not in link
    title = visit.page.inner_text("h2")
    again = Visit(browser, dashboard, 1440)
    again.open(link.removeprefix(f"{dashboard}/"))
    assert again.page.inner_text("h2") == title
    assert "JAX" in title and "TensorFlow" not in title and "GitHub stars, retained" in again.text()
    visit.assert_well()
    again.assert_well()


def test_the_links_lead_from_page_to_page_and_keep_the_choice(dashboard: str, browser: Any) -> None:
    visit = Visit(browser, dashboard, 390)
    visit.open("")
    visit.page.get_by_role("button", name="JAX", exact=True).click()
    visit.page.wait_for_url("**framework=JAX**")
    visit.settle()
    visit.page.get_by_role("link", name="Stars").click()
    visit.page.wait_for_url("**/stars?**framework=JAX**")
    visit.page.wait_for_selector("text=GitHub stars, observed")
    visit.settle()
    assert visit.page.inner_text('nav [aria-current="page"]') == "Stars"
    visit.page.get_by_role("link", name="Benchmarks").click()
    visit.page.wait_for_selector("text=Circumstances")
    visit.assert_well()


def test_a_click_on_a_point_tells_the_answer_that_it_was_read_from(dashboard: str, browser: Any) -> None:
    visit = Visit(browser, dashboard, 1440)
    visit.open("stars")
    visit.page.locator('[data-testid="stVegaLiteChart"] svg g.mark-symbol path').last.click()
    visit.page.wait_for_selector("text=The answer itself")
    told = visit.page.inner_text('[data-testid="stAlert"]')
    assert "Read on 20 Nov 2026" in told and "https://example.org/EvanLi" in told and "dlpulse raw show cited:" in told
    visit.keep("stars-answer")
    visit.assert_well()


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_downloaded_data_are_what_sql_says(
    ending: str, dashboard: str, browser: Any, sample_home: Home, tmp_path: Path
) -> None:
    visit = Visit(browser, dashboard, 1440)
    visit.open("stars")
    file = visit.download(f"Data, {ending.capitalize() if ending == 'parquet' else 'CSV'}", tmp_path)
    assert file.name == f"dlpulse-stars.{ending}"
    with duckdb.connect(str(sample_home("full") / "dlpulse.duckdb"), read_only=True) as connection:
        differing = connection.execute(
            f"""
            with drawn as (select label, day::date as day, value::bigint as stars, response_id from '{file}'),
            known as (
                select name, day, stars, response_id
                from fct_stars join dim_frameworks using (framework_id) where estimator = 'observed'
            )
            select count(*) from ((from drawn except from known) union all (from known except from drawn))
            """
        ).fetchall()
    assert differing == [(0,)]
    visit.assert_well()


@pytest.mark.parametrize(("label", "begins"), [("Picture, PNG", b"\x89PNG"), ("Picture, SVG", b"<svg")])
def test_the_picture_can_be_taken_along(
    label: str, begins: bytes, dashboard: str, browser: Any, tmp_path: Path
) -> None:
    visit = Visit(browser, dashboard, 390)
    visit.open("stars")
    assert visit.download(label, tmp_path).read_bytes().startswith(begins)
    visit.assert_well()


def test_the_table_view_travels_in_the_address(dashboard: str, browser: Any) -> None:
    visit = Visit(browser, dashboard, 1440)
    visit.open("stars")
    visit.page.get_by_role("radio", name="Table").click()
    visit.page.wait_for_url("**stars-view=Table**")
    again = Visit(browser, dashboard, 1440)
    again.open(visit.page.url.removeprefix(f"{dashboard}/"), drawn=False)
    again.page.wait_for_selector('[data-testid="stDataFrame"]')
    assert again.page.locator('[data-testid="stVegaLiteChart"]').count() == 0
    again.assert_well()


def test_a_click_on_a_month_lists_its_papers(dashboard: str, browser: Any) -> None:
    visit = Visit(browser, dashboard, 1440)
    visit.open("papers?framework=PyTorch")
    newest = visit.page.evaluate_handle(
        """() => [...document.querySelectorAll('[data-testid="stVegaLiteChart"] svg g.mark-symbol path')]
            .filter(path => path.__data__.datum.framework_id === 'pytorch').at(-1)"""
    )
    newest.as_element().click(force=True)
    visit.page.wait_for_selector("text=The answer itself")
    visit.settle()
    assert "Papers that name PyTorch, in Oct 2026" in visit.text()
    visit.assert_well()


@pytest.mark.parametrize("width", [1440, 390])
def test_the_data_page_answers_sql(width: int, dashboard: str, browser: Any) -> None:
    visit = Visit(browser, dashboard, width)
    visit.open("data", drawn=False)
    visit.page.wait_for_selector("text=Take it along")
    visit.settle()
    visit.keep("data")
    visit.page.locator("textarea").fill("select name from dim_frameworks where framework_id = 'jax'")
    visit.page.get_by_role("button", name="Run", exact=True).click()
    visit.page.wait_for_selector("text=1 row")
    visit.assert_well()
